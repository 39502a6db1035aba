"""Whether what is promised can be asked at all: each service is in a realm, each route in a journey of the load.

Room assess. Takes services, realms and journeys; gives warnings, or an error for a service that no realm has and a
route that no journey asks. Pure; must never refuse what another realm has, or another load asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.realm import Realm
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.model import Scenario, every_step
from seatrial.service import Objective, PointObjective, Service
from seatrial.slo.measure import Route, matches


def require_placed(services: Iterable[Service], realms: Mapping[str, Realm]) -> None:
    """DocumentError for a service that is judged by its traffic and is in no realm: it would never have any."""
    known = {name for realm in realms.values() for name in realm.places}
    for service in filter(_has_traffic, services):
        if service.name not in known:
            hint = did_you_mean(service.name, known)
            raise DocumentError(service.where or Where("slo", 1, 1), f"no realm has a service '{service.name}'", hint)


def require_asked(services: Iterable[Service], scenarios: Iterable[Scenario]) -> None:
    """DocumentError for a promise of routes that no journey asks, whatever load it is in: it would never have any
    data. Routes are fixed, templates or not, so that is certain; of a service nobody asks it is not said."""
    asked = asked_routes(scenarios)
    for service in services:
        own = [route for route in asked if route.service == service.name]
        for promise in _routed(service) if own else ():
            if not any(matches(route, promise.routes) for route in own):
                problem = f"no journey asks '{service.name}' for {', '.join(promise.routes)}"
                hint = _nearest(promise.routes[0], own)
                raise DocumentError(promise.where or Where("slo", 1, 1), problem, hint)


def placing_lines(services: Iterable[Service], realm: Realm) -> Iterator[str]:
    """A warning for each service of other realms alone: here it will have no traffic."""
    for service in filter(_has_traffic, services):
        if service.name not in realm.places:
            yield f"warning: {service.where}: realm '{realm.name}' has no service '{service.name}', others have"


def route_lines(services: Iterable[Service], mix: Mix) -> Iterator[str]:
    """A warning for each route of an objective that no step of the load's journeys asks, with the nearest one."""
    asked = asked_routes(mix.scenarios)
    for service in services:
        own = [route for route in asked if route.service == service.name]
        for promise in _routed(service) if own else ():
            for pattern in promise.routes:
                if not any(matches(route, (pattern,)) for route in own):
                    hint = _nearest(pattern, own)
                    yield f"warning: {service.name}.{promise.name}: no step of the load asks {pattern}; {hint}"


def asked_routes(scenarios: Iterable[Scenario]) -> frozenset[Route]:
    """Every route that some step of these journeys asks."""
    steps = (step for scenario in scenarios for step in every_step(scenario))
    return frozenset(Route(step.service, step.method, step.route) for step in steps)


def _routed(service: Service) -> Iterator[Objective | PointObjective]:
    """What is promised of some routes, and not of all."""
    promised: tuple[Objective | PointObjective, ...] = (*service.promises, *service.points)
    return (promise for promise in promised if promise.routes)


def _nearest(pattern: str, routes: Iterable[Route]) -> str:
    return did_you_mean(pattern, {f"{route.method} {route.path}" for route in routes})


def _has_traffic(service: Service) -> bool:
    return bool(service.promises) or any(not point.query for point in service.points)
