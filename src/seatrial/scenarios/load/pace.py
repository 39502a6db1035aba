"""When each play of a profile is due, and which phase a moment belongs to. Pure arithmetic on the stage curve.

Takes stages (profile.py), gives due times in seconds from the start of the load. The level of the curve is
plays per second in the open model, running users in the closed one. May import only the floor's words; must
never ask the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from seatrial.sample import Phase

# A whole arrival short of its count by less than this is rounding, not curve: 0.1/s over 30 s must give 3, not 2.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Stage:
    """A line of a profile's `stages`: to `level` in a straight line (RAMP), or at it (HOLD, PROBE), for `lasts_s`."""

    phase: Phase
    level: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stage placed on the curve: where it starts, from which level, and the arrivals due before it."""

    stage: Stage
    starts_s: float
    from_level: float
    before: float

    @property
    def ends_s(self) -> float:
        """Seconds from the start of the load; infinite for a hold without an end."""
        return self.starts_s + self.stage.lasts_s

    @property
    def slope(self) -> float:
        """Change of the level per second; 0 while it holds."""
        lasts_s = self.stage.lasts_s
        return (self.stage.level - self.from_level) / lasts_s if 0 < lasts_s < math.inf else 0.0

    def level_at(self, into_s: float) -> float:
        """The level that many seconds into the segment."""
        return self.from_level + self.slope * into_s

    def area(self, into_s: float) -> float:
        """Arrivals due in its first `into_s` seconds: the integral of a straight line."""
        if into_s == math.inf:  # where 0 * inf would be no number
            return math.inf if self.from_level > 0 else 0.0
        return (self.from_level + self.slope * into_s / 2) * into_s

    def into_s(self, area: float) -> float:
        """The inverse of `area`: the form of the quadratic formula that keeps its digits when the slope is small."""
        root = math.sqrt(max(0.0, self.from_level**2 + 2 * self.slope * area))
        return 2 * area / (self.from_level + root)


@dataclass(frozen=True, slots=True)
class Curve:
    """A profile's stages laid end to end. Moments are seconds from the start of the load."""

    segments: tuple[Segment, ...]
    warm_up_s: float = 0.0

    @property
    def lasts_s(self) -> float:
        """How long the stages take; infinite when the last one holds until told to stop."""
        return self.segments[-1].ends_s if self.segments else 0.0

    @property
    def peak(self) -> float:
        """The highest level it reaches."""
        return max((segment.stage.level for segment in self.segments), default=0.0)

    def level_at(self, moment_s: float) -> float:
        """The level at a moment: 0 before the start and after the end."""
        segment = self._segment_at(moment_s)
        return segment.level_at(moment_s - segment.starts_s) if segment else 0.0

    def phase_at(self, moment_s: float) -> Phase:
        """WARM_UP for the first `warm_up_s` whatever the stage; RAMP once the stages are over."""
        if moment_s < self.warm_up_s:
            return Phase.WARM_UP
        segment = self._segment_at(moment_s)
        return segment.stage.phase if segment else Phase.RAMP

    def steady_until_s(self, moment_s: float) -> float:
        """The next moment at which phase or stage may be another; infinite when none is left."""
        ends = (self.warm_up_s, *(segment.starts_s for segment in self.segments), self.lasts_s)
        return min((end for end in ends if end > moment_s), default=math.inf)

    def arrivals_until(self, moment_s: float) -> int:
        """How many plays are due up to a moment, that moment included."""
        reached = [segment for segment in self.segments if segment.starts_s <= moment_s]
        if not reached:
            return 0
        last = reached[-1]
        return _whole(last.before + last.area(min(moment_s, last.ends_s) - last.starts_s))

    def due_s(self, number: int) -> float | None:
        """When play `number` (counted from 1) is due; None when the stages end before it."""
        for segment in self.segments:
            if number <= _whole(segment.before + segment.area(segment.stage.lasts_s)):
                return min(segment.ends_s, segment.starts_s + segment.into_s(max(0.0, number - segment.before)))
        return None

    def _segment_at(self, moment_s: float) -> Segment | None:
        for segment in self.segments:  # asked for every request
            if segment.starts_s <= moment_s < segment.starts_s + segment.stage.lasts_s:
                return segment
        return None


def curve(stages: Iterable[Stage], *, warm_up_s: float = 0.0) -> Curve:
    """Lay stages end to end from level 0; a hold keeps the level it names."""
    segments: list[Segment] = []
    starts_s = level = before = 0.0
    for stage in stages:
        from_level = stage.level if stage.phase is not Phase.RAMP or stage.lasts_s == 0 else level
        segment = Segment(stage, starts_s=starts_s, from_level=from_level, before=before)
        segments.append(segment)
        starts_s, level = segment.ends_s, stage.level
        before += segment.area(stage.lasts_s)
    return Curve(tuple(segments), warm_up_s)


def without_end(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages, then the last level until somebody says stop."""
    phase = Phase.PROBE if stages[-1].phase is Phase.PROBE else Phase.HOLD
    return (*stages, Stage(phase, stages[-1].level, math.inf))


def _whole(arrivals: float) -> int:
    """The number of whole arrivals in an integral; a hold without an end has more than anyone will count to."""
    return math.floor(arrivals + _ROUNDING * max(1.0, arrivals)) if arrivals < math.inf else 2**62
