"""The load child's HTTP client: one exchange over gevent sockets, answers parsed by geventhttpclient.

Takes a `Request`, gives an `Answer`, like the httpx door at a fraction of its cost per request. Keep-alive
connections are shared by all plays through a bounded free list per origin. Follows no redirect; what it cannot do at
all (`sendable`) is refused before a load starts. May import gevent and geventhttpclient (the room's fence); must
never raise for what the target does: that is a `Broken`. Exchanges have no `Timings` here: under load nobody is shown
them per request.
"""

from __future__ import annotations

import base64
import contextlib
import re
import select
import socket
import ssl
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import gevent
import gevent.monkey
import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPParseError, HTTPResponse

from seatrial.exchange import IDEMPOTENT, MAX_BODY_BYTES, Answer, Broken, Request, Response, Tls
from seatrial.paths import resolved
from seatrial.quantity import show_duration
from seatrial.sample import Cause
from seatrial.unpack import Unpackable, encodings_of, read_whole, too_large

# The httpx door's, so that `check` and `load` agree: well under the 5 s after which common servers close theirs.
KEEP_ALIVE_S = 2.0
MAX_IDLE = 256  # kept connections per origin
_READ_BYTES = 64 << 10
# A server that closed an idle connection while our request was under way is noticed within a round trip. A connection
# that ends later was ended by the server (or a fault) with the request in its hands: that is a failure to be counted.
_STALE_WITHIN_S = 1.0
_PORTS = {"http": 80, "https": 443}
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_SAFE_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]+")
_SAFE_TARGET = re.compile(r"[\x21-\x7e]+")
_PLAIN_TLS = Tls()

_poll = gevent.monkey.get_original("select", "poll")  # asking without waiting needs no hub, and is ten times as fast


class _Failed(Exception):
    """One try of an exchange went wrong; `stale` when a fresh connection may honestly try again."""

    def __init__(self, cause: Cause, detail: str, *, stale: bool = False) -> None:
        super().__init__(detail)
        self.cause = cause
        self.stale = stale


class _Surplus(Exception):
    """The server goes on after its whole answer: the answer counts, the connection is of no more use."""


class _Parser(HTTPResponse):  # type: ignore[misc]
    """geventhttpclient's parser of one answer, holding its body to the limit while it arrives."""

    status = 0
    surplus = False
    limit = MAX_BODY_BYTES

    def _on_message_begin(self) -> None:
        if self.answered:
            raise _Surplus
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        super()._on_message_complete()
        self.status = self.get_code()

    def _on_body(self, buf: bytearray) -> None:
        super()._on_body(buf)
        if len(self._body_buffer) > self.limit:
            raise too_large(self.limit)

    @property
    def answered(self) -> bool:
        """A whole final answer is there; 1xx answers only announce one."""
        return bool(self.message_complete and self.status >= 200)

    @property
    def reusable(self) -> bool:
        """The connection may carry another exchange."""
        return not (self.surplus or self.should_close())

    def body(self) -> tuple[bytes, bytes | None]:
        """The body, decoded from its content encodings, and the body as it came where that is another."""
        came = bytes(self._body_buffer)
        return read_whole((came,) if came else (), encodings_of(str(self.get("content-encoding", ""))), self.limit)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where connections go: what a free list is keyed by."""

    scheme: str
    host: str
    port: int
    tls: Tls = _PLAIN_TLS

    @property
    def host_header(self) -> str:
        """The value of the Host header: brackets round IPv6, the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Connection:
    """A connected gevent socket, and whether it has carried an exchange before."""

    socket: Any
    reused: bool = False


@dataclass(slots=True)
class _Progress:
    """How far an exchange came: what its deadline finds."""

    parser: _Parser
    method: str
    connected: bool = False
    bytes_in: int = 0


class LoadClient:
    """Sends requests for all greenlets of this process. Close it, or use it as a context."""

    def __init__(self) -> None:
        self._idle: defaultdict[_Origin, list[tuple[Any, float]]] = defaultdict(list)
        self._contexts: dict[Tls, ssl.SSLContext] = {}

    def send(self, request: Request) -> Answer:
        """One exchange within the request's total deadline, connecting and the last byte of the body included."""
        started_at = time.monotonic()
        progress = _Progress(_Parser(method=request.method), request.method)
        progress.parser.limit = request.max_body_bytes
        gevent.get_hub().loop.update_now()  # or the deadline would count from the loop's last turn
        deadline = gevent.Timeout.start_new(request.timeout_s)
        try:
            self._exchange(request, progress)
            return _response(request, progress.parser, time.monotonic() - started_at)
        except gevent.Timeout as timeout:
            if timeout is not deadline:
                raise
            return _late(request, progress, time.monotonic() - started_at)
        except (_Failed, Unpackable) as failed:
            return Broken(failed.cause, str(failed), time.monotonic() - started_at)
        except ValueError as error:
            return Broken(Cause.PROTOCOL, f"cannot be sent: {error}", time.monotonic() - started_at)
        finally:
            deadline.close()

    def close(self) -> None:
        """Close every kept connection."""
        for idle in self._idle.values():
            while idle:
                idle.pop()[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, request: Request, progress: _Progress) -> None:
        origin, wire = _compile(request)
        kept = self._kept(origin)
        if kept is not None:
            try:
                return self._over(_Connection(kept, reused=True), origin, wire, progress)
            except _Failed as failed:
                if not failed.stale:
                    raise
        return self._over(_Connection(self._connect(origin)), origin, wire, progress)

    def _over(self, connection: _Connection, origin: _Origin, wire: bytes, progress: _Progress) -> None:
        progress.connected = True
        try:
            _converse(connection, wire, progress)
        except BaseException:  # a deadline or a kill may strike anywhere, and half an answer must not be kept
            connection.socket.close()
            raise
        if not progress.parser.reusable or len(self._idle[origin]) >= MAX_IDLE:
            connection.socket.close()
        else:
            self._idle[origin].append((connection.socket, time.monotonic()))

    def _kept(self, origin: _Origin) -> Any | None:
        """The connection used last, while it is young and silent; None when there is none such."""
        idle = self._idle[origin]
        while idle:
            kept, since = idle.pop()
            if time.monotonic() - since < KEEP_ALIVE_S and _is_quiet(kept):
                return kept
            kept.close()
        return None

    def _connect(self, origin: _Origin) -> Any:
        try:
            connected = gevent.socket.create_connection((origin.host, origin.port))
        except socket.gaierror as error:
            raise _Failed(Cause.DNS, f"cannot resolve '{origin.host}': {error.strerror}") from None
        except ConnectionRefusedError:
            raise _Failed(Cause.REFUSED, f"{origin.host}:{origin.port} refused the connection") from None
        except OSError as error:
            raise _Failed(Cause.CONNECT, f"cannot connect to {origin.host}:{origin.port}: {error}") from None
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._secured(connected, origin) if origin.scheme == "https" else connected

    def _secured(self, connected: Any, origin: _Origin) -> Any:
        try:
            context = self._contexts.get(origin.tls) or self._contexts.setdefault(origin.tls, _context(origin.tls))
            return context.wrap_socket(connected, server_hostname=origin.host)
        except (OSError, ValueError) as error:
            connected.close()
            raise _Failed(Cause.TLS, f"TLS with {origin.host}:{origin.port} failed: {error}") from None


def _converse(connection: _Connection, wire: bytes, progress: _Progress) -> None:
    """Send the request and feed the parser until its answer is whole."""
    sent_at = time.monotonic()
    with contextlib.suppress(OSError):  # a server may answer before it has read the whole request: read what it said
        connection.socket.sendall(wire)
    while not progress.parser.answered:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except OSError as error:
            stale = _is_stale(connection, progress, sent_at)
            raise _unrepeated(connection, progress) or _cut(error, stale=stale) from None
        if not data and not progress.bytes_in:
            stale = _is_stale(connection, progress, sent_at)
            closed = _Failed(Cause.RESET, "the connection was closed without an answer", stale=stale)
            raise _unrepeated(connection, progress) or closed
        progress.bytes_in += len(data)
        _feed(progress.parser, data)


def _is_stale(connection: _Connection, progress: _Progress, sent_at: float) -> bool:
    """Whether a kept connection ended before it could carry the request: nothing came, and that was seen at once."""
    return connection.reused and not progress.bytes_in and time.monotonic() - sent_at < _STALE_WITHIN_S


def _unrepeated(connection: _Connection, progress: _Progress) -> _Failed | None:
    """The end of a kept connection without a byte, where the server may have acted on what must not be done twice."""
    if progress.method in IDEMPOTENT or not connection.reused or progress.bytes_in:
        return None
    text = f"the kept connection was closed without an answer, and {progress.method} is not sent twice unasked"
    return _Failed(Cause.RESET, text)


def _cut(error: OSError, *, stale: bool) -> _Failed:
    cause = Cause.TLS if isinstance(error, ssl.SSLError) else Cause.RESET
    return _Failed(cause, f"the connection was cut: {error.strerror or error}", stale=stale)


def _feed(parser: _Parser, data: bytes) -> None:
    try:
        parser.feed(data)
    except _Surplus:
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


def _response(request: Request, parser: _Parser, latency_s: float) -> Response:
    body, raw = parser.body()
    return Response(
        status=parser.status,
        headers=tuple(parser.items()),
        body=body,
        latency_s=latency_s,
        http_version=parser.get_http_version().removeprefix("HTTP/"),
        raw=raw,
        url=request.url,
    )


def _is_quiet(kept: Any) -> bool:
    """Whether an idle connection has nothing to say: bytes or an end before any request make it useless."""
    poll = _poll()
    poll.register(kept.fileno(), select.POLLIN)
    return not poll.poll(0)


def _compile(request: Request) -> tuple[_Origin, bytes]:
    """Where the request goes and its bytes; PROTOCOL when it cannot be said in HTTP/1.1."""
    url = urllib.parse.urlsplit(request.url)
    if url.scheme not in _PORTS or not url.hostname:
        raise _Failed(Cause.PROTOCOL, f"'{request.url}' is not an http or https URL")
    if url.port == 0:
        raise _Failed(Cause.PROTOCOL, f"'{request.url}' is not a URL: its port is none from 1 to 65535")
    tls = request.connection.tls if url.scheme == "https" else _PLAIN_TLS
    origin = _Origin(url.scheme, url.hostname, url.port or _PORTS[url.scheme], tls)
    user = url.netloc.rpartition("@")[0]
    path = url.path if request.path_as_is else resolved(url.path)
    target = (path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{request.method} {target} HTTP/1.1", *_headers(request, origin, user=user)]
    if not _SAFE_TARGET.fullmatch(target) or not all(map(_SAFE_LINE.fullmatch, lines)):
        raise _Failed(Cause.PROTOCOL, "a header or the URL holds a line break or a character HTTP cannot carry")
    return origin, b"".join(("\r\n".join(lines).encode(), b"\r\n\r\n", request.body or b""))


def _headers(request: Request, origin: _Origin, *, user: str) -> Iterator[str]:
    """The request's header lines: its own, and those HTTP and the URL's `user:password` need that it did not set."""
    given = {name.lower() for name, _ in request.headers}
    if "host" not in given:
        yield f"Host: {origin.host_header}"
    if user and "authorization" not in given:
        yield f"Authorization: {_basic(user)}"
    yield from (f"{name}: {value}" for name, value in request.headers)
    if (request.body or request.method in _BODY_METHODS) and "content-length" not in given:
        yield f"Content-Length: {len(request.body or b'')}"


def _basic(user: str) -> str:
    """What `user:password` of a URL makes by RFC 7617."""
    name, _, password = user.partition(":")
    both = f"{urllib.parse.unquote(name)}:{urllib.parse.unquote(password)}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


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
