"""The load child's HTTP client: one exchange over gevent sockets, answers parsed by geventhttpclient.

Takes a `Request`, gives an `Answer`, like the httpx door, at a fraction of its cost per request. Keep-alive
connections are shared by all plays through a bounded free list per origin. Follows no redirect, knows no proxy,
decodes gzip and deflate. May import gevent and geventhttpclient (the room's fence); must never raise for what the
target does: that is a `Broken`. Exchanges have no `Timings` here: nobody shows them per request under load.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
import urllib.parse
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import gevent
import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPParseError, HTTPResponse

from seatrial import __version__
from seatrial.exchange import Answer, Broken, Request, Response
from seatrial.sample import Cause

MAX_BODY_BYTES = 16 << 20
MAX_IDLE = 256  # kept connections per origin; more than a proxy's or server's usual limits would serve nobody
_READ_BYTES = 64 << 10
# A server that closed an idle connection while our request was under way is noticed within a round trip.
# A connection that ends later was ended by the server (or a fault) with the request in its hands: that is a failure.
_STALE_WITHIN_S = 1.0
_DEFAULT_HEADERS = (
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("User-Agent", f"seatrial/{__version__}"),
)
_TARGET = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go: what a free list is keyed by."""

    scheme: str
    host: str
    port: int

    @property
    def host_header(self) -> str:
        """The value of the Host header: brackets round IPv6, the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"http": 80, "https": 443}


class _Failed(Exception):
    """One try of an exchange went wrong; `stale` when a fresh connection may honestly try again."""

    def __init__(self, cause: Cause, detail: str, *, stale: bool = False) -> None:
        super().__init__(detail)
        self.cause = cause
        self.stale = stale


class _Parser(HTTPResponse):  # type: ignore[misc]
    """geventhttpclient's parser, holding bodies to their cap while they arrive."""

    def _on_body(self, buf: bytearray) -> None:
        super()._on_body(buf)
        if len(self._body_buffer) > MAX_BODY_BYTES:
            raise _Failed(Cause.TOO_LARGE, f"the body is larger than {MAX_BODY_BYTES} bytes")

    @property
    def answered(self) -> bool:
        """A whole final answer is there; 1xx answers only announce one."""
        return bool(self.message_complete and self.get_code() >= 200)

    @property
    def body_begun(self) -> bool:
        """The head of the final answer is there."""
        return bool(self.headers_complete and self.get_code() >= 200)

    @property
    def body(self) -> bytes:
        """The body as it came, still in its content encoding."""
        return bytes(self._body_buffer)


@dataclass(slots=True)
class _Exchange:
    """One try on one connection: what is known when it fails."""

    reused: bool
    sent_at: float
    received: bool = False
    parser: _Parser = field(default_factory=_Parser)

    @property
    def stale(self) -> bool:
        """Nothing of an answer came over a kept connection, and its end was seen at once."""
        return self.reused and not self.received and time.monotonic() - self.sent_at < _STALE_WITHIN_S


class LoadClient:
    """Sends requests for all greenlets of this process."""

    def __init__(self) -> None:
        self._idle: defaultdict[Origin, list[Any]] = defaultdict(list)
        self._tls: ssl.SSLContext | None = None

    def send(self, request: Request) -> Answer:
        """One exchange within the request's total deadline, connecting and the last byte of the body included."""
        started_at = time.monotonic()
        parser: list[_Parser] = []
        deadline = gevent.Timeout.start_new(request.timeout_s)
        try:
            response = self._exchange(request, parser)
        except gevent.Timeout as timeout:
            if timeout is not deadline:
                raise
            return _late(request, parser, time.monotonic() - started_at)
        except _Failed as failed:
            return Broken(failed.cause, str(failed), time.monotonic() - started_at)
        finally:
            deadline.close()
        return response(time.monotonic() - started_at)

    def close(self) -> None:
        """Close every kept connection."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
