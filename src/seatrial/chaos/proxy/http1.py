"""A small HTTP/1.1 server for the control API: one coroutine per connection, with limits on everything.

Written by hand because the process must start in a fraction of a second and depend on nothing. It is not on the data
path, so asyncio's streams are good enough here.
"""

from __future__ import annotations

import asyncio
import sys
import traceback
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 1024 * 1024
REQUEST_DEADLINE_S = 25.0
IDLE_DEADLINE_S = 60.0
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """A request whose body is here; `segments` is its path, split and unquoted, header names are lower-case."""

    method: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """An answer; one with status 204 has no body."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = JSON_TYPE


class _Unreadable(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class ControlServer:
    """Answers requests with `handle`; `start` gives the port."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]]) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; raises `OSError` where the address cannot be had."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=HEAD_LIMIT_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    def close(self) -> None:
        """Stop listening and drop the connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._busy):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone or the process ends; nobody waits for an answer
        finally:
            self._busy.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; True when another may follow on this connection."""
        try:
            async with asyncio.timeout(IDLE_DEADLINE_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except (TimeoutError, asyncio.LimitOverrunError):
            return False
        try:
            async with asyncio.timeout(REQUEST_DEADLINE_S):
                request = await _read_request(head, reader)
                response = await self._answer(request)
                keep = request.headers.get("connection", "").lower() != "close"
        except TimeoutError:
            response, keep = Response(HTTPStatus.SERVICE_UNAVAILABLE), False
        except _Unreadable as unreadable:
            response, keep = Response(unreadable.status), False
        writer.write(_render(response, keep=keep))
        await writer.drain()
        return keep

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except Exception:  # noqa: BLE001 - a mistake in one route must not take the faults' undoing down with it
            traceback.print_exc(file=sys.stderr)
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)


async def _read_request(head: bytes, reader: asyncio.StreamReader) -> Request:
    line, _, rest = head.decode("latin-1").partition("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/") or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise _Unreadable(HTTPStatus.BAD_REQUEST)
    headers = _headers(rest)
    if parts[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    path, _, query = parts[1].partition("?")
    return Request(
        method=parts[0],
        segments=tuple(unquote(segment) for segment in path[1:].split("/")),
        query={name: values[-1] for name, values in parse_qs(query).items()},
        headers=headers,
        body=await reader.readexactly(_body_bytes(headers)),
    )


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _body_bytes(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise _Unreadable(HTTPStatus.LENGTH_REQUIRED)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _Unreadable(HTTPStatus.BAD_REQUEST)
    if int(length) > BODY_LIMIT_BYTES:
        raise _Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(length)


def _render(response: Response, *, keep: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        f"X-Toxiproxy-Request-Id: {uuid.uuid4().hex}",
    ]
    if response.status is not HTTPStatus.NO_CONTENT:
        lines += [
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
            "X-Content-Type-Options: nosniff",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + response.body
