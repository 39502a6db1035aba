"""Builders of records and services for the slo room's tests: every field has a plain default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram

from seatrial.sample import Cause, Ending, Interval, Outcome, Pacing, Phase, Play, PlayedStep, Sample
from seatrial.service import Indicator, Objective, Service

FAST_US = 20_000
LIMIT_US = 300_000


def _histogram(latencies_us: Iterable[int]) -> str:
    histogram = HdrHistogram(1, 60_000_000, 3)
    for latency_us in latencies_us:
        histogram.record_value(latency_us)
    return histogram.encode().decode("ascii") if histogram.get_total_count() else ""


class Make:
    """`Make().second(...)` and the like; a service `cards` with a limit of 300 ms unless told otherwise."""

    def interval(self, second: int, latencies_us: Iterable[int] = (), **fields: Any) -> Interval:
        """OK requests of these latencies; failures by `failed` and `over_failed`."""
        latencies = list(latencies_us)
        limits = fields.pop("limits_us", (LIMIT_US,))
        over_failed = fields.pop("over_failed", 0)
        failed = fields.pop("failed", 0)
        usual = {
            "run": "r",
            "phase": Phase.HOLD,
            "scenario": "pay",
            "step": "charge",
            "service": "cards",
            "method": "POST",
            "route": "/cards/*/charges",
            "ok": len(latencies),
            "failed": failed,
            "causes": {"timeout": failed} if failed else {},
            "over_ok": {limit: sum(value > limit for value in latencies) for limit in limits},
            "over_failed": over_failed if isinstance(over_failed, dict) else dict.fromkeys(limits, over_failed),
            "histogram": _histogram(latencies),
        }
        return Interval(second=second, **(usual | fields))

    def counted(self, second: int, ok: int, failed: int = 0, **fields: Any) -> Interval:
        """Counts without a histogram, none slower than the limit unless `over_ok` says so."""
        over_ok = fields.pop("over_ok", 0)
        return self.interval(second, failed=failed, ok=ok, over_ok={LIMIT_US: over_ok}, **fields)

    def pacing(self, second: int, **fields: Any) -> Pacing:
        usual = {
            "run": "r",
            "phase": Phase.HOLD,
            "planned": 100,
            "started": 100,
            "dropped": 0,
            "in_flight": 3,
            "late_p99_s": 0.001,
            "cpu_ratio": 0.3,
        }
        return Pacing(second=second, **(usual | fields))

    def hold(self, seconds: int, *, ok: int = 100, start: int = 30, **fields: Any) -> list[Interval | Pacing]:
        """An even hold: one interval and one pacing a second."""
        return [
            record
            for second in range(start, start + seconds)
            for record in (self.counted(second, ok, **fields), self.pacing(second))
        ]

    def sample(self, step: str, cause: Cause | None = None, **fields: Any) -> Sample:
        usual = {
            "run": "r",
            "phase": Phase.ACCEPTANCE,
            "scenario": "pay with a card",
            "service": "gateway",
            "method": "POST",
            "route": "/charges",
            "started_at": 1.7e9,
            "latency_s": 0.02,
            "outcome": cause.outcome if cause else Outcome.OK,
            "cause": cause,
            "status": 200,
        }
        return Sample(step=step, **(usual | fields))

    def play(self, *steps: str, ending: Ending = Ending.PASSED, skipped: tuple[str, ...] = (), **fields: Any) -> Play:
        """The end of a play; `steps` passed, as the play did, and `skipped` follow."""
        usual = {"run": "r", "phase": Phase.ACCEPTANCE, "scenario": "pay with a card", "started_at": 1.7e9}
        played = (PlayedStep(name, Ending.PASSED) for name in steps)
        left_out = (PlayedStep(name, Ending.SKIPPED, "not today") for name in skipped)
        return Play(ending=ending, steps=(*played, *left_out), **(usual | fields))

    def services(self, *objectives: Objective) -> Mapping[str, Service]:
        return {"cards": Service("cards", objectives=objectives)}

    def errors(self, limit: float = 0.05, name: str = "available", **fields: Any) -> Objective:
        return Objective(name, Indicator.ERRORS, limit, **fields)

    def latency(self, quantile: float = 0.95, limit: float = 0.3, name: str = "fast", **fields: Any) -> Objective:
        return Objective(name, Indicator.LATENCY, limit, quantile=quantile, **fields)

    def throughput(self, at_least: float = 50.0, name: str = "roomy", **fields: Any) -> Objective:
        return Objective(name, Indicator.THROUGHPUT, at_least, **fields)


@pytest.fixture(scope="session")
def make() -> Make:
    """Builders; they keep no state."""
    return Make()
