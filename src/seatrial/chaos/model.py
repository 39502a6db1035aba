"""The words of an experiment: faults, and when they are injected; `expectations` has those of what must hold.

`read` gives them, `plan` resolves them, `experiment` plays them. Pure; may import only the floor.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from seatrial.chaos.expectations import Expectations, Named
from seatrial.chaos.service_settings import Disconnect, Kill, Limit, Restart, RollingRestart, ServiceSettings, Stop
from seatrial.errors import Where
from seatrial.quantity import show_ratio
from seatrial.sample import FaultWindow
from seatrial.service import Edge

DEFAULT_BASELINE_S = 10.0
DEFAULT_DURATION_S = 300.0
DEFAULT_RECOVERY_S = 10.0


class FaultKind(enum.StrEnum):
    """What can be done to a target: to an edge all but those from KILL on, which are done to a service."""

    LATENCY = "latency"
    TIMEOUT = "timeout"
    RESET_PEER = "reset_peer"
    BANDWIDTH = "bandwidth"
    SLOW_CLOSE = "slow_close"
    SLICER = "slicer"
    LIMIT_DATA = "limit_data"
    HTTP_ERROR = "http_error"
    HTTP_DELAY = "http_delay"
    HTTP_TRUNCATE = "http_truncate"
    HTTP_REPLACE = "http_replace"
    DOWN = "down"
    KILL = "kill"
    STOP = "stop"
    RESTART = "restart"
    ROLLING_RESTART = "rolling_restart"
    DISCONNECT = "disconnect"
    LIMIT = "limit"


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
class SlowClose:
    """Data passes at once, the end of the stream `delay_s` late."""

    delay_s: float
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class Slicer:
    """Everything in pieces of about `average_bytes`, give or take `variation_bytes`, with `delay_s` after each."""

    average_bytes: int
    variation_bytes: int = 0
    delay_s: float = 0.0
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class LimitData:
    """So many bytes pass on each connection, then it is closed."""

    limit_bytes: int
    stream: Stream = Stream.DOWNSTREAM


@dataclass(frozen=True, slots=True)
class Selection:
    """Which requests are hit: those of a route, a method, with headers like these; of them the first so many, every
    so-manieth, each with a probability. What is not said selects all."""

    route: str = ""
    method: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    probability: float = 1.0
    first: int | None = None
    every: int | None = None

    @property
    def looks_for(self) -> dict[str, str]:
        """By what it tells requests apart, each key with what is said of it."""
        headers = ", ".join(f"{name}: {value}" for name, value in self.request_headers)
        said = {"route": self.route, "method": self.method, "request_headers": headers}
        return {key: value for key, value in said.items() if value}

    @property
    def text(self) -> str:
        """What is said, as `route POST /cards, first 3`; empty for all requests."""
        share = show_ratio(self.probability) if self.probability < 1 else ""
        said = {**self.looks_for, "probability": share, "first": self.first, "every": self.every}
        return ", ".join(f"{key} {value}" for key, value in said.items() if value)


@dataclass(frozen=True, slots=True)
class HttpError:
    """Requests are answered with an error, and not passed on, or passed on with `forward` and their answers lost.

    Without a `body` the proxy says that it was injected; `retry_after_s` is the header of that name.
    """

    status: int = 503
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    retry_after_s: int | None = None
    forward: bool = False
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class HttpDelay:
    """Single answers are held for `delay_s`, give or take `jitter_s` (uniform); upstream single requests."""

    delay_s: float
    jitter_s: float = 0.0
    stream: Stream = Stream.DOWNSTREAM
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class HttpTruncate:
    """Of an answer's body so many bytes pass, then the connection is closed."""

    limit_bytes: int
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class HttpReplace:
    """An answer gets another status, headers, body, or other values at JSON Pointers (`members`, as JSON texts)."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    members: tuple[tuple[str, str], ...] = ()
    selection: Selection = Selection()


@dataclass(frozen=True, slots=True)
class Down:
    """The proxy listens no more: connections are refused, live ones dropped."""


BytesSettings = Latency | Timeout | ResetPeer | Bandwidth | SlowClose | Slicer | LimitData
HttpSettings = HttpError | HttpDelay | HttpTruncate | HttpReplace
EdgeSettings = BytesSettings | HttpSettings | Down
Settings = EdgeSettings | ServiceSettings

KINDS: dict[type[Settings], FaultKind] = {
    Latency: FaultKind.LATENCY,
    Timeout: FaultKind.TIMEOUT,
    ResetPeer: FaultKind.RESET_PEER,
    Bandwidth: FaultKind.BANDWIDTH,
    SlowClose: FaultKind.SLOW_CLOSE,
    Slicer: FaultKind.SLICER,
    LimitData: FaultKind.LIMIT_DATA,
    HttpError: FaultKind.HTTP_ERROR,
    HttpDelay: FaultKind.HTTP_DELAY,
    HttpTruncate: FaultKind.HTTP_TRUNCATE,
    HttpReplace: FaultKind.HTTP_REPLACE,
    Down: FaultKind.DOWN,
    Kill: FaultKind.KILL,
    Stop: FaultKind.STOP,
    Restart: FaultKind.RESTART,
    RollingRestart: FaultKind.ROLLING_RESTART,
    Disconnect: FaultKind.DISCONNECT,
    Limit: FaultKind.LIMIT,
}


@dataclass(frozen=True, slots=True)
class EdgeFault:
    """A fault on the way between two services; a toxic hits `toxicity` (a share) of the connections."""

    edge: Edge
    settings: EdgeSettings
    where: Where | None = None
    toxicity: float = 1.0

    @property
    def kind(self) -> FaultKind:
        """Its kind, as the document names it."""
        return KINDS[type(self.settings)]

    @property
    def target(self) -> str:
        """What it acts on, as reports show it."""
        return str(self.edge)

    @property
    def selects(self) -> str:
        """Which of the edge's requests it is meant for, as reports show it; empty for all."""
        return self.settings.selection.text if isinstance(self.settings, HttpSettings) else ""

    @property
    def takes_s(self) -> float:
        """How long injecting it takes at the least: a toxic acts at once."""
        return 0.0


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

    @property
    def selects(self) -> str:
        """Nothing: it is meant for no requests."""
        return ""

    @property
    def services(self) -> tuple[str, ...]:
        """Every service that is broken by it, in their order."""
        more = self.settings.replicas if isinstance(self.settings, RollingRestart) else ()
        return (self.service, *more)

    @property
    def takes_s(self) -> float:
        """How long injecting it takes at the least: the pauses between one restart and the next."""
        return self.settings.pauses_s(len(self.services)) if isinstance(self.settings, RollingRestart) else 0.0


Fault = EdgeFault | ServiceFault


@dataclass(frozen=True, slots=True)
class Injection:
    """One line of the method: injected `at_s` after the first moment of the method, healed `for_s` later."""

    at_s: float
    for_s: float
    fault: Fault

    @property
    def until_s(self) -> float:
        """When it is healed, from the first moment of the method; not before it has been injected to its end."""
        return self.at_s + max(self.for_s, self.fault.takes_s)

    @property
    def sight(self) -> str:
        """What happens when, in one line, as far as the document tells."""
        return f"{self.at_s:g} s to {self.until_s:g} s: {self.fault.kind} on {self.fault.target}"


@dataclass(frozen=True, slots=True)
class AbortOn:
    """End the experiment when more than that share of requests failed in every second for `for_s`, None for no such
    share, or when one of the objectives is missed while a fault is on."""

    errors_ratio: float | None = None
    for_s: float = 0.0
    objectives: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How many targets may be under a fault at the same time, and how long the method may take."""

    targets: int = 1
    duration_s: float = DEFAULT_DURATION_S


@dataclass(frozen=True, slots=True)
class Plays:
    """Plays of one journey as traffic: one is due every `every_s`, whatever the answers."""

    scenario: str
    every_s: float
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment document. `steady_state` are the objectives that must hold before; `traffic` names a profile, or
    is plays of one journey."""

    name: str
    method: tuple[Injection, ...]
    expectations: Expectations = field(default_factory=Expectations)
    steady_state: tuple[Named, ...] = ()
    baseline_s: float = DEFAULT_BASELINE_S
    abort_on: AbortOn | None = None
    limits: Limits = field(default_factory=Limits)
    traffic: str | Plays | None = None
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
