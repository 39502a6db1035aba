"""The fold of a load: finished attempts in, one `Interval` per second, phase and step out.

Counts are exact; the histograms (HDR, microseconds, 3 digits) are only for showing. May import the floor and
hdrhistogram; must never import gevent or ask the time: every call is told when it happened.

hdrhistogram records in Python at about 0.9 us a value and costs 0.1 ms to make or encode, so values gather in a
sparse dict of the same buckets (0.3 us) and become a histogram once, when their second is drained.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hdrh.histogram import HdrHistogram

from seatrial.sample import Cause, Interval, Phase

LOWEST_US = 1
HIGHEST_US = 60_000_000  # longer latencies stand in the last bucket; the exact counters know them as they were
DIGITS = 3
_SUB_BUCKET_BITS = 11  # HDR with 3 digits: 2048 sub-buckets
_EXACT_BELOW_US = 1 << _SUB_BUCKET_BITS


class Mark(NamedTuple):
    """What part of the run something belongs to; `level` is a PROBE's alone."""

    phase: Phase
    experiment: str | None = None
    level: float | None = None


class Series(NamedTuple):
    """What is counted together: one step of one scenario, on one `side` of a load that has two. `route` is the
    template, never a rendered URL."""

    scenario: str
    step: str
    service: str
    method: str
    route: str
    side: str = ""


class Ended(NamedTuple):
    """A final attempt. `cause` None means OK; `latency_us` counts from the due time where there is one,
    `service_us` from the sending; both rounded up, so that `> limit` is exact for whole limits."""

    cause: Cause | None
    latency_us: int
    service_us: int
    bytes_in: int = 0
    degraded: bool = False


def _counts() -> defaultdict[int, int]:
    """For keys that are mostly new, of which a Counter makes a call each."""
    return defaultdict(int)


@dataclass(slots=True)
class _Cell:
    """One second of one series while it is still counting."""

    ok: int = 0
    polls: int = 0
    degraded: int = 0
    bytes_in: int = 0
    overdue: int = 0
    unrendered: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    over_ok: Counter[int] = field(default_factory=Counter)
    over_failed: Counter[int] = field(default_factory=Counter)
    latencies: defaultdict[int, int] = field(default_factory=_counts)
    services: defaultdict[int, int] = field(default_factory=_counts)


class Recorder:
    """Counts attempts until they are drained. `limits_us` are the latency limits per service, in microseconds.

    Not safe from several threads; greenlets of one thread may share it, because no method waits.
    """

    def __init__(self, run: str, limits_us: Mapping[str, tuple[int, ...]]) -> None:
        self._run = run
        self._limits_us = limits_us
        self._cells: dict[tuple[int, Mark, Series], _Cell] = {}

    def ended(self, mark: Mark, series: Series, *, second: int, end: Ended) -> None:
        """Count a final attempt in the second it ended."""
        cell = self._cell(second, mark, series)
        cell.bytes_in += end.bytes_in
        cell.degraded += end.degraded
        for limit_us in self._limits(series):
            if end.latency_us > limit_us:
                (cell.over_failed if end.cause else cell.over_ok)[limit_us] += 1
        if end.cause:
            cell.causes[end.cause.value] += 1
            return
        cell.ok += 1
        bucket = _bucket(end.latency_us)
        cell.latencies[bucket] += 1
        cell.services[bucket if end.service_us == end.latency_us else _bucket(end.service_us)] += 1

    def polled(self, mark: Mark, series: Series, *, second: int) -> None:
        """Count an attempt that a later one replaces: neither success nor error."""
        self._cell(second, mark, series).polls += 1

    def overdue(self, mark: Mark, series: Series, *, second: int) -> None:
        """Say of a request that it still had no answer at the end of that second."""
        self._cell(second, mark, series).overdue += 1

    def unrendered(self, mark: Mark, series: Series, *, second: int) -> None:
        """Count an attempt of which nobody knows whether it is good: a template of the journey could not be
        rendered. Neither success nor error."""
        self._cell(second, mark, series).unrendered += 1

    def drain(self, before: int) -> tuple[Interval, ...]:
        """Give and forget every interval of a second earlier than `before`, in order of time."""
        keys = sorted((key for key in self._cells if key[0] < before), key=lambda key: key[0])
        return tuple(self._interval(*key, self._cells.pop(key)) for key in keys)

    def _cell(self, second: int, mark: Mark, series: Series) -> _Cell:
        key = (second, mark, series)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        return cell

    def _limits(self, series: Series) -> tuple[int, ...]:
        return self._limits_us.get(series.service, ())

    def _interval(self, second: int, mark: Mark, series: Series, cell: _Cell) -> Interval:
        latencies = encode_histogram(cell.latencies)
        alike = cell.services == cell.latencies  # as in every closed model: nothing there is late
        return Interval(
            run=self._run,
            phase=mark.phase,
            experiment=mark.experiment,
            level=mark.level,
            **series._asdict(),
            second=second,
            ok=cell.ok,
            failed=cell.causes.total(),
            causes=dict(cell.causes),
            polls=cell.polls,
            degraded=cell.degraded,
            over_ok={limit_us: cell.over_ok[limit_us] for limit_us in self._limits(series)},
            over_failed={limit_us: cell.over_failed[limit_us] for limit_us in self._limits(series)},
            histogram=latencies,
            service_histogram=latencies if alike else encode_histogram(cell.services),
            bytes_in=cell.bytes_in,
            overdue=cell.overdue,
            unrendered=cell.unrendered,
        )


def microseconds_up(seconds: float) -> int:
    """A latency in whole microseconds, rounded up: one that is over a limit must stay over it."""
    return math.ceil(seconds * 1e6)


def encode_histogram(counts: Mapping[int, int]) -> str:
    """Base64 HDR of counts per value in microseconds; empty text for no values."""
    if not counts:
        return ""
    histogram = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for value_us, count in counts.items():
        histogram.record_value(value_us, count)
    return str(histogram.encode().decode("ascii"))


def _bucket(value_us: int) -> int:
    """The lowest value of the HDR bucket a latency falls into."""
    if LOWEST_US <= value_us < _EXACT_BELOW_US:
        return value_us
    value_us = min(max(value_us, LOWEST_US), HIGHEST_US)
    shift = max(0, value_us.bit_length() - _SUB_BUCKET_BITS)
    return value_us >> shift << shift
