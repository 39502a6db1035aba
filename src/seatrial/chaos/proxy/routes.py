"""The control API: which route does what, and what the answers look like.

Toxiproxy's routes as its clients know them, and three of our own: `/leases`, `/exchanges`, `/counters`. `/metrics`,
which Toxiproxy has behind a flag, is always there.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from seatrial.chaos.proxy.fields import read_object, read_proxies
from seatrial.chaos.proxy.http1 import JSON_TYPE, TEXT_TYPE, Request, Response, refused
from seatrial.chaos.proxy.lease import Held
from seatrial.chaos.proxy.metrics import METRICS_TYPE, exposition
from seatrial.chaos.proxy.model import (
    attributes_of,
    parse_proxy,
    parse_proxy_change,
    parse_proxy_list,
    parse_toxic,
    parse_toxic_change,
    parse_ttl_s,
)
from seatrial.chaos.proxy.refusal import Refusal
from seatrial.chaos.proxy.stream import EVENT_STREAM_TYPE, event_json, follow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from seatrial.chaos.proxy.edge import EdgeProxy
    from seatrial.chaos.proxy.lease import Lease
    from seatrial.chaos.proxy.model import Terms, ToxicSpec
    from seatrial.chaos.proxy.proxies import Proxies

    Json = dict[str, Any]
    Handler = Callable[..., Awaitable[Response]]

VERSION = "2.12.0"
"""The Toxiproxy version whose behaviour is followed; clients use PATCH from 2.6.0 on."""

_NAME = "{}"
_PAGE = 1_000
_LARGEST_PAGE = 10_000
_LONGEST_NUMBER = 16
_FOLLOWERS_LIMIT = 32


class Routes:
    """Answers control requests; `host` is where proxies listen that name only a port."""

    def __init__(self, proxies: Proxies, *, host: str) -> None:
        self._proxies = proxies
        self._host = host
        self._routes: dict[tuple[str, ...], dict[str, Handler]] = {
            ("version",): {"GET": self._version},
            ("proxies",): {"GET": self._list, "POST": self._create},
            ("proxies", _NAME): {
                "GET": self._show,
                "POST": self._update,
                "PATCH": self._update,
                "DELETE": self._delete,
            },
            ("proxies", _NAME, "toxics"): {"GET": self._list_toxics, "POST": self._create_toxic},
            ("proxies", _NAME, "toxics", _NAME): {
                "GET": self._show_toxic,
                "POST": self._update_toxic,
                "PATCH": self._update_toxic,
                "DELETE": self._delete_toxic,
            },
            ("populate",): {"POST": self._populate},
            ("reset",): {"POST": self._reset},
            ("leases",): {"GET": self._list_leases},
            ("leases", _NAME): {"POST": self._renew, "DELETE": self._heal},
            ("exchanges",): {"GET": self._exchanges},
            ("counters",): {"GET": self._counters},
            ("metrics",): {"GET": self._metrics},
        }

    async def handle(self, request: Request) -> Response:
        """The answer to a request; changes happen one at a time."""
        found = self._find(request.segments)
        if found is None:
            return Response(HTTPStatus.NOT_FOUND, b"404 page not found\n", TEXT_TYPE)
        methods, names = found
        if request.method not in methods:
            return Response(HTTPStatus.METHOD_NOT_ALLOWED)
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return Response(HTTPStatus.FORBIDDEN, b"User agent not allowed\n", TEXT_TYPE)
        try:
            async with self._proxies.lock:
                return await methods[request.method](request, *names)
        except Refusal as refusal:
            return refused(refusal)

    def _find(self, segments: tuple[str, ...]) -> tuple[dict[str, Handler], list[str]] | None:
        for pattern, methods in self._routes.items():
            pairs = list(zip(pattern, segments, strict=False))
            fits = all(wanted == segment if wanted != _NAME else segment for wanted, segment in pairs)
            if fits and len(pattern) == len(segments):
                return methods, [segment for wanted, segment in pairs if wanted == _NAME]
        return None

    async def _version(self, _: Request) -> Response:
        return Response(HTTPStatus.OK, f'{{"version": "{VERSION}"}}\n'.encode(), "application/json;charset=utf-8")

    async def _list(self, _: Request) -> Response:
        return _json({edge.name: self._proxy(edge) for edge in self._proxies.all()})

    async def _create(self, request: Request) -> Response:
        edge = await self._proxies.create(parse_proxy(read_object(request.body), host=self._host))
        return _json(self._proxy(edge), HTTPStatus.CREATED)

    async def _show(self, _: Request, proxy: str) -> Response:
        return _json(self._proxy(self._proxies.get(proxy)))

    async def _update(self, request: Request, proxy: str) -> Response:
        edge = self._proxies.get(proxy)
        change = parse_proxy_change(read_object(request.body), host=self._host)
        await self._proxies.update(edge, change)
        return _json(self._proxy(edge))

    async def _delete(self, _: Request, proxy: str) -> Response:
        self._proxies.delete(self._proxies.get(proxy))
        return Response(HTTPStatus.NO_CONTENT)

    async def _list_toxics(self, _: Request, proxy: str) -> Response:
        edge = self._proxies.get(proxy)
        return _json([self._toxic(edge, toxic) for toxic in edge.toxics()])

    async def _create_toxic(self, request: Request, proxy: str) -> Response:
        edge = self._proxies.get(proxy)
        taken = {toxic.name for toxic in edge.toxics()}
        leased = parse_toxic(read_object(request.body), taken)
        self._proxies.add_toxic(edge, leased)
        return _json(self._toxic(edge, leased.toxic))

    async def _show_toxic(self, _: Request, proxy: str, toxic: str) -> Response:
        edge = self._proxies.get(proxy)
        return _json(self._toxic(edge, self._proxies.toxic(edge, toxic)))

    async def _update_toxic(self, request: Request, proxy: str, toxic: str) -> Response:
        edge = self._proxies.get(proxy)
        present = self._proxies.toxic(edge, toxic)
        change = parse_toxic_change(read_object(request.body), present)
        self._proxies.change_toxic(edge, change)
        return _json(self._toxic(edge, change.toxic))

    async def _delete_toxic(self, _: Request, proxy: str, toxic: str) -> Response:
        edge = self._proxies.get(proxy)
        self._proxies.remove_toxic(edge, self._proxies.toxic(edge, toxic).name)
        return Response(HTTPStatus.NO_CONTENT)

    async def _populate(self, request: Request) -> Response:
        try:
            specs = parse_proxy_list(read_proxies(request.body), host=self._host)
        except Refusal as refusal:
            return _json(refusal.fields() | {"proxies": None}, refusal.status)
        done = await self._proxies.populate(specs)
        listed = {"proxies": [self._proxy(edge) for edge in done.edges] or None}
        if done.refusal is not None:
            return _json(done.refusal.fields() | listed, done.refusal.status)
        return _json(listed, HTTPStatus.CREATED)

    async def _reset(self, _: Request) -> Response:
        failed = await self._proxies.reset()
        if not failed:
            return Response(HTTPStatus.NO_CONTENT)
        text = "; ".join(f"{edge.name}: {refusal.text}" for edge, refusal in failed)
        return refused(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, text))

    async def _list_leases(self, _: Request) -> Response:
        return _json({"leases": [_lease(lease) for lease in self._proxies.leases.all()]})

    async def _renew(self, request: Request, holder: str) -> Response:
        ttl_s = parse_ttl_s(read_object(request.body or b"null"))
        renewal = self._proxies.leases.renew(holder, ttl_s)
        return _json({"holder": holder, "held": _names(renewal.held), "expired": _names(renewal.expired)})

    async def _heal(self, _: Request, holder: str) -> Response:
        healing = await self._proxies.leases.end(holder)
        answer = {
            "holder": holder,
            "healed": _names(healing.healed),
            "expired": _names(healing.expired),
            "failed": {str(held): reason for held, reason in healing.failed},
        }
        return _json(answer, HTTPStatus.INTERNAL_SERVER_ERROR if healing.failed else HTTPStatus.OK)

    async def _exchanges(self, request: Request) -> Response:
        log = self._proxies.log
        if EVENT_STREAM_TYPE in request.headers.get("accept", ""):
            return self._follow(request)
        since, limit = _whole(request, "since", 0), _whole(request, "limit", _PAGE)
        if since > log.next:
            raise Refusal(
                HTTPStatus.BAD_REQUEST,
                f"since is {since}, but the next event will be {log.next};"
                " this is another process than the one you asked before: begin again at 0",
            )
        page = log.since(since, limit=min(limit, _LARGEST_PAGE))
        return _json(
            {
                "next": page.next,
                "newest": log.next,
                "lost": page.lost,
                "epoch_of_monotonic": log.clock.epoch_of_monotonic,
                "observed": [edge.name for edge in self._proxies.all() if edge.observed],
                "open": sum(edge.counters.requests_open for edge in self._proxies.all()),
                "exchanges": [event_json(event) for event in page.events],
            }
        )

    def _follow(self, request: Request) -> Response:
        """A stream of what happens from now on, from `since`, or from where a reader that comes back has left."""
        followers = self._proxies.followers
        if followers >= _FOLLOWERS_LIMIT:
            text = f"{followers} readers follow the exchanges, and no more may; end one, or ask page by page"
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, text)
        following = self._count_follower(follow(self._proxies.log, self._first(request)))
        return Response(HTTPStatus.OK, content_type=EVENT_STREAM_TYPE, stream=following)

    def _first(self, request: Request) -> int:
        newest = self._proxies.log.next
        last = request.headers.get("last-event-id", "")
        if last.isascii() and last.isdigit() and len(last) <= _LONGEST_NUMBER:
            return (
                int(last) + 1 if int(last) < newest else 0
            )  # 0: those were the numbers of a process before this one
        return min(newest, _whole(request, "since", newest))

    async def _count_follower(self, following: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        self._proxies.count_follower(+1)
        try:
            async for part in following:
                yield part
        finally:
            self._proxies.count_follower(-1)

    async def _counters(self, _: Request) -> Response:
        return _json({edge.name: _counts(edge) for edge in self._proxies.all()})

    async def _metrics(self, _: Request) -> Response:
        return Response(HTTPStatus.OK, exposition(self._proxies.all()), METRICS_TYPE)

    def _proxy(self, edge: EdgeProxy) -> Json:
        shown = {
            "name": edge.name,
            "listen": str(edge.listen),
            "upstream": str(edge.upstream),
            "enabled": edge.enabled,
            "toxics": [self._toxic(edge, toxic) for toxic in edge.toxics()],
        }
        observed = {"observe": True} if edge.observe else {}
        return shown | observed | _terms(self._proxies.leases.terms(Held(edge.name)))

    def _toxic(self, edge: EdgeProxy, toxic: ToxicSpec) -> Json:
        shown = {
            "attributes": attributes_of(toxic.settings),
            "name": toxic.name,
            "type": toxic.settings.kind,
            "stream": toxic.stream_text,
            "toxicity": int(toxic.toxicity) if toxic.toxicity.is_integer() else toxic.toxicity,
        }
        return shown | _terms(self._proxies.leases.terms(Held(edge.name, toxic.name)))


def _json(value: Json | list[Json], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(status, json.dumps(value, separators=(",", ":")).encode(), JSON_TYPE)


def _terms(terms: Terms | None) -> dict[str, Any]:
    return {} if terms is None else {"lease": {"holder": terms.holder, "ttl_s": terms.ttl_s}}


def _lease(lease: Lease) -> Json:
    return {
        "held": str(lease.held),
        "holder": lease.terms.holder,
        "ttl_s": lease.terms.ttl_s,
        "remaining_s": round(max(0.0, lease.deadline_s - time.monotonic()), 3),
    }


def _names(held: list[Held]) -> list[str]:
    return [str(each) for each in held]


def _counts(edge: EdgeProxy) -> Json:
    counters = edge.counters
    return {
        "connections_open": edge.connections_open,
        "connections_total": counters.connections_total,
        "connections_opaque": counters.connections_opaque,
        "observed": edge.observed,
        "bytes_up": counters.up.bytes_read,
        "bytes_down": counters.down.bytes_read,
        "bytes_passed_up": counters.up.bytes_passed,
        "bytes_passed_down": counters.down.bytes_passed,
        "requests_total": counters.requests_total,
        "requests_open": counters.requests_open,
        "by_status": {str(status): count for status, count in sorted(counters.by_status.items())},
        "toxics": {name: reached._asdict() for name, reached in edge.reached().items()},
        "removed": {name: reached._asdict() for name, reached in edge.removed().items()},
        "by_route": [counted._asdict() | {"count": count} for counted, count in counters.by_route.items()],
    }


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is {text!r}; a whole number is needed")
    return int(text)
