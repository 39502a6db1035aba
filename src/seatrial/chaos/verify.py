"""Holds what was seen of an experiment against what it expects: a finding for each, whatever happened.

Takes the experiments of a run, the calls at the proxies, the faults as they were, and judgement as a callable. Pure,
so findings can be redone from a journal. Must never import slo, nor inject anything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos import breaker
from seatrial.chaos.breaker import BreakerTimeline, Span
from seatrial.chaos.plan import Checked, PhaseObjective, breaker_of
from seatrial.chaos.recovery import judge_recovery
from seatrial.quantity import show_duration
from seatrial.sample import CallsLost, EdgeCall, FaultWindow
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade, Subject

EXPIRED = "expired"
UNSTEADY = "not run: the steady state did not hold before the fault"

Judge = Callable[[PhaseObjective], Finding]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one experiment alone: its own faults, and the calls that tell about them.

    `lost` counts the proxies' events of that time that nobody could read.
    """

    checked: Checked
    calls: tuple[EdgeCall, ...] = ()
    windows: tuple[FaultWindow, ...] = ()
    lost: int = 0


def apart(
    experiments: Sequence[Checked],
    *,
    calls: Sequence[EdgeCall],
    windows: Sequence[FaultWindow],
    lost: Sequence[CallsLost] = (),
) -> tuple[Seen, ...]:
    """Each experiment with what belongs to it, of a run of several.

    Its calls reach from the end of the recovery before it to the first fault after it: what was usual is not learned
    from a time when another fault was on, and another fault's calls are not held against it.
    """
    recovery_s = {item.experiment.name: item.experiment.recovery_s for item in experiments}
    undisturbed = {window: _ended_at(window) + recovery_s.get(window.experiment, 0.0) for window in windows}

    def seen(checked: Checked) -> Seen:
        own = tuple(window for window in windows if window.experiment == checked.experiment.name)
        if not own:
            return Seen(checked)
        begun_at = min(window.started_at for window in own)
        others = [window for window in windows if window not in own]
        since = max((undisturbed[window] for window in others if window.started_at < begun_at), default=-math.inf)
        until = min((window.started_at for window in others if window.started_at >= begun_at), default=math.inf)
        part = tuple(call for call in calls if since <= call.started_at < until)
        first = min((call.started_at for call in part), default=since)
        return Seen(checked, part, own, sum(item.events for item in lost if first <= item.noticed_at < until))

    return tuple(map(seen, experiments))


def timeline_of(seen: Seen, edge: Edge) -> BreakerTimeline:
    """What the breaker on an edge did about the first fault that is felt there; about all of them, when none is."""
    felt = [window for window in seen.windows if edge in seen.checked.hit.get(window.target, ())]
    span = span_of(felt[:1] or seen.windows)
    return breaker.trace(seen.calls, edge, fault=span, promised=seen.checked.promises[edge])


def judge_experiment(seen: Seen, *, judge: Judge, aborted: str = "") -> tuple[Finding, ...]:
    """Steady state, then every expectation, of an experiment with at least one fault.

    `aborted` says why it ended before its plan did. A fault whose lease ran out by itself leaves no expectation
    decided: it was not on for as long as it should have been.
    """
    findings = tuple(_expectations(seen, judge))
    expired = ", ".join(window.target for window in seen.windows if window.ended == EXPIRED)
    if expired:
        reason = f"the lease of {expired} ran out by itself (a starved machine?), so the fault did not last"
        findings = _undecided(findings, reason)
    elif aborted:
        findings = (*findings, _aborted(seen.checked.experiment.name, aborted))
    return (*judge_steady(seen.checked, judge), *findings)


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
        max(map(_ended_at, windows)),
    )


def _ended_at(window: FaultWindow) -> float:
    return window.started_at if window.ended_at is None else window.ended_at


def _expectations(seen: Seen, judge: Judge) -> Iterator[Finding]:
    yield from _if_whole(seen, _breakers(seen))
    for item in seen.checked.during:
        yield _judged(item, seen.checked, judge, Subject.EXPECTATION)
    yield from _if_whole(seen, _recovery(seen))


def _if_whole(seen: Seen, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """As they are, unless calls are missing: a single one may turn them."""
    if not seen.lost:
        return tuple(findings)
    return _undecided(
        findings, f"{seen.lost:,} events of the proxies were lost before they were read: calls are missing"
    )


def _judged(item: PhaseObjective, checked: Checked, judge: Judge, subject: Subject) -> Finding:
    return dataclasses.replace(judge(item), subject=subject, experiment=checked.experiment.name)


def _breakers(seen: Seen) -> Iterator[Finding]:
    checked = seen.checked
    for expected in checked.experiment.expectations.breakers:
        promise = breaker_of(checked.promises[expected.edge])
        timeline = timeline_of(seen, expected.edge)
        yield from breaker.judge(timeline, expected, promise=promise, experiment=checked.experiment.name)


def _recovery(seen: Seen) -> Iterator[Finding]:
    checked, windows = seen.checked, seen.windows
    within_s = checked.experiment.expectations.recovered_within_s
    if within_s is not None:
        hit = dict.fromkeys(edge for window in windows for edge in checked.hit.get(window.target, ()))
        name = checked.experiment.name
        yield judge_recovery(seen.calls, hit, fault=span_of(windows), within_s=within_s, experiment=name)


def _nothing(service: str, objective: str, experiment: str, *, reason: str) -> Finding:
    return Finding(Subject.EXPECTATION, service, objective, Grade.UNDECIDED, reason, experiment=experiment)


def _aborted(experiment: str, reason: str) -> Finding:
    return Finding(Subject.EXPECTATION, "", "not aborted", Grade.MISSED, f"aborted: {reason}", experiment=experiment)


def _undecided(findings: Iterable[Finding], reason: str) -> tuple[Finding, ...]:
    return tuple(
        dataclasses.replace(finding, grade=Grade.UNDECIDED, reason=f"{reason}; seen: {finding.reason}")
        for finding in findings
    )
