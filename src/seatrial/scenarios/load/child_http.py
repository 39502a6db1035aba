"""The load child's HTTP client: one exchange over gevent sockets, answers parsed by geventhttpclient.

Takes a `Request`, gives an `Answer`, like the httpx door at a fraction of its cost per request. Keep-alive
connections are shared by all plays through a bounded free list per origin. Follows no redirect; what it cannot do at
all (`sendable`) is refused before a load starts. May import gevent and geventhttpclient (the room's fence); must
never raise for what the target does: that is a `Broken`. Exchanges have no `Timings` here: under load nobody is shown
them per request.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPParseError

from seatrial.exchange import IDEMPOTENT, MAX_BODY_BYTES, Answer, Broken, Request, Tls
from seatrial.quantity import show_duration
from seatrial.sample import Cause
from seatrial.scenarios.load.child_answer import Parser, Surplus, Whole, whole
from seatrial.scenarios.load.child_connection import (
    Connection,
    Deadlines,
    Late,
    Plain,
    Secured,
    without_delay,
)
from seatrial.scenarios.load.wire import Origin, Unsayable, say
from seatrial.unpack import Unpackable

__all__ = ["KEEP_ALIVE_S", "MAX_BODY_BYTES", "LoadClient"]

# The httpx door's, so that `check` and `load` agree: well under the 5 s after which common servers close theirs.
KEEP_ALIVE_S = 2.0
MAX_IDLE = 256  # kept connections per origin
# A server that closed an idle connection while our request was under way is noticed within a round trip: so long as
# it took to connect, and a little for our own delay. One that ends later was ended by the server (or a fault) with
# the request in its hands: that is a failure to be counted.
_STALE_WITHIN_S = 0.005


_Idle = list[tuple[Connection, float]]
"""Kept connections of one origin, each with the moment (monotonic) since when it has been idle."""


class _Failed(Exception):
    """One try of an exchange went wrong; `stale` when a fresh connection may honestly try again."""

    def __init__(self, cause: Cause, detail: str, *, stale: bool = False) -> None:
        super().__init__(detail)
        self.cause = cause
        self.stale = stale


@dataclass(slots=True)
class _Progress:
    """How far an exchange came: what its deadline finds."""

    request: Request
    repeated: Callable[[], object]
    reused: bool = False
    connected: bool = False
    bytes_in: int = 0


class LoadClient:
    """Sends requests for all greenlets of this process. Close it, or use it as a context."""

    def __init__(self) -> None:
        self._idle: defaultdict[Origin, _Idle] = defaultdict(list)
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._deadlines = Deadlines()

    def send(self, request: Request, repeated: Callable[[], object] = bool) -> Answer:
        """One exchange within the request's total deadline, connecting and the last byte of the body included.

        `repeated` is called when a kept connection had ended before it could carry the request, which is then sent
        once more over a fresh one: whoever counts requests must count two.
        """
        started_at = time.monotonic()
        progress = _Progress(request, repeated)
        deadline = self._deadlines.begin(started_at, request.timeout_s)
        try:
            came = self._exchange(request, progress)
            return came.response(request, time.monotonic() - started_at)
        except Late:
            return _late(request, progress, time.monotonic() - started_at)
        except (_Failed, Unpackable) as failed:
            return Broken(failed.cause, str(failed), time.monotonic() - started_at)
        except Unsayable as error:
            return Broken(Cause.PROTOCOL, str(error), time.monotonic() - started_at)
        except ValueError as error:
            return Broken(Cause.PROTOCOL, f"cannot be sent: {error}", time.monotonic() - started_at)
        finally:
            self._deadlines.end(deadline)

    def close(self) -> None:
        """Close every kept connection."""
        for idle in self._idle.values():
            while idle:
                idle.pop()[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, request: Request, progress: _Progress) -> Whole | Parser:
        origin, wire = say(request)
        idle = self._idle[origin]
        kept = _kept(idle)
        if kept is not None:
            progress.reused = True
            try:
                return _over(kept, idle, wire, progress)
            except _Failed as failed:
                if not failed.stale:
                    raise
            progress.reused = progress.connected = False
            progress.repeated()
        return _over(self._connect(origin), idle, wire, progress)

    def _connect(self, origin: Origin) -> Connection:
        began_at = time.monotonic()
        try:
            connected = gevent.socket.create_connection((origin.host, origin.port))
        except socket.gaierror as error:
            raise _Failed(Cause.DNS, f"cannot resolve '{origin.host}': {error.strerror}") from None
        except ConnectionRefusedError:
            raise _Failed(Cause.REFUSED, f"{origin.host}:{origin.port} refused the connection") from None
        except OSError as error:
            raise _Failed(Cause.CONNECT, f"cannot connect to {origin.host}:{origin.port}: {error}") from None
        connect_s = time.monotonic() - began_at
        connection = (self._secured if origin.scheme == "https" else _plain)(without_delay(connected), origin)
        connection.connect_s = connect_s
        return connection

    def _secured(self, connected: gevent.socket.socket, origin: Origin) -> Connection:
        try:
            tls = origin.tls or Tls()
            context = self._contexts.get(tls) or self._contexts.setdefault(tls, _context(tls))
            return Secured(context.wrap_socket(connected, server_hostname=origin.host))
        except (OSError, ValueError) as error:
            connected.close()
            raise _Failed(Cause.TLS, f"TLS with {origin.host}:{origin.port} failed: {error}") from None


def _over(connection: Connection, idle: _Idle, wire: bytes, progress: _Progress) -> Whole | Parser:
    progress.connected = True
    try:
        came = _converse(connection, wire, progress)
    except BaseException:  # a deadline or a kill may strike anywhere, and half an answer must not be kept
        connection.close()
        raise
    if not came.reusable or len(idle) >= MAX_IDLE:
        connection.close()
    else:
        _keep(idle, connection)
    return came


def _keep(idle: _Idle, connection: Connection) -> None:
    """On top of the others; the one that lies longest goes when it is too old to be used again."""
    now = time.monotonic()
    idle.append((connection, now))
    if now - idle[0][1] > KEEP_ALIVE_S:
        idle.pop(0)[0].close()


def _kept(idle: _Idle) -> Connection | None:
    """The connection used last, while it is young and silent; None when there is none such."""
    while idle:
        kept, since = idle.pop()
        if time.monotonic() - since < KEEP_ALIVE_S and kept.is_quiet():
            return kept
        kept.close()
    return None


def _plain(connected: gevent.socket.socket, _: Origin) -> Connection:
    return Plain(connected)


def _converse(connection: Connection, wire: bytes, progress: _Progress) -> Whole | Parser:
    """Send the request and read until its answer is whole."""
    sent_at = time.monotonic()
    try:  # noqa: SIM105 - what it stands for is dearer than the sending
        connection.send(wire)
    except OSError:
        pass  # a server may answer before it has read the whole request: read what it said
    until = sent_at + _STALE_WITHIN_S + connection.connect_s
    data = _received(connection, progress, until)
    at_once = whole(data, progress.request)
    if at_once is not None:
        return at_once
    parser = Parser(method=progress.request.method)
    parser.limit = progress.request.max_body_bytes
    _feed(parser, data)
    while not parser.answered:
        _feed(parser, _received(connection, progress, until))
    return parser


def _received(connection: Connection, progress: _Progress, until: float) -> bytes:
    """The next bytes; empty at an end that may be the answer's. `until` then a kept connection may be found stale."""
    try:
        data = connection.receive()
    except OSError as error:
        stale = _is_stale(progress, until)
        raise _unrepeated(progress) or _cut(error, stale=stale) from None
    if not data and not progress.bytes_in:
        stale = _is_stale(progress, until)
        closed = _Failed(Cause.RESET, "the connection was closed without an answer", stale=stale)
        raise _unrepeated(progress) or closed
    progress.bytes_in += len(data)
    return data


def _is_stale(progress: _Progress, until: float) -> bool:
    """Whether a kept connection ended before it could carry the request: nothing came, and that was seen at once."""
    return progress.reused and not progress.bytes_in and time.monotonic() < until


def _unrepeated(progress: _Progress) -> _Failed | None:
    """The end of a kept connection without a byte, where the server may have acted on what must not be done twice."""
    method = progress.request.method
    if method in IDEMPOTENT or not progress.reused or progress.bytes_in:
        return None
    text = f"the kept connection was closed without an answer, and {method} is not sent twice unasked"
    return _Failed(Cause.RESET, text)


def _cut(error: OSError, *, stale: bool) -> _Failed:
    cause = Cause.TLS if isinstance(error, ssl.SSLError) else Cause.RESET
    return _Failed(cause, f"the connection was cut: {error.strerror or error}", stale=stale)


def _feed(parser: Parser, data: bytes) -> None:
    try:
        parser.feed(data)
    except Surplus:
        parser.surplus = True
    except HTTPParseError as error:
        if data:
            raise _Failed(Cause.PROTOCOL, f"not a valid HTTP answer: {error.args[0]}") from None
        raise _Failed(Cause.TRUNCATED, "the connection was closed in the middle of the answer") from None


def _late(request: Request, progress: _Progress, latency_s: float) -> Broken:
    """The total deadline struck: DRIP when an answer had begun, for then it came too slowly."""
    within = show_duration(request.timeout_s)
    if not progress.connected:
        return Broken(Cause.CONNECT, f"no connection within {within}", latency_s)
    if progress.bytes_in:
        return Broken(Cause.DRIP, f"{progress.bytes_in} bytes in {within}, but no whole answer", latency_s)
    return Broken(Cause.TIMEOUT, f"no byte of an answer within {within}", latency_s)


def _context(tls: Tls) -> ssl.SSLContext:
    """As the httpx door has it. The files were looked at before the load began; OSError where they are gone."""
    context: ssl.SSLContext = gevent.ssl.create_default_context(cafile=tls.ca)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        # An empty password where none is given, or OpenSSL would ask for one on the terminal and wait.
        context.load_cert_chain(tls.certificate, tls.key, password=tls.password or "")
    return context
