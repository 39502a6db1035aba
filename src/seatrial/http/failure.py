"""Why there was no answer, as the inside of the door says it: one exception with the taxonomy's word.

Raised by every part of the package, made a `Broken` by `client` alone. What httpx's engine raises by itself is put
into the same words here; a test enumerates it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from seatrial.http.engine import httpcore, httpx
from seatrial.sample import Cause
from seatrial.unpack import Unpackable

CAUSES: Mapping[type[Exception], Cause] = {
    httpcore.ConnectTimeout: Cause.CONNECT,
    httpcore.PoolTimeout: Cause.CONNECT,
    httpcore.ReadTimeout: Cause.TIMEOUT,
    httpcore.WriteTimeout: Cause.TIMEOUT,
    httpcore.TimeoutException: Cause.TIMEOUT,
    httpcore.ConnectError: Cause.CONNECT,
    httpcore.ProxyError: Cause.CONNECT,
    httpcore.ReadError: Cause.RESET,
    httpcore.WriteError: Cause.RESET,
    httpcore.NetworkError: Cause.RESET,
    httpcore.RemoteProtocolError: Cause.PROTOCOL,
    httpcore.LocalProtocolError: Cause.PROTOCOL,
    httpcore.ProtocolError: Cause.PROTOCOL,
    httpcore.UnsupportedProtocol: Cause.PROTOCOL,
    httpcore.ConnectionNotAvailable: Cause.RESET,
}
"""Of everything httpx's engine raises."""

_HEAD_TOO_LARGE = 431  # what h11 hints a server should answer to such a request


class Failed(Exception):
    """The exchange has no valid answer."""

    def __init__(self, cause: Cause, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause
        self.detail = detail


class Late(Failed):
    """The deadline of the exchange has passed."""


def failures() -> tuple[type[Exception], ...]:
    """What an exchange may raise: ours, and what the engine and the body's decoders raise by themselves; h2's errors
    only where h2 was needed."""
    h2 = sys.modules.get("h2.exceptions")
    known: tuple[type[Exception], ...] = (Failed, *CAUSES, Unpackable, httpx.InvalidURL, UnicodeError, ValueError)
    return known if h2 is None else (*known, h2.H2Error)


def told(error: Exception, *, bytes_in: int, ended_by_peer: bool, misfit: str) -> Failed:
    """The taxonomy's word for what was raised: by what the peer did, else by the class."""
    if isinstance(error, Failed):
        return error
    if isinstance(error, Unpackable):
        return Failed(error.cause, str(error))
    if isinstance(error, httpcore.ProxyError):
        return Failed(Cause.CONNECT, f"the proxy refused: {error}")
    if isinstance(error, httpcore.RemoteProtocolError) and (ended := _ended_frame(error)) is not None:
        return ended
    if getattr(error.__cause__, "error_status_hint", None) == _HEAD_TOO_LARGE:
        return Failed(Cause.TOO_LARGE, "the head of the answer, or of one of its chunks, is larger than 100 KiB")
    return _by_class(error, bytes_in=bytes_in, ended_by_peer=ended_by_peer, misfit=misfit)


def _by_class(error: Exception, *, bytes_in: int, ended_by_peer: bool, misfit: str) -> Failed:
    cause = next((CAUSES[kind] for kind in type(error).__mro__ if kind in CAUSES), Cause.PROTOCOL)
    if misfit and cause is Cause.PROTOCOL:
        return Failed(cause, misfit)
    if ended_by_peer and isinstance(error, httpcore.RemoteProtocolError):
        return _ended(bytes_in, str(error))
    if type(error) not in CAUSES and not _is_of_h2(error):
        return Failed(cause, f"cannot be sent: {error}")
    return Failed(cause, str(error) or type(error).__name__)


def _ended(bytes_in: int, text: str) -> Failed:
    if bytes_in:
        return Failed(Cause.TRUNCATED, text)
    return Failed(Cause.RESET, "the connection was closed without an answer")


def _ended_frame(error: Exception) -> Failed | None:
    """HTTP/2's ways to end: the engine raises the event itself."""
    event = error.args[0] if error.args else None
    words = {
        "ConnectionTerminated": "the server ended the HTTP/2 connection (GOAWAY",
        "StreamReset": "the server reset the HTTP/2 stream (RST_STREAM",
    }
    if type(event).__name__ not in words:
        return None
    return Failed(Cause.RESET, f"{words[type(event).__name__]}, error {int(getattr(event, 'error_code', 0))})")


def _is_of_h2(error: Exception) -> bool:
    return type(error).__module__.startswith("h2.")
