"""Whether what is promised can be asked at all: each service is in a realm, each route in a journey of the load.

Room assess. Takes services, realms and the load's journeys; gives warnings, or an error for a service that no realm
has. Pure; must never refuse a service of another realm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.realm import Realm
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.model import every_step
from seatrial.service import Service
from seatrial.slo.measure import Route, matches


def require_placed(services: Iterable[Service], realms: Mapping[str, Realm]) -> None:
    """DocumentError for a service that is judged by its traffic and is in no realm: it would never have any."""
    known = {name for realm in realms.values() for name in realm.places}
    for service in filter(_has_traffic, services):
        if service.name not in known:
            hint = did_you_mean(service.name, known)
            raise DocumentError(service.where or Where("slo", 1, 1), f"no realm has a service '{service.name}'", hint)


def placing_lines(services: Iterable[Service], realm: Realm) -> Iterator[str]:
    """A warning for each service of other realms alone: here it will have no traffic."""
    for service in filter(_has_traffic, services):
        if service.name not in realm.places:
            yield f"warning: {service.where}: realm '{realm.name}' has no service '{service.name}', others have"


def route_lines(services: Iterable[Service], mix: Mix) -> Iterator[str]:
    """A warning for each route of an objective that no step of the load's journeys asks, with the nearest one."""
    steps = (step for scenario in mix.scenarios for step in every_step(scenario))
    asked = {Route(step.service, step.method, step.route) for step in steps}
    for service in services:
        own = [route for route in asked if route.service == service.name]
        promised = [(item.name, item.routes) for item in (*service.objectives, *service.comparisons)]
        promised += [(point.name, point.routes) for point in service.points]
        for name, patterns in promised:
            for pattern in patterns if own else ():
                if not any(matches(route, (pattern,)) for route in own):
                    hint = did_you_mean(pattern, {f"{route.method} {route.path}" for route in own})
                    yield f"warning: {service.name}.{name}: no step of the load asks {pattern}; {hint}"


def _has_traffic(service: Service) -> bool:
    return bool(service.promises) or any(not point.query for point in service.points)
