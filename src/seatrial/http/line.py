"""One line to a peer: the network as httpx's engine sees it, every call within the deadline of its exchange.

The engine asks a `Line` to connect, to read, to write and to begin TLS, and passes a timeout for each call; these are
not heeded. A line serves one exchange at a time (`serve`) and waits no longer than that exchange has time left. What
the network says comes out as `Failed`. Imports the engine for its two abstract classes and one exception.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

from seatrial.exchange import Certificate, Tls
from seatrial.http import tls as tls_room
from seatrial.http.engine import httpcore
from seatrial.http.failure import Failed
from seatrial.http.frames import Frames
from seatrial.http.names import addresses_of
from seatrial.http.nested import NestedTls
from seatrial.http.progress import Progress
from seatrial.sample import Cause

_WRITE_BYTES = 1 << 16
_READ_BYTES = 1 << 16
_EARLY_BYTES = 1 << 20
_LOOK_UP_S = 0.05
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5])")
_RESETS = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
_Socket = Any  # a socket, an `ssl.SSLSocket` or a `NestedTls`: they share no base


class Line(httpcore.NetworkBackend, httpcore.NetworkStream):
    """Not connected till the engine asks for it. Close it when an exchange over it has failed."""

    def __init__(self, tls: Tls, context: ssl.SSLContext | None, *, framed: bool) -> None:
        self._tls = tls
        self.framed = framed  # HTTP/2 is spoken; TLS agrees on that later
        self._context = context  # the server's own; a proxy is spoken to by another one
        self._socket: _Socket = None
        self._early = b""
        self._certificate: Certificate | None = None
        self._progress: Progress | None = None
        self._poll: select.poll | None = None
        self.frames = Frames()
        self.ip = ""
        self.secured = 0  # how many layers of TLS: an https proxy's is one more

    def serve(self, progress: Progress) -> None:
        """From now on the line's calls wait no longer than this exchange has left."""
        self._progress = progress
        self.frames.begin()
        progress.framed = self.framed

    @property
    def progress(self) -> Progress:
        """Of the exchange it serves."""
        assert self._progress is not None
        return self._progress

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that accepts; the last one's failure is the failure."""
        progress = self.progress
        progress.note_connecting()
        *others, last = addresses_of(host, port, progress)
        started = time.monotonic()
        for self.ip in others:
            with contextlib.suppress(Failed):
                self._socket = _connected(self.ip, port, progress, share=0.5)
                break
        else:
            self.ip = last
            self._socket = _connected(last, port, progress, share=1.0)
        progress.connect_s = time.monotonic() - started
        return self

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Shake hands; a second time inside the first, as through an https proxy."""
        progress = self.progress
        started = time.monotonic()
        wrap = NestedTls.wrap if self.secured else _wrapped
        try:
            self._socket.settimeout(progress.connect_left_s())
            self._socket = wrap(ssl_context, self._socket, server_hostname)
        except (OSError, ValueError) as error:
            raise _not_secured(error, progress) from None
        self.secured += 1
        self._certificate = None
        progress.note_secured(time.monotonic() - started)
        if ssl_context is self._context:
            self.framed = progress.framed = self._socket.selected_alpn_protocol() == "h2"
            tls_room.check_pin(self._tls, self._socket)
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, at least one byte; none when the peer has ended."""
        if self._early:
            early, self._early = self._early, b""
            return early
        if not self.framed:
            return self._received(max_bytes)
        if self.frames.is_answered:
            return self.frames.leave_to_send()
        while data := self._received(max_bytes):
            if passed_on := self.frames.passed_on(data):
                return passed_on
        return self.frames.rest()

    def _received(self, max_bytes: int) -> bytes:
        progress = self.progress
        try:
            self._socket.settimeout(progress.left_s())
            data: bytes = self._socket.recv(max_bytes)
        except TimeoutError:
            raise progress.late() from None
        except OSError as error:
            raise _cut(error) from None
        progress.note_received(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send it all. The engine's WriteError, upon which it reads, when the peer has answered or ended already."""
        progress = self.progress
        view = memoryview(b"" if self.frames.is_cut_short else buffer)
        while view:
            try:
                self._socket.settimeout(self._write_wait_s(progress))
                view = view[self._socket.send(view[:_WRITE_BYTES]) :]
            except TimeoutError:
                progress.left_s()
                if self._has_answered():
                    raise httpcore.WriteError("the server answered before it had read the request") from None
            except OSError as error:
                raise httpcore.WriteError((error.strerror or str(error)).lower()) from error
        progress.note_sent()

    def close(self) -> None:
        """Close the socket, at once and without a word."""
        if self._socket is not None:
            self._socket.close()

    def certificate(self) -> Certificate | None:
        """What the server showed; read once a connection. None without TLS, for a proxy's is not the server's."""
        if self._certificate is None and self.secured and self._context is not None:
            self._certificate = tls_room.certificate_of(self._socket)
        return self._certificate

    def get_extra_info(self, info: str) -> Any:
        """What the engine asks: whether TLS agreed on HTTP/2, and whether an idle connection has been ended."""
        if info == "ssl_object":
            return self._socket if self.secured else None
        if info == "is_readable":
            return self._is_readable()
        return None

    def _is_readable(self) -> bool:
        if self._socket is None or self._socket.fileno() < 0:
            return True
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._socket.fileno(), select.POLLIN)
        return bool(self._poll.poll(0))

    def _write_wait_s(self, progress: Progress) -> float:
        """Sending that gets stuck is looked up from now and then: the answer may be there already."""
        left_s = progress.left_s()
        return left_s if self.secured > 1 else min(left_s, _LOOK_UP_S)

    def _has_answered(self) -> bool:
        """Whether the peer, while we still send, has begun a final answer; what it says is kept for `read`.

        On a WebSocket it may well speak meanwhile, and might itself be stuck until it is heard.
        """
        if self.framed or self.secured > 1 or len(self._early) > _EARLY_BYTES:
            return False  # HTTP/2 says it in frames, which its engine reads while it sends
        try:
            self._socket.settimeout(0.0)
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        self.progress.note_received(data)
        self._early += data
        return not data or (not self.progress.answered and _is_final(self._early))


def _is_final(said: bytes) -> bool:
    """Whether the last head among these bytes is more than the announcement of one (1xx)."""
    statuses = _STATUS.findall(said)
    return statuses[-1] != b"1" if statuses else len(said) > len("HTTP/1.1 ")


def _connected(address: str, port: int, progress: Progress, *, share: float) -> socket.socket:
    """Connected within this share of the time there is: the next address shall have its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    left_s = progress.connect_left_s() * share
    line = socket.socket(family, socket.SOCK_STREAM)
    try:
        line.settimeout(left_s)
        line.connect((address, port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        line.close()
        raise _not_connected(error, progress) from None
    return line


def _not_connected(error: OSError, progress: Progress) -> Failed:
    if isinstance(error, TimeoutError):
        return progress.unconnected()
    cause = Cause.REFUSED if isinstance(error, ConnectionRefusedError) else Cause.CONNECT
    return Failed(Cause.RESET if isinstance(error, _RESETS) else cause, (error.strerror or str(error)).lower())


def _wrapped(context: ssl.SSLContext, line: socket.socket, host: str | None) -> ssl.SSLSocket:
    return context.wrap_socket(line, server_hostname=host)


def _not_secured(error: Exception, progress: Progress) -> Failed:
    """Why there is no TLS, in words of its own."""
    if isinstance(error, TimeoutError):
        return progress.unconnected()
    if isinstance(error, ssl.SSLCertVerificationError):
        return Failed(Cause.TLS, f"the server's certificate does not hold: {error.verify_message.rstrip('.')}")
    if isinstance(error, ssl.SSLEOFError):
        return Failed(Cause.TLS, "the server ended the connection while TLS was being agreed")
    if isinstance(error, ssl.SSLError):
        return Failed(Cause.TLS, f"TLS cannot be agreed: {_reason(error)}")
    if isinstance(error, OSError):
        return Failed(Cause.RESET, (error.strerror or str(error)).lower())
    return Failed(Cause.TLS, f"TLS cannot be agreed: {error}")


def _cut(error: OSError) -> Failed:
    if isinstance(error, ssl.SSLError):
        return Failed(Cause.TLS, f"TLS was cut: {_reason(error)}")
    return Failed(Cause.RESET, (error.strerror or str(error)).lower())


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's words; "wrong version number" is what it says of anything that is no TLS at all."""
    words = (error.reason or str(error)).replace("_", " ").lower()
    return f"{words} (is this a TLS port?)" if error.reason == "WRONG_VERSION_NUMBER" else words
