"""What a load must count while it runs: the latency limits that failures are timed against, and what is asked of it.

Room slo. Takes services, gives microseconds and questions. Pure; may import the floor; must never judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seatrial.service import Indicator, Objective, PointObjective, Relation, Service, Unit
from seatrial.slo.criteria import every
from seatrial.slo.measure import Question, microseconds

_S_OF = {Unit.MILLISECONDS: 1e-3, Unit.SECONDS: 1.0}


def limits_us(
    services: Mapping[str, Service], *, also: Iterable[tuple[str, float]] = ()
) -> dict[str, tuple[int, ...]]:
    """The latency limits to count exactly while the load runs: ascending microseconds by service.

    Those of the objectives, degraded limits and fixed criteria included, and `also`: pairs of service and seconds,
    such as what experiments expect. A service without any is left out.
    """
    limits: dict[str, set[int]] = {}
    promised = ((name, limit_s) for name, service in services.items() for limit_s in _limits_s(service))
    for name, limit_s in (*promised, *also):
        limits.setdefault(name, set()).add(microseconds(limit_s))
    return {name: tuple(sorted(found)) for name, found in limits.items()}


def questions(services: Iterable[Service], *, also: Iterable[tuple[str, Objective]] = ()) -> frozenset[Question]:
    """All that judging the services' objectives asks of a load while it goes on, and judging `also`: pairs of service
    and objective, such as what experiments expect. Objectives about one value are judged later, from the journal."""
    promised = ((service.name, objective) for service in services for objective in service.objectives)
    return frozenset(question for name, objective in (*promised, *also) for question in _questions(name, objective))


def point_limits_us(objective: PointObjective) -> tuple[int, ...]:
    """The fixed criteria of a latency that is one value, ascending microseconds; none of another kind."""
    if objective.indicator is not Indicator.LATENCY or objective.criteria is None:
        return ()
    fixed = (one.number for one in every(objective.criteria) if one.relation is Relation.FIXED)
    return tuple(sorted({microseconds(number * _S_OF[objective.unit]) for number in fixed if number > 0.0}))


def _limits_s(service: Service) -> Iterator[float]:
    for objective in service.objectives:
        yield from _latency_limits_s(objective)
    for point in service.points:
        yield from (limit_us / 1e6 for limit_us in point_limits_us(point))


def _questions(service: str, objective: Objective) -> Iterator[Question]:
    limits_s = _latency_limits_s(objective)
    for limit_us in map(microseconds, limits_s) if limits_s else (None,):
        yield Question(service, objective.routes, limit_us)


def _latency_limits_s(objective: Objective) -> tuple[float, ...]:
    if objective.indicator not in (Indicator.LATENCY, Indicator.WAITING):
        return ()
    return (objective.limit,) if objective.degraded_limit is None else (objective.limit, objective.degraded_limit)
