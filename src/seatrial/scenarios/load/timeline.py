"""Where in the run the load is: moments since its start, their second of the epoch, their phase.

Pure; told the time once, at the start. May import the floor and the room's pure files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Curve
from seatrial.scenarios.load.recorder import Mark
from seatrial.scenarios.load.share import Share


@dataclass(slots=True)
class Timeline:
    """`started_at` is the monotonic and `epoch_at` the UTC time of the start; differences come from the first alone,
    so a step of the system's clock moves no record. `told` is the phase the parent said, over the curve's own.
    `ended_at` is the monotonic time from which no more plays start. `share` is the part of the load played here."""

    curve: Curve
    started_at: float = 0.0
    epoch_at: float = 0.0
    told: Mark | None = None
    ended_at: float | None = None
    share: Share = field(default_factory=Share)
    _steady: tuple[float, float, Mark] | None = field(default=None, init=False, repr=False, compare=False)

    def begin(self, monotonic: float, epoch: float) -> None:
        """The load starts now."""
        self.started_at, self.epoch_at = monotonic, epoch

    def moment_s(self, monotonic: float) -> float:
        """Seconds since the start of the load."""
        return monotonic - self.started_at

    def second(self, monotonic: float) -> int:
        """The second of the epoch that moment lies in."""
        return math.floor(self.epoch_at + self.moment_s(monotonic))

    def next_second_in_s(self, monotonic: float) -> float:
        """How long until the next second of the epoch begins."""
        return self.second(monotonic) + 1 - (self.epoch_at + self.moment_s(monotonic))

    def end_of(self, second: int) -> float:
        """The monotonic moment at which a second of the epoch is over."""
        return self.started_at + second + 1 - self.epoch_at

    def planned_until(self, monotonic: float) -> int:
        """How many arrivals of this share were due up to that moment, none after the end."""
        return self.share.arrivals(
            self.curve.arrivals_until(self.moment_s(min(monotonic, self.ended_at or math.inf)))
        )

    def mark_at(self, monotonic: float) -> Mark:
        """The phase of something sent at that moment. What plays in flight send after the end is no hold: RAMP."""
        if self.ended_at is not None:
            return Mark(Phase.RAMP)
        return self.told or self._mark(self.moment_s(monotonic))

    def charged(self, sent: Mark | None, ended_at: float) -> Mark:
        """What something counts in that was sent under that mark, None for never sent, and ended at that moment."""
        if sent is not None and self.told is None:  # a fault begins only where somebody says so
            return sent
        ended = self.mark_at(ended_at)
        return charge(sent or ended, ended)

    def _mark(self, moment_s: float) -> Mark:
        """Worked out once for each stretch in which it stays the same, for it is asked for every request."""
        if self._steady is None or not self._steady[0] <= moment_s < self._steady[1]:
            self._steady = (moment_s, self.curve.steady_until_s(moment_s), self._worked_out(moment_s))
        return self._steady[2]

    def _worked_out(self, moment_s: float) -> Mark:
        phase = self.curve.phase_at(moment_s)
        return Mark(phase, level=self.curve.level_at(moment_s) if phase is Phase.PROBE else None)


def charge(sent: Mark, ended: Mark) -> Mark:
    """The phase a request counts in: the one it was sent in, unless a fault began while it was in flight."""
    return ended if ended.phase is Phase.DURING else sent
