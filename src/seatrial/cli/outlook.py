"""What an assessment will take at least, said before it starts: requests and time per objective."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from seatrial.assess.audit.plan import Auditing
from seatrial.assess.audit.stage import most_s
from seatrial.assess.canary import outlook
from seatrial.assess.places import asked_routes, placing_lines, route_lines
from seatrial.assess.plan import Plan, rates_per_s, until_hold_s
from seatrial.quantity import counted, show_duration
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.slo.forecast import Forecast, forecast
from seatrial.slo.measure import Route


def forecast_lines(plan: Plan) -> Iterator[str]:
    """What each objective needs, and for the whole how long that takes at least; what cannot be decided in time says
    what would do. Without a load and an audit there is nothing to say."""
    yield from placing_lines(plan.services.values(), plan.realm)
    if plan.audit:
        yield audit_line(plan.audit)
    if plan.profile is None:
        return
    if plan.mix:
        yield from route_lines(plan.services.values(), plan.mix)
    if plan.profile.probes:
        yield _of_search(plan.profile)
        return
    found = _forecasts(plan, plan.profile)
    wanted_s = [item.wanted_s for item in found if item.in_time and item.wanted_s is not None]
    if wanted_s:
        yield (
            f"{len(wanted_s)} of {len(found)} objectives can be decided, at the earliest after "
            f"{show_duration(max(wanted_s))} of hold (at most {show_duration(_hold_s(plan, plan.profile))})"
        )
    if found and plan.profile.model is Model.OPEN:
        plays = f"{plan.profile.peak:g} plays/s"
        yield f"  counted are requests while the load holds, not plays: {plays} send each service what stands below"
    for item in found:
        yield f"  {item.sentence}"
    yield from _at_the_end(plan)
    if plan.canary:
        yield from (f"  {line}" for line in outlook(plan.canary, plan, hold_s=_hold_s(plan, plan.profile)))
    yield from _of_experiments(plan, until_hold_s(plan.profile) + max(wanted_s, default=0.0))


def audit_line(audit: Auditing) -> str:
    """What an audit will take, as far as that is known before its traffic."""
    strains = counted(len(audit.strains), "strain")
    return f"audit: {strains}, at most {show_duration(most_s(audit))}; what no journey calls is left out"


def _at_the_end(plan: Plan) -> Iterator[str]:
    """What no second of the hold decides: comparisons with another run, and what is about one value."""
    for service in plan.services.values():
        for objective in service.comparisons:
            yield f"  {service.name}.{objective.name}: held against '{objective.versus}' when the load is over"
        for point in service.points:
            yield f"  {service.name}.{point.name}: one value, judged when the load is over"


def _of_search(profile: Profile) -> str:
    first, last = profile.probes[0], profile.probes[-1]
    return (
        f"a breakpoint search from {first.level:g} to {last.level:g} takes at most {show_duration(profile.lasts_s)}"
    )


def _of_experiments(plan: Plan, load_s: float) -> Iterator[str]:
    """That there will not be time for all experiments, nor for the audit after them, where the load alone leaves too
    little of the gate's."""
    takes_s = sum(checked.experiment.takes_s for checked in plan.experiments)
    takes_s += most_s(plan.audit) if plan.audit else 0.0
    if not takes_s or plan.gate.at_most_s is None or load_s + takes_s <= plan.gate.at_most_s:
        return
    left = show_duration(max(0.0, plan.gate.at_most_s - load_s))
    needed = show_duration(math.ceil(load_s + takes_s))
    what = "the experiments take" if not plan.audit else "experiments and audit take up to"
    yield (
        f"  {what} {show_duration(takes_s)}, and the load leaves {left} of the gate's "
        f"{show_duration(plan.gate.at_most_s)} at most: not all will be run; allow {needed} or more"
    )


def _forecasts(plan: Plan, profile: Profile) -> tuple[Forecast, ...]:
    return forecast(
        plan.services,
        _rates_per_s(plan, profile),
        alpha=plan.gate.alpha,
        min_hold_s=plan.gate.min_hold_s,
        at_most_s=_hold_s(plan, profile),
    )


def _rates_per_s(plan: Plan, profile: Profile) -> Mapping[Route, float | None]:
    """Of each route that the load asks; nobody knows them of a closed one."""
    if profile.model is Model.OPEN:
        return {Route(*key): rate for key, rate in rates_per_s(plan).items()}
    scenarios = plan.mix.scenarios if plan.mix else ()
    return dict.fromkeys(asked_routes(scenarios))


def _hold_s(plan: Plan, profile: Profile) -> float:
    """How long the hold can be at most: extended if need be, but within the gate's time."""
    left_s = math.inf if plan.gate.at_most_s is None else plan.gate.at_most_s - until_hold_s(profile)
    return max(0.0, min(plan.extended_at_most_s, left_s))
