"""A service put together: its routes, its health, its start and its end, as a Starlette application.

Every service has ``GET /healthz`` (alive; asks nobody) and ``GET /readyz`` (able to do its work: not
draining, and what it cannot answer without is there). Neither is touched by defects or by overload.
Starting needs no dependency.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seatrial.demo.client import EdgeClient, EdgeError
from seatrial.demo.defects import Defects
from seatrial.demo.edges import REQUEST_LIMIT_S, Need
from seatrial.demo.endpoint import Endpoint, Floor, Handler, Lifecycle
from seatrial.demo.exchange import Answer, Asked
from seatrial.demo.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Handled:
    """One route: ``path`` in Starlette's notation."""

    method: str
    path: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is made of. ``clients`` are all its edges, ``outbox`` its work in the background."""

    name: str
    routes: tuple[Handled, ...]
    clients: tuple[EdgeClient, ...] = ()
    outbox: Outbox | None = None


def application(service: Service, *, defects: Defects, lifecycle: Lifecycle) -> Starlette:
    """The service as an ASGI application with a lifespan."""
    limit_s = REQUEST_LIMIT_S[service.name]
    work = Floor(lifecycle, limit_s, defects)
    health = Floor(lifecycle, limit_s, Defects())
    probes = _probes(service, lifecycle)
    return Starlette(
        routes=[_route(each, work) for each in service.routes] + [_route(each, health) for each in probes],
        exception_handlers={HTTPException: _no_such_route},
        lifespan=lambda app: _life(service),
    )


def _route(handled: Handled, floor: Floor) -> Route:
    return Route(handled.path, Endpoint(handled.handler, floor), methods=[handled.method])


def _probes(service: Service, lifecycle: Lifecycle) -> tuple[Handled, Handled]:
    async def alive(asked: Asked) -> Answer:
        return Answer(200, {"service": service.name, "status": "ok"})

    async def ready(asked: Asked) -> Answer:
        if lifecycle.draining:
            return Answer(503, {"service": service.name, "status": "draining", "needs": {}})
        needs = {client.edge.callee: await _is_there(client, asked) for client in _needed(service)}
        is_ready = all(state == "ok" for state in needs.values())
        status = "ready" if is_ready else "not ready"
        return Answer(200 if is_ready else 503, {"service": service.name, "status": status, "needs": needs})

    return Handled("GET", "/healthz", alive), Handled("GET", "/readyz", ready)


def _needed(service: Service) -> list[EdgeClient]:
    return [client for client in service.clients if client.edge.need is Need.HARD]


async def _is_there(client: EdgeClient, asked: Asked) -> str:
    try:
        await client.check(asked.context)
    except EdgeError as error:
        return error.reason
    return "ok"


@asynccontextmanager
async def _life(service: Service) -> AsyncIterator[None]:
    if service.outbox is not None:
        service.outbox.start()
    yield
    if service.outbox is not None:
        await service.outbox.stop()
    for client in service.clients:
        await client.close()


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = "method_not_allowed" if error.status_code == 405 else "not_found"
    detail = f"{request.method} {request.url.path}: no such route"
    return JSONResponse({"error": name, "detail": detail}, error.status_code, error.headers)
