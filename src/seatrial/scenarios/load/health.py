"""Did the generator keep its own plan: one `Pacing` a second from what its scheduler tells.

Pure fold: every call is told the numbers. May import the floor only; must never ask a clock or import gevent.
"""

from __future__ import annotations

import math

from seatrial.sample import LATE_STEPS_MS, Pacing
from seatrial.scenarios.load.recorder import Mark


class Health:
    """Counts starts and drops until the next line."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._planned_before = 0
        self._dropped = 0
        self._without_row = 0
        self._late_s: list[float] = []

    def started(self, late_s: float) -> None:
        """A play started, that much after its due time."""
        self._late_s.append(late_s)

    def dropped(self) -> None:
        """An arrival found `max_in_flight` plays running."""
        self._dropped += 1

    def dropped_without_row(self) -> None:
        """An arrival found every row of its journey in use."""
        self._dropped += 1
        self._without_row += 1

    @property
    def started_until(self) -> int:
        """What `planned_until` is where nothing is planned ahead: all that was planned, and what started since."""
        return self._planned_before + len(self._late_s)

    def line(self, mark: Mark, *, second: int, planned_until: int, in_flight: int, cpu_ratio: float) -> Pacing:
        """The second's line; `planned_until` counts every arrival due since the start of the load."""
        pacing = Pacing(
            run=self._run,
            phase=mark.phase,
            experiment=mark.experiment,
            level=mark.level,
            second=second,
            planned=planned_until - self._planned_before,
            started=len(self._late_s),
            dropped=self._dropped,
            without_row=self._without_row,
            in_flight=in_flight,
            late_p99_s=_p99(self._late_s),
            late_over_ms={step: sum(late * 1000 > step for late in self._late_s) for step in LATE_STEPS_MS},
            cpu_ratio=cpu_ratio,
        )
        self._planned_before, self._dropped, self._without_row, self._late_s = planned_until, 0, 0, []
        return pacing


def _p99(values: list[float]) -> float:
    """The nearest-rank 99th percentile; 0 for no values."""
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1] if ordered else 0.0
