"""Bad requests for the proxy's API, and a server in this process that must survive them.

`requests_of` makes the bytes of one conversation from good ones; `ServerUnderFire.attempt` sends them and raises what
no server may do: a mistake of its own, an answer that is none, silence. Nothing is dialled; names are not looked up.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mutate

from seatrial.chaos.proxy.http1 import ControlServer, Request, Response
from seatrial.chaos.proxy.proxies import Proxies
from seatrial.chaos.proxy.routes import Routes

STATUSES = frozenset((200, 201, 204, 400, 403, 404, 405, 409, 413, 500, 501, 503))
DEADLINE_S = 20.0
"""For one conversation on a busy machine; it takes milliseconds."""

_PROXY = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": True}
_LEASE = {"holder": "run-1", "ttl_s": 60}
_TOXIC = {"type": "latency", "name": "t", "stream": "upstream", "toxicity": 0.5, "attributes": {"latency": 5}}
_SLICER = {"type": "slicer", "attributes": {"average_size": 8, "size_variation": 2, "delay": 5}, "lease": _LEASE}
_CHOSEN = {"route": "POST /a/{id}", "method": "POST", "request_headers": {"X": "b*"}, "first": 3, "every": 2}
_HTTP_ERROR = {"type": "http_error", "attributes": {"status": 503, "body": "out", "probability": 0.5, **_CHOSEN}}
_HTTP_REPLACE = {"type": "http_replace", "attributes": {"status": 201, "headers": {"A": "b"}, "json": {"/a/0": [1]}}}
_ASKED: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/proxies", _PROXY),
    ("POST", "/proxies", {**_PROXY, "name": "q", "enabled": False, "toxics": [_TOXIC, _SLICER]}),
    ("PATCH", "/proxies/p", {"enabled": False, "lease": _LEASE}),
    ("POST", "/proxies/p", {"listen": "127.0.0.1:0", "upstream": "localhost:80"}),
    ("POST", "/proxies/p/toxics", _TOXIC),
    ("POST", "/proxies/p/toxics", _SLICER),
    ("POST", "/proxies/p/toxics", _HTTP_ERROR),
    ("POST", "/proxies/p/toxics", _HTTP_REPLACE),
    ("PATCH", "/proxies/p/toxics/t", {"toxicity": 1, "attributes": {"jitter": 3}, "lease": _LEASE}),
    ("DELETE", "/proxies/p/toxics/t", None),
    ("POST", "/populate", [_PROXY, {**_PROXY, "name": "r"}]),
    ("POST", "/reset", None),
    ("POST", "/leases/run-1", {"ttl_s": 9}),
    ("DELETE", "/leases/run-1", None),
    ("GET", "/exchanges?since=0&limit=5", None),
    ("GET", "/metrics", None),
    ("GET", "/counters", None),
    ("GET", "/proxies", None),
    ("DELETE", "/proxies/p", None),
)
KEYS = (
    "name",
    "listen",
    "upstream",
    "enabled",
    "toxics",
    "type",
    "stream",
    "toxicity",
    "attributes",
    "lease",
    "ttl_s",
)
_HEAD_END = re.compile(rb"HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)\r\n")


class FoundError(AssertionError):
    """What the server did, and must not do."""


def raw(method: str, path: str, body: bytes | None, *more: str) -> bytes:
    """The bytes of a request."""
    content = body or b""
    head = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", *more, "", ""]
    return "\r\n".join(head).encode() + content


def _chunked(method: str, path: str, body: bytes) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else head + b"0\r\n\r\n"


def samples() -> tuple[bytes, ...]:
    """Good requests: every route, and both ways to send a body."""
    bodies = [(method, path, b"" if body is None else mutate.as_json(body)) for method, path, body in _ASKED]
    told = [raw(*asked) for asked in bodies] + [_chunked(*asked) for asked in bodies[:6]]
    return (*told, raw("GET", "/exchanges", None, "Accept: text/event-stream"), raw("GET", "/version", None))


def requests_of(seed: int, index: int) -> bytes:
    """The bytes of that conversation, the same each time: two good requests, then bad bodies, or bad bytes."""
    chance = random.Random(f"{seed}/{index}")
    good = samples()
    if chance.random() < 0.4:
        return b"".join((good[0], good[4], mutate.mutated(chance.choice(good), good, chance, keys=KEYS)))
    asked = [(method, path, mutate.as_json(body)) for method, path, body in _ASKED if body is not None]
    bodies = tuple(body for _, _, body in asked)
    chosen = chance.sample(asked, 3)
    bad = [raw(method, path, mutate.mutated(body, bodies, chance, keys=KEYS)) for method, path, body in chosen]
    return b"".join((good[0], good[4], *bad))


class ServerUnderFire:
    """The API's server in this process; what goes wrong in it is kept in `mistakes`."""

    def __init__(self) -> None:
        self._proxies = Proxies(seed="fuzz")
        self._routes = Routes(self._proxies, host="127.0.0.1")
        self._server = ControlServer(self._handle)
        self._port = 0
        self.mistakes: list[BaseException | str] = []

    async def start(self) -> None:
        """Listen; from now on this loop looks up no name."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._note)
        loop.getaddrinfo = _numeric  # type: ignore[method-assign]
        self._port = await self._server.start("127.0.0.1", 0)

    def close(self) -> None:
        """Stop everything."""
        self._server.close()
        self._proxies.close()

    async def attempt(self, content: bytes) -> list[int]:
        """Send a conversation, check what comes back, and begin anew; gives the statuses."""
        async with asyncio.timeout(DEADLINE_S):
            answer = await self._converse(content)
            alive = await self._converse(raw("GET", "/version", None))
        statuses = read_answers(answer)
        if self.mistakes:
            raise FoundError(f"mistakes of its own: {self.mistakes!r}")
        if read_answers(alive) != [200]:
            raise FoundError(f"it does not go on: {alive[:200]!r}")
        for edge in self._proxies.all():
            self._proxies.delete(edge)
        return statuses

    async def ask(self, method: str, path: str, body: bytes) -> Response:
        """Hand it one request that was read."""
        segments = tuple(path[1:].split("/"))
        response = await self._handle(Request(method, segments, {}, {}, body))
        if self.mistakes:
            raise FoundError(f"mistakes of its own: {self.mistakes!r}")
        return response

    async def _handle(self, request: Request) -> Response:
        try:
            return await self._routes.handle(request)
        except Exception as mistake:
            self.mistakes.append(mistake)
            raise

    async def _converse(self, content: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(content)
            await writer.drain()
            writer.write_eof()
            answer = b""
            while b"event: hello" not in answer and (part := await reader.read(65_536)):
                answer += part
        except ConnectionError:
            pass  # what it has not read when it closes makes a reset
        finally:
            writer.close()
        return answer

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.mistakes.append(context.get("exception") or str(context))


async def _numeric(host: Any, port: Any, **wanted: Any) -> Any:
    """Looks up loopback addresses and nothing else."""
    flags = wanted.pop("flags", 0) | socket.AI_NUMERICHOST
    found = socket.getaddrinfo("127.0.0.1" if host == "localhost" else host, port, flags=flags, **wanted)
    if not all(str(info[4][0]).startswith(("127.", "::1")) for info in found):
        raise socket.gaierror(socket.EAI_NONAME, "not here")
    return found


@asynccontextmanager
async def under_fire() -> AsyncIterator[ServerUnderFire]:
    """A server for as long as the block lasts."""
    server = ServerUnderFire()
    await server.start()
    try:
        yield server
    finally:
        server.close()


def read_answers(answer: bytes) -> list[int]:
    """The statuses of the answers in what came back; raises where they are none, or no JSON that says it is."""
    statuses = []
    while answer:
        head = _HEAD_END.match(answer)
        if head is None:
            raise FoundError(f"no answer: {answer[:200]!r}")
        status, fields = int(head[1]), head[2]
        answer = answer[head.end() :]
        if status == 100:
            continue
        if status not in STATUSES:
            raise FoundError(f"status {status}")
        statuses.append(status)
        if b"text/event-stream" in fields:
            return statuses
        length = _LENGTH.search(fields)
        body, answer = answer[: int(length[1]) if length else 0], answer[int(length[1]) if length else 0 :]
        _check(status, fields, body)
    return statuses


def _check(status: int, fields: bytes, body: bytes) -> None:
    if b"application/json" in fields and body:
        json.loads(body)
    if status == 500 and b'"error":"' not in body and b'"failed":' not in body:
        raise FoundError(f"500 for no reason: {body[:200]!r}")
