"""A finding as a picture: its interval and estimate on a line, against the limit.

Room reports. Pure; may import `verdict`. Places are percent of the line's width, which begins at zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.slo.comparison import BOUNDS_NOTHING
from seatrial.slo.decide.words import percent
from seatrial.verdict import Finding, Grade


@dataclass(frozen=True, slots=True)
class Gauge:
    """Where limit, estimate and both ends of the interval stand. `clipped`: the interval ends beyond the line."""

    limit: float
    measured: float
    low: float
    high: float
    clipped: bool

    @property
    def width(self) -> float:
        """Of the interval, in percent; never so small that it cannot be seen."""
        return max(1.0, round(self.high - self.low, 2))


def gauge(finding: Finding) -> Gauge | None:
    """The picture, None where a number for it is missing. The limit stands between a fifth and half of the line."""
    limit, measured, low, high = finding.limit, finding.measured, finding.low, finding.high
    if limit is None or measured is None or low is None or high is None:
        return None
    end = max(2 * limit, 1.2 * measured, min(1.1 * high, 5 * limit)) or 1.0

    def place(value: float) -> float:
        return round(min(100.0, 100 * value / end), 2)

    return Gauge(place(limit), place(measured), place(low), place(high), clipped=high > end)


def is_unproven(finding: Finding) -> bool:
    """Whether it is MET though its interval reaches across the limit: what was seen does not contradict the limit,
    and does not prove it."""
    limit, low, high = finding.limit, finding.low, finding.high
    if limit is None or low is None or high is None:
        return False
    return finding.grade is Grade.MET and low < limit < high


def interval_text(finding: Finding) -> str:
    """`0.12 % – 0.9 %`, or per second where the finding's own texts say so; empty without an interval."""
    if finding.low is None or finding.high is None:
        return ""
    ends = (_shown(end, finding) for end in (finding.low, finding.high))
    return " – ".join(ends)


def _shown(value: float, finding: Finding) -> str:
    """In the unit of the finding's texts (`Finding`): a rate is written `/s`, a comparison `x1.04` (of the body a
    plain number), every other interval is of a share."""
    is_rate = "/s" in finding.limit_text or "/s" in finding.measured_text
    is_comparison = " against " in finding.measured_text
    if math.isinf(value) or (is_comparison and value >= BOUNDS_NOTHING):
        return "∞"
    if is_comparison:
        return f"x{value:.3g}" if ": x" in finding.measured_text else f"{value:.3g}"
    return f"{value:,.4g}/s" if is_rate else percent(value)
