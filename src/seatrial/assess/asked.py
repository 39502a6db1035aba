"""Which objectives the journeys of a load speak to, and whether a breakpoint search has any it could miss.

Takes services, a mix and a profile that were read; a DocumentError shows before anything is sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from seatrial.errors import DocumentError, Where
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.profile import Profile
from seatrial.scenarios.model import every_step
from seatrial.service import Service
from seatrial.slo.measure import Route, matches


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
