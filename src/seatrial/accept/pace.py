"""Keeps a realm's cap on requests: all workers of a run together send no faster than it allows, and in no bursts.

Room accept. Waiting for a turn belongs to no exchange: no latency and no deadline counts it.
"""

from __future__ import annotations

import threading

from seatrial import http
from seatrial.clock import Clock
from seatrial.exchange import Answer, Request


class Pacer:
    """Gives turns, at most `max_rate_per_s` of them a second; None bounds nothing. Safe from several threads."""

    def __init__(self, max_rate_per_s: float | None) -> None:
        self._interval_s = 1.0 / max_rate_per_s if max_rate_per_s else 0.0
        self._next_at: float | None = None
        self._lock = threading.Lock()

    def wait(self, clock: Clock) -> None:
        """Return when it is the caller's turn. What was not used before is not made up for."""
        if self._interval_s:
            wait_s = self._take(clock.monotonic())
            if wait_s > 0.0:
                clock.sleep(wait_s)

    def _take(self, now_s: float) -> float:
        with self._lock:
            turn_at = now_s if self._next_at is None else max(now_s, self._next_at)
            self._next_at = turn_at + self._interval_s
        return turn_at - now_s


class PacedClient(http.Client):
    """A client that sends when it is its turn."""

    def __init__(self, pacer: Pacer, clock: Clock) -> None:
        super().__init__()
        self._pacer = pacer
        self._clock = clock

    def send(self, request: Request) -> Answer:
        """Wait for the turn, then send; the request's deadline begins only then."""
        self._pacer.wait(self._clock)
        return super().send(request)
