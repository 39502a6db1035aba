"""Records of several workers in, those of one load out, second by second: exact counts add, histograms add.

Pure fold, told which worker said what. May import the floor and the room's pure files; must never ask a clock.

A second is whole when every worker that is there has told its own. A worker that tells nothing for long is not waited
for: the seconds go on without it and say so (`Pacing.lost`), and what it tells after all is added when it comes, so
that nothing told is ever left out.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from hdrh.histogram import HdrHistogram

from seatrial.sample import Interval, Pacing, Record
from seatrial.scenarios.load.recorder import DIGITS, HIGHEST_US, LOWEST_US

LAG_S = 5  # a worker this far behind the others is not waited for

Told = TypeVar("Told", Interval, Pacing)
Planned = Callable[[int, int], int | None]
"""How many arrivals a worker (counted from 0) had due in a second of the epoch; None where none are planned ahead."""


def merge(records: Iterable[Told]) -> Iterator[Told]:
    """Records of one kind; those that agree in all that is no count become one, in the order they first came."""
    groups: dict[tuple[object, ...], list[Told]] = {}
    for record in records:
        groups.setdefault(_key(record), []).append(record)
    yield from map(_sum, groups.values())


class Merger:
    """Takes what workers tell, gives whole seconds. Workers count from 0."""

    def __init__(self, workers: int, planned: Planned) -> None:
        self._workers = workers
        self._planned = planned
        self._held: dict[int, list[tuple[int, Interval | Pacing]]] = {}
        self._reached: dict[int, float] = dict.fromkeys(range(workers), -math.inf)
        self._done: set[int] = set()
        self._gone: set[int] = set()
        self._away: dict[int, int] = {}
        self._counted: Counter[int] = Counter()
        self._first: int | None = None
        self._written = -math.inf

    def add(self, worker: int, records: Iterable[Interval | Pacing]) -> None:
        """What a worker told: intervals, and after those of a second its pacing."""
        self._gone.discard(worker)
        for record in records:
            if isinstance(record, Pacing):
                self._reached[worker] = max(self._reached[worker], record.second)
                record = self._in_time(worker, record)
            self._held.setdefault(record.second, []).append((worker, record))

    def done(self, worker: int) -> None:
        """It has told everything it ever will."""
        self._done.add(worker)

    def lost(self, worker: int) -> None:
        """It is gone, perhaps for good: it is not waited for."""
        self._gone.add(worker)

    def away(self, worker: int) -> bool:
        """Whether the newest second given was without it."""
        return worker in self._away

    def whole(self) -> Iterator[tuple[Record, ...]]:
        """Every second that is whole by now and was not given before, its Pacing last."""
        until = self._whole_until()
        for second in sorted(second for second in self._held if second <= until):
            yield tuple(self._second(second))

    def _whole_until(self) -> float:
        newest = max(self._reached.values())
        awaited = (self._reached[worker] for worker in self._reached if worker not in self._done | self._gone)
        return max(min(awaited, default=math.inf), newest - LAG_S)

    def _in_time(self, worker: int, pacing: Pacing) -> Pacing:
        """One that comes after its second was given counts in the next; what was planned while it was missed has been
        counted then."""
        counted = min(self._counted[worker], pacing.planned)
        self._counted[worker] -= counted
        second = max(pacing.second, int(self._written) + 1) if self._first is not None else pacing.second
        return dataclasses.replace(pacing, second=second, planned=pacing.planned - counted)

    def _second(self, second: int) -> Iterator[Record]:
        told = self._held.pop(second)
        yield from merge(record for _, record in told if isinstance(record, Interval))
        pacings = [(worker, record) for worker, record in told if isinstance(record, Pacing)]
        if not pacings:  # intervals that came late: the second's own line was given long ago
            return
        self._first = second if self._first is None else self._first
        self._written = max(self._written, second)
        self._note_absent(second)
        *before, last = merge(record for _, record in pacings)
        whole = dataclasses.replace(
            last, workers=self._workers, lost={worker + 1: since for worker, since in self._away.items()}
        )
        yield from before
        yield dataclasses.replace(whole, planned=whole.planned + self._due_from_absent(second, pacings))

    def _note_absent(self, second: int) -> None:
        """Who has not come so far; one that was late may tell of several seconds at once."""
        for worker, reached in self._reached.items():
            if reached >= second or worker in self._done:
                self._away.pop(worker, None)
            else:
                self._away.setdefault(worker, second - (self._first or 0))

    def _due_from_absent(self, second: int, pacings: Sequence[tuple[int, Pacing]]) -> int:
        """What the absent had to start; where nothing is planned ahead, as much as the others started on average."""
        others = sum(pacing.started for _, pacing in pacings) / len(pacings)
        due = {worker: self._planned(worker, second) for worker in self._away}
        self._counted.update({worker: count for worker, count in due.items() if count})
        return sum(round(others) if count is None else count for count in due.values())


def _maps(maps: Sequence[Mapping[Any, int]]) -> Mapping[Any, int]:
    """Counts by key, added; a key that counts nothing stays."""
    keys = dict.fromkeys(itertools.chain.from_iterable(maps))
    total = sum(map(Counter, maps), Counter())
    return {key: total[key] for key in keys}


def _histograms(texts: Sequence[str]) -> str:
    filled = [text for text in texts if text]
    if len(filled) < 2:
        return "".join(filled)
    total = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for text in filled:
        total.decode_and_add(text)
    return str(total.encode().decode("ascii"))


HOW: Mapping[type[Any], Mapping[str, Callable[[Any], Any]]] = {
    Interval: {
        **dict.fromkeys(("ok", "failed", "polls", "degraded", "bytes_in", "overdue", "unrendered"), sum),
        **dict.fromkeys(("causes", "over_ok", "over_failed"), _maps),
        **dict.fromkeys(("histogram", "service_histogram"), _histograms),
    },
    Pacing: {
        **dict.fromkeys(("planned", "started", "dropped", "in_flight", "without_row"), sum),
        **dict.fromkeys(("late_p99_s", "cpu_ratio", "workers"), max),
        **dict.fromkeys(("late_over_ms", "lost"), _maps),
    },
}
"""What a field's values become together; every other field is what records must agree in to be merged."""


def _key(record: Interval | Pacing) -> tuple[object, ...]:
    kind = type(record)
    fields = (field.name for field in dataclasses.fields(kind))
    return (kind, *(getattr(record, name) for name in fields if name not in HOW[kind]))


def _sum(records: Sequence[Told]) -> Told:
    first = records[0]
    if len(records) == 1:
        return first
    how = HOW[type(first)]
    return dataclasses.replace(
        first, **{name: together([getattr(item, name) for item in records]) for name, together in how.items()}
    )
