"""What the observer tells: exchanges, the numbered stream of their starts and ends, and counts per proxy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from seatrial.clock import SteadyClock

_CAPACITY = 65_536


class Fate(Enum):
    """How an exchange ended; seen from the caller, so `DONE` means that the whole answer was passed to it."""

    OPEN = "open"
    DONE = "done"
    CLIENT_CLOSED = "client_closed"
    UPSTREAM_CLOSED = "upstream_closed"
    NO_UPSTREAM = "no_upstream"
    CUT = "cut"
    """A toxic closed the connection, or the proxy was disabled."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One HTTP/1 request and what became of it; it changes until its fate is known.

    `id` is the number of its start in the event stream. `started_at` is Unix time in seconds by the log's clock, the
    moment the head of the request had arrived from the caller, before any toxic. The other times are seconds since
    then: `forwarded_s` when the head had been passed to the upstream, `answered_s` when the answer's head had arrived
    from it, `first_byte_s` when the answer's first byte was passed to the caller, `duration_s` when the exchange
    ended. `path` has no query. Bytes count heads and bodies, as they arrived.
    """

    id: int
    edge: str
    connection: int
    started_at: float
    method: str
    path: str
    trace_id: str | None
    forwarded_s: float | None = None
    answered_s: float | None = None
    first_byte_s: float | None = None
    duration_s: float | None = None
    status: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    fate: Fate = Fate.OPEN


class Change(Enum):
    """What an event says."""

    START = "start"
    END = "end"


class Event(NamedTuple):
    """The start or the end of an exchange, the `number`th event of this process."""

    number: int
    change: Change
    exchange: Exchange


@dataclass(frozen=True)
class Page:
    """Events in order; `next` is where to go on, `lost` how many were overwritten before they were asked for."""

    events: list[Event]
    next: int
    lost: int


class EventLog:
    """The newest events of all proxies, numbered from 0; older ones are overwritten. By its `clock` all are timed."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.clock = SteadyClock()
        self._ring: list[tuple[Change, Exchange] | None] = [None] * capacity
        self._next = 0

    @property
    def next(self) -> int:
        """The number the next event will have."""
        return self._next

    def add(self, change: Change, exchange: Exchange) -> None:
        """Append an event."""
        self._ring[self._next % len(self._ring)] = (change, exchange)
        self._next += 1

    def since(self, first: int, *, limit: int) -> Page:
        """At most `limit` events from number `first` on."""
        kept_from = max(0, self._next - len(self._ring))
        start = max(first, kept_from)
        stop = min(start + limit, self._next)
        found = ((number, self._ring[number % len(self._ring)]) for number in range(start, stop))
        events = [Event(number, *entry) for number, entry in found if entry is not None]
        return Page(events, next=stop, lost=start - first)


@dataclass(slots=True)
class Counters:
    """Counts of one proxy since it was made; bytes are those read from callers (up) and upstreams (down)."""

    connections_total: int = 0
    connections_opaque: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    requests_total: int = 0
    requests_open: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
