"""Could the journeys' requests be rendered? What could not is held against no service.

Room slo. Takes measures, gives a finding UNDECIDED or none. An attempt whose template could not be rendered (a value
that is not there, a row of another shape) was never sent, or its answer could not be judged: it stands in no count of
a service, and `judge` says of no objective what it could have turned. Where there are many, the load was not the
planned one, whichever services the plays did not come to: nothing of that span is MET beside it, nor a throughput
MISSED. Pure; may import the floor and its own room.
"""

from __future__ import annotations

from collections import Counter

from seatrial.quantity import show_ratio
from seatrial.slo.decide import unrendered_text
from seatrial.slo.generator import SHORT_RATIO
from seatrial.slo.measure import LOAD, Measures, Span
from seatrial.verdict import Finding, Grade, Subject

MOST_NAMED = 3


def judge_rendering(measures: Measures, *, span: Span = LOAD) -> Finding | None:
    """UNDECIDED where more than one in a hundred of a span's requests, and more than a single one, could not be
    rendered; None where they could. A miss stays one beside it."""
    reason = why_unplanned(measures, span)
    if not reason:
        return None
    requests, lost = measures.requests.get(span, 0), unrendered_of(measures, span)
    return Finding(
        subject=Subject.JOURNEY,
        service="",
        objective="the load's requests are rendered",
        grade=Grade.UNDECIDED,
        reason=reason,
        measured_text=f"{show_ratio(lost / (requests + lost))} could not be ({lost:,} of {requests + lost:,})",
        n=requests + lost,
        bad=lost,
    )


def why_unplanned(measures: Measures, span: Span) -> str:
    """Why a span with so many requests unrendered was not the planned load; empty text where it was."""
    unrendered = measures.unrendered.get(span, Counter())
    return too_many(unrendered, of=measures.requests.get(span, 0) + unrendered.total())


def unrendered_of(measures: Measures, span: Span) -> int:
    """How many requests of a span could not be rendered, of whichever service."""
    return measures.unrendered.get(span, Counter()).total()


def breaks_off(measures: Measures, span: Span) -> bool:
    """Whether so many plays of a span broke off unrendered that nobody knows how much a service would have been
    asked: more than one in a hundred, and more than a single one. One play may ask a service many times."""
    lost = unrendered_of(measures, span)
    plays = sum(pacing.started for pacing in measures.pacings.get(span, ()))
    asked = measures.requests.get(span, 0) + lost
    return lost > max(1.0, SHORT_RATIO * min(asked, plays or asked))


def too_many(unrendered: Counter[str], *, of: int) -> str:
    """Why a load with so many requests unrendered was not the planned one; empty text where it was. `of` counts all
    requests, these among them."""
    lost = unrendered.total()
    if lost <= max(1.0, SHORT_RATIO * of):
        return ""
    named = [f"'{step}'" for step, _ in unrendered.most_common(MOST_NAMED)]
    more = f" and {len(unrendered) - MOST_NAMED} more" if len(unrendered) > MOST_NAMED else ""
    return (
        f"{unrendered_text(lost)} ({show_ratio(lost / of)}), of {', '.join(named)}{more}: the journey could "
        "not go on, by its own mistake or an answer of another shape, and no service is blamed; so the load was "
        "not the planned one. The run's load.log quotes the first"
    )
