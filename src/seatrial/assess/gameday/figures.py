"""What of a step is shown while it goes on: each service's last seconds, and what the breakers on its edges do.

A fold over Moments. Judges nothing: the breaker's state is what its calls show so far, the verdict is made of all of
them at the end. Pure; the instants are given.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.assess.gameday.plan import PlannedStep
from seatrial.assess.stage import Moment
from seatrial.chaos.seen.breaker import BreakerTimeline, Span, trace
from seatrial.histograms import buckets_of, quantile_in
from seatrial.sample import EdgeCall, Interval, Record
from seatrial.service import Edge, Mechanisms

SPAN_S = 5
"""How many seconds a figure is of: enough for a p95, and few enough to see a fault begin."""


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """The last seconds of a service's requests. `p95_s` is of those that were answered as expected, None without
    any."""

    service: str
    per_s: float
    failed_ratio: float
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class EdgeFigures:
    """The last seconds of an edge's calls, None before its calls are watched; `breaker` is empty where none is
    promised, or nothing was broken yet."""

    edge: Edge
    per_s: float | None
    breaker: str


class Figures:
    """The fold of one step."""

    def __init__(self, planned: PlannedStep) -> None:
        checked = planned.checked
        hit = (edge for edges in checked.hit.values() for edge in edges)
        self._edges = tuple(dict.fromkeys((*checked.breakers, *hit)))
        self._promises = checked.promises
        self._seconds: collections.deque[tuple[Record, ...]] = collections.deque(maxlen=SPAN_S)
        self._calls: list[EdgeCall] = []
        self._broken: Span | None = None
        self.stage = ""
        self.faults: tuple[str, ...] = ()

    def add(self, moment: Moment, *, now: float) -> None:
        """Take in how it is at that instant, UTC seconds."""
        self.stage = moment.stage
        self.faults = tuple(f"{active.entry.kind} on {active.entry.target}" for active in moment.faults)
        if moment.newest and (not self._seconds or moment.newest is not self._seconds[-1]):
            self._seconds.append(moment.newest)
        self._calls.extend(moment.calls)
        if moment.faults:
            began = self._broken.started_at if self._broken else min(one.started_at for one in moment.faults)
            self._broken = Span(began, now)

    def services(self) -> tuple[ServiceFigures, ...]:
        """Every service that was asked in the last seconds, by name."""
        found: dict[str, list[Interval]] = {}
        for second in self._seconds:
            for record in second:
                if isinstance(record, Interval):
                    found.setdefault(record.service, []).append(record)
        return tuple(_service(name, found[name], len(self._seconds)) for name in sorted(found))

    def edges(self, *, now: float) -> Iterator[EdgeFigures]:
        """Every edge that the step is about, at that instant."""
        for edge in self._edges:
            recent = sum(call.edge == str(edge) and call.started_at >= now - SPAN_S for call in self._calls)
            yield EdgeFigures(edge, recent / SPAN_S if self._calls else None, self._breaker(edge, now))

    def _breaker(self, edge: Edge, now: float) -> str:
        promised = self._promises.get(edge, Mechanisms())
        if self._broken is None or promised.breaker is None:
            return ""
        return _said(trace(self._calls, edge, fault=self._broken, promised=promised), now)


def _service(name: str, intervals: list[Interval], seconds: int) -> ServiceFigures:
    failed = sum(one.failed for one in intervals)
    total = failed + sum(one.ok for one in intervals)
    buckets: collections.Counter[int] = collections.Counter()
    for one in intervals:
        buckets.update(buckets_of(one.histogram))
    p95_us = quantile_in(buckets, 0.95) if buckets else None
    return ServiceFigures(
        name, total / seconds, failed / total if total else 0.0, None if p95_us is None else p95_us / 1e6
    )


def _said(seen: BreakerTimeline, now: float) -> str:
    """The breaker's state in words, by what the calls show up to now."""
    if seen.opened_at is None:
        return "breaker closed"
    if seen.closed_at is not None or seen.windows[-1].ended_at is not None:
        return "breaker closed again"
    return f"breaker open for {now - seen.opened_at:.0f} s"
