"""How far one exchange came, and the time that is left to it.

Every call of the network asks here how long it may wait: httpx bounds single reads, and a drip passes such bounds for
ever. Pure but for the monotonic clock.
"""

from __future__ import annotations

import time

from seatrial.exchange import IDEMPOTENT, Broken, Request
from seatrial.http.engine import httpcore
from seatrial.http.failure import Failed, Late, told
from seatrial.quantity import show_duration
from seatrial.sample import Cause, Timings

STALE_WITHIN_S = 1.0
"""A server that closed an idle connection while our request was under way is noticed within a round trip. A
connection that ends later was ended by the server (or a fault) with the request in its hands: that is a failure to be
told."""


class Progress:
    """One exchange under way."""

    __slots__ = (
        "_connect_within_s",
        "_connecting_since",
        "_ends_at",
        "_first",
        "_first_byte_at",
        "_is_kept",
        "_method",
        "_sent_at",
        "_timeout_s",
        "answered",
        "bytes_in",
        "connect_s",
        "dns_s",
        "ended_by_peer",
        "framed",
        "started",
        "tls_s",
    )

    def __init__(self, request: Request) -> None:
        self._method = request.method
        self._is_kept = True  # till a connection has to be made
        self._timeout_s = request.timeout_s
        self._connect_within_s = request.connection.connect_timeout_s
        self.started = time.monotonic()
        self._ends_at = self.started + request.timeout_s
        self._connecting_since = self.started
        self._sent_at = self.started
        self._first_byte_at: float | None = None
        self._first = b""
        self.bytes_in = 0
        self.ended_by_peer = False
        self.answered = False  # the head of the answer is there
        self.framed = False  # HTTP/2: what comes first are the server's settings, no answer
        self.dns_s: float | None = None
        self.connect_s: float | None = None
        self.tls_s: float | None = None

    def left_s(self) -> float:
        """The time left, more than 0; Late when there is none, because a socket takes 0 for "do not wait at all"."""
        left = self._ends_at - time.monotonic()
        if left <= 0.0:
            raise self.late()
        return left

    def connect_left_s(self) -> float:
        """The time left to resolve, to connect and to shake hands; CONNECT when there is none."""
        now = time.monotonic()
        left = min(self._ends_at, self._connect_by()) - now
        if left <= 0.0:
            raise self.unconnected()
        return left

    def spent_s(self) -> float:
        """Seconds since the call."""
        return time.monotonic() - self.started

    def note_connecting(self) -> None:
        """A connection is being made: the time for it begins."""
        self._is_kept = False
        self._connecting_since = time.monotonic()

    def note_secured(self, seconds: float) -> None:
        """TLS stands."""
        self.tls_s = seconds
        self.note_tunnelled()

    def note_tunnelled(self) -> None:
        """What came so far was a proxy's word, and no part of the answer."""
        self._first_byte_at = None
        self._first = b""
        self.bytes_in = 0

    def note_sent(self) -> None:
        """A part of the request was sent."""
        if self._first_byte_at is None:
            self._sent_at = time.monotonic()

    def note_received(self, data: bytes) -> None:
        """Something came; nothing is the peer's end."""
        if not data:
            self.ended_by_peer = True
        elif self._first_byte_at is None:
            self._first_byte_at = time.monotonic()
            self._first = data[:8]
        self.bytes_in += len(data)

    def note_head(self) -> None:
        """The head of the answer is there, and in the protocol asked for."""
        self._first = b""
        self.answered = True
        if self.framed:
            self.framed = False
            self._first_byte_at = time.monotonic()

    def hurry(self, seconds: float) -> None:
        """What is left to do may take so long at most."""
        self._ends_at = min(self._ends_at, time.monotonic() + seconds)

    def misfit(self) -> str:
        """What the peer speaks, if it is plainly not what was asked for; empty otherwise."""
        is_http1 = self._first.startswith(b"HTTP/")
        if self.framed:
            return "the server speaks HTTP/1.1, not HTTP/2" if is_http1 else ""
        return "" if is_http1 or len(self._first) < len("HTTP/") else f"no HTTP: it begins with {self._first!r}"

    def timings(self) -> Timings:
        """The phases so far."""
        first = self._first_byte_at
        return Timings(
            self.dns_s,
            self.connect_s,
            self.tls_s,
            None if first is None else first - self._sent_at,
            None if first is None else time.monotonic() - first,
        )

    def late(self) -> Late:
        """The deadline has passed: DRIP when an answer had begun, for then it came too slowly."""
        within = show_duration(self._timeout_s)
        if misfit := self.misfit():
            return Late(Cause.PROTOCOL, misfit)
        if self.bytes_in and not self.framed:
            return Late(Cause.DRIP, f"{self.bytes_in} bytes in {within}, but no whole answer")
        return Late(Cause.TIMEOUT, f"no byte of an answer within {within}")

    def unconnected(self, cause: Cause = Cause.CONNECT) -> Late:
        """There is no connection within the time for it; `cause` DNS while a name was being resolved."""
        within = self._connect_within_s
        text = show_duration(self._timeout_s if within is None else min(within, self._timeout_s))
        return Late(cause, f"{'no address' if cause is Cause.DNS else 'no connection'} within {text}")

    def was_stale(self, error: Exception) -> bool:
        """Whether a kept connection ended before it could carry the request: a fresh one may honestly try again.

        So it is when the server says itself (HTTP/2's GOAWAY) that it has not begun with the request; or when nothing
        came and that was seen at once, as the load child has it too, but only for a method that does no harm twice:
        the server may have read the request and acted on it. That a connection ended while it was idle is seen when
        it is taken, so that other methods need no such second try in normal life.
        """
        if isinstance(error, httpcore.ConnectionNotAvailable):
            return True
        at_once = time.monotonic() - self._sent_at < STALE_WITHIN_S
        return at_once and self._method in IDEMPOTENT and self._is_cut_unanswered(self.failed(error))

    def begin_afresh(self) -> None:
        """Another connection is tried, within the same deadline."""
        self.ended_by_peer = False

    def failed(self, error: Exception) -> Failed:
        """What was raised, in the taxonomy's words."""
        bytes_in = 0 if self.framed else self.bytes_in
        failed = told(error, bytes_in=bytes_in, ended_by_peer=self.ended_by_peer, misfit=self.misfit())
        if self._method in IDEMPOTENT or not self._is_cut_unanswered(failed):
            return failed
        text = f"the kept connection was closed without an answer, and {self._method} is not sent twice unasked"
        return Failed(Cause.RESET, text)

    def broken(self, failed: Failed) -> Broken:
        """The end of this exchange without an answer."""
        return Broken(failed.cause, failed.detail, self.spent_s(), self.timings())

    def _is_cut_unanswered(self, failed: Failed) -> bool:
        """Whether that is the end of a kept connection over which nothing came."""
        return self._is_kept and not self.bytes_in and failed.cause is Cause.RESET

    def _connect_by(self) -> float:
        within = self._connect_within_s
        return self._ends_at if within is None else self._connecting_since + within
