"""Axes: from instants and values to places on a chart, with ticks at round numbers.

Room reports. Pure, standard library only. Across, places are percent of the chart's width, so that a chart fits any
screen; upright they are pixels from its top.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from seatrial.quantity import show_duration

_TIME_STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_TIME_TICKS_MAX = 10
_LOG_TICKS_MAX = 7
_LOG_DIGITS = ((1, 2, 5), (1, 3), (1,))
_LINEAR_TICKS = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    label: str


class Scale(Protocol):
    """Where a value stands, in pixels from the top of a chart, and the values worth a line across it."""

    @property
    def height_px(self) -> float:
        """From the largest value to the smallest."""
        ...

    def y(self, value: float) -> float:
        """Pixels from the top; values outside are drawn at the edge."""
        ...

    def ticks(self) -> tuple[Tick, ...]:
        """From the smallest value to the largest."""
        ...


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """UTC seconds to percent of the width; shows time since its start."""

    started_at: float
    ended_at: float

    @property
    def length_s(self) -> float:
        """Greater than zero, so that an empty run has an axis too."""
        return max(0.001, self.ended_at - self.started_at)

    def percent(self, instant: float) -> float:
        """0 at the start, 100 at the end, never outside."""
        share = (instant - self.started_at) / self.length_s
        return round(100 * min(1.0, max(0.0, share)), 3)

    def clock(self, instant: float) -> str:
        """Minutes and seconds since the start: `1:05`."""
        minutes, seconds = divmod(round(instant - self.started_at), 60)
        return f"{minutes}:{seconds:02d}"

    def moment(self, instant: float) -> str:
        """The same to a tenth of a second: `1:05.3`; before the start, with a minus."""
        tenths = round((instant - self.started_at) * 10)
        minutes, rest = divmod(abs(tenths), 600)
        return f"{'-' if tenths < 0 else ''}{minutes}:{rest / 10:04.1f}"

    def ticks(self) -> tuple[Tick, ...]:
        """At most eleven, at whole steps from the start."""
        step = next((step for step in _TIME_STEPS_S if self.length_s / step <= _TIME_TICKS_MAX), _TIME_STEPS_S[-1])
        instants = [self.started_at + k * step for k in range(int(self.length_s // step) + 1)]
        return tuple(Tick(self.percent(instant), self.clock(instant)) for instant in instants)


@dataclass(frozen=True, slots=True)
class LogScale:
    """Equal factors are equal distances: for latencies, where 5 ms and 5 s must both be read. Values are seconds."""

    low: float
    high: float
    height_px: float

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return round(self.height_px * (1 - min(1.0, share)), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """At 1, 2, 5, 10, ... where there is room, else at 1, 3, 10, ..., else at powers of ten."""
        choices = [self._values(digits) for digits in _LOG_DIGITS]
        values = next((values for values in choices if len(values) <= _LOG_TICKS_MAX), choices[-1])
        return tuple(Tick(self.y(value), show_duration(value)) for value in values)

    def _values(self, digits: tuple[int, ...]) -> list[float]:
        values = _round_values(self.low, self.high, digits)
        return [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]


@dataclass(frozen=True, slots=True)
class LinearScale:
    """From zero up: for rates."""

    high: float
    height_px: float

    def y(self, value: float) -> float:
        """Pixels from the top."""
        share = value / self.high
        return round(self.height_px * (1 - min(1.0, max(0.0, share))), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """Zero and a few round values above it."""
        step = _round_step(self.high / _LINEAR_TICKS)
        values = [k * step for k in range(int(self.high / step) + 1)]
        return tuple(Tick(self.y(value), f"{value:,g}") for value in values)


def log_scale(low: float, high: float, height_px: float) -> LogScale:
    """A scale that holds both, with a little air above; both must be greater than zero."""
    return LogScale(low / 1.15, max(high * 1.25, low * 10), height_px)


def linear_scale(high: float, height_px: float) -> LinearScale:
    """A scale from zero to a little above `high`."""
    return LinearScale(max(1.0, high * 1.15), height_px)


def _round_values(low: float, high: float, digits: tuple[int, ...]) -> Iterator[float]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield from (digit * 10.0**power for digit in digits)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that is not below `least`."""
    return next(value for value in _round_values(least, least * 10, (1, 2, 5)) if value >= least * 0.999)
