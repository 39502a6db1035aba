"""The words of an audit: a strain, what was seen of it, what a signature reads from that, and what it comes to.

Pure; may import only the floor and the chaos room's words.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from seatrial.chaos.seen.breaker import Span
from seatrial.sample import Connections, EdgeCall, Interval, Sample
from seatrial.service import BreakerPromise, Edge, Mechanisms

NOTHING_PROMISED = Mechanisms()


class Kind(enum.StrEnum):
    """The battery: what an edge is strained with; those in `battery.BY_NAME` only where they are asked for."""

    SLOW = "slow"
    HANG = "hang"  # downstream: answers never come
    HANG_UPSTREAM = "hang-upstream"  # requests never arrive
    REFUSE = "refuse"
    RESET = "reset"  # every connection, in the middle of its first exchange
    DRIP = "drip"
    TRUNCATE = "truncate"
    SERVER_ERROR = "5xx"
    CLIENT_ERROR = "4xx"
    PARTIAL = "partial"
    LOST = "lost"  # answers to POST, and to nothing else, never come
    CUT = "cut"  # its connections are closed, several of them idle, and taken again at once
    KILL = "kill"  # of the callee
    PAUSE = "pause"  # of the callee: alive, and answering nobody
    CROWD = "crowd"  # answers come late, and three times as many requests come
    RESTART = "restart"  # of the caller, by TERM, while it waits for slow answers; started while the callee is out


@dataclass(frozen=True, slots=True)
class Strain:
    """One fault of the battery on one edge. `promised` is the caller's promise about it; `optional`: the caller says
    that its answers go on without the dependency."""

    edge: Edge
    kind: Kind
    promised: Mechanisms = NOTHING_PROMISED
    optional: bool = False

    @property
    def name(self) -> str:
        """What its windows in the journal are called."""
        return f"audit: {self.kind} on {self.edge}"

    @property
    def breaker(self) -> BreakerPromise:
        """The promised breaker; the usual one where none is promised."""
        return self.promised.breaker or BreakerPromise()


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a strain: the calls at every proxy from the end of the recovery before it to its own, and when
    the fault was on, None when it never was. `health` is how the caller's health path, or the one that says whether
    it is ready, answered where it was asked; `answers` are the caller's to those steps of journeys that check whether
    an answer is degraded; `stopped_at` is when it was told to end; `connections` are those it held open at the edge,
    by time, `cut_at` is when they were closed; `starts` is how it started while its dependency was out; `late_s` is
    how late the audit's own requests were started at the worst: so long, at least, the machine stood still.
    `why_not`: why nothing can be read from it, empty when it can."""

    strain: Strain
    calls: tuple[EdgeCall, ...] = ()
    fault: Span | None = None
    why_not: str = ""
    health: tuple[Sample, ...] = ()
    stopped_at: float | None = None
    answers: tuple[Interval, ...] = ()
    connections: tuple[Connections, ...] = ()
    cut_at: float | None = None
    starts: tuple[Sample, ...] = ()
    late_s: float = 0.0


class Sign(enum.StrEnum):
    """What a signature says."""

    FOUND = "found"
    CLEAR = "clear"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one signature read: its evidence in a sentence, from `n` calls or requests, `bad` of them as the defect
    makes them. `outweighed`: they were too few among all calls of the caller to open a breaker that it shares for all
    its dependencies. Where none opened, that may be why; where one opened all the same, the edge has its own."""

    sign: Sign
    text: str
    n: int = 0
    bad: int = 0
    outweighed: bool = False


class Severity(enum.IntEnum):
    """How much a defect weighs in the score."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """As it is shown."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Family:
    """Defects that look the same from outside, by their numbers; `explains` names the families that show because of
    it, on the same edge, or, where it is `of_caller`, on any edge of the caller."""

    key: str
    numbers: tuple[int, ...]
    title: str
    severity: Severity
    advice: str
    explains: tuple[str, ...] = ()
    of_caller: bool = False

    @property
    def number_text(self) -> str:
        """`5/13/14/15`."""
        return "/".join(map(str, self.numbers))


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one signature read at one edge under one strain."""

    family: Family
    strain: Strain
    reading: Reading


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding: a defect of a service, the edges where it shows, and the families that show because of it."""

    family: Family
    caller: str
    rulings: tuple[Ruling, ...]
    consequences: tuple[Ruling, ...] = ()

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Where it shows, in the order it was tried."""
        return tuple(dict.fromkeys(ruling.strain.edge for ruling in self.rulings))
