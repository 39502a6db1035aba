"""What an audit looks at beside the calls while a strain goes on: the connections at its edge, how its caller says
it is, and how that starts while the dependency is out.

Takes the surroundings of an experiment, gives them with the look at every tick; what is seen goes to the recorder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from seatrial import http
from seatrial.assess.stage import Bridge
from seatrial.chaos.audit import battery
from seatrial.chaos.audit.model import Strain
from seatrial.chaos.experiment import Surroundings
from seatrial.chaos.model import FaultKind
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.exchange import Response
from seatrial.runtime import process
from seatrial.runtime.up import begin_service, direct_addresses
from seatrial.sample import Cause, Outcome, Phase, Sample
from seatrial.service import Edge

SCENARIO = "audit"  # of the samples: no journey's
STARTS = 2  # so often is started again what ends by itself, as whoever runs a service would
START_DEADLINE_S = 12.0
ASK_EVERY_S = 0.1
ASK_TIMEOUT_S = 1.0


def count_connections(watch: EdgeWatch, bridge: Bridge, *, edge: Edge) -> None:
    """Record the connections that are open at the edge now."""
    bridge.recorder.write(*(counts for counts in watch.connections() if counts.edge == str(edge)))


def ask_for_health(bridge: Bridge, strain: Strain) -> Callable[[], Sample] | None:
    """Asks the caller how it is, past its proxy, as whoever restarts it would; None where the strain asks nothing, or
    nobody knows where."""
    caller, realm = strain.edge.caller, bridge.plan.realm
    address = direct_addresses(realm, bridge.state).get(caller)
    route = battery.health_asked(strain, realm.places.get(caller))
    if address is None or not route:
        return None

    def ask() -> Sample:
        asked = _Asked(battery.HEALTH, route, bridge.clock.now(), bridge.clock.monotonic())
        answer = http.get(f"{address.rstrip('/')}{route}", timeout_s=ASK_TIMEOUT_S)
        if isinstance(answer, Response):
            return asked.came_to(bridge, strain, status=answer.status)
        return asked.came_to(bridge, strain, cause=answer.cause)

    return ask


@dataclass(frozen=True, slots=True)
class _Asked:
    """That the caller of a strain was asked: `began` is of the monotonic clock."""

    step: str
    route: str
    started_at: float
    began: float

    def came_to(
        self, bridge: Bridge, strain: Strain, *, status: int | None = None, cause: Cause | None = None
    ) -> Sample:
        """It is over now; OK where there is no cause why not."""
        return Sample(
            run=bridge.run.name,
            phase=Phase.DURING,
            scenario=SCENARIO,
            step=self.step,
            service=strain.edge.caller,
            method="GET",
            route=self.route,
            started_at=self.started_at,
            latency_s=bridge.clock.monotonic() - self.began,
            outcome=Outcome.BROKEN if cause else Outcome.OK,
            cause=cause,
            status=status,
            experiment=strain.name,
        )


def starting_without(around: Surroundings, bridge: Bridge, strain: Strain) -> Surroundings:
    """The same, and while the edge is down, its caller, which was told to end before, is started: by the first look,
    which lasts until it answers its health path or has ended by itself, and then once more."""
    seen: list[Sample] = []

    def observe() -> None:
        around.observe()
        is_out = any(active.resolved.fault.kind is FaultKind.DOWN for active in around.injector.active)
        if is_out and not seen:
            while len(seen) < STARTS and (not seen or seen[-1].cause is Cause.REFUSED):
                seen.append(_start(bridge, strain))
            bridge.recorder.write(*seen)

    return dataclasses.replace(around, observe=observe)


def _start(bridge: Bridge, strain: Strain) -> Sample:
    """How one start went. `cause`: REFUSED where the process ended by itself, TIMEOUT where it ran on in silence."""
    caller, clock, realm = strain.edge.caller, bridge.clock, bridge.plan.realm
    asked = _Asked(battery.START, realm.places[caller].health, clock.now(), clock.monotonic())
    service = begin_service(realm, bridge.plan.workspace, caller)
    status: int | None = None
    cause: Cause | None = Cause.TIMEOUT
    while cause is Cause.TIMEOUT and clock.monotonic() - asked.began < START_DEADLINE_S:
        answer = http.get(f"{service.url}{asked.route}", timeout_s=ASK_TIMEOUT_S)
        if isinstance(answer, Response):
            status, cause = answer.status, None
        elif not process.is_alive(service.process):
            cause = Cause.REFUSED
        else:
            clock.sleep(ASK_EVERY_S)
    return asked.came_to(bridge, strain, status=status, cause=cause)
