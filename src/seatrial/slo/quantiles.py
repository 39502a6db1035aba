"""Latency quantiles of a whole span, from the due time and from the sending, for showing side by side.

Room slo. Takes measures, gives numbers read off histograms (3 digits), which no verdict rests on. Under the open
model a request that had to wait for its turn shows in the first and hides in the second (coordinated omission).
Pure; may import the floor, its own room and hdrhistogram.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

from seatrial.slo.measure import LOAD, Measures, Span

_US_PER_S = 1_000_000
_SHOWN = (50.0, 95.0, 99.0)


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
    merged: HdrHistogram | None = None
    for encoded in filter(None, histograms):
        if merged is None:
            merged = HdrHistogram.decode(encoded)
        else:
            merged.decode_and_add(encoded)
    if merged is None:
        return None
    at = merged.get_percentile_to_value_dict(list(_SHOWN))
    p50_s, p95_s, p99_s = (at[shown] / _US_PER_S for shown in _SHOWN)
    return Quantiles(p50_s, p95_s, p99_s, n=int(merged.get_total_count()))
