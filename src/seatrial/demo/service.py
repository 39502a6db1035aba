"""A service put together: its routes, its health, its start and its end, as a Starlette application.

Every service has ``GET /healthz`` (alive; asks nobody) and ``GET /readyz`` (able to do its work: not
draining, and what it cannot answer without is there). Overload touches neither, nor does any defect but those
that are about them. Starting needs no dependency.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seatrial.demo.backlog import Backlog
from seatrial.demo.calls import EdgeError, Peer
from seatrial.demo.context import Context, context_from
from seatrial.demo.deadline import Deadline
from seatrial.demo.defects import ENDLESS_QUEUE, HEALTH_LIES, HEALTH_TOO_DEEP, START_NEEDS, Defects
from seatrial.demo.edges import REQUEST_LIMIT_S, Need
from seatrial.demo.endpoint import MOST_REQUESTS, Endpoint, Floor, Handler, Lifecycle
from seatrial.demo.exchange import Answer, Asked
from seatrial.demo.outbox import Outbox

START_WITHIN_S = 10.0
"""How long a service that does not start without what it needs waits for it before it ends."""

START_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class Handled:
    """One route: ``path`` in Starlette's notation."""

    method: str
    path: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class Service:
    """What a service is made of. ``clients`` are all its edges, ``outbox`` its work in the background.

    ``close`` gives back what else it holds, when it has ended.
    """

    name: str
    routes: tuple[Handled, ...]
    clients: tuple[Peer, ...] = ()
    outbox: Outbox | None = None
    close: Callable[[], None] = lambda: None


def application(service: Service, *, defects: Defects, lifecycle: Lifecycle) -> Starlette:
    """The service as an ASGI application with a lifespan."""
    limit_s = REQUEST_LIMIT_S[service.name]
    is_endless = defects.has(ENDLESS_QUEUE)
    work = Floor(lifecycle, limit_s, defects, math.inf if is_endless else MOST_REQUESTS)
    routes = _queued(service.routes, Backlog(limit_s)) if is_endless else service.routes
    health = Floor(lifecycle, limit_s, Defects())
    probes = _probes(service, lifecycle, defects)
    return Starlette(
        routes=[_route(each, work) for each in routes] + [_route(each, health) for each in probes],
        exception_handlers={HTTPException: _no_such_route},
        lifespan=lambda app: _life(service, defects),
    )


def _route(handled: Handled, floor: Floor) -> Route:
    return Route(handled.path, Endpoint(handled.handler, floor), methods=[handled.method])


def _queued(routes: Iterable[Handled], backlog: Backlog) -> tuple[Handled, ...]:
    return tuple(
        replace(each, handler=backlog.before(each.handler, is_safe=each.method != "POST")) for each in routes
    )


def _probes(service: Service, lifecycle: Lifecycle, defects: Defects) -> tuple[Handled, Handled]:
    asked_if_alive = service.clients if defects.has(HEALTH_TOO_DEEP) else ()
    asked_if_ready = () if defects.has(HEALTH_LIES) else _needed(service)

    async def alive(asked: Asked) -> Answer:
        needs = await _states(asked_if_alive, asked.context)
        if _all_ok(needs):
            return Answer(200, {"service": service.name, "status": "ok"})
        return Answer(503, {"service": service.name, "status": "not ok", "needs": needs})

    async def ready(asked: Asked) -> Answer:
        if lifecycle.draining:
            return Answer(503, {"service": service.name, "status": "draining", "needs": {}})
        needs = await _states(asked_if_ready, asked.context)
        status = "ready" if _all_ok(needs) else "not ready"
        return Answer(200 if _all_ok(needs) else 503, {"service": service.name, "status": status, "needs": needs})

    return Handled("GET", "/healthz", alive), Handled("GET", "/readyz", ready)


def _needed(service: Service) -> tuple[Peer, ...]:
    return tuple(client for client in service.clients if client.edge.need is Need.HARD)


async def _states(clients: Iterable[Peer], context: Context) -> dict[str, str]:
    """By service: "ok", or what is wrong with it."""
    return {client.edge.callee: await _state(client, context) for client in clients}


def _all_ok(states: Mapping[str, str]) -> bool:
    return all(state == "ok" for state in states.values())


async def _state(client: Peer, context: Context) -> str:
    try:
        await client.check(context)
    except EdgeError as error:
        return error.reason
    return "ok"


@asynccontextmanager
async def _life(service: Service, defects: Defects) -> AsyncIterator[None]:
    if defects.has(START_NEEDS):
        await _wait_for_needed(service)
    if service.outbox is not None:
        service.outbox.start()
    yield
    if service.outbox is not None:
        await service.outbox.stop()
    for client in service.clients:
        await client.close()
    service.close()


async def _wait_for_needed(service: Service) -> None:
    """Wait until all that is needed is there; raises RuntimeError, which ends the process, after `START_WITHIN_S`."""
    give_up = Deadline.after(START_WITHIN_S)
    while not _all_ok(states := await _states(_needed(service), context_from({}, give_up))):
        if give_up.remaining_s() <= 0:
            raise RuntimeError(f"{service.name} cannot start without {', '.join(states)}: {states}")
        await asyncio.sleep(START_PAUSE_S)


async def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = "method_not_allowed" if error.status_code == 405 else "not_found"
    detail = f"{request.method} {request.url.path}: no such route"
    return JSONResponse({"error": name, "detail": detail}, error.status_code, error.headers)
