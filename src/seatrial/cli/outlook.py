"""What an assessment will take at least, said before it starts: requests and time per objective."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.assess.canary import outlook
from seatrial.assess.places import placing_lines, route_lines
from seatrial.assess.plan import Plan, rates_per_s, until_hold_s
from seatrial.quantity import show_duration
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.slo.forecast import Forecast, forecast
from seatrial.slo.measure import Route


def forecast_lines(plan: Plan) -> Iterator[str]:
    """What each objective needs, and for the whole how long that takes at least; what cannot be decided in time says
    what would do. Without a load there is nothing to say."""
    yield from placing_lines(plan.services.values(), plan.realm)
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
    for item in found:
        yield f"  {item.sentence}"
    if plan.canary:
        yield from (f"  {line}" for line in outlook(plan.canary, plan, hold_s=_hold_s(plan, plan.profile)))
    yield from _of_experiments(plan, until_hold_s(plan.profile) + max(wanted_s, default=0.0))


def _of_search(profile: Profile) -> str:
    first, last = profile.probes[0], profile.probes[-1]
    return (
        f"a breakpoint search from {first.level:g} to {last.level:g} takes at most {show_duration(profile.lasts_s)}"
    )


def _of_experiments(plan: Plan, load_s: float) -> Iterator[str]:
    """That there will not be time for all experiments, where the load alone leaves too little of the gate's."""
    takes_s = sum(checked.experiment.takes_s for checked in plan.experiments)
    if plan.gate.at_most_s is None or load_s + takes_s <= plan.gate.at_most_s:
        return
    left = show_duration(max(0.0, plan.gate.at_most_s - load_s))
    needed = show_duration(math.ceil(load_s + takes_s))
    yield (
        f"  the experiments take {show_duration(takes_s)}, and the load leaves {left} of the gate's "
        f"{show_duration(plan.gate.at_most_s)} at most: not all will be run; allow {needed} or more"
    )


def _forecasts(plan: Plan, profile: Profile) -> tuple[Forecast, ...]:
    return forecast(
        plan.services,
        {Route(*key): rate for key, rate in rates_per_s(plan).items()} if profile.model is Model.OPEN else None,
        alpha=plan.gate.alpha,
        min_hold_s=plan.gate.min_hold_s,
        at_most_s=_hold_s(plan, profile),
    )


def _hold_s(plan: Plan, profile: Profile) -> float:
    """How long the hold can be at most: extended if need be, but within the gate's time."""
    left_s = math.inf if plan.gate.at_most_s is None else plan.gate.at_most_s - until_hold_s(profile)
    return max(0.0, min(plan.extended_at_most_s, left_s))
