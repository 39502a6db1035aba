"""`experiment:` and `gameday:` documents as they are written: the shapes of their keys, in users' units or in
Toxiproxy's.

Knows no other document and not what is sensible together: `read` and its parts see to that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from seatrial import quantity
from seatrial.chaos.model import DEFAULT_BASELINE_S, Stream
from seatrial.documents import DurationS, Ratio, Shape
from seatrial.service import Edge

_ABORT = re.compile(r"^>\s*(\S+(?:\s*%)?)\s+for\s+(\S.*)$")


LEAST_MEMORY_BYTES = 6 * 2**20


def _toxiproxy_s(value: object) -> float:
    """Seconds from `250ms`, or from a bare number, which Toxiproxy means in milliseconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value / 1000.0
    return quantity.duration_s(value)


def _toxiproxy_slicer_s(value: object) -> float:
    """Seconds from `10ms`, or from a bare number, which Toxiproxy means in microseconds here alone."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value / 1_000_000.0
    return quantity.duration_s(value)


def _toxiproxy_bytes_per_s(value: object) -> int:
    """Bytes per second from `100kB/s`, or from a bare number, which Toxiproxy means in KB (1000 bytes) per second."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return round(value * 1000)
    size, slash, unit = str(value).partition("/")
    if slash and unit.strip() == "s":
        return quantity.size_bytes(size.strip())
    raise ValueError(f"'{value}' is not a transfer rate; write it as 100kB/s")


def _abort(value: object) -> tuple[float, float]:
    found = _ABORT.match(str(value).strip())
    if not found:
        raise ValueError(f"'{value}' is not a condition; write it as '> 50% for 5s'")
    return quantity.ratio(found[1]), quantity.duration_s(found[2])


def _nothing(value: object) -> dict[str, Any]:
    if value in (None, True, {}):
        return {}
    raise ValueError(f"'{value}' where no settings are known; write {{}}")


def _memory_bytes(value: object) -> int:
    size = quantity.size_bytes(str(value))
    if size < LEAST_MEMORY_BYTES:
        raise ValueError(f"'{value}' is less than 6MiB, the least an engine gives a container")
    return size


def _edge(value: object) -> Edge:
    return Edge.parse(str(value))


ToxicS = Annotated[float, BeforeValidator(_toxiproxy_s)]
SlicerS = Annotated[float, BeforeValidator(_toxiproxy_slicer_s)]
ToxicBytesPerS = Annotated[int, BeforeValidator(_toxiproxy_bytes_per_s)]
Nothing = Annotated[dict[str, Any], BeforeValidator(_nothing)]
AnEdge = Annotated[Edge, BeforeValidator(_edge)]
NotEmpty = Annotated[str, Field(min_length=1)]


class RawLatency(Shape):
    latency: ToxicS
    jitter: ToxicS = 0.0


class RawTimeout(Shape):
    timeout: ToxicS


class RawBandwidth(Shape):
    rate: ToxicBytesPerS


class RawSlowClose(Shape):
    delay: ToxicS


class RawSlicer(Shape):
    average_size: int = Field(ge=1)
    size_variation: int = Field(default=0, ge=0)
    delay: SlicerS = 0.0


class RawLimitData(Shape):
    byte_count: int = Field(alias="bytes", ge=0)


class RawExchanges(Shape):
    """Which exchanges a fault in HTTP hits."""

    route: str = Field(default="", min_length=1)
    method: str = Field(default="", min_length=1)
    request_headers: dict[NotEmpty, NotEmpty] = Field(default={}, min_length=1)
    probability: Ratio = 1.0
    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=1)


class RawHttpError(RawExchanges):
    status: int = Field(default=503, ge=400, le=599)
    body: str | None = None
    headers: dict[str, str] = {}
    retry_after: DurationS | None = Field(default=None, le=86_400)
    forward: bool = False


class RawHttpDelay(RawExchanges):
    delay: ToxicS
    jitter: ToxicS = 0.0


class RawHttpTruncate(RawExchanges):
    byte_count: int = Field(alias="bytes", ge=0)


class RawHttpReplace(RawExchanges):
    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[str, str] = {}
    body: str | None = None
    members: dict[str, Any] = Field(default={}, alias="json")


class RawKill(Shape):
    signal: str = "KILL"


class RawRollingRestart(Shape):
    replicas: list[str] = []
    pause: DurationS = Field(default=0.0, le=30)


class RawDisconnect(Shape):
    network: str | None = Field(default=None, min_length=1)


class RawLimit(Shape):
    cpu: float | None = Field(default=None, ge=0.01, le=1024)
    memory: Annotated[int, BeforeValidator(_memory_bytes)] | None = None


class RawInject(Shape):
    edge: AnEdge | None = None
    service: str | None = None
    stream: Stream | None = None
    toxicity: Ratio | None = None
    duration: DurationS | None = Field(default=None, alias="for")
    latency: RawLatency | None = None
    timeout: RawTimeout | None = None
    reset_peer: RawTimeout | None = None
    bandwidth: RawBandwidth | None = None
    slow_close: RawSlowClose | None = None
    slicer: RawSlicer | None = None
    limit_data: RawLimitData | None = None
    http_error: RawHttpError | None = None
    http_delay: RawHttpDelay | None = None
    http_truncate: RawHttpTruncate | None = None
    http_replace: RawHttpReplace | None = None
    down: Nothing | None = None
    kill: RawKill | None = None
    stop: Nothing | None = None
    restart: Nothing | None = None
    rolling_restart: RawRollingRestart | None = None
    disconnect: RawDisconnect | None = None
    limit: RawLimit | None = None


class RawLine(Shape):
    at: DurationS
    inject: RawInject


class RawSteadyState(Shape):
    baseline: DurationS = DEFAULT_BASELINE_S
    objectives: list[str] = []


class RawDuring(Shape):
    breaker: AnEdge | None = None
    opens_within: DurationS | None = None
    calls_while_open: int | None = Field(default=None, ge=0)
    latency: str | None = None
    p50_at_most: DurationS | None = None
    p90_at_most: DurationS | None = None
    p95_at_most: DurationS | None = None
    p99_at_most: DurationS | None = None
    errors: str | None = None
    at_most: float | str | None = None
    amplification: AnEdge | None = None
    timeout: AnEdge | None = None
    bulkhead: AnEdge | None = None
    in_flight: int | None = Field(default=None, ge=1)
    hedging: AnEdge | None = None
    replica: AnEdge | None = None
    answered_within: DurationS | None = Field(default=None, gt=0)
    isolation: AnEdge | None = None
    fallback: AnEdge | None = None
    status: int | None = Field(default=None, ge=100, le=599)
    bounded_by: DurationS | None = Field(default=None, gt=0)
    untouched: list[str] | None = None
    routes: list[str] = []


class RawCloses(Shape):
    closes_within: DurationS


class RawAfter(Shape):
    recovered_within: DurationS | None = None
    breaker: RawCloses | None = None


class RawExpect(Shape):
    during: list[RawDuring] = []
    after: RawAfter = RawAfter()


class RawAbortOn(Shape):
    errors: Annotated[tuple[float, float], BeforeValidator(_abort)] | None = None
    objectives: list[str] = []


class RawLimits(Shape):
    targets: int = Field(default=1, ge=1)
    duration: DurationS | None = Field(default=None, gt=0)


class RawTraffic(Shape):
    profile: str | None = None
    scenario: str | None = None
    every: DurationS | None = Field(default=None, gt=0)


class RawExperiment(Shape):
    experiment: str = Field(min_length=1)
    version: Literal[1] = 1
    realm_must_allow: Literal["chaos"] = "chaos"
    traffic: RawTraffic | None = None
    steady_state: RawSteadyState = RawSteadyState()
    method: list[RawLine] = Field(min_length=1)
    expect: RawExpect = RawExpect()
    abort_on: RawAbortOn | None = None
    limits: RawLimits = RawLimits()


class RawStep(Shape):
    experiment: RawExperiment | Annotated[str, Field(min_length=1)]
    hypothesis: str = Field(min_length=1)
    watch: dict[str, str] = {}


class RawGameDay(Shape):
    gameday: str = Field(min_length=1)
    version: Literal[1] = 1
    people: dict[str, str] = {}
    before: list[str] = []
    steps: list[RawStep] = Field(min_length=1)


SHAPES: Mapping[str, type[Shape]] = {"experiment": RawExperiment, "gameday": RawGameDay}
