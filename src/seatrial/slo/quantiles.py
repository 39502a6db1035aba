"""Latency quantiles of a whole span, from the due time and from the sending, for showing side by side.

Room slo. Takes measures, gives numbers read off histograms (3 digits), which no verdict rests on. Under the open
model a request that had to wait for its turn shows in the first and hides in the second (coordinated omission).
Pure; may import the floor and its own room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.histograms import quantile_in, together
from seatrial.slo.measure import LOAD, Measures, Span

_US_PER_S = 1_000_000
_SHOWN = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `n` OK requests, in seconds."""

    p50_s: float
    p95_s: float
    p99_s: float
    n: int


@dataclass(frozen=True, slots=True)
class SpanLatency:
    """The same requests, counted from when they were due and from when they were sent; only a play's first request
    has a due time, the others count from their sending in both."""

    due: Quantiles
    sent: Quantiles


def span_latency(measures: Measures, service: str, *, span: Span = LOAD) -> SpanLatency | None:
    """One service over one span; None where it had no OK request whose latency was kept."""
    intervals = measures.intervals.get((service, span), ())
    due = _quantiles(interval.histogram for interval in intervals)
    sent = _quantiles(interval.service_histogram for interval in intervals)
    return SpanLatency(due, sent) if due and sent else None


def _quantiles(histograms: Iterable[str]) -> Quantiles | None:
    counts = together(filter(None, histograms))
    p50_us, p95_us, p99_us = (quantile_in(counts, shown) for shown in _SHOWN)
    if p50_us is None or p95_us is None or p99_us is None:
        return None
    return Quantiles(p50_us / _US_PER_S, p95_us / _US_PER_S, p99_us / _US_PER_S, n=sum(counts.values()))
