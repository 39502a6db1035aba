"""The only door to httpx: sends one rendered `Request`, gives an `Answer`, and raises for nothing a target does.

httpx bounds single reads; here the *whole* exchange has one deadline: name resolution, connecting, TLS, sending, the
head and the drip of the body. Every read gets only the time that is left, which is why the network below httpx is
ours (`_Network`). Redirects are not followed, cookies are not kept, proxies from the environment are never used for
loopback. Imports only `exchange`, `quantity` and `sample`'s words; must never judge an answer.
"""

from __future__ import annotations

import contextvars
import functools
import ipaddress
import json
import queue
import socket
import ssl
import threading
import time
import types
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpcore
import httpx

from seatrial.exchange import Answer, Broken, Request, Response
from seatrial.quantity import show_duration
from seatrial.sample import Cause, Timings

MAX_BODY_BYTES = 10 << 20
"""Of a decoded body. A journey's answer is some kB; this is what a play may hold without the run noticing."""

KEEP_ALIVE_S = 2.0
"""How long an idle connection is kept: well under the 5 s after which common servers close theirs, so that a request
is not sent into a connection that is just being closed."""

WRITE_BYTES = 1 << 16
ACCEPT_ENCODING = "gzip, deflate"

_CAUSES: Mapping[type[Exception], Cause] = {
    httpx.ConnectTimeout: Cause.CONNECT,
    httpx.PoolTimeout: Cause.CONNECT,
    httpx.ReadTimeout: Cause.TIMEOUT,
    httpx.WriteTimeout: Cause.TIMEOUT,
    httpx.TimeoutException: Cause.TIMEOUT,
    httpx.ConnectError: Cause.CONNECT,
    httpx.ProxyError: Cause.CONNECT,
    httpx.ReadError: Cause.RESET,
    httpx.WriteError: Cause.RESET,
    httpx.CloseError: Cause.RESET,
    httpx.NetworkError: Cause.RESET,
    httpx.RemoteProtocolError: Cause.PROTOCOL,
    httpx.LocalProtocolError: Cause.PROTOCOL,
    httpx.ProtocolError: Cause.PROTOCOL,
    httpx.UnsupportedProtocol: Cause.PROTOCOL,
    httpx.DecodingError: Cause.PROTOCOL,
    httpx.TooManyRedirects: Cause.REDIRECTS,
    httpx.TransportError: Cause.PROTOCOL,
    httpx.RequestError: Cause.PROTOCOL,
    httpx.HTTPStatusError: Cause.PROTOCOL,
    httpx.HTTPError: Cause.PROTOCOL,
    httpx.InvalidURL: Cause.PROTOCOL,
    httpx.CookieConflict: Cause.PROTOCOL,
    httpx.StreamConsumed: Cause.PROTOCOL,
    httpx.StreamClosed: Cause.PROTOCOL,
    httpx.ResponseNotRead: Cause.PROTOCOL,
    httpx.RequestNotRead: Cause.PROTOCOL,
    httpx.StreamError: Cause.PROTOCOL,
}
_SYSTEM_CAUSES: Mapping[type[OSError], Cause] = {
    socket.gaierror: Cause.DNS,
    ssl.SSLError: Cause.TLS,
    ssl.SSLCertVerificationError: Cause.TLS,
    ssl.SSLEOFError: Cause.TLS,
    ssl.SSLZeroReturnError: Cause.TLS,
    ConnectionRefusedError: Cause.REFUSED,
    ConnectionResetError: Cause.RESET,
    ConnectionAbortedError: Cause.RESET,
    BrokenPipeError: Cause.RESET,
}
_ROOTS = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)


class Client:
    """Keeps connections alive between exchanges. Each exchange runs in the thread that called `send`.

    A context manager; close it, or its idle connections stay open.
    """

    def __init__(self) -> None:
        self._direct = _Transport(None)
        self._proxied: dict[str, _Transport] = {}

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
        for transport in (self._direct, *self._proxied.values()):
            transport.close()

    def send(self, request: Request) -> Answer:
        """Send it and read the whole answer within `request.timeout_s`; a failure of the target is a `Broken`."""
        exchange = _Exchange(request.timeout_s)
        token = _CURRENT.set(exchange)
        try:
            return self._exchange(request, exchange)
        except _ROOTS as error:
            return exchange.broken(_cause(error, exchange), _detail(error))
        except (UnicodeError, ValueError) as error:
            return exchange.broken(Cause.PROTOCOL, f"cannot be sent: {error}")
        except _Unacceptable as error:
            return exchange.broken(error.cause, str(error))
        finally:
            _CURRENT.reset(token)

    def _exchange(self, request: Request, exchange: _Exchange) -> Answer:
        sent = _to_httpx(request, exchange)
        answer = self._transport(sent.url).handle_request(sent)
        try:
            body = _read(answer, has_body=request.method != "HEAD")
        finally:
            answer.close()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
        version = answer.extensions.get("http_version", b"HTTP/1.1").decode().removeprefix("HTTP/")
        return Response(
            status=answer.status_code,
            headers=headers,
            body=body,
            latency_s=exchange.spent_s(),
            timings=exchange.timings(),
            http_version=version,
        )

    def _transport(self, url: httpx.URL) -> _Transport:
        proxy = _environment_proxy(url)
        if proxy is None:
            return self._direct
        if proxy not in self._proxied:
            self._proxied[proxy] = _Transport(proxy)
        return self._proxied[proxy]


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


class _Exchange:
    """What the network notes while one exchange is under way, and the time that is left to it."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.started = time.monotonic()
        self.bytes_in = 0
        self.ended_by_peer = False
        self.dns_s: float | None = None
        self.connect_s: float | None = None
        self.tls_s: float | None = None
        self._sent_at = self.started
        self._first_byte_at: float | None = None

    def left_s(self, late: type[Exception]) -> float:
        """The time left; raises `late` when there is none, because a socket takes 0 for "do not wait at all"."""
        left = self.timeout_s - self.spent_s()
        if left <= 0.0:
            raise late("the deadline has passed")
        return left

    def spent_s(self) -> float:
        return time.monotonic() - self.started

    def note_sent(self) -> None:
        self._sent_at = time.monotonic()

    def note_received(self, count: int) -> None:
        if count == 0:
            self.ended_by_peer = True
        elif self._first_byte_at is None:
            self._first_byte_at = time.monotonic()
        self.bytes_in += count

    def timings(self) -> Timings:
        first = self._first_byte_at
        return Timings(
            dns_s=self.dns_s,
            connect_s=self.connect_s,
            tls_s=self.tls_s,
            first_byte_s=None if first is None else first - self._sent_at,
            download_s=None if first is None else time.monotonic() - first,
        )

    def broken(self, cause: Cause, detail: str) -> Broken:
        words = {
            Cause.TIMEOUT: f"no byte of an answer within {show_duration(self.timeout_s)}",
            Cause.DRIP: f"{self.bytes_in} bytes in {show_duration(self.timeout_s)}, but no whole answer",
        }
        return Broken(cause, words.get(cause, detail), self.spent_s(), self.timings())


_CURRENT: contextvars.ContextVar[_Exchange] = contextvars.ContextVar("exchange")


class _Unacceptable(Exception):
    """An answer that HTTP allows and we do not take."""

    def __init__(self, cause: Cause, problem: str) -> None:
        super().__init__(problem)
        self.cause = cause


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over a pool that connects through `_Network`."""

    def __init__(self, proxy: str | None) -> None:
        super().__init__(verify=_tls_context())
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls_context(),
            proxy=None if proxy is None else _proxy(proxy),
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=_Network(),
        )


class _Network(httpcore.NetworkBackend):
    """Connects and notes how long that took; resolves names itself, because the system's call has no deadline."""

    def __init__(self) -> None:
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        exchange = _CURRENT.get()
        try:
            addresses = _addresses(host, port, exchange)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        started = time.monotonic()
        stream = self._connect_first(addresses, port, exchange)
        exchange.connect_s = time.monotonic() - started
        return _Stream(stream)

    def _connect_first(self, addresses: list[str], port: int, exchange: _Exchange) -> httpcore.NetworkStream:
        """Try each address in order; the last one's failure is the failure."""
        *others, last = addresses
        for address in others:
            try:
                return self._system.connect_tcp(address, port, exchange.left_s(httpcore.ConnectTimeout))
            except httpcore.ConnectError:
                continue
        return self._system.connect_tcp(last, port, exchange.left_s(httpcore.ConnectTimeout))

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every call gets only the time that is left to the exchange it serves."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        exchange = _CURRENT.get()
        data = self._stream.read(max_bytes, exchange.left_s(httpcore.ReadTimeout))
        exchange.note_received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = _CURRENT.get()
        for start in range(0, len(buffer), WRITE_BYTES):
            self._stream.write(buffer[start : start + WRITE_BYTES], exchange.left_s(httpcore.WriteTimeout))
        exchange.note_sent()

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        exchange = _CURRENT.get()
        started = time.monotonic()
        left_s = exchange.left_s(httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left_s)
        exchange.tls_s = time.monotonic() - started
        return _Stream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """One for the process: making it reads every certificate of the bundle, some 15 ms."""
    return httpx.create_ssl_context()


def _proxy(url: str) -> httpcore.Proxy:
    parts = urllib.parse.urlsplit(url)
    auth = (
        (urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")) if parts.username else None
    )
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return httpcore.Proxy(f"{parts.scheme}://{host}{port}", auth=auth)


def _environment_proxy(url: httpx.URL) -> str | None:
    """The proxy the environment names for this URL; never one for loopback."""
    proxies = urllib.request.getproxies()
    if not proxies or _is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _addresses(host: str, port: int, exchange: _Exchange) -> list[str]:
    """The addresses of a host, resolved within the time left (OSError when not); an address is its own."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    started = time.monotonic()
    found = _resolve(host, port, exchange)
    exchange.dns_s = time.monotonic() - started
    return found


def _resolve(host: str, port: int, exchange: _Exchange) -> list[str]:
    """Ask the system in a thread that is left behind when it takes too long: nothing can interrupt that call."""
    results: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([str(entry[4][0]) for entry in entries])
        except OSError as error:
            results.put(error)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        result = results.get(timeout=exchange.left_s(httpcore.ConnectTimeout))
    except queue.Empty:
        result = socket.gaierror(socket.EAI_AGAIN, f"'{host}' was not resolved in time")
    if isinstance(result, OSError):
        raise result
    return result


def _to_httpx(request: Request, exchange: _Exchange) -> httpx.Request:
    """As httpx wants it. The timeouts given here are only what its pool asks for; `_Stream` has the real ones."""
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    if not any(name.lower() == b"accept-encoding" for name, _ in headers):
        headers.append((b"Accept-Encoding", ACCEPT_ENCODING.encode()))
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), exchange.timeout_s)
    return httpx.Request(
        request.method, request.url, headers=headers, content=request.body, extensions={"timeout": timeouts}
    )


def _read(answer: httpx.Response, *, has_body: bool) -> bytes:
    """The whole body, decoded piece by piece so that a small answer cannot unpack into a large one unseen."""
    parts: list[bytes] = []
    length = 0
    for part in _decoded(answer) if has_body else answer.iter_raw():
        length += len(part)
        if length > MAX_BODY_BYTES:
            raise _Unacceptable(Cause.TOO_LARGE, f"the body is larger than {MAX_BODY_BYTES >> 20} MiB once decoded")
        parts.append(part)
    return b"".join(parts)


def _decoded(answer: httpx.Response) -> Iterator[bytes]:
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return answer.iter_raw()
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _unpacked(answer.iter_raw(), encoding)
    raise _Unacceptable(Cause.PROTOCOL, f"the body is encoded as '{encoding}', which was not asked for")


def _unpacked(raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Unpack at most one byte more than `_read` takes; the 32 lets zlib tell gzip heads from its own."""
    unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
    anything = False
    try:
        for chunk in raw:
            anything = anything or bool(chunk)
            yield unpacker.decompress(chunk, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise _Unacceptable(Cause.PROTOCOL, f"the body is not {encoding}: {error}") from None
    if anything and not unpacker.eof:
        raise _Unacceptable(Cause.TRUNCATED, f"the {encoding} body ends too early")


def _cause(error: Exception, exchange: _Exchange) -> Cause:
    """The taxonomy's word: by what the system said, else by what the peer did, else by httpx's class."""
    system = _system_error(error)
    if system is not None:
        return _SYSTEM_CAUSES[type(system)]
    cause = _CAUSES[next(kind for kind in type(error).__mro__ if kind in _CAUSES)]
    if cause is Cause.TIMEOUT and exchange.bytes_in:
        return Cause.DRIP
    if isinstance(error, httpx.RemoteProtocolError) and exchange.ended_by_peer:
        return Cause.TRUNCATED if exchange.bytes_in else Cause.RESET
    return cause


def _system_error(error: BaseException | None) -> OSError | None:
    """What the operating system or TLS said, somewhere down the chain of causes, if it tells more than httpx."""
    while error is not None:
        if isinstance(error, OSError) and type(error) in _SYSTEM_CAUSES:
            return error
        error = error.__cause__ or error.__context__
    return None


def _detail(error: Exception) -> str:
    said = _system_error(error)
    text = (said.strerror or str(said)).lower() if said else str(error)
    return text or type(error).__name__


def answer_challenge(request: Request, response: Response, *, user: str, password: str) -> str | None:
    """The Authorization header that answers a digest challenge (RFC 7616); None when the challenge is another."""
    asked = httpx.Request(request.method, request.url)
    flow = httpx.DigestAuth(user, password).auth_flow(asked)
    next(flow)
    try:
        again = flow.send(httpx.Response(response.status, headers=list(response.headers), request=asked))
    except (StopIteration, httpx.ProtocolError, KeyError, ValueError):
        return None
    value: str | None = again.headers.get("authorization")
    return value
