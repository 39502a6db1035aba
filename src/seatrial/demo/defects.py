"""The defects the bank can be started with. `defect_texts` reads the texts that name them.

A number is that of the audit's table of resilience defects.

To add a defect: a `Kind` in `KNOWN` here, the one place that behaves otherwise when it `has` it,
its row in docs/demo-bank.md, and its test.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.demo import SERVICES
from seatrial.demo.edges import EDGES

CALLERS = tuple(name for name in SERVICES if any(edge.caller == name for edge in EDGES))
CALLED_CALLERS = tuple(name for name in CALLERS if any(edge.callee == name for edge in EDGES))
REPLICATING = ("cards",)
"""The services that call replicas, where there are some."""

FALLING_BACK = ("gateway",)
"""The services that answer something else where a dependency is out."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of being defective. ``default_share`` is None where a share of requests has no meaning."""

    name: str
    number: int | None
    concerns: tuple[str, ...]
    default_share: float | None
    does: str


NO_TIMEOUT = Kind("no-timeout", 1, CALLERS, None, "waits for its dependencies for ever")
CONNECT_TIMEOUT_ONLY = Kind("connect-timeout-only", 2, CALLERS, None, "waits for ever once it is connected")
READ_TIMEOUT_ONLY = Kind(
    "read-timeout-only", 3, CALLERS, None, "bounds each read of an answer, but not the whole of it"
)
TOO_PATIENT = Kind(
    "timeout-too-long", 4, CALLED_CALLERS, None, "waits longer for its dependencies than its caller for it"
)
HEEDLESS = (NO_TIMEOUT, CONNECT_TIMEOUT_ONLY, READ_TIMEOUT_ONLY, TOO_PATIENT)
"""With these a service heeds neither the deadlines nor the leaving of its callers."""

NO_BREAKER = Kind("no-breaker", 5, CALLERS, None, "goes on calling a dependency that is out")
STAYS_OPEN = Kind("breaker-stays-open", 6, CALLERS, None, "never tries again once its breaker is open")
NO_TRIAL = Kind("breaker-without-trial", 7, CALLERS, None, "closes its breaker by the clock, without a trial")
MANY_TRIALS = Kind("breaker-many-trials", 8, CALLERS, None, "lets every call be a trial when its breaker half-opens")
CONSECUTIVE_ONLY = Kind("breaker-consecutive-only", 9, CALLERS, None, "opens its breaker only for failures in a row")
IGNORES_5XX = Kind("breaker-ignores-5xx", 10, CALLERS, None, "counts any answer as good, also a 5xx")
COUNTS_4XX = Kind("breaker-counts-4xx", 11, CALLERS, None, "counts a 4xx as a failure of its dependency")
IGNORES_SLOWNESS = Kind("breaker-ignores-slowness", 12, CALLERS, None, "counts answers as good, however slow")
SHARED_BREAKER = Kind("breaker-shared", 13, CALLERS, None, "has one breaker for all its dependencies")
BREAKER_PER_CALL = Kind("breaker-per-call", 14, CALLERS, None, "makes a new breaker for every call")
UNAWAITED = Kind("breaker-unawaited", 15, CALLERS, None, "awaits its calls outside of the breaker they are made in")
LOCK_ACROSS_CALL = Kind("lock-across-call", 16, CALLERS, None, "holds a lock while it waits for a dependency")

RETRY_STORM = Kind("retry-storm", 17, CALLERS, None, "retries at two layers, three times each, without a budget")
NO_BACK_OFF = Kind("no-back-off", 18, CALLERS, None, "retries at once, without back-off or jitter")
RETRIES_UNSAFE = Kind("retries-unsafe", 19, CALLERS, None, "sends a call that timed out again, under another key")
RETRIES_OPEN = Kind("retries-open", 20, CALLERS, None, "goes on trying while its breaker is open")
RETRIES_4XX = Kind("retries-4xx", 21, CALLERS, None, "retries a 4xx, and heeds no Retry-After")
NO_BULKHEAD = Kind(
    "no-bulkhead", 22, CALLERS, None, "has one pool of ten places for the calls to all its dependencies"
)
ENDLESS_QUEUE = Kind(
    "endless-queue", 23, CALLERS, None, "queues requests without end, and does those again nobody waited for"
)
NO_FALLBACK = Kind("no-fallback", 24, FALLING_BACK, None, "answers 503 where merchants are out")
WRONG_FALLBACK = Kind("wrong-fallback", None, FALLING_BACK, None, "gives its fallback out as the real answer")
STICKY_FALLBACK = Kind("sticky-fallback", None, FALLING_BACK, None, "goes on falling back when merchants are back")
SAME_FALLBACK = Kind("same-fallback", 25, FALLING_BACK, None, "falls back to the dependency that is out")
STALE_CONNECTIONS = Kind(
    "stale-connections", 26, CALLERS, None, "uses pooled connections without a look whether they stand"
)
ADDRESS_CACHED = Kind("address-cached", 27, CALLERS, None, "looks up the address of a dependency only once")
HEALTH_LIES = Kind("health-lies", 28, CALLERS, None, "says that it is ready without looking")
HEALTH_TOO_DEEP = Kind("health-too-deep", None, CALLERS, None, "is not alive without all it calls")
START_NEEDS = Kind("start-needs", 29, CALLERS, None, "does not start without what it needs")
LEAK = Kind("leak", 30, CALLERS, None, "leaves the connection open when it is answered 5xx")
TRUNCATED_ACCEPTED = Kind(
    "truncated-accepted", 31, CALLERS, None, "takes an answer that was cut short for a whole one"
)
LOSERS_RUN_ON = Kind(
    "losers-run-on", 32, REPLICATING, None, "does not cancel the call that lost the race of a hedged read"
)
NO_GRACE = Kind("no-grace", 33, SERVICES, None, "ends at once when told to stop")

SLOW = Kind("slow", None, SERVICES, 0.20, "takes 200 ms longer for a share of its requests")
ERRORS = Kind("errors", None, SERVICES, 0.10, "answers a share of its requests with 500")
WRONG = Kind("wrong", None, SERVICES, None, "answers as if all were well, with wrong amounts and names")

KNOWN: tuple[Kind, ...] = (
    NO_TIMEOUT,
    CONNECT_TIMEOUT_ONLY,
    READ_TIMEOUT_ONLY,
    TOO_PATIENT,
    NO_BREAKER,
    STAYS_OPEN,
    NO_TRIAL,
    MANY_TRIALS,
    CONSECUTIVE_ONLY,
    IGNORES_5XX,
    COUNTS_4XX,
    IGNORES_SLOWNESS,
    SHARED_BREAKER,
    BREAKER_PER_CALL,
    UNAWAITED,
    LOCK_ACROSS_CALL,
    RETRY_STORM,
    NO_BACK_OFF,
    RETRIES_UNSAFE,
    RETRIES_OPEN,
    RETRIES_4XX,
    NO_BULKHEAD,
    ENDLESS_QUEUE,
    NO_FALLBACK,
    WRONG_FALLBACK,
    STICKY_FALLBACK,
    SAME_FALLBACK,
    STALE_CONNECTIONS,
    ADDRESS_CACHED,
    HEALTH_LIES,
    HEALTH_TOO_DEEP,
    START_NEEDS,
    LEAK,
    TRUNCATED_ACCEPTED,
    LOSERS_RUN_ON,
    NO_GRACE,
    SLOW,
    ERRORS,
    WRONG,
)


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect that was asked for. ``service`` None means every service the kind concerns."""

    kind: Kind
    service: str | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Defects:
    """The defects of one service."""

    present: tuple[Defect, ...] = ()

    def has(self, *kinds: Kind) -> bool:
        """Whether one of the kinds is among them."""
        return any(defect.kind in kinds for defect in self.present)

    def share(self, kind: Kind) -> float:
        """The share of requests concerned (0-1); 0 without the defect. The last one given counts."""
        shares = [defect.share or 0.0 for defect in self.present if defect.kind is kind]
        return shares[-1] if shares else 0.0


def defects_of(service: str, defects: Iterable[Defect]) -> Defects:
    """Those of the defects that concern a service."""
    return Defects(
        tuple(defect for defect in defects if service in defect.kind.concerns and defect.service in (None, service))
    )
