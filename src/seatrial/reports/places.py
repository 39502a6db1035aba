"""What charts over time are made of: stretches, bars, and long series thinned.

Room reports. Pure; may import `axis`. Places across are percent of the width, heights are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.reports.axis import TimeAxis

POINTS_MAX = 360

Point = tuple[float, float | None]
"""An instant and a value; None breaks the line."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A stretch of time, in percent of the width."""

    left: float
    width: float
    label: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar standing on the chart's foot; `left` and `width` in percent, `height` in pixels."""

    left: float
    width: float
    height: float


def shade(axis: TimeAxis, times: tuple[float, float | None], *, label: str, kind: str, detail: str = "") -> Shade:
    """A stretch of an axis; one without an end lasts to the end of the axis."""
    started_at, ended_at = times
    left = axis.percent(started_at)
    right = axis.percent(axis.ended_at if ended_at is None else ended_at)
    return Shade(left, round(right - left, 3), label, kind, detail)


def bars(
    axis: TimeAxis, points: Sequence[Point], most: float, *, height_px: float, width_s: float = 1.0
) -> Iterator[Bar]:
    """Bars of that width, within the axis; what is small but not zero stays visible."""
    width = round(max(100 * width_s / axis.length_s, 100 / POINTS_MAX), 3)
    for instant, value in points:
        if value:
            left = axis.percent(instant)
            yield Bar(left, round(min(width, 100 - left), 3), round(max(2.0, height_px * value / most), 2))


def thin(points: Sequence[Point]) -> tuple[Point, ...]:
    """At most about `POINTS_MAX` points: each stands for a stretch of time and holds its largest value."""
    if len(points) <= POINTS_MAX:
        return tuple(points)
    size = math.ceil(len(points) / POINTS_MAX)
    chunks = (points[start : start + size] for start in range(0, len(points), size))
    return tuple((chunk[0][0], _largest(value for _, value in chunk)) for chunk in chunks)


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
