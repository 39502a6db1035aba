"""The first stage: every service of the realm is ready, and the generator has room for the profile's peak.

Takes a plan and the realm's state, says what it found. A realm where nobody answers stops the assessment; a service
that is not ready and a busy machine are warned of: what they lead to is judged where it shows, in journeys and load.
"""

from __future__ import annotations

from seatrial.assess.canary import require_canary
from seatrial.assess.headroom import Headroom, lacking, measure_headroom
from seatrial.assess.plan import Plan
from seatrial.assess.stage import Moment, Say, Show
from seatrial.clock import Clock
from seatrial.quantity import counted, show_duration
from seatrial.runtime.ready import READY_WITHIN_S, Readiness, wait_until_ready
from seatrial.runtime.state import RealmState
from seatrial.runtime.up import require_reachable
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.slo.generator import late_bound_s


def preflight(plan: Plan, state: RealmState | None, *, clock: Clock, say: Say, show: Show) -> None:
    """Unreachable when no service accepts a connection; says which are ready, and how much room the generator has."""
    require_reachable(plan.realm, state)
    if plan.canary:
        require_canary(plan.canary)
    show(Moment("preflight", 0.0, READY_WITHIN_S))
    for line in ready_lines(wait_until_ready(plan.realm, state, clock=clock), plan.realm.name):
        say(f"preflight: {line}")
    if plan.profile:
        for line in room_lines(measure_headroom(), plan, plan.profile):
            say(f"preflight: {line}")


def ready_lines(found: Readiness, realm: str) -> tuple[str, ...]:
    """How many services are ready, and a warning for each that is not."""
    total = len(found.ready) + len(found.unready)
    ready = f"{len(found.ready)} of {counted(total, 'service')} of realm '{realm}' ready"
    after = show_duration(READY_WITHIN_S)
    return (ready, *(f"warning: {name} is not ready after {after}: {what}" for name, what in found.unready.items()))


def room_lines(headroom: Headroom, plan: Plan, profile: Profile) -> tuple[str, ...]:
    """What was measured against the profile's peak, and a warning where that is too little."""
    peak = f"{profile.peak:g} plays/s" if profile.model is Model.OPEN else f"{profile.peak:g} users"
    found = f"{headroom.text}, for a peak of {peak}"
    warning = short_of_room(headroom, plan)
    return (found, f"warning: {warning}") if warning else (found,)


def short_of_room(headroom: Headroom, plan: Plan) -> str:
    """What a load is likely to suffer here, and what comes of it; empty where there is room."""
    short = lacking(headroom, late_bound_s=late_bound_s(plan.documented))
    hint = "stop what else runs here, or load from another machine"
    return f"{short}; a generator that is late leaves every objective UNDECIDED (generator): {hint}" if short else ""
