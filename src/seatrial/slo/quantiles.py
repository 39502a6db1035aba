"""Latency quantiles of a part of a load, from the due time and from the sending, for showing side by side.

Room slo. Takes measures, gives numbers read off histograms (3 digits), which no verdict rests on. Under the open
model a request that had to wait for its turn shows in the first and hides in the second (coordinated omission).
Pure; may import the floor and its own room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seatrial.histograms import quantiles_in, together
from seatrial.sample import Interval
from seatrial.slo.measure import LOAD, Measures, Span

_US_PER_S = 1_000_000
_SHOWN = (0.5, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `n` OK requests, in seconds."""

    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    n: int


@dataclass(frozen=True, slots=True)
class SpanLatency:
    """The same requests, counted from when they were due and from when they were sent; only a play's first request
    has a due time, the others count from their sending in both."""

    due: Quantiles
    sent: Quantiles


class Latencies:
    """The fold of one service's seconds; `latency` may be asked at any time."""

    def __init__(self) -> None:
        self._due: dict[int, int] = defaultdict(int)
        self._sent: dict[int, int] = defaultdict(int)

    def add(self, intervals: Iterable[Interval]) -> None:
        """Its steps, those of one second at a time: where nothing was late, both are decoded once."""
        listed = tuple(intervals)
        _merge(self._due, together(filter(None, (interval.histogram for interval in listed))))
        _merge(self._sent, together(filter(None, (interval.service_histogram for interval in listed))))

    def latency(self) -> SpanLatency | None:
        """Of all of them; None without an OK request whose latency was kept."""
        due, sent = _quantiles(self._due), _quantiles(self._sent)
        return SpanLatency(due, sent) if due and sent else None


def span_latency(measures: Measures, service: str, *, span: Span = LOAD) -> SpanLatency | None:
    """One service over one span; None where it had no OK request whose latency was kept."""
    latencies = Latencies()
    latencies.add(measures.intervals.get((service, span), ()))
    return latencies.latency()


def _merge(counts: dict[int, int], more: Mapping[int, int]) -> None:
    for index, count in more.items():
        counts[index] += count


def _quantiles(counts: Mapping[int, int]) -> Quantiles | None:
    if not counts:
        return None
    p50_s, p95_s, p99_s, max_s = (value_us / _US_PER_S for value_us in quantiles_in(counts, _SHOWN))
    return Quantiles(p50_s, p95_s, p99_s, max_s, n=sum(counts.values()))
