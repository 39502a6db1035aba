"""A breakpoint search under way: what it asks for, what it is judged by, and the load stage that plays it.

Takes a profile with probes and a load that plays them; gives the findings `slo.breakpoint` makes of its records.
"""

from __future__ import annotations

from seatrial.assess.plan import Plan
from seatrial.assess.stage import LOAD_DEADLINE_S, LOOK_EVERY_S, Bridge, Loading, Moment
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.slo.breakpoint import Ended, Levels, Search, judge_search, search, sentence
from seatrial.slo.judge import excuse
from seatrial.slo.measure import Measures
from seatrial.verdict import Finding


def levels_of(profile: Profile) -> Levels:
    """The levels a profile's breakpoint search asks for."""
    unit = "/s" if profile.model is Model.OPEN else " users"
    return Levels(tuple(stage.level for stage in profile.probes), profile.probes[0].lasts_s, unit)


def hold_search(bridge: Bridge, loading: Loading, profile: Profile) -> tuple[Finding, ...]:
    """Play level after level until one does not hold, the last has held, or the time is over; say which it was."""
    levels, plan = levels_of(profile), bridge.plan
    started = bridge.clock.monotonic()
    found = Search((), None, Ended.CUT_SHORT)
    at_most_s = profile.warm_up_s + min(plan.hold_at_most_s, profile.lasts_s) + LOAD_DEADLINE_S
    while not (bridge.budget.is_over or found.is_over or bridge.clock.monotonic() - started > at_most_s):
        bridge.clock.sleep(LOOK_EVERY_S)
        loading.require()
        found = search(bridge.recorder.measures(), plan.services, levels, alpha=plan.gate.alpha)
        bridge.show(_moment(found, levels, loading, done_s=bridge.clock.monotonic() - started, of_s=profile.lasts_s))
    bridge.say(f"load: {sentence(found, levels)}")
    return findings_of(bridge.recorder.measures(), plan, profile)


def findings_of(measures: Measures, plan: Plan, profile: Profile) -> tuple[Finding, ...]:
    """What the search's records say of the plan's services."""
    return judge_search(measures, plan.services, levels_of(profile), alpha=plan.gate.alpha)


def _moment(found: Search, levels: Levels, loading: Loading, *, done_s: float, of_s: float) -> Moment:
    now = found.probes[-1] if found.probes else None
    findings = now.findings if now else ()
    return Moment(
        f"load: breakpoint, {levels.show(now.level)}" if now else "load: warming up",
        done_s,
        of_s,
        pacing=loading.last,
        findings=excuse(findings) if now and now.unfit else findings,
        steps=loading.steps,
        overdue=loading.overdue,
        unfit=now.reason if now and now.unfit else "",
    )
