"""What calls were like before a fault, while it was on, and after it: counts and latencies, side by side.

Takes calls and when the fault was on; gives figures. They are counted, not judged: every call is there, so quantiles
are exact. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall


class Part(enum.StrEnum):
    """The three parts of an experiment, in order."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Figures:
    """The calls that began in one part, which lasted `lasted_s`. `failed` got no whole answer or a 5xx; the quantiles
    are of all that ended, failed ones too, and None where none did."""

    part: Part
    lasted_s: float
    calls: int
    failed: int
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None

    @property
    def per_s(self) -> float:
        """Calls per second."""
        return self.calls / self.lasted_s if self.lasted_s else 0.0

    @property
    def failed_per_s(self) -> float:
        """Failed calls per second."""
        return self.failed / self.lasted_s if self.lasted_s else 0.0

    @property
    def failed_ratio(self) -> float | None:
        """The share of failed calls; None without calls."""
        return self.failed / self.calls if self.calls else None


def parts(calls: Iterable[EdgeCall], *, fault: Span, watched: Span) -> tuple[Figures, ...]:
    """Before, during, after, in that order; `watched` is from the steady state to the end of recovery."""
    known = tuple(calls)
    spans = {
        Part.BEFORE: Span(min(watched.started_at, fault.started_at), fault.started_at),
        Part.DURING: fault,
        Part.AFTER: Span(fault.ended_at, max(watched.ended_at, fault.ended_at)),
    }
    return tuple(_figures(part, span, known) for part, span in spans.items())


def watched(calls: Iterable[EdgeCall], *, fault: Span, before_s: float, after_s: float) -> Span:
    """From `before_s` before a fault to `after_s` after it, as far as calls were seen."""
    moments = [call.started_at for call in calls]
    first, last = min(moments, default=fault.started_at), max(moments, default=fault.ended_at)
    return Span(
        max(fault.started_at - before_s, min(first, fault.started_at)),
        min(fault.ended_at + after_s, max(last, fault.ended_at)),
    )


def _figures(part: Part, span: Span, calls: Sequence[EdgeCall]) -> Figures:
    own = [call for call in calls if span.started_at <= call.started_at < span.ended_at]
    durations = sorted(call.duration_s for call in own if call.duration_s is not None)
    return Figures(
        part,
        span.ended_at - span.started_at,
        len(own),
        sum(not traffic.is_good(call) for call in own),
        *(_quantile(durations, q) for q in (0.50, 0.95, 0.99)),
    )


def _quantile(ascending: Sequence[float], q: float) -> float | None:
    """The least value that at least `q` of them do not exceed."""
    return ascending[max(0, math.ceil(q * len(ascending)) - 1)] if ascending else None
