"""Holds what was seen of an experiment against what it expects: a finding for each, whatever happened.

Takes the experiments of a run, the calls at the proxies, the faults as they were, and judgement as a callable. Pure,
so findings can be redone from a journal. Must never import slo, nor inject anything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos.judging.breaker import judge_breaker, undecided_breaker
from seatrial.chaos.judging.bulkhead import judge_bulkhead, press, undecided_bulkhead
from seatrial.chaos.judging.fallback import fall_back, judge_fallback, undecided_fallback
from seatrial.chaos.judging.hedging import hedge, judge_hedging, undecided_hedging
from seatrial.chaos.judging.isolation import isolate, judge_isolation, undecided_isolation
from seatrial.chaos.judging.recovery import judge_recovery
from seatrial.chaos.judging.retries import amplify, judge_amplification, undecided_amplification
from seatrial.chaos.judging.strikes import struck_nothing
from seatrial.chaos.judging.timeout import hold, judge_timeout, limit_of, undecided_timeout
from seatrial.chaos.plan import Checked, PhaseObjective, breaker_of
from seatrial.chaos.seen import breaker
from seatrial.chaos.seen.breaker import BreakerTimeline, Span
from seatrial.quantity import show_duration
from seatrial.sample import CallsLost, EdgeCall, FaultWindow, Phase
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade, Subject

EXPIRED = "expired"
HALTED = "halted"
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
    undisturbed = {
        window: _ended_at(window) + recovery_s.get(window.experiment, 0.0)
        if window.calm_at is None
        else window.calm_at
        for window in windows
    }

    def seen(checked: Checked) -> Seen:
        own = tuple(window for window in windows if window.experiment == checked.experiment.name)
        if not own:
            return Seen(checked)
        begun_at = min(window.started_at for window in own)
        others = [window for window in windows if window not in own]
        since = max((undisturbed[window] for window in others if window.started_at < begun_at), default=-math.inf)
        until = min((window.started_at for window in others if window.started_at >= begun_at), default=math.inf)
        part = tuple(call for call in calls if since <= call.started_at < until and not _lasts_until(call, until))
        first = min((call.started_at for call in part), default=since)
        return Seen(checked, part, own, sum(item.events for item in lost if first <= item.noticed_at < until))

    return tuple(map(seen, experiments))


def _lasts_until(call: EdgeCall, moment: float) -> bool:
    """Whether it was answered only then: what it led to is not among the calls before, so it would seem refused."""
    return call.duration_s is not None and call.started_at + call.duration_s >= moment


def timeline_of(seen: Seen, edge: Edge) -> BreakerTimeline:
    """What the breaker on an edge did about the first fault that is felt there; about all of them, when none is."""
    return breaker.trace(seen.calls, edge, fault=_felt(seen, edge), promised=seen.checked.promises[edge])


def _felt(seen: Seen, edge: Edge) -> Span:
    """When the first fault acted that is felt on an edge; all of them, when none is."""
    felt = [window for window in seen.windows if edge in seen.checked.hit.get(window.target, ())]
    return span_of(felt[:1] or seen.windows)


def judge_experiment(seen: Seen, *, judge: Judge, aborted: str = "") -> tuple[Finding, ...]:
    """Steady state, every expectation, and the steady state again, of an experiment with at least one fault.

    `aborted` says why it ended before its plan did. A fault whose lease ran out by itself leaves no expectation
    decided: it was not on for as long as it should have been. So does one that struck nothing, and a halt: what was
    seen until then is told.
    """
    name, findings = seen.checked.experiment.name, tuple(_expectations(seen, judge))
    expired = ", ".join(window.target for window in seen.windows if window.ended == EXPIRED)
    is_halted = any(window.ended == HALTED for window in seen.windows)
    idle = "" if seen.lost else struck_nothing(seen.calls, seen.windows, seen.checked.experiment.method)
    if expired:
        reason = f"the lease of {expired} ran out by itself (a starved machine?), so the fault did not last"
        findings = _undecided(findings, reason)
    elif is_halted:
        findings = _undecided(findings, "it was halted before its end")
    elif idle:
        findings = _undecided(findings, idle) or (_nothing("", "the fault strikes", name, reason=idle),)
    if aborted and not expired:
        findings = (*findings, _aborted(name, aborted))
    again = () if is_halted else _steady_again(seen, judge)
    return (*judge_steady(seen.checked, judge), *findings, *again)


def _steady_again(seen: Seen, judge: Judge) -> Iterator[Finding]:
    """The steady state once all is healed, as far as it is decided: of a system that comes back late there are few
    requests left to judge, and that it does is `recovered_within`."""
    calm_at = _calm_at(seen)
    if calm_at is None:
        return
    for item in seen.checked.steady:
        again = dataclasses.replace(item, phase=Phase.AFTER, since=calm_at)
        finding = _judged(again, seen.checked, judge, Subject.STEADY_STATE)
        if finding.grade is not Grade.UNDECIDED:
            yield finding


def _calm_at(seen: Seen) -> float | None:
    """Since when all is to be as it was: since requests were seen to be answered again, or should have been; without
    such an expectation after half of the time that is watched. None where they never were, which is told."""
    healed_at, experiment = span_of(seen.windows).ended_at, seen.checked.experiment
    within_s = experiment.expectations.recovered_within_s
    if within_s is None:
        return healed_at + experiment.recovery_s / 2
    (recovered,) = _recovery(seen)
    if recovered.measured is None:
        return None if recovered.grade is Grade.MISSED else healed_at + within_s
    return healed_at + recovered.measured


def as_halted(window: FaultWindow) -> FaultWindow:
    """A fault of an experiment that was halted: where it was healed, that was before its time, or not watched to the
    end."""
    return dataclasses.replace(window, ended=HALTED) if window.ended == "healed" else window


def judge_steady(checked: Checked, judge: Judge) -> tuple[Finding, ...]:
    """The steady state before the fault."""
    return tuple(_judged(item, checked, judge, Subject.STEADY_STATE) for item in checked.steady)


def not_run(checked: Checked, reason: str) -> tuple[Finding, ...]:
    """A finding for every expectation, undecided for that reason: nothing was injected."""
    name, expectations = checked.experiment.name, checked.experiment.expectations
    breakers = (
        finding
        for expected in expectations.breakers
        for finding in undecided_breaker(expected, experiment=name, reason=reason)
    )
    limits = (_nothing(item.service, item.objective.name, name, reason=reason) for item in checked.during)
    recovery = expectations.recovered_within_s
    after = [] if recovery is None else [f"recovered within {show_duration(recovery)}"]
    edges = _edges_not_run(checked, reason)
    return (*breakers, *edges, *limits, *(_nothing("", text, name, reason=reason) for text in after))


def _edges_not_run(checked: Checked, reason: str) -> Iterator[Finding]:
    name, expectations = checked.experiment.name, checked.experiment.expectations
    for retries in expectations.amplifications:
        promised = checked.promises[retries.edge]
        yield undecided_amplification(retries, promised=promised, experiment=name, reason=reason)
    for timeout in expectations.timeouts:
        promised = checked.promises[timeout.edge]
        yield undecided_timeout(timeout, promised=promised, experiment=name, reason=reason)
    for fallback in expectations.fallbacks:
        yield from undecided_fallback(fallback, experiment=name, reason=reason)
    for bulkhead in expectations.bulkheads:
        yield undecided_bulkhead(bulkhead, experiment=name, reason=reason)
    for hedging in expectations.hedgings:
        yield from undecided_hedging(hedging, experiment=name, reason=reason)
    for isolation in expectations.isolations:
        yield undecided_isolation(isolation, experiment=name, reason=reason)


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
    yield from _if_whole(seen, _amplifications(seen))
    yield from _if_whole(seen, _timeouts(seen))
    yield from _if_whole(seen, _fallbacks(seen))
    yield from _if_whole(seen, _bulkheads(seen))
    yield from _if_whole(seen, _hedgings(seen))
    yield from _if_whole(seen, _isolations(seen))
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
        yield from judge_breaker(timeline, expected, promise=promise, experiment=checked.experiment.name)


def _amplifications(seen: Seen) -> Iterator[Finding]:
    checked = seen.checked
    for expected in checked.experiment.expectations.amplifications:
        edge, promised = expected.edge, checked.promises[expected.edge]
        amplified = amplify(seen.calls, edge, fault=_felt(seen, edge))
        yield judge_amplification(amplified, expected, promised=promised, experiment=checked.experiment.name)


def _timeouts(seen: Seen) -> Iterator[Finding]:
    checked = seen.checked
    for expected in checked.experiment.expectations.timeouts:
        edge, promised = expected.edge, checked.promises[expected.edge]
        held = hold(seen.calls, edge, fault=_felt(seen, edge), limit_s=limit_of(expected, promised))
        yield judge_timeout(held, expected, promised=promised, experiment=checked.experiment.name)


def _fallbacks(seen: Seen) -> Iterator[Finding]:
    # Of several faults: it need not be gone before the last one is over.
    span = span_of(seen.windows)
    for expected in seen.checked.experiment.expectations.fallbacks:
        judged = fall_back(seen.calls, expected, fault=span)
        yield from judge_fallback(judged, expected, experiment=seen.checked.experiment.name)


def _bulkheads(seen: Seen) -> Iterator[Finding]:
    for expected in seen.checked.experiment.expectations.bulkheads:
        pressed = press(seen.calls, expected, fault=_felt(seen, expected.edge))
        yield judge_bulkhead(pressed, expected, experiment=seen.checked.experiment.name)


def _hedgings(seen: Seen) -> Iterator[Finding]:
    for expected in seen.checked.experiment.expectations.hedgings:
        hedged = hedge(seen.calls, expected, fault=_felt(seen, expected.edge))
        yield from judge_hedging(hedged, expected, experiment=seen.checked.experiment.name)


def _isolations(seen: Seen) -> Iterator[Finding]:
    for expected in seen.checked.experiment.expectations.isolations:
        isolated = isolate(seen.calls, expected, fault=_felt(seen, expected.edge))
        yield judge_isolation(isolated, expected, experiment=seen.checked.experiment.name)


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
