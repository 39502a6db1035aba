"""What was measured: the flat records a run is made of.

`drive` and the load child give them, `journal` writes them, `measure` folds them. Times of day are
UTC seconds since the epoch; differences of time are monotonic seconds. Bodies never enter a record.
May import nothing of seatrial but `errors`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from seatrial.light import light


class Outcome(enum.StrEnum):
    """How one request ended."""

    OK = "ok"
    UNEXPECTED = "unexpected"  # a valid answer that failed an expectation
    BROKEN = "broken"  # no valid answer


class Cause(enum.StrEnum):
    """Why a request was not OK: the taxonomy shared by reports, journal and retries."""

    DNS = "dns"
    CONNECT = "connect"
    REFUSED = "refused"
    TLS = "tls"
    TIMEOUT = "timeout"
    DRIP = "drip"
    RESET = "reset"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    REDIRECTS = "redirects"
    PROTOCOL = "protocol"
    STATUS = "status"
    CHECK = "check"
    CAPTURE = "capture"
    TEMPLATE = "template"
    SLOW = "slow"  # the step's own `max` was exceeded

    @property
    def outcome(self) -> Outcome:
        """UNEXPECTED for the causes found in a valid answer, BROKEN for the others."""
        unexpected = (Cause.STATUS, Cause.CHECK, Cause.CAPTURE, Cause.TEMPLATE, Cause.SLOW)
        return Outcome.UNEXPECTED if self in unexpected else Outcome.BROKEN


_AS_THEY_ARE = frozenset({Cause.REFUSED, Cause.RESET, Cause.TRUNCATED, Cause.TOO_LARGE, Cause.SLOW})
"""What a request itself is said to be; of every other cause it failed *by* it."""


def failed_text(causes: Iterable[tuple[str, int]]) -> str:
    """Failures by their cause, in the order given: `368 refused, 2 by status`; empty text without any. A number that
    follows `status` would be read as one."""
    return ", ".join(f"{count:,} {cause if cause in _AS_THEY_ARE else f'by {cause}'}" for cause, count in causes)


class Phase(enum.StrEnum):
    """The part of a run a record belongs to; only HOLD is judged against objectives of the load stage."""

    ACCEPTANCE = "acceptance"
    MONITOR = "monitor"
    WARM_UP = "warm_up"
    RAMP = "ramp"
    HOLD = "hold"
    PROBE = "probe"  # one rate of a breakpoint search, judged by itself
    DURING = "during"  # of an experiment: from injection to healing
    AFTER = "after"  # of an experiment: from healing to the end of recovery


@dataclass(frozen=True, slots=True)
class Timings:
    """Phases of one exchange in seconds; None means reused (connection phases) or unknown."""

    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    first_byte_s: float | None = None
    download_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One request of a play (acceptance, monitoring). `route` is the template, never the rendered URL."""

    run: str
    phase: Phase
    scenario: str
    step: str
    service: str
    method: str
    route: str
    started_at: float
    latency_s: float
    outcome: Outcome
    cause: Cause | None = None
    status: int | None = None
    intended_at: float | None = None
    timings: Timings = field(default_factory=Timings)
    bytes_out: int = 0
    bytes_in: int = 0
    degraded: bool = False
    attempt: int = 1
    final: bool = True  # False for a poll that a later attempt replaced
    detail: str = ""
    trace_id: str = ""
    experiment: str | None = None


BASE, CANARY = "base", "canary"
"""The sides of a load that is split between two versions; a load of one version has none, the empty text."""


OVERDUE_S = 1.0  # how long a request may be unanswered before it is told of


@light(frozen=True, slots=True)
class Interval:
    """One second of one step under load: exact counts, and one HDR histogram.

    `causes` counts the final failures by cause; a poll that was retried is only in `polls`, like a request that was
    sent again because its kept connection had ended before it could carry it.
    `over_ok` and `over_failed` count, per latency limit in microseconds, the final requests slower
    than it (latency from the due time), OK and failed apart.
    `histogram` is the base64 HDR (microseconds, 3 digits) of OK latencies from the due time, empty
    when there were none. `service_histogram` the same from the moment of sending. `level` is the rate (or the number
    of users) that a PROBE was sent at, None in every other phase. `overdue` is no count of the second but stands at
    its end: requests, none of them in any other number yet, that had no answer for more than OVERDUE_S. `unrendered`
    are in no other number either: attempts that were never sent, or whose answer could not be judged, because a
    template of the journey could not be rendered (Cause.TEMPLATE).
    """

    run: str
    phase: Phase
    scenario: str
    step: str
    service: str
    method: str
    route: str
    second: int
    ok: int
    failed: int
    causes: Mapping[str, int]
    polls: int = 0
    degraded: int = 0
    over_ok: Mapping[int, int] = field(default_factory=dict)
    over_failed: Mapping[int, int] = field(default_factory=dict)
    histogram: str = ""
    service_histogram: str = ""
    bytes_in: int = 0
    experiment: str | None = None
    side: str = ""
    level: float | None = None
    overdue: int = 0
    unrendered: int = 0


LATE_STEPS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@light(frozen=True, slots=True)
class Pacing:
    """One second of the load generator itself: did it keep its own plan?

    `late_p99_s` is how late starts were against their due time, for showing; `late_over_ms` counts exactly the
    starts later than each of LATE_STEPS_MS, for judging. `cpu_ratio` is the generator's share of one core (1.0 = a
    whole core); of several `workers` that of the busiest. `lost` holds those that told nothing of this second, by
    number counted from 1, and since which second of the load; what was due from them is among `planned`. `level` is
    as an interval's. `without_row` of the dropped found every row of their journey in use.
    """

    run: str
    phase: Phase
    second: int
    planned: int
    started: int
    dropped: int
    in_flight: int
    late_p99_s: float
    cpu_ratio: float
    late_over_ms: Mapping[int, int] = field(default_factory=dict)
    experiment: str | None = None
    level: float | None = None
    without_row: int = 0
    workers: int = 1
    lost: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EdgeCall:
    """One HTTP exchange seen at the proxy between two services (`client` is the harness itself).

    Counted when the caller's request head reached the proxy, whatever the fault did to it then.
    `duration_s` is None while open at the end of observation.
    """

    run: str
    edge: str
    started_at: float
    method: str
    path: str
    duration_s: float | None = None
    first_byte_s: float | None = None
    status: int | None = None
    trace_id: str = ""
    fate: str = "open"


@dataclass(frozen=True, slots=True)
class CallsLost:
    """Events of the proxies that were overwritten before they were read: calls of about that time are missing."""

    run: str
    noticed_at: float
    events: int


@dataclass(frozen=True, slots=True)
class Connections:
    """How many connections a caller held open at the proxy of an edge at one moment; `busy` exchanges were under way
    on them, so the others were idle, or forgotten."""

    run: str
    edge: str
    at: float
    open: int
    busy: int


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """One fault as it was: when it acted, on what, and how it ended (`healed`, `expired`, `left`; `halted` when its
    experiment was, and it was healed).

    `calm_at` is since when all was seen to be well again after it; None where the recovery was watched for its time.
    `selects` says which requests it was meant for, as `route POST /cards`; empty for all. `matched` is how many of
    them came, of a fault in bytes how many connections, and `hit` on how many it acted; None where nobody counted.
    """

    experiment: str
    kind: str
    target: str
    started_at: float
    ended_at: float | None = None
    ended: str = ""
    calm_at: float | None = None
    selects: str = ""
    matched: int | None = None
    hit: int | None = None

    @property
    def sight(self) -> str:
        """What was done to what: `http_error on cards->ledger (route POST /entries)`."""
        return f"{self.kind} on {self.target}" + (f" ({self.selects})" if self.selects else "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The full text of one failed step of a play (or of the play itself, `step` empty), redacted; for reports."""

    run: str
    scenario: str
    step: str
    text: str
    trace_id: str = ""


class Ending(enum.StrEnum):
    """How a play, or one step of it, ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """How one step of a play ended; `reason` says why when it did not pass."""

    name: str
    ending: Ending
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Play:
    """One acceptance play that came to its end; its samples carry the same `trace_id`.

    `steps` are in the order they ran, skipped ones among them. A play may have FAILED although every step passed (a
    variable could not be rendered, nothing was checked): `reason` says why, redacted. A play without this record was
    cut short.
    """

    run: str
    phase: Phase
    scenario: str
    started_at: float
    ending: Ending
    reason: str = ""
    steps: tuple[PlayedStep, ...] = ()
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Queried:
    """What a metrics server answered for one objective: a `value`, or the `problem` that left none.

    `query` is as the objective writes it, `asked` what was sent, about the `range_s` seconds before `at`.
    """

    run: str
    service: str
    objective: str
    query: str
    asked: str
    at: float
    range_s: int
    value: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs measured of one objective, newest first, as far as they did; kept so that the run can be
    judged again when those are gone. `problem`: why nothing is held against the run that was named; empty: it is.
    """

    run: str
    service: str
    objective: str
    runs: tuple[str, ...]
    values: tuple[float, ...]
    problem: str = ""


class LogKind(enum.StrEnum):
    """What a line of a game day's log is about."""

    ANSWER = "answer"
    NOTE = "note"
    FOLLOW_UP = "follow-up"
    BEGUN = "begun"  # a step: its text is the name of its run
    HALTED = "halted"
    ENDED = "ended"  # a step, or without one the day: its text says how


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of a game day's log. `of_step` counts from 1; None belongs to the day as a whole. `asked` is the
    question of an answer."""

    run: str
    at: float
    kind: LogKind
    text: str
    of_step: int | None = None
    asked: str = ""


Record = (
    Sample
    | Interval
    | Pacing
    | EdgeCall
    | CallsLost
    | Connections
    | FaultWindow
    | Evidence
    | Play
    | Queried
    | Earlier
    | Logged
)
