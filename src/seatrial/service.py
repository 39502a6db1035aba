"""A service as its owner promises it: objectives, dependencies, mechanisms. Pure; imports only `errors`.

`slo/read.py` gives it from `slo/<service>.yaml`; judge, chaos expectations, audit and grades read it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from seatrial.errors import Where, did_you_mean


class Indicator(enum.StrEnum):
    """What an objective measures."""

    ERRORS = "errors"
    LATENCY = "latency"
    THROUGHPUT = "throughput"
    PROMETHEUS = "prometheus"  # what a query gives: one value, so only a PointObjective asks that
    WAITING = "waiting"  # as LATENCY, but of every request, failed ones too: only experiments ask that


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise of a service.

    `limit` is a ratio for errors (0.01 = 1 %), seconds for latency, OK requests per second for
    throughput (there the least allowed). A latency objective `p99 < L` asks that at most
    `1 - quantile` of the requests be slower than L. `routes` empty means every route; a pattern is
    `METHOD /path/*`, `*` standing for one or more characters.

    With `versus` it is held against another run (`baseline`, or a baseline's name): `limit` is then the greatest
    relative change allowed, 0.1 for at most 10 % more errors or a quantile 10 % slower, -0.05 for a throughput at
    most 5 % less.
    """

    name: str
    indicator: Indicator
    limit: float
    quantile: float | None = None
    routes: tuple[str, ...] = ()
    degraded_limit: float | None = None
    window: str = "30d"
    weight: float = 1.0
    key: bool = False
    where: Where | None = None
    versus: str | None = None

    @property
    def limit_ratio(self) -> float:
        """The allowed share of bad events (errors, or requests over the latency limit)."""
        return 1.0 - self.quantile if self.quantile is not None else self.limit


class Relation(enum.StrEnum):
    """What the number of a criterion is."""

    FIXED = "fixed"  # the target itself
    CHANGE = "change"  # how far the target lies from the earlier value
    PERCENT = "percent"  # the same, in percent of the earlier value


@dataclass(frozen=True, slots=True)
class Criterion:
    """One comparison of a value: `<600`, `<=+10%`. `operator` is one of `<`, `<=`, `=`, `>=`, `>`; `number` is
    negative where the target lies below the earlier value."""

    text: str
    operator: str
    number: float
    relation: Relation = Relation.FIXED


CriteriaSets = tuple[tuple[Criterion, ...], ...]
"""They hold when every criterion of any one set does; an empty set always does."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """When one value is MET, and when it is DEGRADED if it is not; no sets of `degraded`: never."""

    met: CriteriaSets
    degraded: CriteriaSets = ()


class Unit(enum.StrEnum):
    """What the numbers of a point objective's criteria are in."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    RATIO = "ratio"  # 0.01 is 1 %
    PERCENT = "percent"
    PER_SECOND = "per second"
    ITS_OWN = "its own"  # whatever the query gives


@dataclass(frozen=True, slots=True)
class PointObjective:
    """A promise about one value: what a query gives, or a point estimate. There is no interval round one value.

    `criteria` None asks for information only. `query` is as written, its variables not yet filled in; it is empty for
    what seatrial measures itself. `missed_without_value`: having no value is a miss, not undecided.
    """

    name: str
    indicator: Indicator
    criteria: Criteria | None
    unit: Unit = Unit.ITS_OWN
    query: str = ""
    quantile: float | None = None
    routes: tuple[str, ...] = ()
    missed_without_value: bool = False
    weight: float = 1.0
    key: bool = False
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class BreakerPromise:
    """When a breaker opens (share of failures among at least `min_calls` in `window_s`), how long it
    stays open, and how many trial calls it lets through then."""

    min_calls: int = 10
    failures_ratio: float = 0.5
    window_s: float = 10.0
    open_for_s: float = 5.0
    trials: int = 1


@dataclass(frozen=True, slots=True)
class Mechanisms:
    """What one edge caller->callee promises; None means nothing is promised."""

    timeout_s: float | None = None
    breaker: BreakerPromise | None = None
    retries_max: int | None = None
    retries_budget_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """One edge of the dependency graph; `optional`: answers go on without it."""

    service: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service document. `mechanisms` is keyed by the dependency's name.

    `comparisons` are the objectives held `versus` another run: one run alone can neither meet nor miss them. `points`
    are about one value each, `objectives` about many requests.
    """

    name: str
    owner: str = ""
    tier: int | None = None
    runbook: str = ""
    depends_on: tuple[Dependency, ...] = ()
    mechanisms: Mapping[str, Mechanisms] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    comparisons: tuple[Objective, ...] = ()
    points: tuple[PointObjective, ...] = ()
    where: Where | None = None

    @property
    def promises(self) -> tuple[Objective, ...]:
        """All that is judged of it."""
        return (*self.objectives, *self.comparisons)


@dataclass(frozen=True, slots=True)
class Edge:
    """A caller and the service it calls, written `cards->ledger`."""

    caller: str
    callee: str

    def __str__(self) -> str:
        return f"{self.caller}->{self.callee}"

    @classmethod
    def parse(cls, text: str) -> Edge:
        """From `cards->ledger`; ValueError quotes what is wrong."""
        caller, arrow, callee = (part.strip() for part in text.partition("->"))
        if not (caller and arrow and callee):
            raise ValueError(f"an edge is written caller->callee, not '{text}'")
        return cls(caller, callee)


def edges(services: Iterable[Service]) -> tuple[Edge, ...]:
    """Every edge of the dependency graph, in the documents' order."""
    return tuple(Edge(service.name, dep.service) for service in services for dep in service.depends_on)


def edge_hint(edge: Edge, known: Collection[Edge]) -> str:
    """What one that is not known may have been meant to be: the same the other way round, else as `did_you_mean`."""
    turned = Edge(edge.callee, edge.caller)
    if turned in known:
        return f"{turned.caller} calls {turned.callee}: did you mean '{turned}'?"
    return did_you_mean(str(edge), map(str, known))
