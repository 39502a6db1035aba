"""What the observer tells: exchanges, the numbered stream of their starts and ends, and counts per proxy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from seatrial.chaos.proxy.route import RouteCounts
from seatrial.chaos.proxy.toxics.toxic import Stream
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
    """The newest events of all proxies, numbered from 0; older ones are overwritten. By its `clock` all are timed.

    `next` is the number the next event will have.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.clock = SteadyClock()
        self.next = 0
        self._ring: list[Exchange | None] = [None] * capacity
        self._capacity = capacity

    def add(self, exchange: Exchange) -> None:
        """Append the start of an exchange, whose id is `next`, or else its end."""
        self._ring[self.next % self._capacity] = exchange
        self.next += 1

    def since(self, first: int, *, limit: int) -> Page:
        """At most `limit` events from number `first` on."""
        start = max(first, self.next - self._capacity, 0)
        stop = min(start + limit, self.next)
        found = ((number, self._ring[number % self._capacity]) for number in range(start, stop))
        events = [_event(number, exchange) for number, exchange in found if exchange is not None]
        return Page(events, next=stop, lost=start - first)


def _event(number: int, exchange: Exchange) -> Event:
    return Event(number, Change.START if number == exchange.id else Change.END, exchange)


@dataclass(slots=True)
class Traffic:
    """Bytes in one direction: those read, and those passed on after every toxic; `straight` are both at once."""

    straight: int = 0
    read: int = 0
    passed: int = 0

    @property
    def bytes_read(self) -> int:
        """Read from callers, or from upstreams."""
        return self.straight + self.read

    @property
    def bytes_passed(self) -> int:
        """Passed on to the other side."""
        return self.straight + self.passed


@dataclass(slots=True)
class Counters:
    """Counts of one proxy since it was made.

    `by_status` counts answers when they begin, `by_route` exchanges when they end; both only while HTTP is read.
    """

    up: Traffic = field(default_factory=Traffic)
    down: Traffic = field(default_factory=Traffic)
    connections_total: int = 0
    connections_opaque: int = 0
    requests_total: int = 0
    requests_open: int = 0
    by_status: Counter[int] = field(default_factory=Counter)
    by_route: RouteCounts = field(default_factory=RouteCounts)

    def of(self, stream: Stream) -> Traffic:
        """The bytes of a direction."""
        return self.up if stream is Stream.UPSTREAM else self.down
