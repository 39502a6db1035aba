"""What an audit looks at beside the calls while a strain goes on: the connections at its edge, and how its caller
starts while the dependency is out.

Takes the surroundings of an experiment, gives them with the look at every tick; what is seen goes to the recorder.
"""

from __future__ import annotations

import dataclasses

from seatrial import http
from seatrial.assess.stage import Bridge
from seatrial.chaos.audit import battery
from seatrial.chaos.audit.model import Strain
from seatrial.chaos.experiment import Surroundings
from seatrial.chaos.model import FaultKind
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.exchange import Response
from seatrial.runtime import process
from seatrial.runtime.up import begin_service
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
    route, started_at, began = realm.places[caller].health, clock.now(), clock.monotonic()
    service = begin_service(realm, bridge.plan.workspace, caller)
    status: int | None = None
    cause: Cause | None = Cause.TIMEOUT
    while cause is Cause.TIMEOUT and clock.monotonic() - began < START_DEADLINE_S:
        answer = http.get(f"{service.url}{route}", timeout_s=ASK_TIMEOUT_S)
        if isinstance(answer, Response):
            status, cause = answer.status, None
        elif not process.is_alive(service.process):
            cause = Cause.REFUSED
        else:
            clock.sleep(ASK_EVERY_S)
    return Sample(
        run=bridge.run.name,
        phase=Phase.DURING,
        scenario=SCENARIO,
        step=battery.START,
        service=caller,
        method="GET",
        route=route,
        started_at=started_at,
        latency_s=clock.monotonic() - began,
        outcome=Outcome.BROKEN if cause else Outcome.OK,
        cause=cause,
        status=status,
        experiment=strain.name,
    )
