"""A load in Prometheus' text format (0.0.4): counters and a latency histogram per step, the generator's gauges.

A fold over the load's records; `text` may be asked at any time. Latencies are those of OK requests from the due time;
their buckets and sum come from the histograms (3 digits). Pure.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from seatrial.histograms import counts_of
from seatrial.sample import Interval, Pacing, Record

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends, those that Prometheus' own clients have."""

_BUCKETS_US = tuple(round(limit_s * 1e6) for limit_s in BUCKETS_S)

Labels = tuple[tuple[str, str], ...]
_PREFIX = "seatrial_load"


@dataclass(slots=True)
class _Step:
    """What is counted of one step."""

    outcomes: Counter[str] = field(default_factory=lambda: Counter(ok=0, failed=0))
    causes: Counter[str] = field(default_factory=Counter)
    polls: int = 0
    unrendered: int = 0
    bytes_in: int = 0
    filled: Counter[int] = field(default_factory=Counter)
    timed: int = 0
    sum_s: float = 0.0

    def add(self, interval: Interval) -> None:
        """One more second of it."""
        self.outcomes.update(ok=interval.ok, failed=interval.failed)
        self.causes.update(interval.causes)
        self.polls += interval.polls
        self.unrendered += interval.unrendered
        self.bytes_in += interval.bytes_in
        for latency_us, count in counts_of(interval.histogram).items():
            self.filled[bisect.bisect_left(_BUCKETS_US, latency_us)] += count
            self.timed += count
            self.sum_s += latency_us * count / 1e6

    def under(self) -> Iterator[int]:
        """How many were within each of the limits."""
        return itertools.accumulate(self.filled[index] for index in range(len(BUCKETS_S)))


class Metrics:
    """The fold."""

    def __init__(self) -> None:
        self._steps: dict[Labels, _Step] = {}
        self._plays: Counter[str] = Counter(planned=0, started=0, dropped=0)
        self._pacing: Pacing | None = None

    def add(self, second: Iterable[Record]) -> None:
        """A second's records."""
        for record in second:
            if isinstance(record, Interval):
                self._steps.setdefault(_labels(record), _Step()).add(record)
            elif isinstance(record, Pacing):
                self._pacing = record
                self._plays.update(planned=record.planned, started=record.started, dropped=record.dropped)

    def text(self) -> str:
        """All of it as it is now."""
        return "".join(f"{line}\n" for line in (*self._of_steps(), *self._latencies(), *self._of_generator()))

    def _of_steps(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Final requests of a step by outcome.")
        for labels, step in self._steps.items():
            for outcome, count in step.outcomes.items():
                yield _line("requests_total", (*labels, ("outcome", outcome)), count)
        yield from _head("failures_total", "counter", "Requests that failed, by cause.")
        for labels, step in self._steps.items():
            for cause, count in step.causes.items():
                yield _line("failures_total", (*labels, ("cause", cause)), count)
        yield from _head("polls_total", "counter", "Attempts that a later one replaced.")
        for labels, step in self._steps.items():
            yield _line("polls_total", labels, step.polls)
        yield from _head(
            "unrendered_total", "counter", "Attempts that a template of the journey kept from being judged."
        )
        for labels, step in self._steps.items():
            yield _line("unrendered_total", labels, step.unrendered)
        yield from _head("received_bytes_total", "counter", "Bytes of answers received.")
        for labels, step in self._steps.items():
            yield _line("received_bytes_total", labels, step.bytes_in)

    def _latencies(self) -> Iterator[str]:
        name = "latency_seconds"
        yield from _head(name, "histogram", "Latency of OK requests, from the due time.")
        for labels, step in self._steps.items():
            for limit_s, count in zip(BUCKETS_S, step.under(), strict=True):
                yield _line(f"{name}_bucket", (*labels, ("le", f"{limit_s:g}")), count)
            yield _line(f"{name}_bucket", (*labels, ("le", "+Inf")), step.timed)
            yield _line(f"{name}_sum", labels, step.sum_s)
            yield _line(f"{name}_count", labels, step.timed)

    def _of_generator(self) -> Iterator[str]:
        yield from _head("plays_total", "counter", "Plays planned, started and dropped by the generator.")
        for state, count in self._plays.items():
            yield _line("plays_total", (("state", state),), count)
        for name, (value, about) in _gauges(self._pacing).items():
            yield from _head(name, "gauge", about)
            yield _line(name, (), value)


def _gauges(pacing: Pacing | None) -> Mapping[str, tuple[float, str]]:
    if pacing is None:
        return {}
    return {
        "in_flight_plays": (pacing.in_flight, "Plays under way at the end of the last second."),
        "late_seconds": (pacing.late_p99_s, "How late starts were against their due time in the last second, p99."),
        "generator_cpu_ratio": (pacing.cpu_ratio, "The generator's share of one core in the last second."),
    }


def _labels(interval: Interval) -> Labels:
    names = ("scenario", "step", "service", "method", "route")
    side = (("side", interval.side),) if interval.side else ()
    return (*((name, str(getattr(interval, name))) for name in names), *side)


def _head(name: str, kind: str, about: str) -> tuple[str, str]:
    return f"# HELP {_PREFIX}_{name} {about}", f"# TYPE {_PREFIX}_{name} {kind}"


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{_PREFIX}_{name}{{{inside}}} {value!r}" if inside else f"{_PREFIX}_{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
