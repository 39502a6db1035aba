"""What a report shows, as plain values: the page every form (HTML, JUnit, Markdown) is made from.

Room reports. `assess` fills the parts, `build` puts them together, the forms only lay them out. Instants and
`second` are UTC seconds since the epoch, `_s` are seconds, shares are ratios 0-1. May import the floor and
the words of this room's packages; must never measure, judge, read a clock or touch the disk.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from seatrial.reports.audit.page import Matrix
from seatrial.reports.experiment.page import EdgeLane, Experiment
from seatrial.reports.load.page import Load, StepNumbers
from seatrial.sample import Cause, FaultWindow, Outcome, Phase
from seatrial.verdict import Finding, Grade, Verdict

_Shown = TypeVar("_Shown")


@dataclass(frozen=True, slots=True)
class Note:
    """A labelled text: one line of the run's facts, or of how the verdict was computed."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of what was run: acceptance, load, an experiment. `text` says with what, and how it ended."""

    name: str
    text: str
    started_at: float
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What was run, where and by which version. `facts` are further lines: gate, profile, deployed revisions."""

    run: str
    realm: str
    started_at: float
    ended_at: float | None = None
    version: str = ""
    git_revision: str = ""
    command: str = ""
    stages: tuple[Stage, ...] = ()
    facts: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """Latency of one service in one second: quantiles of its `n` OK requests, None without any."""

    second: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    n: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class LatencyLimit:
    """A latency objective to draw beside the measured quantiles, e.g. 0.95 and 0.3 s."""

    objective: str
    quantile: float
    limit_s: float


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of a whole part of the load: of `n` OK requests, counted `since` (`the due time`, `the sending`)."""

    since: str
    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    n: int


@dataclass(frozen=True, slots=True)
class ServiceLatency:
    """One service's bands in order of time; a second that is left out was not observed. `whole`: its quantiles over
    one part of the load, named by `part`, from each moment they can be counted from."""

    service: str
    bands: tuple[Band, ...]
    limits: tuple[LatencyLimit, ...] = ()
    whole: tuple[Quantiles, ...] = ()
    part: str = "hold"


@dataclass(frozen=True, slots=True)
class RatePoint:
    """One second of the load: plays planned, started and dropped, and in flight at its end; requests that ended OK
    and failed."""

    second: int
    planned: int
    started: int
    ok: int
    failed: int
    dropped: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """From when to when a phase lasted; `experiment` names it for the phases during and after one, `level` says at
    which level a probe was. `is_tail`: nothing was planned any more, and plays in flight came to their end."""

    phase: Phase
    started_at: float
    ended_at: float
    experiment: str | None = None
    level: float | None = None
    is_tail: bool = False

    @property
    def label(self) -> str:
        """`hold`, `during: the ledger hangs`, `probe 50`, or `last plays`."""
        if self.is_tail:
            return "last plays"
        level = "" if self.level is None else f" {self.level:g}"
        name = f"{self.phase.replace('_', '-')}{level}"
        return f"{name}: {self.experiment}" if self.experiment else name


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """One step of an acceptance play. `text` is the failure in full; `skipped` the reason it was not run.

    `outcome` is None for a skipped step, `started_at` None where it is unknown.
    """

    name: str
    service: str = ""
    method: str = ""
    route: str = ""
    outcome: Outcome | None = None
    cause: Cause | None = None
    status: int | None = None
    latency_s: float = 0.0
    started_at: float | None = None
    attempts: int = 1
    degraded: bool = False
    text: str = ""
    skipped: str = ""

    @property
    def failed(self) -> bool:
        """It ran and was not OK."""
        return self.outcome is not None and self.outcome is not Outcome.OK


@dataclass(frozen=True, slots=True)
class Journey:
    """One acceptance play. `text` holds what failed outside any step (no step was run, a variable is missing).

    `skipped` says why it was not played, `undecided` why its end is not known; it has not passed then.
    """

    name: str
    passed: bool
    steps: tuple[JourneyStep, ...]
    file: str = ""
    text: str = ""
    trace_id: str = ""
    started_at: float | None = None
    skipped: str = ""
    undecided: str = ""

    @property
    def failed(self) -> bool:
        """It was played to its end, and not passed."""
        return not (self.passed or self.skipped or self.undecided)

    @property
    def latency_s(self) -> float:
        """All its steps' latencies together."""
        return sum(step.latency_s for step in self.steps)


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many requests to a service failed for one cause."""

    service: str
    cause: Cause
    count: int


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One service's failures: `counts` in the order of `ErrorTable.causes`."""

    service: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """Failures by service and cause; only causes and services that have any."""

    causes: tuple[Cause, ...] = ()
    rows: tuple[ErrorRow, ...] = ()

    @property
    def total(self) -> int:
        """Every failed request."""
        return sum(row.total for row in self.rows)


@dataclass(frozen=True, slots=True)
class Event:
    """A moment of the run: when, on which edge or service, what."""

    at: float
    target: str
    text: str


@dataclass(frozen=True, slots=True)
class PhaseNumbers:
    """One service in one phase: OK and failed requests, the medians of its seconds' p50 and p95, their worst p99."""

    label: str
    n: int
    failed: int
    typical_p50_s: float | None
    typical_p95_s: float | None
    worst_p99_s: float | None


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that belong together: a service, an experiment, the journeys, the load generator. `grade` is the worst
    of those that count, None where none does."""

    title: str
    findings: tuple[Finding, ...]
    grade: Grade | None


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report. `against` are the findings that are not MET, the worst first.

    `started_at` and `ended_at` bound the time axis of every chart: from the first to the last thing shown on it.
    `load` is there where a load alone was recorded: nobody gave a verdict of it then. `audit` is the matrix of the
    gate's audit, whose own page has the evidence.
    """

    facts: RunFacts
    verdict: Verdict
    groups: tuple[FindingGroup, ...]
    against: tuple[Finding, ...]
    latencies: tuple[ServiceLatency, ...]
    rates: tuple[RatePoint, ...]
    phases: tuple[PhaseSpan, ...]
    windows: tuple[FaultWindow, ...]
    lanes: tuple[EdgeLane, ...]
    journeys: tuple[Journey, ...]
    errors: ErrorTable
    notes: tuple[Note, ...]
    started_at: float
    ended_at: float
    steps: tuple[StepNumbers, ...] = ()
    generator: tuple[Note, ...] = ()
    load: Load | None = None
    experiments: tuple[Experiment, ...] = ()
    audit: Matrix | None = None


def with_texts(value: _Shown, change: Callable[[str], str]) -> _Shown:
    """The same value with `change` applied to every text in it, at any depth; enums and numbers stay as they are."""
    return _changed(value, change)  # type: ignore[no-any-return]


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(value, **{name: _changed(getattr(value, name), change) for name in names})
    return value
