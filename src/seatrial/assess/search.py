"""A breakpoint search under way: what it asks for, what it is judged by, and the load stage that plays it.

Takes a profile with probes and a load that plays them; gives the findings `slo.breakpoint` makes of its records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from seatrial.assess.plan import Plan
from seatrial.assess.stage import LOAD_DEADLINE_S, LOOK_EVERY_S, Bridge, Loading, Moment
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.model import every_step
from seatrial.service import Service
from seatrial.slo.breakpoint import Ended, Levels, Search, judge_search, search, sentence
from seatrial.slo.measure import Measures, Route, matches
from seatrial.verdict import Finding


def levels_of(profile: Profile) -> Levels:
    """The levels a profile's breakpoint search asks for."""
    unit = "/s" if profile.model is Model.OPEN else " users"
    return Levels(tuple(stage.level for stage in profile.probes), profile.probes[0].lasts_s, unit)


def asked_of(services: Mapping[str, Service], mix: Mix) -> dict[str, Service]:
    """The services with those of their objectives that some request of the journeys speaks to, none of them about one
    value: those are asked by an assessment alone."""
    steps = [step for scenario in mix.scenarios for step in every_step(scenario)]
    routes = {Route(step.service, step.method, step.route) for step in steps}
    asked = {}
    for name, service in services.items():
        own = [route for route in routes if route.service == name]
        objectives = tuple(item for item in service.objectives if any(matches(route, item.routes) for route in own))
        if objectives:
            asked[name] = dataclasses.replace(service, objectives=objectives, points=())
    return asked


def require_judge(profile: Profile, services: Mapping[str, Service]) -> None:
    """DocumentError when a breakpoint has no objective that its journeys could miss."""
    if profile.probes and not any(service.objectives for service in services.values()):
        raise DocumentError(
            profile.where or Where("scenarios/profiles", 1, 1),
            f"a breakpoint rises until an objective is missed, and none is asked by the journeys of '{profile.name}'",
            "add one of errors or latency to slo/<service>.yaml",
        )


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
    return Moment(
        f"load: breakpoint, {levels.show(now.level)}" if now else "load: warming up",
        done_s,
        of_s,
        pacing=loading.last,
        findings=now.findings if now else (),
        steps=loading.steps,
        unfit=now.reason if now and now.unfit else "",
    )
