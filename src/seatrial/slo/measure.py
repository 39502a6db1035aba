"""Folds a run's records into `Measures`: the counts that judgement and report are made of.

Room slo. Takes records, live second by second from the load child or later from the journal; both give equal
measures. Gives counts per second, journeys, the generator's own seconds and latency bands. Judges nothing. May
import the floor; must never open a file or ask the time.

Of a journal every interval is kept, for a report shows more than is judged. A load that goes on for a day is judged
while it does, and then only what judging asks (`Question`) is counted second by second.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from seatrial.histograms import quantile_of, quantiles_in, together
from seatrial.sample import Earlier, Ending, Interval, Outcome, Pacing, Phase, Play, Queried, Record, Sample
from seatrial.slo.tally import Tallies, Tally, tally

_US_PER_S = 1_000_000
_BAND_QUANTILES = (0.5, 0.95, 0.99)
_NONE = Tally()
MOST_SILENT_S = 3600
"""A generator writes of every second; after an hour without, the machine slept, or a second was written wrong."""


class Span(NamedTuple):
    """A part of a run: a phase, the experiment it belongs to, if any, and the level of a PROBE.

    A tuple, because one is made and looked up for every record of a journal.
    """

    phase: Phase
    experiment: str | None = None
    level: float | None = None


LOAD = Span(Phase.HOLD)
"""The hold of the load stage: what objectives are judged by. Warm-up, ramp and experiments are outside."""


@dataclass(frozen=True, slots=True)
class Route:
    """What requests are told apart by: the service and the route's template, never a rendered URL."""

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of one service in one span; `routes` are patterns as an objective has them, empty means all.

    `side` None: both sides of a load split between two versions.
    """

    service: str
    routes: tuple[str, ...] = ()
    span: Span = LOAD
    side: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What judging asks of each span of a load: the requests of a service's `routes` (as in `Traffic`), and how many
    of them were slower than a limit (None: it does not ask that)."""

    service: str
    routes: tuple[str, ...] = ()
    limit_us: int | None = None

    def is_about(self, interval: Interval) -> bool:
        """Whether its requests are among those asked for."""
        route = Route(interval.service, interval.method, interval.route)
        return self.service == interval.service and matches(route, self.routes)


@dataclass(frozen=True, slots=True)
class Journey:
    """One play of the acceptance stage: its final samples in order; `play` is None when it was cut short."""

    scenario: str
    play: Play | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def ending(self) -> Ending | None:
        """How it ended; None when it was cut short."""
        return self.play.ending if self.play else None

    @property
    def passed(self) -> tuple[Sample, ...]:
        """Its steps that passed."""
        return tuple(sample for sample in self.samples if sample.outcome is Outcome.OK)

    @property
    def failed(self) -> tuple[Sample, ...]:
        """Its steps that failed; one that failed outside any step has none."""
        return tuple(sample for sample in self.samples if sample.outcome is not Outcome.OK)

    @property
    def degraded(self) -> tuple[Sample, ...]:
        """Passed, but short of an expectation whose severity is `degraded`."""
        return tuple(sample for sample in self.passed if sample.degraded)

    @property
    def skipped(self) -> int:
        """How many of its steps were not run."""
        steps = self.play.steps if self.play else ()
        return sum(step.ending is Ending.SKIPPED for step in steps)


@dataclass(frozen=True, slots=True)
class Band:
    """Latency of one second's `n` OK requests, from the due time, 3 digits."""

    second: int
    p50_s: float
    p95_s: float
    p99_s: float
    n: int


@dataclass(frozen=True, slots=True)
class Measures:
    """What a run measured so far: a snapshot that later records do not change.

    `intervals` by service and span, `pacings` by span, both in the order recorded. `seconds` holds the seconds in
    which anything was recorded of a span, by any service or the generator. `samples` and `plays` are the acceptance
    stage's. `queried` and `earlier` are by service and objective. `kept`, of a load that goes on, are the tallies by
    question and span in the place of intervals; None where these are kept. `requests` counts all of a span, and
    `unrendered` those beside them, by `journey > step`, that could not be rendered; `unrendered_in` by second.
    """

    intervals: Mapping[tuple[str, Span], tuple[Interval, ...]] = field(default_factory=dict)
    kept: Mapping[Question, Mapping[Span, Tallies]] | None = None
    requests: Mapping[Span, int] = field(default_factory=dict)
    unrendered: Mapping[Span, Counter[str]] = field(default_factory=dict)
    unrendered_in: Mapping[Span, Counter[int]] = field(default_factory=dict)
    pacings: Mapping[Span, tuple[Pacing, ...]] = field(default_factory=dict)
    seconds: Mapping[Span, frozenset[int]] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    plays: tuple[Play, ...] = ()
    queried: Mapping[tuple[str, str], Queried] = field(default_factory=dict)
    earlier: Mapping[tuple[str, str], Earlier] = field(default_factory=dict)

    def seconds_of(self, span: Span) -> tuple[int, ...]:
        """Every second from a span's first to its last, ascending, without those that only other spans filled.

        Nor is there anything in more than an hour of which nothing was recorded: nobody measured then.
        """
        own = self.seconds.get(span, frozenset())
        if not own:
            return ()
        others = frozenset[int]().union(*self.seconds.values()) - own
        return tuple(second for second in _filled(own) if second not in others)

    def since(self, span: Span, moment: float) -> Measures:
        """The same with those seconds alone of a span that began at that moment (UTC seconds) or later."""
        seconds = frozenset(second for second in self.seconds.get(span, ()) if second >= moment)
        late = {
            (service, of): tuple(item for item in intervals if of != span or item.second in seconds)
            for (service, of), intervals in self.intervals.items()
        }
        paced = tuple(pacing for pacing in self.pacings.get(span, ()) if pacing.second in seconds)
        return replace(
            self, intervals=late, seconds={**self.seconds, span: seconds}, pacings={**self.pacings, span: paced}
        )

    def tallies(self, traffic: Traffic, *, limit_us: int | None = None) -> tuple[Tally, ...]:
        """One tally for each of `seconds_of(traffic.span)`, empty where nothing was asked; `limit_us` says what is
        slow (None: nothing is). LookupError where that is not among the questions kept for."""
        seconds = self.seconds_of(traffic.span)
        if self.kept is not None:
            known = _kept(self.kept, traffic, limit_us)
            return tuple(known.get(second, _NONE) for second in seconds)
        by_second: dict[int, list[Interval]] = {second: [] for second in seconds}
        for interval in self.chosen(traffic):
            by_second[interval.second].append(interval)
        return tuple(tally(group, limit_us) for group in by_second.values())

    def ok_in_whole_seconds(self, traffic: Traffic) -> tuple[int, ...]:
        """OK requests of each second that lay wholly in the span: what a throughput may be judged by."""
        return tuple(tally.ok for tally in self.whole_seconds(traffic))

    def whole_seconds(self, traffic: Traffic) -> tuple[Tally, ...]:
        """One tally for each second that lay wholly in the span.

        Those are the seconds the generator's own record puts there, without the ones another span shared.
        """
        return tuple(tally for _, tally in self._whole(traffic))

    def ok_at_best(self, traffic: Traffic) -> tuple[int, ...]:
        """As `ok_in_whole_seconds`, had each request of the span that could not be rendered led to an OK one of this
        traffic, at whichever service its play broke off."""
        lost = self.unrendered_in.get(traffic.span, Counter())
        return tuple(tally.ok + lost[second] for second, tally in self._whole(traffic))

    def _whole(self, traffic: Traffic) -> Iterable[tuple[int, Tally]]:
        paced = {pacing.second for pacing in self.pacings.get(traffic.span, ())}
        shared = frozenset[int]().union(*(held for span, held in self.seconds.items() if span != traffic.span))
        whole = paced - shared
        tallies = zip(self.seconds_of(traffic.span), self.tallies(traffic), strict=True)
        return ((second, tally) for second, tally in tallies if second in whole)

    def journeys(self) -> tuple[Journey, ...]:
        """The acceptance stage's plays in the order they began, with skipped ones and one that was cut short."""
        records: list[Play | Sample] = sorted((*self.plays, *self.samples), key=lambda record: record.started_at)
        names = dict.fromkeys((record.scenario, record.trace_id) for record in records)
        return tuple(self._journey(scenario, trace_id) for scenario, trace_id in names)

    def latency_bands(self, service: str) -> tuple[Band, ...]:
        """Latency of a service over the whole load, all phases, ascending, without seconds that had no OK request, or
        whose histograms hold none."""
        by_second: dict[int, list[str]] = {}
        for (name, _), intervals in self.intervals.items():
            for interval in intervals if name == service else ():
                if interval.histogram:
                    by_second.setdefault(interval.second, []).append(interval.histogram)
        counted = ((second, together(by_second[second])) for second in sorted(by_second))
        return tuple(_band(second, counts) for second, counts in counted if counts)

    def latency_s(self, traffic: Traffic, quantile: float) -> float | None:
        """That quantile of the OK requests' latency, 3 digits; None when there were none."""
        latency_us = quantile_of((interval.histogram for interval in self.chosen(traffic)), quantile)
        return None if latency_us is None else latency_us / _US_PER_S

    def services(self) -> tuple[str, ...]:
        """The services that were under load, in the order first seen."""
        return tuple(dict.fromkeys(service for service, _ in self.intervals))

    def _journey(self, scenario: str, trace_id: str) -> Journey:
        own = (scenario, trace_id)
        return Journey(
            scenario,
            next((play for play in self.plays if (play.scenario, play.trace_id) == own), None),
            tuple(item for item in self.samples if item.final and (item.scenario, item.trace_id) == own),
        )

    def chosen(self, traffic: Traffic) -> Iterable[Interval]:
        """The intervals of that traffic, in the order recorded."""
        intervals = self.intervals.get((traffic.service, traffic.span), ())
        if not traffic.routes and traffic.side is None:
            return intervals
        meant = functools.cache(lambda method, route: matches(Route(traffic.service, method, route), traffic.routes))
        return (
            interval
            for interval in intervals
            if traffic.side in (None, interval.side) and meant(interval.method, interval.route)
        )


class Meter:
    """The fold. `add` every record in any order of kinds; `measures` may be asked at any time.

    With `questions` no interval is kept but their tallies: some hundred bytes a second, however many steps there are.
    """

    def __init__(self, questions: Iterable[Question] | None = None) -> None:
        self._kept: dict[Question, dict[Span, Tallies]] | None = None
        if questions is not None:
            self._kept = {question: {} for question in questions}
        self._intervals: dict[tuple[str, Span], list[Interval]] = {}
        self._requests: Counter[Span] = Counter()
        self._unrendered: dict[Span, Counter[str]] = {}
        self._unrendered_in: dict[Span, Counter[int]] = {}
        self._pacings: dict[Span, list[Pacing]] = {}
        self._seconds: dict[Span, set[int]] = {}
        self._samples: list[Sample] = []
        self._plays: list[Play] = []
        self._queried: dict[tuple[str, str], Queried] = {}
        self._earlier: dict[tuple[str, str], Earlier] = {}

    def add(self, record: Record) -> None:
        """Take in one record; proxies' calls, fault windows and the monitor's samples are measured elsewhere."""
        if isinstance(record, Interval):
            self._count(record, self._second(record))
        elif isinstance(record, Pacing):
            self._pacings.setdefault(self._second(record), []).append(record)
        elif isinstance(record, Sample) and record.phase is Phase.ACCEPTANCE:
            self._samples.append(record)
        elif isinstance(record, Play) and record.phase is Phase.ACCEPTANCE:
            self._plays.append(record)
        elif isinstance(record, Queried):
            self._queried[record.service, record.objective] = record
        elif isinstance(record, Earlier):
            self._earlier[record.service, record.objective] = record

    def measures(self) -> Measures:
        """What the records so far amount to. Cost: one copy of references, or of the tallies."""
        return Measures(
            intervals={key: tuple(intervals) for key, intervals in self._intervals.items()},
            kept=None if self._kept is None else {asked: _copied(spans) for asked, spans in self._kept.items()},
            requests=dict(self._requests),
            unrendered={span: Counter(found) for span, found in self._unrendered.items()},
            unrendered_in={span: Counter(found) for span, found in self._unrendered_in.items()},
            pacings={span: tuple(pacings) for span, pacings in self._pacings.items()},
            seconds={span: frozenset(seconds) for span, seconds in self._seconds.items()},
            samples=tuple(self._samples),
            plays=tuple(self._plays),
            queried=dict(self._queried),
            earlier=dict(self._earlier),
        )

    def _count(self, interval: Interval, span: Span) -> None:
        self._requests[span] += interval.ok + interval.failed
        if interval.unrendered:
            steps = self._unrendered.setdefault(span, Counter())
            steps[f"{interval.scenario} > {interval.step}"] += interval.unrendered
            self._unrendered_in.setdefault(span, Counter())[interval.second] += interval.unrendered
        if self._kept is None:
            self._intervals.setdefault((interval.service, span), []).append(interval)
            return
        for question, spans in self._kept.items():
            if question.is_about(interval):
                counted = tally((interval,), question.limit_us)
                spans.setdefault(span, Tallies()).add(interval.second, counted)

    def _second(self, record: Interval | Pacing) -> Span:
        span = Span(record.phase, record.experiment, record.level)
        self._seconds.setdefault(span, set()).add(record.second)
        return span


def measure(records: Iterable[Record]) -> Measures:
    """The measures of a whole journal (`journal.read`)."""
    meter = Meter()
    for record in records:
        meter.add(record)
    return meter.measures()


def microseconds(seconds: float) -> int:
    """A limit in whole microseconds: the key of an interval's `over_ok` and `over_failed`."""
    return round(seconds * _US_PER_S)


def matches(route: Route, patterns: tuple[str, ...]) -> bool:
    """Whether a route is meant by any of `METHOD /path/*`; no pattern means every route."""
    return not patterns or any(_compiled(pattern).fullmatch(str(route)) for pattern in patterns)


def _copied(spans: Mapping[Span, Tallies]) -> dict[Span, Tallies]:
    return {span: tallies.copy() for span, tallies in spans.items()}


def _kept(
    kept: Mapping[Question, Mapping[Span, Tallies]], traffic: Traffic, limit_us: int | None
) -> Mapping[int, Tally]:
    question = Question(traffic.service, traffic.routes, limit_us)
    if traffic.side is not None or question not in kept:
        raise LookupError(f"nothing was kept to answer {question} of side {traffic.side!r}")
    tallies = kept[question].get(traffic.span)
    return tallies.by_second() if tallies else {}


def _filled(seconds: frozenset[int]) -> Iterable[int]:
    """All from the first to the last, ascending, without gaps of more than MOST_SILENT_S."""
    first, last = min(seconds), max(seconds)
    if last - first < len(seconds) + MOST_SILENT_S:  # as ever: no gap can be that long
        return range(first, last + 1)
    steps = itertools.pairwise((*sorted(seconds), last + 1))
    stretches = (range(at, after if after - at <= MOST_SILENT_S else at + 1) for at, after in steps)
    return itertools.chain.from_iterable(stretches)


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in pattern.split("*")))


def _band(second: int, counts: Mapping[int, int]) -> Band:
    p50_s, p95_s, p99_s = (value_us / _US_PER_S for value_us in quantiles_in(counts, _BAND_QUANTILES))
    return Band(second, p50_s=p50_s, p95_s=p95_s, p99_s=p99_s, n=sum(counts.values()))
