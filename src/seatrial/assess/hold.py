"""The hold of the load stage: looked at every second, ended as soon as more of it would change nothing.

Takes a bridge and a load under way; gives the findings as they stood at its end. Ends nothing itself. What a
generator that is late or busy has decided is not taken as decided: the hold goes on, for it may catch up in time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.assess.headroom import outgrown
from seatrial.assess.plan import Plan, until_hold_s
from seatrial.assess.stage import LOAD_DEADLINE_S, LOOK_EVERY_S, Bridge, Hindsight, Loading, Moment
from seatrial.errors import LoadFailed
from seatrial.quantity import show_duration
from seatrial.scenarios.load.profile import AbortWhen, Model, Profile, StopWhen
from seatrial.slo.generator import OF_GENERATOR, trouble, why_unfit
from seatrial.slo.judge import decided, excuse, judge_objectives
from seatrial.slo.measure import LOAD, Measures
from seatrial.verdict import Finding, Grade

JUDGING_RATIO = 0.05
"""How much of the time may go into judging, which takes longer with every second of the hold: a generator on the same
machine needs the rest. What is looked at later is decided for the same second all the same."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the hold showed. `findings` are those after `judged_s` of its `held_s` seconds, to be judged
    again from `again_at` (monotonic) on. `unfit` is what makes the generator unfit to measure, `catching_up` whether
    that may pass: it was late or busy, and not so that arrivals are missing."""

    held_s: int = 0
    judged_s: int = 0
    findings: tuple[Finding, ...] = ()
    again_at: float = 0.0
    unfit: str = ""
    catching_up: bool = False


def hold(bridge: Bridge, loading: Loading, profile: Profile, watch: Hindsight | None) -> tuple[Finding, ...]:
    """Wait until all that the load speaks to is decided, one is missed (if the profile says so), or the time is over.

    At least one second is held, unless the gate's own time is over: a fault injected before the first play would have
    nothing to show.
    """
    before_s = until_hold_s(profile)
    started = playing_since = bridge.clock.monotonic()
    seen, warned = Look(), False
    while not (bridge.budget.is_over or (seen.held_s and _over(bridge.plan, profile, seen))):
        elapsed_s = bridge.clock.monotonic() - started
        if not seen.held_s and elapsed_s > before_s + LOAD_DEADLINE_S:
            raise LoadFailed(f"no hold after {show_duration(before_s + LOAD_DEADLINE_S)}; see the run's load.log")
        bridge.clock.sleep(LOOK_EVERY_S)
        loading.require()
        if watch:
            watch.look()
        measures = bridge.recorder.measures()
        if not measures.pacings:  # to wait for workers is no part of the load
            playing_since = bridge.clock.monotonic()
        seen = _look(bridge, measures, seen)
        warned = warned or _warn(bridge, profile, measures, seen)
        played_s = bridge.clock.monotonic() - playing_since
        bridge.show(_moment(bridge, loading, seen, before=(played_s, before_s)))
    stale = seen.judged_s < seen.held_s
    return _judged(bridge, bridge.recorder.measures(), seen).findings if stale else seen.findings


def _look(bridge: Bridge, measures: Measures, before: Look) -> Look:
    """The same as before while no second has ended since."""
    plan, held_s = bridge.plan, len(measures.seconds_of(LOAD))
    if held_s == before.held_s:
        return before
    reason = trouble(measures.pacings.get(LOAD, ()), plan.services)
    seen = dataclasses.replace(
        before,
        held_s=held_s,
        unfit=f"{OF_GENERATOR}{reason}" if reason else "",
        catching_up=bool(why_unfit(measures, plan.services, span=LOAD)) and not _has_dropped(measures),
    )
    return _judged(bridge, measures, seen) if bridge.clock.monotonic() >= seen.again_at else seen


def _judged(bridge: Bridge, measures: Measures, seen: Look) -> Look:
    gate, began = bridge.plan.gate, bridge.clock.monotonic()
    findings = judge_objectives(measures, bridge.plan.services, alpha=gate.alpha, min_hold_s=gate.min_hold_s)
    took_s = bridge.clock.monotonic() - began
    again_at = began + took_s / JUDGING_RATIO
    return dataclasses.replace(seen, judged_s=seen.held_s, findings=findings, again_at=again_at)


def _has_dropped(measures: Measures) -> bool:
    return any(pacing.dropped for pacing in measures.pacings.get(LOAD, ()))


def _warn(bridge: Bridge, profile: Profile, measures: Measures, seen: Look) -> bool:
    """Say during the ramp, once, that the generator will not reach the profile's peak."""
    if seen.held_s or profile.model is not Model.OPEN:
        return False
    ramp = [pacing for span, group in measures.pacings.items() if span != LOAD for pacing in group]
    text = outgrown(ramp, peak_per_s=profile.peak)
    if text:
        bridge.say(f"warning: {text}")
    return bool(text)


def _moment(bridge: Bridge, loading: Loading, seen: Look, *, before: tuple[float, float]) -> Moment:
    """`before`: how much of the time before the hold is over, and how long it is. A hold counts its own seconds, by
    which the objectives are decided."""
    held = (float(seen.held_s), _held_at_most_s(bridge.plan, seen.held_s))
    done_s, of_s = held if seen.held_s else before
    return Moment(
        _stage(bridge.plan, seen.held_s),
        done_s,
        of_s,
        pacing=loading.last,
        findings=_as_known(seen),
        steps=loading.steps,
        overdue=loading.overdue,
        unfit=seen.unfit,
        newest=loading.newest,
    )


def _as_known(seen: Look) -> tuple[Finding, ...]:
    """The findings as the verdict would have them now: undecided while the generator is unfit."""
    return excuse(seen.findings) if seen.unfit else seen.findings


def _stage(plan: Plan, held_s: int) -> str:
    """What the load does, and what ends it if not its time."""
    if not held_s:
        return "load: warming up"
    if held_s >= plan.hold_at_most_s < plan.extended_at_most_s:
        return "load: hold, extended until decided"
    decides = plan.profile and plan.profile.stop_when is StopWhen.DECIDED and plan.services
    return "load: hold until decided" if decides else "load: hold"


def _held_at_most_s(plan: Plan, held_s: int) -> float:
    return plan.hold_at_most_s if held_s < plan.hold_at_most_s else plan.extended_at_most_s


def _over(plan: Plan, profile: Profile, seen: Look) -> bool:
    if seen.held_s >= plan.hold_at_most_s:
        return seen.held_s >= plan.extended_at_most_s or not _worth_extending(seen)
    if seen.catching_up:
        return False
    if profile.abort_when is AbortWhen.MISSED and _any_missed(seen.findings):
        return True
    return profile.stop_when is StopWhen.DECIDED and decided(_asked(plan, seen.findings))


def _asked(plan: Plan, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Those that can have data: what no journey of the load speaks to is not waited for."""
    asked = {(service.name, item.name) for service in plan.asked.values() for item in service.objectives}
    return (finding for finding in findings if (finding.service, finding.objective) in asked)


def _any_missed(findings: Sequence[Finding]) -> bool:
    return any(finding.grade is Grade.MISSED for finding in findings)


def _worth_extending(seen: Look) -> bool:
    """Whether more of the same could decide what is not: where nothing was counted so far, nothing will be."""
    return seen.catching_up or any(one.grade is Grade.UNDECIDED and one.n for one in seen.findings)
