"""Judges the plays of the acceptance stage: one `Finding` each, with the step that failed and what was seen.

Room slo. Takes `Measures`, gives findings. Pure; may import the floor and its own room; must never call MET what was
not played to its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.sample import Ending, Sample
from seatrial.slo.measure import Journey, Measures
from seatrial.verdict import Finding, Grade, Subject


def judge_journeys(measures: Measures, *, wanted: Iterable[str] = ()) -> tuple[Finding, ...]:
    """One finding for each acceptance play, and for each `wanted` journey that left no trace.

    A play that failed is MISSED, with the step, what was expected and what was seen, or with what failed outside any
    step. One that was cut short is never MET. A skipped one is no finding; when nothing else is there, that is one
    UNDECIDED finding.
    """
    played = measures.journeys()
    missing = sorted(set(wanted) - {journey.scenario for journey in played})
    asked = [journey for journey in played if journey.ending is not Ending.SKIPPED]
    findings = tuple(_judge_journey(journey) for journey in (*asked, *map(Journey, missing)))
    if findings:
        return findings
    skipped = f" ({len(played)} skipped)" if played else ""
    reason = f"no data: not one journey was played{skipped}"
    return (Finding(Subject.JOURNEY, "", "acceptance", Grade.UNDECIDED, reason),)


def _judge_journey(journey: Journey) -> Finding:
    grade, reason = _journey_grade(journey)
    return Finding(
        subject=Subject.JOURNEY,
        service="",
        objective=journey.scenario,
        grade=grade,
        reason=reason,
        limit_text="every step passes",
        measured_text=_steps_passed(journey),
        n=len(journey.samples),
        bad=len(journey.failed),
    )


def _steps_passed(journey: Journey) -> str:
    if not journey.samples:
        return "no data"
    skipped = f", {journey.skipped} skipped" if journey.skipped else ""
    return f"{len(journey.passed)} of {len(journey.samples)} steps passed{skipped}"


def _journey_grade(journey: Journey) -> tuple[Grade, str]:
    """A step that failed for good is a miss, even in a play that was cut short after it."""
    if journey.failed or journey.ending is Ending.FAILED:
        outside = [journey.play.reason] if journey.play and journey.play.reason else []
        return Grade.MISSED, "; ".join((*outside, *map(_what_was_seen, journey.failed)))
    if not journey.samples:
        return Grade.UNDECIDED, "no data: not one of its steps was played to its end"
    if journey.play is None:
        return Grade.UNDECIDED, f"it was cut short: {len(journey.passed)} steps passed, the others are not known"
    if journey.degraded:
        return Grade.DEGRADED, "; ".join(map(_what_was_seen, journey.degraded))
    return Grade.MET, "its one step passed" if len(journey.passed) == 1 else f"all {len(journey.passed)} steps passed"


def _what_was_seen(sample: Sample) -> str:
    seen = sample.detail or (sample.cause.value if sample.cause else "degraded")
    status = f" [{sample.status}]" if sample.status is not None else ""
    return f"step '{sample.step}' ({sample.service}: {sample.method} {sample.route}){status}: {seen}"
