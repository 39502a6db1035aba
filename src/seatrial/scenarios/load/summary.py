"""How a load went, for people: rates, errors and quantiles per step, of the last seconds or of all of it.

A fold over the load's records, live or from a journal. Judges nothing: verdicts count from the exact counters, these
quantiles come from the histograms. May import the floor; must never print.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seatrial.histograms import buckets_of, quantile_in
from seatrial.sample import Interval, Pacing, Record

LIVE_S = 5  # what "now" means in a live table: long enough for a p99, short enough to see a fault begin
_QUANTILES = (0.50, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step's line. Quantiles (p50, p95, p99; seconds, OK requests, from the due time) are None without any."""

    scenario: str
    step: str
    requests: int
    failed: int
    causes: tuple[tuple[str, int], ...]
    polls: int
    per_s: float
    quantiles_s: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The generator itself: plays per second planned and started, drops, in flight, worst lateness and CPU share."""

    seconds: int
    planned_per_s: float
    started_per_s: float
    dropped: int
    in_flight: int
    late_p99_s: float
    cpu_ratio: float


class Summary:
    """The fold. Keeps one merged line per step, and the records of the last seconds."""

    def __init__(self) -> None:
        self._recent: collections.deque[tuple[Record, ...]] = collections.deque(maxlen=LIVE_S)
        self._steps: dict[tuple[str, str], _Step] = {}
        self._pacings: list[Pacing] = []

    def add(self, second: tuple[Record, ...]) -> None:
        """One second's records, as `RunningLoad.seconds` gives them."""
        self._recent.append(second)
        _merge(self._steps, second)
        self._pacings.extend(record for record in second if isinstance(record, Pacing))

    @property
    def pacings(self) -> tuple[Pacing, ...]:
        """The generator's own seconds, in the order they came."""
        return tuple(self._pacings)

    def now(self) -> tuple[StepLine, ...]:
        """The steps over the last seconds, in the order they first ran."""
        steps: dict[tuple[str, str], _Step] = {key: _Step() for key in self._steps}
        for second in self._recent:
            _merge(steps, second)
        return _lines(steps, len(self._recent))

    def whole(self) -> tuple[StepLine, ...]:
        """The steps over all seconds, in the order they first ran."""
        return _lines(self._steps, len(self._pacings))

    def pace(self) -> Progress:
        """The generator over the last seconds."""
        return _progress(self._pacings[-LIVE_S:])

    def whole_pace(self) -> Progress:
        """The generator over all seconds."""
        return _progress(self._pacings)


class _Step:
    """Counts and histogram of one step."""

    def __init__(self) -> None:
        self.ok = 0
        self.failed = 0
        self.polls = 0
        self.causes: collections.Counter[str] = collections.Counter()
        self.buckets: collections.Counter[int] = collections.Counter()

    def add(self, interval: Interval) -> None:
        self.ok += interval.ok
        self.failed += interval.failed
        self.polls += interval.polls
        self.causes.update(interval.causes)
        self.buckets.update(buckets_of(interval.histogram))


def _merge(steps: dict[tuple[str, str], _Step], records: Iterable[Record]) -> None:
    for record in records:
        if isinstance(record, Interval):
            steps.setdefault((record.scenario, record.step), _Step()).add(record)


def _lines(steps: dict[tuple[str, str], _Step], seconds: int) -> tuple[StepLine, ...]:
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
        )
        for (scenario, step), counts in steps.items()
    )


def _quantiles_s(buckets: Mapping[int, int]) -> tuple[float, float, float] | None:
    if not buckets:
        return None
    p50, p95, p99 = ((quantile_in(buckets, ratio) or 0) / 1e6 for ratio in _QUANTILES)
    return p50, p95, p99


def _progress(pacings: list[Pacing]) -> Progress:
    seconds = max(1, len(pacings))
    return Progress(
        seconds=len(pacings),
        planned_per_s=sum(pacing.planned for pacing in pacings) / seconds,
        started_per_s=sum(pacing.started for pacing in pacings) / seconds,
        dropped=sum(pacing.dropped for pacing in pacings),
        in_flight=pacings[-1].in_flight if pacings else 0,
        late_p99_s=max((pacing.late_p99_s for pacing in pacings), default=0.0),
        cpu_ratio=max((pacing.cpu_ratio for pacing in pacings), default=0.0),
    )
