"""Holds what was seen of an experiment against what it expects: a finding for each, whatever happened.

Takes a checked experiment, the calls at the proxies, the faults as they were, and judgement as a callable. Pure, so
findings can be redone from a journal. Must never import slo, nor inject anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from seatrial.chaos import breaker
from seatrial.chaos.breaker import Span
from seatrial.chaos.plan import Checked, PhaseObjective, breaker_of
from seatrial.chaos.recovery import judge_recovery
from seatrial.quantity import show_duration
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade, Subject

EXPIRED = "expired"

Judge = Callable[[PhaseObjective], Finding]


def judge_experiment(
    checked: Checked, calls: Sequence[EdgeCall], windows: Sequence[FaultWindow], *, judge: Judge, aborted: str = ""
) -> tuple[Finding, ...]:
    """Steady state, then every expectation. `windows` are this experiment's own, at least one.

    `aborted` says why it ended before its plan did. A fault whose lease ran out by itself leaves no expectation
    decided: it was not on for as long as it should have been.
    """
    findings = tuple(_expectations(checked, calls, windows, judge))
    lost = [window.target for window in windows if window.ended == EXPIRED]
    if lost:
        findings = _expired(findings, ", ".join(lost))
    if aborted and not lost:
        findings = (*findings, _aborted(checked.experiment.name, aborted))
    return (*judge_steady(checked, judge), *findings)


def judge_steady(checked: Checked, judge: Judge) -> tuple[Finding, ...]:
    """The steady state before the fault."""
    return tuple(_judged(item, checked, judge, Subject.STEADY_STATE) for item in checked.steady)


def not_run(checked: Checked, reason: str) -> tuple[Finding, ...]:
    """A finding for every expectation, undecided for that reason: nothing was injected."""
    name, expectations = checked.experiment.name, checked.experiment.expectations
    breakers = (
        finding
        for expected in expectations.breakers
        for finding in breaker.expected_findings(expected, experiment=name, reason=reason)
    )
    limits = (_nothing(item.service, item.objective.name, name, reason=reason) for item in checked.during)
    recovery = expectations.recovered_within_s
    after = [] if recovery is None else [f"recovered within {show_duration(recovery)}"]
    return (*breakers, *limits, *(_nothing("", text, name, reason=reason) for text in after))


def span_of(windows: Sequence[FaultWindow]) -> Span:
    """From the first injection to the last healing; at least one window."""
    return Span(
        min(window.started_at for window in windows),
        max(window.ended_at or window.started_at for window in windows),
    )


def _expectations(
    checked: Checked, calls: Sequence[EdgeCall], windows: Sequence[FaultWindow], judge: Judge
) -> Iterator[Finding]:
    yield from _breakers(checked, calls, windows)
    for item in checked.during:
        yield _judged(item, checked, judge, Subject.EXPECTATION)
    yield from _recovery(checked, calls, windows)


def _judged(item: PhaseObjective, checked: Checked, judge: Judge, subject: Subject) -> Finding:
    return dataclasses.replace(judge(item), subject=subject, experiment=checked.experiment.name)


def _breakers(checked: Checked, calls: Sequence[EdgeCall], windows: Sequence[FaultWindow]) -> Iterator[Finding]:
    for expected in checked.experiment.expectations.breakers:
        promised = checked.promises[expected.edge]
        span = span_of(_windows_on(expected.edge, checked, windows)[:1] or windows)
        timeline = breaker.trace(calls, expected.edge, fault=span, promised=promised)
        yield from breaker.judge(timeline, expected, promise=breaker_of(promised), experiment=checked.experiment.name)


def _windows_on(edge: Edge, checked: Checked, windows: Sequence[FaultWindow]) -> tuple[FaultWindow, ...]:
    return tuple(window for window in windows if edge in checked.hit[window.target])


def _recovery(checked: Checked, calls: Sequence[EdgeCall], windows: Sequence[FaultWindow]) -> Iterator[Finding]:
    within_s = checked.experiment.expectations.recovered_within_s
    if within_s is not None:
        hit = dict.fromkeys(edge for window in windows for edge in checked.hit[window.target])
        yield judge_recovery(
            calls, hit, fault=span_of(windows), within_s=within_s, experiment=checked.experiment.name
        )


def _nothing(service: str, objective: str, experiment: str, *, reason: str) -> Finding:
    return Finding(Subject.EXPECTATION, service, objective, Grade.UNDECIDED, reason, experiment=experiment)


def _aborted(experiment: str, reason: str) -> Finding:
    return Finding(Subject.EXPECTATION, "", "not aborted", Grade.MISSED, f"aborted: {reason}", experiment=experiment)


def _expired(findings: Sequence[Finding], lost: str) -> tuple[Finding, ...]:
    reason = f"the lease of {lost} ran out by itself (a starved machine?), so the fault did not last"
    return tuple(
        dataclasses.replace(finding, grade=Grade.UNDECIDED, reason=f"{reason}; seen: {finding.reason}")
        for finding in findings
    )
