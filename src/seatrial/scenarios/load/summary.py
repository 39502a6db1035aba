"""How a load went, for people: rates, errors and quantiles per step, of the last seconds or of all of it.

A fold over the load's records, live or from a journal. Judges nothing: verdicts count from the exact counters, these
quantiles come from the histograms. May import the floor; must never print.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.histograms import buckets_of, quantile_in, quantiles_in
from seatrial.sample import LATE_STEPS_MS, Interval, Pacing, Phase, Record

LIVE_S = 5  # what "now" means in a live table: long enough for a p99, short enough to see a fault begin
_QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step's line. Quantiles (p50, p95, p99) and the largest latency, in seconds, are those of OK requests from
    the due time; None without any. `unrendered` attempts are no requests."""

    scenario: str
    step: str
    requests: int
    failed: int
    causes: tuple[tuple[str, int], ...]
    polls: int
    per_s: float
    quantiles_s: tuple[float, float, float] | None
    max_s: float | None = None
    unrendered: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """The generator itself: plays per second planned and started, drops, in flight, lateness and CPU share.

    The rates are over the time in which plays were planned: what runs out after it is none of it. 99 % of all starts
    were late by at most `late_within_ms`, one of LATE_STEPS_MS; None when not even by the longest. `cpu_ratio` is the
    mean, `worst_cpu_ratio` and `worst_late_p99_s` are those of the worst second. `overdue` are the requests
    that at the end of the newest one had no answer for more than OVERDUE_S.
    """

    seconds: int
    planned_per_s: float
    started_per_s: float
    dropped: int
    in_flight: int
    late_within_ms: int | None
    worst_late_p99_s: float
    cpu_ratio: float
    worst_cpu_ratio: float
    overdue: int = 0


class Summary:
    """The fold. Keeps one merged line per step, and the records of the last seconds. `lasts_s` is how long plays are
    planned at most; the first and the last second of a load are not whole, so that its records do not say."""

    def __init__(self, lasts_s: float = math.inf) -> None:
        self._lasts_s = lasts_s
        self._recent: collections.deque[tuple[Record, ...]] = collections.deque(maxlen=LIVE_S)
        self._steps: dict[tuple[str, str], _Step] = {}
        self._pacings: list[Pacing] = []
        self._measured = 0
        self._measured_unrendered: collections.Counter[str] = collections.Counter()

    def add(self, second: tuple[Record, ...]) -> None:
        """One second's records, as `RunningLoad.seconds` gives them."""
        self._recent.append(second)
        _merge(self._steps, second)
        self._pacings.extend(record for record in second if isinstance(record, Pacing))
        self._measure(record for record in second if isinstance(record, Interval))

    @property
    def seconds(self) -> int:
        """How many the generator told of so far."""
        return len(self._pacings)

    @property
    def pacings(self) -> tuple[Pacing, ...]:
        """The generator's own seconds, in the order they came."""
        return tuple(self._pacings)

    @property
    def overdue(self) -> int:
        """Requests that at the end of the newest second had no answer for more than OVERDUE_S."""
        newest = self._recent[-1] if self._recent else ()
        return sum(record.overdue for record in newest if isinstance(record, Interval))

    @property
    def requests(self) -> int:
        """All that were sent and judged."""
        return sum(counts.ok + counts.failed for counts in self._steps.values())

    @property
    def unrendered(self) -> collections.Counter[str]:
        """How many attempts could not be rendered, by `journey > step`."""
        lost = {f"{scenario} > {step}": counts.unrendered for (scenario, step), counts in self._steps.items()}
        return +collections.Counter(lost)

    @property
    def measured_requests(self) -> int:
        """As `requests`, without the warm-up."""
        return self._measured

    @property
    def measured_unrendered(self) -> collections.Counter[str]:
        """As `unrendered`, without the warm-up."""
        return +self._measured_unrendered

    def _measure(self, intervals: Iterable[Interval]) -> None:
        for interval in intervals:
            if interval.phase is not Phase.WARM_UP:
                self._measured += interval.ok + interval.failed
                self._measured_unrendered[f"{interval.scenario} > {interval.step}"] += interval.unrendered

    def now(self) -> tuple[StepLine, ...]:
        """The steps over the last seconds, in the order they first ran."""
        steps: dict[tuple[str, str], _Step] = {key: _Step() for key in self._steps}
        for second in self._recent:
            _merge(steps, second)
        return _lines(steps, len(self._recent))

    def whole(self) -> tuple[StepLine, ...]:
        """The steps over all seconds, in the order they first ran."""
        return _lines(self._steps, self._planned_s())

    def pace(self) -> Progress:
        """The generator over the last seconds."""
        last = self._pacings[-LIVE_S:]
        return dataclasses.replace(_progress(last, len(last)), overdue=self.overdue)

    def whole_pace(self) -> Progress:
        """The generator over all seconds."""
        return dataclasses.replace(_progress(self._pacings, self._planned_s()), overdue=self.overdue)

    def _planned_s(self) -> float:
        """How long plays were planned: up to the last second in which one was."""
        planned = [number for number, pacing in enumerate(self._pacings, start=1) if pacing.planned]
        return min(self._lasts_s, max(planned, default=0))


class _Step:
    """Counts and histogram of one step."""

    def __init__(self) -> None:
        self.ok = 0
        self.failed = 0
        self.polls = 0
        self.unrendered = 0
        self.causes: collections.Counter[str] = collections.Counter()
        self.buckets: collections.Counter[int] = collections.Counter()

    def add(self, interval: Interval) -> None:
        self.ok += interval.ok
        self.failed += interval.failed
        self.polls += interval.polls
        self.unrendered += interval.unrendered
        self.causes.update(interval.causes)
        self.buckets.update(buckets_of(interval.histogram))


def _merge(steps: dict[tuple[str, str], _Step], records: Iterable[Record]) -> None:
    for record in records:
        if isinstance(record, Interval):
            steps.setdefault((record.scenario, record.step), _Step()).add(record)


def _lines(steps: dict[tuple[str, str], _Step], seconds: float) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(
            scenario=scenario,
            step=step,
            requests=counts.ok + counts.failed,
            failed=counts.failed,
            causes=tuple(counts.causes.most_common()),
            polls=counts.polls,
            per_s=(counts.ok + counts.failed) / seconds if seconds else 0.0,
            quantiles_s=_quantiles_s(counts.buckets),
            max_s=_largest_s(counts.buckets),
            unrendered=counts.unrendered,
        )
        for (scenario, step), counts in steps.items()
    )


def _quantiles_s(buckets: Mapping[int, int]) -> tuple[float, float, float] | None:
    if not buckets:
        return None
    p50, p95, p99 = (latency_us / 1e6 for latency_us in quantiles_in(buckets, _QUANTILES))
    return p50, p95, p99


def _largest_s(buckets: Mapping[int, int]) -> float | None:
    largest_us = quantile_in(buckets, 1.0)
    return None if largest_us is None else largest_us / 1e6


def _progress(pacings: Sequence[Pacing], seconds: float) -> Progress:
    per_s = 1 / seconds if seconds else 0.0
    return Progress(
        seconds=len(pacings),
        planned_per_s=sum(pacing.planned for pacing in pacings) * per_s,
        started_per_s=sum(pacing.started for pacing in pacings) * per_s,
        dropped=sum(pacing.dropped for pacing in pacings),
        in_flight=pacings[-1].in_flight if pacings else 0,
        late_within_ms=_late_within_ms(pacings),
        worst_late_p99_s=max((pacing.late_p99_s for pacing in pacings), default=0.0),
        cpu_ratio=sum(pacing.cpu_ratio for pacing in pacings) / max(1, len(pacings)),
        worst_cpu_ratio=max((pacing.cpu_ratio for pacing in pacings), default=0.0),
    )


def _late_within_ms(pacings: Sequence[Pacing]) -> int | None:
    """The smallest counted step that at most one start in a hundred was later than."""
    started = sum(pacing.started for pacing in pacings)
    later = {step: sum(pacing.late_over_ms.get(step, 0) for pacing in pacings) for step in LATE_STEPS_MS}
    return next((step for step in LATE_STEPS_MS if later[step] * 100 <= started), None)
