"""A small HTTP/1.1 server for the control API: one coroutine per connection, with limits on everything.

Written by hand because the process must start in a fraction of a second and depend on nothing. It is not on the data
path, so asyncio's streams are good enough here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import traceback
import uuid
from contextlib import aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from seatrial.chaos.proxy.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

HEAD_LIMIT_BYTES = 64 * 1024
BODY_LIMIT_BYTES = 4 * 1024 * 1024
"""A list of more than ten thousand toxics fits; more would hold up the connections that pass through."""
REQUEST_DEADLINE_S = 25.0
IDLE_DEADLINE_S = 60.0
_LINGER_S = 2.0
"""How long a client that was refused in the middle of its body may go on sending, so that it can read why."""
_LONGEST_NUMBER = 16
_QUOTED = 60
_ORIGIN = re.compile(r"\Ahttps?://[^/?]*", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
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
    """An answer; one with status 204 has no body. One with a `stream` goes on until that, or the client, ends."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = JSON_TYPE
    stream: AsyncGenerator[bytes, None] | None = None


def refused(refusal: Refusal) -> Response:
    """Toxiproxy's shape of an error: JSON and a newline, called text."""
    return Response(refusal.status, json.dumps(refusal.fields(), separators=(",", ":")).encode() + b"\n", TEXT_TYPE)


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
                request = await _read_request(head, reader, writer)
                response = await self._answer(request)
                keep = response.stream is None and request.headers.get("connection", "").lower() != "close"
        except TimeoutError:
            late = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"no answer within {REQUEST_DEADLINE_S:g} s")
            response, keep = refused(late), False
        except Refusal as unreadable:
            await _turn_away(refused(unreadable), reader, writer)
            return False
        writer.write(_render(response, keep=keep, with_body=not head.startswith(b"HEAD ")))
        await writer.drain()
        if response.stream is not None:
            await _send_stream(response.stream, writer)
        return keep

    async def _answer(self, request: Request) -> Response:
        try:
            return await self._handle(request)
        except Exception:  # noqa: BLE001 - a mistake in one route must not take the faults' undoing down with it
            traceback.print_exc(file=sys.stderr)
            mistake = "a mistake of the proxy itself; what it wrote to stderr says more"
            return refused(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, mistake))


async def _send_stream(stream: AsyncGenerator[bytes, None], writer: asyncio.StreamWriter) -> None:
    """Send what comes, no faster than the client reads."""
    async with aclosing(stream):
        async for part in stream:
            writer.write(part)
            await writer.drain()


async def _turn_away(response: Response, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request that was not read to its end, and let the client say what it has begun to say."""
    writer.write(_render(response, keep=False))
    await writer.drain()
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            while await reader.read(HEAD_LIMIT_BYTES):
                pass


async def _read_request(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    line, _, rest = head.decode("latin-1").partition("\r\n")
    parts = line.split(" ")
    target = _target(parts[1]) if len(parts) == 3 and parts[2] in ("HTTP/1.1", "HTTP/1.0") else ""
    if not target:
        raise _unreadable("the first line is not METHOD /path HTTP/1.1")
    headers = _headers(rest)
    if parts[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    path, _, query = target.partition("?")
    return Request(
        method=parts[0],
        segments=tuple(unquote(segment) for segment in path[1:].split("/")),
        query={name: values[-1] for name, values in parse_qs(query).items()},
        headers=headers,
        body=await _read_body(headers, reader, writer),
    )


def _target(text: str) -> str:
    """Path and query; also of an absolute URL, as a client sends it to its proxy. Empty where there is no path."""
    target = _ORIGIN.sub("", text, count=1)
    return target if target.startswith("/") else ""


def _unreadable(text: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, f"bad request: {text}")


def _too_long() -> Refusal:
    text = f"the body has more than {BODY_LIMIT_BYTES // 1024**2} MiB, and is not read"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.split("\r\n") if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_body(headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The body, whether its length is told before or it comes in chunks (RFC 9112, 6)."""
    coding, size = headers.get("transfer-encoding"), _body_bytes(headers)
    if coding is not None and coding.lower() != "chunked":
        text = f"the transfer encoding {coding[:_QUOTED]!r} is not understood; chunked is, and a Content-Length"
        raise Refusal(HTTPStatus.NOT_IMPLEMENTED, text)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(size) if coding is None else await _read_chunks(reader)


def _body_bytes(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise _unreadable(f"the Content-Length {length[:_QUOTED]!r} is no whole number")
    if len(length) > _LONGEST_NUMBER or int(length) > BODY_LIMIT_BYTES:
        raise _too_long()
    return int(length)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := _chunk_bytes(await _line(reader)):
        if len(body) + size > BODY_LIMIT_BYTES:
            raise _too_long()
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise _unreadable("a chunk of the body is longer than it says")
    while await _line(reader) != b"\r\n":
        pass
    return bytes(body)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError:
        raise _unreadable("a line between the chunks of the body has no end") from None


def _chunk_bytes(line: bytes) -> int:
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise _unreadable("the size of a chunk of the body is no hexadecimal number")
    return int(found[1], 16)


def _render(response: Response, *, keep: bool, with_body: bool = True) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        f"X-Toxiproxy-Request-Id: {uuid.uuid4().hex}",
    ]
    if response.stream is not None:
        lines.append("Cache-Control: no-cache")
    elif response.status is not HTTPStatus.NO_CONTENT:
        lines += [f"Content-Length: {len(response.body)}", "X-Content-Type-Options: nosniff"]
    if response.body or response.stream is not None:
        lines.append(f"Content-Type: {response.content_type}")
    return "\r\n".join([*lines, "", ""]).encode() + (response.body if with_body else b"")
