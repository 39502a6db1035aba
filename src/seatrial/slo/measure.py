"""Folds a run's records into `Measures`: the counts that judgement and report are made of.

Room slo. Takes records, live second by second from the load child or later from the journal; both give equal
measures. Gives counts per second, journeys, the generator's own seconds and latency bands. Judges nothing. May
import the floor; must never open a file or ask the time.

What is slow: a request that failed after at least the limit was slower than it, one that failed faster is left out,
so that fast errors never flatter a quantile. A limit the run did not count is counted again from the histogram (3
digits), where only OK requests stand; the failures whose time is unknown then are kept apart.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from seatrial.histograms import bucket_of, buckets_of, quantile_in, quantile_of, together
from seatrial.sample import Earlier, Ending, Interval, Outcome, Pacing, Phase, Play, Queried, Record, Sample
from seatrial.slo.decide import PerSecond

_US_PER_S = 1_000_000
_BAND_QUANTILES = (0.5, 0.95, 0.99)
MOST_SILENT_S = 3600
"""A generator writes of every second; after an hour without, the machine slept, or a second was written wrong."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a run: a phase, the experiment it belongs to, if any, and the level of a PROBE."""

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
class Tally:
    """Final requests of some stretch of time, counted; polls that a later attempt replaced stand apart.

    `over_ok` and `over_failed` are those slower than the limit asked for. `recounted` OK requests were held against
    it by histogram; `untimed` failed ones may have been slower or not, the run did not count it. `overdue` are no
    requests of that time but those without an answer at its end.
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
    stage's. `queried` and `earlier` are by service and objective.
    """

    intervals: Mapping[tuple[str, Span], tuple[Interval, ...]] = field(default_factory=dict)
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

    def tallies(self, traffic: Traffic, *, limit_us: int | None = None) -> tuple[Tally, ...]:
        """One tally for each of `seconds_of(traffic.span)`, empty where nothing was asked; `limit_us` says what is
        slow (None: nothing is)."""
        by_second: dict[int, list[Interval]] = {second: [] for second in self.seconds_of(traffic.span)}
        for interval in self.chosen(traffic):
            by_second[interval.second].append(interval)
        return tuple(_tally(group, limit_us) for group in by_second.values())

    def ok_in_whole_seconds(self, traffic: Traffic) -> tuple[int, ...]:
        """OK requests of each second that lay wholly in the span: what a throughput may be judged by.

        Those are the seconds the generator's own record puts there, without the ones another span shared.
        """
        paced = {pacing.second for pacing in self.pacings.get(traffic.span, ())}
        shared = frozenset[int]().union(*(held for span, held in self.seconds.items() if span != traffic.span))
        whole = paced - shared
        tallies = zip(self.seconds_of(traffic.span), self.tallies(traffic), strict=True)
        return tuple(tally.ok for second, tally in tallies if second in whole)

    def journeys(self) -> tuple[Journey, ...]:
        """The acceptance stage's plays in the order they began, with skipped ones and one that was cut short."""
        records: list[Play | Sample] = sorted((*self.plays, *self.samples), key=lambda record: record.started_at)
        names = dict.fromkeys((record.scenario, record.trace_id) for record in records)
        return tuple(self._journey(scenario, trace_id) for scenario, trace_id in names)

    def latency_bands(self, service: str) -> tuple[Band, ...]:
        """Latency of a service over the whole load, all phases, ascending, without seconds that had no OK request."""
        by_second: dict[int, list[str]] = {}
        for (name, _), intervals in self.intervals.items():
            for interval in intervals if name == service else ():
                if interval.histogram:
                    by_second.setdefault(interval.second, []).append(interval.histogram)
        return tuple(_band(second, by_second[second]) for second in sorted(by_second))

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
        meant: dict[tuple[str, str], bool] = {}  # few routes, each asked for every second of a run
        for interval in self.intervals.get((traffic.service, traffic.span), ()):
            if traffic.side not in (None, interval.side):
                continue
            asked = interval.method, interval.route
            if asked not in meant:
                meant[asked] = matches(Route(interval.service, *asked), traffic.routes)
            if meant[asked]:
                yield interval


class Meter:
    """The fold. `add` every record in any order of kinds; `measures` may be asked at any time."""

    def __init__(self) -> None:
        self._intervals: dict[tuple[str, Span], list[Interval]] = {}
        self._pacings: dict[Span, list[Pacing]] = {}
        self._seconds: dict[Span, set[int]] = {}
        self._samples: list[Sample] = []
        self._plays: list[Play] = []
        self._queried: dict[tuple[str, str], Queried] = {}
        self._earlier: dict[tuple[str, str], Earlier] = {}

    def add(self, record: Record) -> None:
        """Take in one record; proxies' calls, fault windows and the monitor's samples are measured elsewhere."""
        if isinstance(record, Interval):
            span = self._second(record)
            self._intervals.setdefault((record.service, span), []).append(record)
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
        """What the records so far amount to. Cost: one copy of references."""
        return Measures(
            intervals={key: tuple(intervals) for key, intervals in self._intervals.items()},
            pacings={span: tuple(pacings) for span, pacings in self._pacings.items()},
            seconds={span: frozenset(seconds) for span, seconds in self._seconds.items()},
            samples=tuple(self._samples),
            plays=tuple(self._plays),
            queried=dict(self._queried),
            earlier=dict(self._earlier),
        )

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
    )


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


def _tally(intervals: Iterable[Interval], limit_us: int | None) -> Tally:
    ok = failed = degraded = polls = over_ok = over_failed = untimed = recounted = overdue = 0
    for interval in intervals:
        ok += interval.ok
        failed += interval.failed
        degraded += interval.degraded
        polls += interval.polls
        overdue += interval.overdue
        if limit_us is not None:
            slow = _slow(interval, limit_us)
            over_ok += slow[0]
            over_failed += slow[1]
            untimed += slow[2]
            recounted += slow[3]
    return Tally(ok, failed, over_ok, over_failed, untimed, recounted, degraded, polls, overdue)


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


def _band(second: int, histograms: list[str]) -> Band:
    counts = together(histograms)
    p50_s, p95_s, p99_s = ((quantile_in(counts, quantile) or 0) / _US_PER_S for quantile in _BAND_QUANTILES)
    return Band(second, p50_s=p50_s, p95_s=p95_s, p99_s=p99_s, n=sum(counts.values()))
