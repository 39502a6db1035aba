"""What one side of a comparison counted: a run, several runs taken together, or one side of a canary's.

Room slo. Takes measures, gives counts and histograms second by second, in the shapes `compare` and
`compare_latencies` read. Only the hold of a load is counted. Pure; may import the floor and its own room; must never
judge.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.histograms import counts_of
from seatrial.slo.decide import PerSecond
from seatrial.slo.measure import LOAD, Measures, Route, Traffic

Histogram = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """One side. `name` says which to a reader; `realm` and `offered`, the load in words, what it may be held against.

    `side` None: all that its runs sent.
    """

    name: str
    runs: tuple[Measures, ...]
    realm: str = ""
    offered: str = ""
    side: str | None = None

    def errors(self, service: str, routes: tuple[str, ...] = ()) -> list[PerSecond]:
        """Failed and all requests of each second."""
        traffic = self._traffic(service, routes)
        return [tally.errors for measures in self.runs for tally in measures.tallies(traffic)]

    def unrendered(self, service: str, routes: tuple[str, ...] = ()) -> list[int]:
        """Requests of each second that could not be rendered, in no other number."""
        traffic = self._traffic(service, routes)
        return [tally.unrendered for measures in self.runs for tally in measures.tallies(traffic)]

    def ok_per_second(self, service: str, routes: tuple[str, ...] = ()) -> list[int]:
        """OK requests of each whole second; none where there was no request at all."""
        traffic = self._traffic(service, routes)
        asked = any(total for _, total in self.errors(service, routes))
        return [ok for measures in self.runs for ok in measures.ok_in_whole_seconds(traffic)] if asked else []

    def ok_at_best(self, service: str, routes: tuple[str, ...] = ()) -> list[int]:
        """As `ok_per_second`, had what could not be rendered, at whichever service, led to OK requests of this."""
        traffic = self._traffic(service, routes)
        asked = any(total for _, total in self.errors(service, routes))
        return [ok for measures in self.runs for ok in measures.ok_at_best(traffic)] if asked else []

    def latencies(self, service: str, routes: tuple[str, ...] = ()) -> list[Histogram]:
        """Latencies of the OK requests of each second, from the due time, in microseconds."""
        traffic = self._traffic(service, routes)
        return [second for measures in self.runs for second in _latencies(measures, traffic)]

    def requests(self, service: str, routes: tuple[str, ...] = ()) -> dict[Route, int]:
        """How many requests each route had, the most first; routes without any are left out."""
        counts: collections.Counter[Route] = collections.Counter()
        for measures in self.runs:
            for item in measures.chosen(self._traffic(service, routes)):
                counts[Route(item.service, item.method, item.route)] += item.ok + item.failed
        return dict((+counts).most_common())

    def only(self, routes: Collection[Route]) -> Counted:
        """The same side as if it had been asked nothing but these routes, exactly."""
        return dataclasses.replace(self, runs=tuple(_only(measures, routes) for measures in self.runs))

    def services(self) -> tuple[str, ...]:
        """The services asked in the hold, in the order first seen."""
        names = (service for measures in self.runs for service, span in measures.intervals if span == LOAD)
        return tuple(name for name in dict.fromkeys(names) if self.requests(name))

    def _traffic(self, service: str, routes: tuple[str, ...]) -> Traffic:
        return Traffic(service, routes, side=self.side)


def _only(measures: Measures, routes: Collection[Route]) -> Measures:
    kept = {
        key: tuple(item for item in items if Route(item.service, item.method, item.route) in routes)
        for key, items in measures.intervals.items()
    }
    return dataclasses.replace(measures, intervals=kept)


def _latencies(measures: Measures, traffic: Traffic) -> Iterable[Histogram]:
    by_second: dict[int, list[Histogram]] = {second: [] for second in measures.seconds_of(traffic.span)}
    for interval in measures.chosen(traffic):
        if interval.histogram:
            by_second[interval.second].append(counts_of(interval.histogram))
    return map(merged, by_second.values())


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """Several as one."""
    if len(histograms) == 1:
        return histograms[0]
    counts: dict[int, int] = {}
    for histogram in histograms:
        for value, count in histogram.items():
            counts[value] = counts.get(value, 0) + count
    return counts
