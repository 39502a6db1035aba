"""Requests counted: what one stretch of time amounts to, and the seconds of a long load kept small.

Room slo. Takes intervals, gives tallies. Pure; may import the floor; judges nothing.

What is slow: a request that failed after at least the limit was slower than it, one that failed faster is left out,
so that fast errors never flatter a quantile. A limit the run did not count is counted again from the histogram (3
digits), where only OK requests stand; the failures whose time is unknown then are kept apart.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.histograms import bucket_of, buckets_of
from seatrial.sample import Interval
from seatrial.slo.decide import PerSecond


@dataclass(frozen=True, slots=True)
class Tally:
    """Final requests of some stretch of time, counted; polls that a later attempt replaced stand apart.

    `over_ok` and `over_failed` are those slower than the limit asked for. `recounted` OK requests were held against
    it by histogram; `untimed` failed ones may have been slower or not, the run did not count it. `overdue` are no
    requests of that time but those without an answer at its end. `unrendered` are in no other number: nobody knows
    what would have become of them.
    """

    ok: int = 0
    failed: int = 0
    over_ok: int = 0
    over_failed: int = 0
    untimed: int = 0
    recounted: int = 0
    degraded: int = 0
    polls: int = 0
    overdue: int = 0
    unrendered: int = 0

    @property
    def errors(self) -> PerSecond:
        """Failed and all requests."""
        return self.failed, self.ok + self.failed

    @property
    def slow(self) -> PerSecond:
        """Slower than the limit, and all that count for it; untimed failures are left out."""
        return self.over_ok + self.over_failed, self.ok + self.over_failed

    @property
    def slow_at_worst(self) -> PerSecond:
        """As `slow`, with every untimed failure taken as slower."""
        return self.over_ok + self.over_failed + self.untimed, self.ok + self.over_failed + self.untimed

    @property
    def waited(self) -> PerSecond:
        """Slower than the limit, and all requests: how long callers waited, whatever they were answered."""
        return self.over_ok + self.over_failed, self.ok + self.failed

    @property
    def waited_at_worst(self) -> PerSecond:
        """As `waited`, with every untimed failure taken as slower."""
        return self.over_ok + self.over_failed + self.untimed, self.ok + self.failed

    @property
    def failed_faster(self) -> int:
        """Failures that a latency objective leaves out."""
        return self.failed - self.over_failed - self.untimed


_counts = operator.attrgetter(*(field.name for field in dataclasses.fields(Tally)))
_WIDTH = 1 + len(dataclasses.fields(Tally))  # a row: the second, and its tally's counts


class Tallies:
    """The tallies of many seconds, told in any order: a row of numbers each, a third of what an object takes."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Iterable[int] = ()) -> None:
        self._rows = array("q", rows)

    def add(self, second: int, tally: Tally) -> None:
        """Count these too. A second is mostly told of in one go, and then has one row."""
        rows, counts = self._rows, _counts(tally)
        if not rows or rows[-_WIDTH] != second:
            rows.extend((second, *counts))
            return
        for at, count in enumerate(counts, start=1 - _WIDTH):
            rows[at] += count

    @property
    def size_bytes(self) -> int:
        """What the rows take."""
        return len(self._rows) * self._rows.itemsize

    def copy(self) -> Tallies:
        """As they are now."""
        return Tallies(self._rows)

    def by_second(self) -> dict[int, Tally]:
        """One for each second that was told of."""
        found: dict[int, Sequence[int]] = {}
        for at in range(0, len(self._rows), _WIDTH):
            second, *counts = self._rows[at : at + _WIDTH]
            found[second] = list(map(operator.add, found[second], counts)) if second in found else counts
        return {second: Tally(*counts) for second, counts in found.items()}


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them as one."""
    listed = tuple(tallies)
    return Tally(
        ok=sum(tally.ok for tally in listed),
        failed=sum(tally.failed for tally in listed),
        over_ok=sum(tally.over_ok for tally in listed),
        over_failed=sum(tally.over_failed for tally in listed),
        untimed=sum(tally.untimed for tally in listed),
        recounted=sum(tally.recounted for tally in listed),
        degraded=sum(tally.degraded for tally in listed),
        polls=sum(tally.polls for tally in listed),
        overdue=listed[-1].overdue if listed else 0,
        unrendered=sum(tally.unrendered for tally in listed),
    )


def tally(intervals: Iterable[Interval], limit_us: int | None) -> Tally:
    """Those of one second as one; `limit_us` says what is slow (None: nothing is)."""
    ok = failed = degraded = polls = over_ok = over_failed = untimed = recounted = overdue = unrendered = 0
    for interval in intervals:
        ok += interval.ok
        failed += interval.failed
        degraded += interval.degraded
        polls += interval.polls
        overdue += interval.overdue
        unrendered += interval.unrendered
        if limit_us is not None:
            slow = _slow(interval, limit_us)
            over_ok += slow[0]
            over_failed += slow[1]
            untimed += slow[2]
            recounted += slow[3]
    return Tally(ok, failed, over_ok, over_failed, untimed, recounted, degraded, polls, overdue, unrendered)


def _slow(interval: Interval, limit_us: int) -> tuple[int, int, int, int]:
    """A tally's `over_ok`, `over_failed`, `untimed` and `recounted`."""
    over_ok = interval.over_ok.get(limit_us)
    if over_ok is not None:
        return over_ok, interval.over_failed.get(limit_us, 0), 0, 0
    surely, perhaps = _over_failed_between(interval, limit_us)
    return _over_in_histogram(interval.histogram, limit_us), surely, perhaps - surely, interval.ok


def _over_failed_between(interval: Interval, limit_us: int) -> tuple[int, int]:
    """The least and the most failures that can have been slower than a limit not counted, by those that were."""
    above = (count for counted_us, count in interval.over_failed.items() if counted_us > limit_us)
    below = (count for counted_us, count in interval.over_failed.items() if counted_us < limit_us)
    return max(above, default=0), min(below, default=interval.failed)


@functools.lru_cache(maxsize=65_536)
def _over_in_histogram(histogram: str, limit_us: int) -> int:
    """OK requests in buckets above the limit's own."""
    if not histogram:
        return 0
    limit = bucket_of(limit_us)
    return sum(count for bucket, count in buckets_of(histogram).items() if bucket > limit)
