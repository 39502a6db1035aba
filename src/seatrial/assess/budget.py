"""The time an assessment may take in all (the gate's `at_most`), and what is said of that which did not fit.

Takes a clock; every stage asks. Must never end anything itself: a stage that is out of time comes to its end in
order, so that what was injected is healed and what was started is stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.clock import Clock
from seatrial.quantity import show_duration
from seatrial.scenarios.moves import Halted, Move

NOT_RUN = "not run:"
"""How the reason begins of what there was no time for."""


class TimeOver(Halted):
    """Thrown into a play when the gate's time is over: no further step is run, but teardown is."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`ends_at` is monotonic; infinite, as `at_most_s`, where the gate bounds nothing."""

    clock: Clock
    at_most_s: float = math.inf
    ends_at: float = math.inf

    @property
    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.ends_at - self.clock.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return self.left_s <= 0.0

    @property
    def over(self) -> str:
        """The words for it."""
        return f"the gate's time of {show_duration(self.at_most_s)} was over"

    def lacking(self, wanted_s: float) -> str:
        """Why something that takes that long is not begun; empty text when it fits."""
        if wanted_s <= self.left_s:
            return ""
        left = f"of the gate's {show_duration(self.at_most_s)} there were {show_duration(self.left_s)} left"
        return f"{NOT_RUN} {left}, and it takes {show_duration(wanted_s)}"

    def check(self, move: Move) -> None:
        """TimeOver before the next move of a play that is out of time."""
        del move
        if self.is_over:
            raise TimeOver


def budget(clock: Clock, at_most_s: float | None) -> Budget:
    """The budget of an assessment that begins now."""
    return Budget(clock) if at_most_s is None else Budget(clock, at_most_s, clock.monotonic() + at_most_s)
