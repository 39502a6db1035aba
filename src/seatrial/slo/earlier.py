"""Which earlier values a relative criterion is held against: of the newest runs whose verdict qualifies.

Room slo. Takes earlier runs as they were judged, gives an `Earlier` record for each objective that asks for one.
Pure; may import the floor and its own room; must never fill the place of a run that has no value: fewer are fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.sample import Earlier
from seatrial.service import PointObjective, Service
from seatrial.slo.criteria import is_relative
from seatrial.slo.versus import Of, Versus
from seatrial.verdict import Grade

_QUALIFY: Mapping[Of, frozenset[Grade]] = {
    Of.MET: frozenset({Grade.MET}),
    Of.MET_OR_DEGRADED: frozenset({Grade.MET, Grade.DEGRADED}),
    Of.ALL: frozenset(Grade),
}


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run that was judged: its verdict, and what it measured by service and objective (None: it had no value)."""

    name: str
    grade: Grade
    values: Mapping[str, Mapping[str, float | None]]


def qualifies(grade: str, of: Of) -> bool:
    """Whether the values of a run with that verdict are compared with; never where it has none."""
    return grade in _QUALIFY[of]


def relative_points(services: Iterable[Service]) -> Iterator[tuple[str, PointObjective]]:
    """Every objective that asks for earlier values, with its service's name."""
    for service in services:
        for objective in service.points:
            if objective.criteria is not None and is_relative(objective.criteria):
                yield service.name, objective


def earlier_of_named(
    run: str, services: Iterable[Service], named: EarlierRun, *, problem: str = ""
) -> Iterator[Earlier]:
    """What `run` is held against where the gate names an earlier one: its values, whatever its verdict.

    Who names a run wants to be held against it: without a value, or with a `problem`, nothing holds by it.
    """
    for service, objective in relative_points(services):
        value = named.values.get(service, {}).get(objective.name)
        if problem or value is None:
            why = problem or f"{named.name}, which the gate's `versus` names, has no value of it"
            yield Earlier(run, service, objective.name, (), (), why)
        else:
            yield Earlier(run, service, objective.name, (named.name,), (value,))


def earlier_of(
    run: str, services: Iterable[Service], runs: Iterable[EarlierRun], *, versus: Versus
) -> Iterator[Earlier]:
    """What `run` is held against: of `runs`, newest first, the newest `versus.last` that judged the service and
    qualify; those of them without a value give none, and their place is not filled."""
    listed = tuple(runs)
    for service, objective in relative_points(services):
        judged = [one for one in listed if service in one.values and qualifies(one.grade, versus.of)]
        values = [(one.name, one.values[service].get(objective.name)) for one in judged[: versus.last]]
        found = [(name, value) for name, value in values if value is not None]
        names, numbers = tuple(name for name, _ in found), tuple(value for _, value in found)
        yield Earlier(run, service, objective.name, names, numbers)
