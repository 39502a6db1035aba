"""Idle connections, kept for the next exchange that may use them.

httpx's own pool lets exchanges of several threads wait for each other without regard to their deadlines, and under
HTTP/2 read for one another. Here an exchange takes a connection out, has it alone, and puts it back when it is idle
and as good as new. The connections themselves are httpx's engine's.
"""

from __future__ import annotations

import importlib.util
import ssl
import threading
from typing import NamedTuple

from seatrial.exchange import Connection, ConversationKind, HttpVersion
from seatrial.http.engine import httpcore
from seatrial.http.failure import Failed
from seatrial.http.line import Line
from seatrial.http.proxy import is_http, proxy_of
from seatrial.http.tls import context_of
from seatrial.http.tunnel import PlainTunnel
from seatrial.sample import Cause

KEEP_ALIVE_S = 2.0
"""How long an idle connection is kept: well under the 5 s after which common servers close theirs, so that a request
is not sent into a connection that is just being closed."""

MAX_IDLE = 16
"""Of connections kept for one lane."""


class Lane(NamedTuple):
    """What two exchanges must have in common to share a connection."""

    scheme: str
    host: str
    port: int
    proxy: str | None
    connection: Connection
    kind: ConversationKind | None = None

    @property
    def origin(self) -> httpcore.Origin:
        """As the engine wants it."""
        return httpcore.Origin(self.scheme.encode(), self.host.encode(), self.port)


class Carrier:
    """A connection of the engine with the line below it."""

    __slots__ = ("_http1", "connection", "lane", "line")

    def __init__(self, lane: Lane) -> None:
        settings = lane.connection
        context = context_of(settings.tls, settings.http_version) if lane.scheme == "https" else None
        is_prior = context is None and lane.proxy is None and settings.http_version is HttpVersion.V2
        self.lane = lane
        self.line = Line(settings.tls, context, framed=is_prior)
        self.connection = _connection(lane, self.line, context=context)
        self._http1: object = None

    def is_reusable(self) -> bool:
        """Whether it is idle, the peer wishes a further request, and nothing was said beyond the whole answer: that
        would be taken for the next one."""
        return self.connection.is_idle() and not self.line.frames.is_last and not self._leftover()

    def has_expired(self) -> bool:
        """Whether it was idle too long, or the peer has ended it or said something meanwhile.

        The engine looks at the latter under HTTP/1.1 alone; under HTTP/2 it would be a farewell most likely.
        """
        return bool(self.connection.has_expired()) or (
            self.line.framed and bool(self.line.get_extra_info("is_readable"))
        )

    def close(self) -> None:
        """Close the line below, at once."""
        self.line.close()

    def _leftover(self) -> bytes:
        """What h11 holds unread. The engine does not ask it before it goes on, and has no public way to."""
        if self._http1 is None:
            self._http1 = _innermost(self.connection)
        state = getattr(self._http1, "_h11_state", None)
        return b"" if state is None else bytes(state.trailing_data[0])


class Pool:
    """Safe from several threads."""

    def __init__(self) -> None:
        self._idle: dict[Lane, list[Carrier]] = {}
        self._lock = threading.Lock()

    def take(self, lane: Lane) -> Carrier:
        """The connection used last while it is good, else a new one that connects with the exchange."""
        with self._lock:
            idle = self._idle.get(lane, [])
            while idle:
                carrier = idle.pop()
                if not carrier.has_expired():
                    return carrier
                carrier.close()
            self._sweep()
        return Carrier(lane)

    def put(self, carrier: Carrier) -> None:
        """Keep it if it can carry another exchange, else close it."""
        with self._lock:
            idle = self._idle.setdefault(carrier.lane, [])
            if len(idle) < MAX_IDLE and carrier.is_reusable():
                idle.append(carrier)
                return
        carrier.close()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            for idle in self._idle.values():
                while idle:
                    idle.pop().close()

    def _sweep(self) -> None:
        """Close what has expired on lanes nobody asks for any more, the oldest of each first."""
        for idle in self._idle.values():
            while idle and idle[0].has_expired():
                idle.pop(0).close()


def _connection(lane: Lane, line: Line, *, context: ssl.SSLContext | None) -> httpcore.ConnectionInterface:
    """The engine's connection over this line; it connects with its first exchange."""
    settings = lane.connection
    if settings.http_version is HttpVersion.V2 and importlib.util.find_spec("h2") is None:
        raise Failed(Cause.PROTOCOL, "HTTP/2 needs the package 'h2', which is not installed")
    proxy = None if lane.proxy is None else proxy_of(lane.proxy, settings.tls)
    if proxy is not None and context is None and lane.kind is ConversationKind.WEBSOCKET and is_http(proxy):
        return PlainTunnel(proxy, lane.origin, line)
    return httpcore.ConnectionPool(
        ssl_context=context,
        proxy=proxy,
        http1=not line.framed,
        http2=settings.http_version is HttpVersion.V2,
        keepalive_expiry=KEEP_ALIVE_S,
        network_backend=line,
    ).create_connection(lane.origin)


def _innermost(connection: object) -> object:
    """The connection that speaks: tunnels and the like hold it in layers."""
    inner = getattr(connection, "_connection", None)
    return connection if inner is None else _innermost(inner)
