"""The words of what an experiment expects: of mechanisms on edges, of services while a fault is on, of the recovery.

`read_expectations` gives them, `verify` has them judged. Pure; may import only the floor.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.errors import Where
from seatrial.service import Edge, Objective


@dataclass(frozen=True, slots=True)
class BreakerExpectation:
    """What is expected of the breaker of one edge; None means nothing is said about it."""

    edge: Edge
    opens_within_s: float | None = None
    calls_while_open: int | None = None
    closes_within_s: float | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class AmplificationExpectation:
    """At most so many calls on an edge for each usual one; None means one and the promised retries."""

    edge: Edge
    at_most: float | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class TimeoutExpectation:
    """No call on an edge goes on longer than that; None means the promised timeout."""

    edge: Edge
    bounded_by_s: float | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class FallbackExpectation:
    """The caller answers without the callee while that fails, with `status` (None: no server's error), and uses it
    again afterwards."""

    edge: Edge
    status: int | None = None
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class BulkheadExpectation:
    """At most so many calls are open at once on an edge."""

    edge: Edge
    at_most: int
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class HedgingExpectation:
    """A read that is late on an edge is answered by the `replica` at another, `within_s` of its first call, and the
    call that lost is cancelled."""

    edge: Edge
    replica: Edge
    within_s: float
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class IsolationExpectation:
    """The caller's routes that do not need an edge fare as before: at most that share of their requests is worse."""

    edge: Edge
    at_most_ratio: float
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class ObjectiveExpectation:
    """A limit for one service while the fault is on: an objective written on the spot (errors or latency)."""

    service: str
    objective: Objective
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """An objective of a service document, written `service.objective`."""

    service: str
    objective: str
    where: Where | None = None

    def __str__(self) -> str:
        return f"{self.service}.{self.objective}"


@dataclass(frozen=True, slots=True)
class Expectations:
    """What must hold: `untouched` objectives as promised, `limits` as written here, mechanisms of edges, recovery."""

    breakers: tuple[BreakerExpectation, ...] = ()
    amplifications: tuple[AmplificationExpectation, ...] = ()
    timeouts: tuple[TimeoutExpectation, ...] = ()
    fallbacks: tuple[FallbackExpectation, ...] = ()
    bulkheads: tuple[BulkheadExpectation, ...] = ()
    hedgings: tuple[HedgingExpectation, ...] = ()
    isolations: tuple[IsolationExpectation, ...] = ()
    limits: tuple[ObjectiveExpectation, ...] = ()
    untouched: tuple[Named, ...] = ()
    recovered_within_s: float | None = None
