"""Judges the objectives about one value each: what a query gave, or what was measured as a point estimate.

Room slo. Takes `Measures` and services, gives a finding for each point objective. Pure: queries were answered while
the run went on and are part of its journal, and so is what earlier runs measured. May import the floor and its own
room; must never call anything MET without a value, nor give an interval to what has none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.quantity import show_duration, show_rate, show_ratio
from seatrial.service import Indicator, PointObjective, Relation, Service, Unit
from seatrial.slo.criteria import Aggregate, Held, aggregate, is_relative, judge_value, sets_text
from seatrial.slo.decide import unrendered_text
from seatrial.slo.failed_latency import Between, latency_between
from seatrial.slo.limits import point_limits_us
from seatrial.slo.measure import Measures, Traffic
from seatrial.slo.rendering import breaks_off, unrendered_of
from seatrial.slo.tally import total
from seatrial.verdict import Finding, Grade, Subject

ONE_VALUE = "one value, not a sample"
SHOWN: Mapping[Unit, Callable[[float], str]] = {
    Unit.MILLISECONDS: lambda value: f"{value:.4g} ms",
    Unit.SECONDS: show_duration,
    Unit.RATIO: show_ratio,
    Unit.PERCENT: lambda value: f"{value:.4g} %",
    Unit.PER_SECOND: lambda value: show_rate(value, digits=4),
    Unit.ITS_OWN: lambda value: f"{value:.6g}",
}
"""How a value is written, by its unit."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The value of one objective, or why there is none; what it may be at most, where failed requests had no latency
    that is known, or requests were `unrendered`; and what relative criteria are held against, or why they cannot be
    (`objection`). `left_out` failed requests stand in neither value."""

    value: float | None
    problem: str = ""
    at_most: float | None = None
    failed: int = 0
    left_out: int = 0
    unrendered: int = 0
    earlier: float | None = None
    of_earlier: str = ""
    objection: str = ""


def judge_points(
    measures: Measures, services: Mapping[str, Service], *, how: Aggregate = Aggregate.AVG
) -> tuple[Finding, ...]:
    """One finding for each point objective, in the documents' order; `how` several earlier values become one."""
    return tuple(
        _finding(service.name, objective, _seen(measures, service.name, objective, how=how))
        for service in services.values()
        for objective in service.points
    )


def with_queries(services: Iterable[Service]) -> Iterator[tuple[str, PointObjective]]:
    """Every objective that a metrics server must be asked for, with its service's name."""
    return ((service.name, objective) for service in services for objective in service.points if objective.query)


def _seen(measures: Measures, service: str, objective: PointObjective, *, how: Aggregate) -> _Seen:
    find = _queried if objective.query else _measured
    seen = find(measures, service, objective)
    earlier = measures.earlier.get((service, objective.name))
    if earlier is None or not earlier.values:
        return dataclasses.replace(seen, objection=earlier.problem if earlier else "")
    several = f"the {how} of {len(earlier.values)} earlier values" if len(earlier.values) > 1 else "the earlier value"
    return dataclasses.replace(seen, earlier=aggregate(earlier.values, how), of_earlier=several)


def _queried(measures: Measures, service: str, objective: PointObjective) -> _Seen:
    answer = measures.queried.get((service, objective.name))
    if answer is None:
        return _Seen(None, "no value: the query was not asked, for no load was held")
    if answer.query != objective.query:
        return _Seen(None, f"no value: the run asked another query, {answer.query}")
    return _Seen(answer.value, answer.problem)


def _measured(measures: Measures, service: str, objective: PointObjective) -> _Seen:
    traffic = Traffic(service, objective.routes)
    counted = total(measures.tallies(traffic))
    if not counted.errors[1]:
        lost = f"; {unrendered_text(counted.unrendered)}" if counted.unrendered else ""
        return _Seen(None, f"no value: there was no request to measure{lost}")
    if objective.indicator is Indicator.LATENCY:
        return dataclasses.replace(_timed(measures, traffic, objective), unrendered=counted.unrendered)
    value, at_most = _estimate(measures, traffic, objective)
    problem = "" if value is not None else "no value: there was no whole second to measure"
    throughput = objective.indicator is Indicator.THROUGHPUT
    unrendered = unrendered_of(measures, traffic.span) if throughput else counted.unrendered
    return _Seen(value, problem, at_most=at_most, unrendered=unrendered)


def _timed(measures: Measures, traffic: Traffic, objective: PointObjective) -> _Seen:
    """A latency's value, and what it may be were every failed request that was not timed as slow as can be."""
    relative = objective.criteria is not None and is_relative(objective.criteria)
    limits_us = () if relative else point_limits_us(objective)
    found = latency_between(measures, traffic, objective.quantile or 0.0, limits_us=limits_us)
    problem = "" if found.low_s is not None else f"no value: all {found.failed:,} requests failed"
    low, high = _in_unit(found, objective.unit)
    return _Seen(low, problem, at_most=high, failed=found.failed, left_out=found.left_out)


def _in_unit(found: Between, unit: Unit) -> tuple[float | None, float | None]:
    factor = 1000.0 if unit is Unit.MILLISECONDS else 1.0
    low, high = (None if value is None else value * factor for value in (found.low_s, found.high_s))
    return low, high


def _estimate(
    measures: Measures, traffic: Traffic, objective: PointObjective
) -> tuple[float, float] | tuple[None, None]:
    """The value, and what it is with every unrendered request counted: as failed; for a throughput those of all
    services as OK, and endless where they broke off too many plays."""
    if objective.indicator is Indicator.THROUGHPUT:
        ok, at_best = measures.ok_in_whole_seconds(traffic), measures.ok_at_best(traffic)
        if not ok:
            return None, None
        at_most = math.inf if breaks_off(measures, traffic.span) else sum(at_best) / len(at_best)
        return sum(ok) / len(ok), at_most
    counted = total(measures.tallies(traffic))
    (failed, asked), unknown = counted.errors, counted.unrendered
    factor = 100.0 if objective.unit is Unit.PERCENT else 1.0
    return failed / asked * factor, (failed + unknown) / (asked + unknown) * factor


def _finding(service: str, objective: PointObjective, seen: _Seen) -> Finding:
    grade, reason = _grade(objective, seen)
    informs = objective.criteria is None
    return Finding(
        subject=Subject.INFORMATION if informs else Subject.OBJECTIVE,
        service=service,
        objective=objective.name,
        grade=grade,
        reason=reason,
        limit=_lone_limit(objective),
        measured=seen.value,
        limit_text=_limit_text(objective),
        measured_text=_measured_text(objective, seen),
        weight=objective.weight,
        key=objective.key,
        where=objective.where,
        counts=not informs,
    )


def _grade(objective: PointObjective, seen: _Seen) -> tuple[Grade, str]:
    if seen.value is None:
        missed = objective.missed_without_value and objective.criteria is not None
        return (Grade.MISSED if missed else Grade.UNDECIDED), seen.problem
    if objective.criteria is None:
        return Grade.MET, "for information only, not judged"
    if seen.objection and is_relative(objective.criteria):
        return Grade.UNDECIDED, seen.objection
    grade, held = judge_value(seen.value, objective.criteria, earlier=seen.earlier)
    reason = "; ".join((ONE_VALUE, *(_came_out(one, objective, seen) for one in held)))
    if seen.at_most is None or judge_value(seen.at_most, objective.criteria, earlier=seen.earlier)[0] is grade:
        return grade, reason
    untimed = f"{seen.failed:,} failed requests have no latency that is known" if seen.failed else ""
    lost = unrendered_text(seen.unrendered) if seen.unrendered else ""
    unknown = f"{' and '.join(filter(None, (untimed, lost)))}, and it decides"
    may_be = SHOWN[objective.unit](seen.at_most) if math.isfinite(seen.at_most) else "higher"
    return Grade.UNDECIDED, f"{unknown}: the value may be {may_be}; {reason}"


def _came_out(held: Held, objective: PointObjective, seen: _Seen) -> str:
    """`<=+10% does not hold: the target is 440 ms, by the earlier value of 400 ms`."""
    criterion, shown = held.criterion, SHOWN[objective.unit]
    if held.is_vacuous:
        return _for_want(criterion.text)
    said = f"{criterion.text} {'holds' if held.holds else 'does not hold'}"
    if criterion.relation is Relation.FIXED or held.target is None or seen.earlier is None:
        return said
    return f"{said}: the target is {shown(held.target)}, by {seen.of_earlier}, {shown(seen.earlier)}"


def _limit_text(objective: PointObjective) -> str:
    if objective.criteria is None:
        return "for information"
    met, degraded = objective.criteria.met, objective.criteria.degraded
    return sets_text(met) + (f" (degraded: {sets_text(degraded)})" if degraded else "")


def _measured_text(objective: PointObjective, seen: _Seen) -> str:
    """The value, and what it does not say by itself, for a value that is met shows no reason everywhere."""
    if seen.value is None:
        return "no value"
    left_out = (f"{seen.left_out:,} failed requests left out",) if seen.left_out else ()
    lost = (unrendered_text(seen.unrendered),) if seen.unrendered else ()
    said = "; ".join((ONE_VALUE, *left_out, *lost, *_vacuous(objective, seen)))
    return f"{SHOWN[objective.unit](seen.value)} ({said})"


def _vacuous(objective: PointObjective, seen: _Seen) -> Iterator[str]:
    if seen.value is None or objective.criteria is None or seen.objection:
        return
    _, held = judge_value(seen.value, objective.criteria, earlier=seen.earlier)
    yield from (_for_want(one.criterion.text) for one in held if one.is_vacuous)


def _for_want(criterion: str) -> str:
    return f"{criterion} holds for want of any earlier value"


def _lone_limit(objective: PointObjective) -> float | None:
    """The limit where there is only one, and it is fixed."""
    found = [criterion for one in objective.criteria.met for criterion in one] if objective.criteria else []
    return found[0].number if len(found) == 1 and found[0].relation is Relation.FIXED else None
