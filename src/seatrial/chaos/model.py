"""The words of an experiment: faults, when they are injected, what is expected meanwhile and afterwards.

`read` gives them, `plan` resolves them, `experiment` plays them. Pure; may import only the floor.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from seatrial.errors import Where
from seatrial.sample import FaultWindow
from seatrial.service import Edge, Objective

DEFAULT_BASELINE_S = 10.0
DEFAULT_DURATION_S = 300.0
DEFAULT_RECOVERY_S = 10.0


class FaultKind(enum.StrEnum):
    """What can be done to a target: the first five to an edge, the others to a service."""

    LATENCY = "latency"
    TIMEOUT = "timeout"
    RESET_PEER = "reset_peer"
    BANDWIDTH = "bandwidth"
    DOWN = "down"
    KILL = "kill"
    STOP = "stop"


class Stream(enum.StrEnum):
    """The direction a proxy's fault acts on: UPSTREAM carries requests, DOWNSTREAM answers."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


@dataclass(frozen=True, slots=True)
class Latency:
    """Every chunk is held for `latency_s`, give or take `jitter_s` (uniform); throughput is not limited."""

    latency_s: float
    jitter_s: float = 0.0
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class Timeout:
    """A black hole: data is dropped, and the connection closed after `timeout_s` without data; 0 means never."""

    timeout_s: float
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class ResetPeer:
    """A RST to both sides, `timeout_s` after the first chunk."""

    timeout_s: float
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """At most that many bytes per second; 0 stalls."""

    rate_bytes_per_s: int
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class Down:
    """The proxy listens no more: connections are refused, live ones dropped."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A signal that ends the service's process or container; undone by starting it again."""

    signal: str = "KILL"


@dataclass(frozen=True, slots=True)
class Stop:
    """The process is stopped (SIGSTOP) or the container paused: alive, and answering nobody."""


EdgeSettings = Latency | Timeout | ResetPeer | Bandwidth | Down
ServiceSettings = Kill | Stop
Settings = EdgeSettings | ServiceSettings

KINDS: dict[type[Settings], FaultKind] = {
    Latency: FaultKind.LATENCY,
    Timeout: FaultKind.TIMEOUT,
    ResetPeer: FaultKind.RESET_PEER,
    Bandwidth: FaultKind.BANDWIDTH,
    Down: FaultKind.DOWN,
    Kill: FaultKind.KILL,
    Stop: FaultKind.STOP,
}


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """A fault on the way between two services."""

    edge: Edge
    settings: EdgeSettings
    where: Where | None = None

    @property
    def kind(self) -> FaultKind:
        """Its kind, as the document names it."""
        return KINDS[type(self.settings)]

    @property
    def target(self) -> str:
        """What it acts on, as reports show it."""
        return str(self.edge)


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """A fault on a service itself; the realm's runtime says how: process or container."""

    service: str
    settings: ServiceSettings
    where: Where | None = None

    @property
    def kind(self) -> FaultKind:
        """Its kind, as the document names it."""
        return KINDS[type(self.settings)]

    @property
    def target(self) -> str:
        """What it acts on, as reports show it."""
        return self.service


Fault = EdgeFault | ServiceFault


@dataclass(frozen=True, slots=True)
class Injection:
    """One line of the method: injected `at_s` after the first moment of the method, healed `for_s` later."""

    at_s: float
    for_s: float
    fault: Fault

    @property
    def until_s(self) -> float:
        """When it is healed, from the first moment of the method."""
        return self.at_s + self.for_s


@dataclass(frozen=True, slots=True)
class BreakerExpectation:
    """What is expected of the breaker of one edge; None means nothing is said about it."""

    edge: Edge
    opens_within_s: float | None = None
    calls_while_open: int | None = None
    closes_within_s: float | None = None
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
    """What must hold: `untouched` objectives as promised, `limits` as written here, breakers, recovery."""

    breakers: tuple[BreakerExpectation, ...] = ()
    limits: tuple[ObjectiveExpectation, ...] = ()
    untouched: tuple[Named, ...] = ()
    recovered_within_s: float | None = None


@dataclass(frozen=True, slots=True)
class AbortOn:
    """End the experiment when more than that share of requests failed in every second for `for_s`."""

    errors_ratio: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How many targets may be under a fault at the same time, and how long the method may take."""

    targets: int = 1
    duration_s: float = DEFAULT_DURATION_S


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment document. `steady_state` are the objectives that must hold before; `traffic` names a profile."""

    name: str
    method: tuple[Injection, ...]
    expectations: Expectations = field(default_factory=Expectations)
    steady_state: tuple[Named, ...] = ()
    baseline_s: float = DEFAULT_BASELINE_S
    abort_on: AbortOn | None = None
    limits: Limits = field(default_factory=Limits)
    traffic: str | None = None
    where: Where | None = None
    file: str = ""

    @property
    def duration_s(self) -> float:
        """From the first injection to the last healing."""
        return max(injection.until_s for injection in self.method)

    @property
    def takes_s(self) -> float:
        """All of it: baseline, faults, recovery."""
        return self.baseline_s + self.duration_s + self.recovery_s

    @property
    def recovery_s(self) -> float:
        """How long it is watched after the last healing: what the longest expectation needs, and a second more."""
        expected = [item.closes_within_s for item in self.expectations.breakers]
        given = [limit for limit in (*expected, self.expectations.recovered_within_s) if limit is not None]
        return max(given) + 1.0 if given else DEFAULT_RECOVERY_S


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """How an experiment went; what it showed is judged from the run's records.

    `aborted` says why it ended before its plan did, empty when it did not; instants are UTC seconds.
    """

    experiment: str
    started_at: float
    ended_at: float
    windows: tuple[FaultWindow, ...]
    aborted: str = ""
