"""TLS inside TLS, as through an https proxy: a socket's calls over another `ssl` socket.

`ssl` cannot wrap its own sockets, only memory; here that memory is filled and emptied, and each call, the handshake
too, ends within the timeout set for it however slowly the bytes come.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

_RECORD_BYTES = 1 << 14
_Given = TypeVar("_Given")


class NestedTls:
    """As much of a socket as a line needs."""

    def __init__(self, context: ssl.SSLContext, outer: ssl.SSLSocket, host: str | None) -> None:
        self._outer = outer
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._timeout_s = outer.gettimeout()

    @classmethod
    def wrap(cls, context: ssl.SSLContext, outer: ssl.SSLSocket, host: str | None) -> NestedTls:
        """Shake hands inside `outer`, within the timeout it has."""
        nested = cls(context, outer, host)
        nested._carry(nested._inner.do_handshake)
        return nested

    def settimeout(self, seconds: float | None) -> None:
        """For each call from now on, as a whole."""
        self._timeout_s = seconds

    def recv(self, count: int) -> bytes:
        """What has come; none at the peer's end."""
        try:
            return self._carry(lambda: self._inner.read(count))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def send(self, data: memoryview) -> int:
        """Send it; how much was taken."""
        return self._carry(lambda: self._inner.write(data))

    def getpeercert(self, binary_form: bool = False) -> Any:
        """As of an `ssl` socket."""
        return self._inner.getpeercert(binary_form)

    def selected_alpn_protocol(self) -> str | None:
        """As of an `ssl` socket."""
        return self._inner.selected_alpn_protocol()

    def fileno(self) -> int:
        """Of the socket below."""
        return self._outer.fileno()

    def close(self) -> None:
        """Close the socket below."""
        self._outer.close()

    def _carry(self, call: Callable[[], _Given]) -> _Given:
        """Make the call, carrying bytes between the memory and the socket below till it is satisfied."""
        ends_at = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while True:
            try:
                given = call()
            except ssl.SSLWantReadError:
                self._flush(ends_at)
                self._fill(ends_at)
            else:
                self._flush(ends_at)
                return given

    def _fill(self, ends_at: float | None) -> None:
        self._limit(ends_at)
        data = self._outer.recv(_RECORD_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self, ends_at: float | None) -> None:
        waiting = memoryview(self._outgoing.read())
        while waiting:
            self._limit(ends_at)
            waiting = waiting[self._outer.send(waiting) :]

    def _limit(self, ends_at: float | None) -> None:
        if ends_at is None:
            return
        left_s = ends_at - time.monotonic()
        if left_s <= 0.0:
            raise TimeoutError("the time for a TLS call has passed")
        self._outer.settimeout(left_s)
