"""Sends requests and reads whole answers, each within its deadline. Takes a `Request`, gives an `Answer`.

httpx's engine speaks HTTP over our network. httpx's `Client` and its request and response types are left out, for
they cost more than all the rest of an exchange and bound nothing but single reads.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.exchange import Answer, ConversationKind, HttpVersion, Request, Response
from seatrial.http import events, websocket
from seatrial.http.destination import Destination, destination_of
from seatrial.http.engine import httpcore
from seatrial.http.failure import failures
from seatrial.http.pool import Carrier, Lane, Pool
from seatrial.http.progress import Progress
from seatrial.http.proxy import proxy_for
from seatrial.http.reply import Reply

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_LENGTHS = ("content-length", "transfer-encoding")


class Client:
    """Keeps connections alive between exchanges. Each exchange runs in the thread that called `send`.

    Several threads may use it at once. A context manager; close it, or its idle connections stay open.
    """

    def __init__(self) -> None:
        self._pool = Pool()
        # The environment is asked once a client and host: reading all of it costs as much as a request.
        self._proxy_for = functools.lru_cache(maxsize=256)(proxy_for)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every idle connection."""
        self._pool.close()

    def send(self, request: Request) -> Answer:
        """Send it and read the whole answer within `request.timeout_s`; a failure of the target is a `Broken`."""
        progress = Progress(request)
        try:
            return self._exchange(request, progress)
        except failures() as error:
            return progress.broken(progress.failed(error))

    def _exchange(self, request: Request, progress: Progress) -> Answer:
        destination = destination_of(request.url, path_as_is=request.path_as_is)
        lane = self._lane(request, destination)
        try:
            return self._over(self._pool.take(lane), request, destination, progress=progress)
        except failures() as error:
            if not progress.was_stale(error):
                raise
        progress.begin_afresh()
        return self._over(Carrier(lane), request, destination, progress=progress)

    def _over(self, carrier: Carrier, request: Request, destination: Destination, *, progress: Progress) -> Answer:
        try:
            reply = self._ask(request, destination, carrier, progress)
            answer = _answer(request, reply)
            reply.close()
        except BaseException:  # an interrupt may strike anywhere, and half an answer must not be kept
            carrier.close()
            raise
        if request.conversation is None:
            self._pool.put(carrier)
        else:  # it may have ended in the middle of what the server goes on to say
            carrier.close()
        return answer

    def _lane(self, request: Request, destination: Destination) -> Lane:
        settings = request.connection
        if _is_websocket(request) and settings.http_version is not HttpVersion.V1_1:
            settings = dataclasses.replace(settings, http_version=HttpVersion.V1_1)
        proxy = self._proxy_for(destination.scheme, destination.host, settings.proxy)
        kind = None if request.conversation is None else request.conversation.kind
        return Lane(destination.scheme, destination.host, destination.port, proxy, settings, kind)

    def _ask(self, request: Request, destination: Destination, carrier: Carrier, progress: Progress) -> Reply:
        """Send the request, and have the head of the answer."""
        carrier.line.serve(progress)
        key = websocket.new_key() if _is_websocket(request) else None
        wire = list(_headers(request, destination, key))
        sent = httpcore.Request(request.method, destination.url, headers=wire, content=request.body)
        answer = carrier.connection.handle_request(sent)
        progress.note_head()
        return Reply(request, answer, line=carrier.line, progress=progress, key=key)


def open_client() -> Client:
    """A client of one's own; use it as a context manager."""
    return Client()


def request(
    method: str,
    url: str,
    *,
    timeout_s: float,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
) -> Answer:
    """One exchange over a connection of its own."""
    with open_client() as client:
        return client.send(Request(method, url, tuple(headers), body, timeout_s))


def get(url: str, *, timeout_s: float) -> Answer:
    """One GET over a connection of its own."""
    return request("GET", url, timeout_s=timeout_s)


def post_json(url: str, payload: Any, *, timeout_s: float, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """One POST of a JSON body over a connection of its own."""
    body = json.dumps(payload).encode()
    return request(
        "POST", url, timeout_s=timeout_s, headers=(("Content-Type", "application/json"), *headers), body=body
    )


def _is_websocket(request: Request) -> bool:
    return request.conversation is not None and request.conversation.kind is ConversationKind.WEBSOCKET


def _headers(request: Request, destination: Destination, key: str | None) -> Iterator[tuple[bytes, bytes]]:
    """The request's own, in their order, and those HTTP needs that it does not set itself."""
    given = {name.lower() for name, _ in request.headers}
    if "host" not in given:
        yield b"Host", destination.host_header
    if destination.authorization and "authorization" not in given:
        yield b"Authorization", destination.authorization
    for name, value in request.headers:
        yield name.encode(), value.encode()
    if key is not None:
        yield from (
            (name.encode(), value.encode()) for name, value in websocket.needed(key) if name.lower() not in given
        )
    elif (request.body or request.method in _BODY_METHODS) and given.isdisjoint(_LENGTHS):
        yield b"Content-Length", b"%d" % len(request.body or b"")


def _answer(request: Request, reply: Reply) -> Response:
    """The rest of what was asked for: a body, or a conversation where the server agrees to one."""
    if request.conversation is None:
        return reply.whole()
    if _is_websocket(request):
        return websocket.converse(request, reply)
    return events.listen(request, reply)
