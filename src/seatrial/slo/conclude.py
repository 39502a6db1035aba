"""Makes one verdict of all findings, by the gate's rules.

Room slo. Takes findings and the gate; gives the `Verdict`, and the exit code the gate makes of it. Pure; may import
the floor and its own room; must never give MET for no findings.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from seatrial.errors import ExitCode
from seatrial.quantity import counted
from seatrial.slo.gate import Gate, OnUndecided, ScoreLimits
from seatrial.slo.generator import OF_GENERATOR
from seatrial.slo.judge import UNFIT
from seatrial.verdict import Finding, Grade, Subject, Verdict, exit_code, worst

_POINTS_RATIO = {Grade.MET: 1.0, Grade.DEGRADED: 0.5, Grade.UNDECIDED: 0.0, Grade.MISSED: 0.0}

MOST_NAMED = 6
"""A reason that names more is not read; all of them are among the findings."""

# Sums of weights such as 0.1 are not exact; the limits are inclusive all the same.
_ROUNDING = 1e-9


def conclude(findings: Iterable[Finding], gate: Gate) -> Verdict:
    """The whole. Without `score` in the gate, its worst finding; with it, the grade of the score.

    A missed key objective, journey, steady state or expectation is MISSED whatever the score. With undecided
    findings the grade is worked out twice, with all of them lost and with all met: the same both times is the grade,
    else UNDECIDED. No findings are UNDECIDED. The score shown counts what is undecided as lost. Findings that do not
    count stay in the verdict, and change nothing of it; only where nothing but information was asked for, with a
    score, it must have values.
    """
    everything = tuple(findings)
    listed = tuple(finding for finding in everything if finding.counts)
    grade = worst(finding.grade for finding in listed)
    informed = () if gate.score is None else _alone(everything)
    if gate.score is not None and (listed or informed):
        grade = _by_score((*listed, *informed), gate.score)
    told = (*listed, *informed)
    reason = _reason(told, grade, gate, shown=len(everything) - len(told))
    return Verdict(grade, score(told), everything, reason)


def score(findings: Iterable[Finding]) -> float | None:
    """0-100 over the weights of the load stage's objectives: all of a weight when met, half when degraded, else none.

    None when nothing was weighed; 100 where nothing but information was asked for, as Keptn has it, and all of it
    has a value.
    """
    listed = tuple(findings)
    weighed = [finding for finding in listed if finding.subject is Subject.OBJECTIVE and finding.counts]
    weights = math.fsum(finding.weight for finding in weighed)
    if not weights:
        informed = _alone(listed)
        return 100.0 if informed and all(finding.grade is Grade.MET for finding in informed) else None
    return 100.0 * math.fsum(finding.weight * _POINTS_RATIO[finding.grade] for finding in weighed) / weights


def _alone(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The information there is, where not one objective stands beside it."""
    if any(finding.subject is Subject.OBJECTIVE for finding in findings):
        return ()
    return tuple(finding for finding in findings if finding.subject is Subject.INFORMATION)


def gate_exit_code(verdict: Verdict, gate: Gate, *, strict: bool = False) -> ExitCode:
    """What the command returns: as `verdict.exit_code`, but an UNDECIDED verdict is let through by `on_undecided:
    pass`."""
    return ExitCode.MET if let_through(verdict, gate) else exit_code(verdict.grade, strict=strict)


def let_through(verdict: Verdict, gate: Gate) -> str:
    """Why an UNDECIDED verdict passes all the same; empty text where it does not, or needs not."""
    passes = gate.on_undecided is OnUndecided.PASS and any(finding.counts for finding in verdict.findings)
    return "let through: on_undecided: pass" if passes and verdict.grade is Grade.UNDECIDED else ""


def _by_score(findings: tuple[Finding, ...], limits: ScoreLimits) -> Grade:
    weighed = any(finding.subject is Subject.OBJECTIVE for finding in findings)
    # The generator's finding has made its objectives undecided already; it must not count a second time.
    judged = tuple(finding for finding in findings if not (weighed and finding.subject is Subject.GENERATOR))
    lost, met = (_grade(_all_undecided_as(judged, grade), limits) for grade in (Grade.MISSED, Grade.MET))
    return lost if lost is met else Grade.UNDECIDED


def _all_undecided_as(findings: tuple[Finding, ...], grade: Grade) -> tuple[Finding, ...]:
    return tuple(
        dataclasses.replace(finding, grade=grade) if finding.grade is Grade.UNDECIDED else finding
        for finding in findings
    )


def _grade(findings: tuple[Finding, ...], limits: ScoreLimits) -> Grade:
    """Of findings without an undecided one: the score's grade, or worse where a finding outranks the score."""
    grades = [finding.grade for finding in findings if finding.subject is not Subject.OBJECTIVE]
    grades += [finding.grade for finding in findings if finding.key and finding.grade is Grade.MISSED]
    points = score(findings)
    if points is not None:
        grades.append(_score_grade(points, limits))
    return worst(grades)


def _score_grade(points: float, limits: ScoreLimits) -> Grade:
    if points >= limits.met - _ROUNDING:
        return Grade.MET
    return Grade.DEGRADED if points >= limits.degraded - _ROUNDING else Grade.MISSED


def _reason(findings: tuple[Finding, ...], grade: Grade, gate: Gate, *, shown: int) -> str:
    if not findings:
        return "no data: nothing was judged"
    points, cause = score(findings), _generators(findings)
    named = tuple(finding for finding in findings if not (cause and _is_explained(finding)))
    if points is None or gate.score is None:
        own = _named(named, grade)
        return "; ".join(filter(None, _first(cause, own, grade))) or _all_met(findings, shown)
    # A score is lost by whatever is not MET, also where the whole has another grade.
    lost = "; ".join(filter(None, (_named(named, each) for each in reversed(Grade))))
    told = f"score {points:.3g} of 100{', what is undecided counted as lost' if cause else ''}"
    if cause and grade is Grade.UNDECIDED:
        return "; ".join(filter(None, (cause, lost, told)))
    return "; ".join(filter(None, (told, lost, cause))) if lost or cause else f"{told}; {_all_met(findings, shown)}"


def _first(cause: str, own: str, grade: Grade) -> tuple[str, str]:
    """The one cause before what is undecided beside it, but after a miss, which it does not explain."""
    return (cause, own) if grade is Grade.UNDECIDED else (own, cause)


def _generators(findings: tuple[Finding, ...]) -> str:
    """What an unfit generator left undecided, as one cause instead of many names; empty text when it was fit."""
    unfit = next((one for one in findings if one.subject is Subject.GENERATOR and one.grade is Grade.UNDECIDED), None)
    if unfit is None:
        return ""
    others = sum(map(_is_explained, findings)) - 1
    left = f", and {counted(others, 'finding')} undecided" if others else ""
    return f"the load generator was unfit{left}: {unfit.reason.removeprefix(OF_GENERATOR)}"


def _is_explained(finding: Finding) -> bool:
    """Undecided, and by an unfit generator: its own finding, what it says was not measured, and objectives whose
    counted requests did not suffice. What has another cause is named beside it: a query that failed, nothing sent."""
    if finding.grade is not Grade.UNDECIDED:
        return False
    of_load = finding.subject is Subject.OBJECTIVE and finding.experiment is None
    return finding.reason.startswith((UNFIT, OF_GENERATOR)) or (of_load and finding.n > 0)


def _named(findings: tuple[Finding, ...], grade: Grade) -> str:
    """`MISSED: shop.fast, shop.available`; nothing of what is MET."""
    names = [finding.name for finding in findings if finding.grade is grade is not Grade.MET]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{grade}: {', '.join(names[:MOST_NAMED])}{more}" if names else ""


def _all_met(findings: tuple[Finding, ...], shown: int) -> str:
    apart = f", {shown} shown without counting" if shown else ""
    return (
        f"the one finding is {Grade.MET}{apart}"
        if len(findings) == 1
        else f"all {len(findings)} findings are {Grade.MET}{apart}"
    )
