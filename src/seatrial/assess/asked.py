"""Which objectives the journeys of a load speak to; whether a breakpoint search has any it could miss, and an
experiment none that it could not judge.

Takes services, a mix and a profile that were read; a DocumentError shows before anything is sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from seatrial.assess.places import asked_routes
from seatrial.chaos.plan import Checked, PhaseObjective
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.profile import Profile
from seatrial.service import Service
from seatrial.slo.measure import matches


def asked_of(services: Mapping[str, Service], mix: Mix) -> dict[str, Service]:
    """The services with those of their objectives that some request of the journeys speaks to, none of them about one
    value: those are asked by an assessment alone."""
    routes = asked_routes(mix.scenarios)
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


def require_traffic(checked: Checked, load: Mix, *, profile: str) -> None:
    """DocumentError for an objective of an experiment that no journey of its load speaks to: it would have no data,
    and the experiment be undecided whatever happens. `profile` is what the load is called."""
    asked = asked_routes(load.scenarios)
    for item, where in _placed(checked):
        service, routes = item.service, item.objective.routes
        if not any(route.service == service and matches(route, routes) for route in asked):
            what = f"'{service}' for {', '.join(routes)}" if routes else f"'{service}'"
            raise DocumentError(
                where or Where("chaos", 1, 1),
                f"no journey of '{profile}' asks {what}, so '{service}.{item.objective.name}' would have no data",
                f"it asks {', '.join(sorted({route.service for route in asked}))}",
            )


def _placed(checked: Checked) -> Iterator[tuple[PhaseObjective, Where | None]]:
    """Every objective of an experiment with its place there."""
    experiment = checked.experiment
    expected = experiment.expectations
    yield from zip(checked.steady, (name.where for name in experiment.steady_state), strict=True)
    limits = [limit.objective.where for limit in expected.limits]
    yield from zip(checked.during, [*limits, *(name.where for name in expected.untouched)], strict=True)
    ending = experiment.abort_on.objectives if experiment.abort_on else ()
    yield from zip(checked.abort, (name.where for name in ending), strict=True)
