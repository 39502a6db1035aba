"""What a report shows of a load over time, from what was measured: latencies, rates, phases, errors.

Takes measures, gives the shapes `reports` shows. Pure; shared by the page of an assessment and that of a load alone.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

from seatrial.reports import page as shown
from seatrial.sample import Cause, Interval, Pacing, Phase
from seatrial.service import Indicator, Service
from seatrial.slo.measure import Band, Measures
from seatrial.slo.quantiles import SpanLatency


def service_latency(
    name: str,
    measures: Measures,
    *,
    service: Service | None,
    bands: Iterable[Band],
    whole: SpanLatency | None,
    part: str = "hold",
) -> shown.ServiceLatency:
    """One service's seconds with its failures and limits; `whole` is its latency over that part of the load."""
    failed: collections.Counter[int] = collections.Counter()
    for interval in intervals_of(measures):
        if interval.service == name:
            failed[interval.second] += interval.failed
    by_second = {band.second: band for band in bands}
    return shown.ServiceLatency(
        name,
        tuple(_band(second, by_second.get(second), failed[second]) for second in sorted({*by_second, *failed})),
        tuple(_limits(service)) if service else (),
        tuple(_whole(whole)) if whole else (),
        part,
    )


def _whole(latency: SpanLatency) -> Iterator[shown.Quantiles]:
    """The same requests twice: what callers waited, and what the service took; once where it was the same."""
    both = {"the due time": latency.due, "the sending": latency.sent}
    one = {"the due time and the sending": latency.due}
    for since, of in (one if latency.due == latency.sent else both).items():
        yield shown.Quantiles(since, of.p50_s, of.p95_s, of.p99_s, of.max_s, of.n)


def _band(second: int, band: Band | None, failed: int) -> shown.Band:
    if band is None:
        return shown.Band(second, None, None, None, 0, failed)
    return shown.Band(second, band.p50_s, band.p95_s, band.p99_s, band.n, failed)


def _limits(service: Service) -> Iterator[shown.LatencyLimit]:
    for objective in service.objectives:
        if objective.indicator is Indicator.LATENCY and objective.quantile is not None:
            yield shown.LatencyLimit(objective.name, objective.quantile, objective.limit)


def rates(measures: Measures) -> Iterator[shown.RatePoint]:
    """Second by second, those of all services with the generator's own."""
    ok: collections.Counter[int] = collections.Counter()
    failed: collections.Counter[int] = collections.Counter()
    for interval in intervals_of(measures):
        ok[interval.second] += interval.ok
        failed[interval.second] += interval.failed
    pacings = {pacing.second: pacing for pacing in pacings_of(measures)}
    for second in sorted({*pacings, *ok, *failed}):
        point = shown.RatePoint(second, 0, 0, ok[second], failed[second])
        yield _paced(point, pacings[second]) if second in pacings else point


def _paced(point: shown.RatePoint, pacing: Pacing) -> shown.RatePoint:
    return shown.RatePoint(
        point.second, pacing.planned, pacing.started, point.ok, point.failed, pacing.dropped, pacing.in_flight
    )


def phases(measures: Measures) -> Iterator[shown.PhaseSpan]:
    """Every unbroken stretch of seconds of one phase: the hold comes back between experiments. What plays in flight
    sent after the end, which is recorded as of a ramp, is told apart."""
    end = max((pacing.second for pacing in pacings_of(measures) if pacing.planned), default=math.inf)
    for span, seconds in measures.seconds.items():
        for first, last in _stretches(sorted(seconds)):
            whole = shown.PhaseSpan(span.phase, first, last + 1, span.experiment, span.level)
            yield from _cut(whole, end) if span.phase is Phase.RAMP else (whole,)


def _cut(ramp: shown.PhaseSpan, end: float) -> Iterator[shown.PhaseSpan]:
    """A ramp, and what of it comes after `end`, the last second in which a play was planned."""
    if ramp.started_at >= end:
        yield dataclasses.replace(ramp, is_tail=True)
    elif ramp.ended_at <= end + 1:
        yield ramp
    else:
        yield dataclasses.replace(ramp, ended_at=end + 1)
        yield dataclasses.replace(ramp, started_at=end + 1, is_tail=True)


def _stretches(seconds: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = None
    for index, second in enumerate(seconds):
        first = second if first is None else first
        if index + 1 == len(seconds) or seconds[index + 1] > second + 3:
            yield first, second
            first = None


def errors(measures: Measures) -> Iterator[shown.ErrorCount]:
    """Failures under load and, where there was one, of the acceptance stage."""
    for interval in intervals_of(measures):
        for cause, count in interval.causes.items():
            yield shown.ErrorCount(interval.service, Cause(cause), count)
    for sample in measures.samples:
        if sample.final and sample.cause:
            yield shown.ErrorCount(sample.service, sample.cause, 1)


def intervals_of(measures: Measures) -> Iterator[Interval]:
    """All of them, whatever their service and span."""
    for group in measures.intervals.values():
        yield from group


def pacings_of(measures: Measures) -> Iterator[Pacing]:
    """The generator's seconds, whatever their span."""
    for group in measures.pacings.values():
        yield from group
