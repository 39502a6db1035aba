"""Reads the objectives about one value each: Prometheus queries, and criteria for what is measured.

Room slo. Takes one objective as `read` parsed it, gives a `PointObjective`; every mistake is a `DocumentError` with
its place. May import the floor and the documents' door; must never guess a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatrial import quantity
from seatrial.errors import did_you_mean
from seatrial.service import Criteria, CriteriaSets, Criterion, Indicator, PointObjective, Unit
from seatrial.slo.criteria import parse_criterion
from seatrial.slo.entry import Entry
from seatrial.slo.points import SHOWN
from seatrial.slo.prometheus import VARIABLES, unknown_variable

UNITS: Mapping[Indicator, tuple[Unit, ...]] = {
    Indicator.ERRORS: (Unit.RATIO, Unit.PERCENT),
    Indicator.LATENCY: (Unit.MILLISECONDS, Unit.SECONDS),
    Indicator.THROUGHPUT: (Unit.PER_SECOND,),
    Indicator.PROMETHEUS: (Unit.ITS_OWN,),
}
"""What the numbers of criteria may be in, the usual one first."""

_OPERATORS = {"limit": "<=", "at_least": ">="}
_FORMS = ("limit", "at_least", "criteria", "information")
_EXAMPLES = "limit: 0.5%, at_least: 150/s, criteria: {met: [[<600]]} or information: true"
_READERS: Sequence[tuple[Callable[[object], float], Unit]] = (
    (quantity.ratio, Unit.RATIO),
    (quantity.duration_s, Unit.SECONDS),
    (quantity.rate_per_s, Unit.PER_SECOND),
)


def is_point(indicator: Indicator, given: set[str]) -> bool:
    """Whether an objective is about one value, by what is written of it."""
    return indicator is Indicator.PROMETHEUS or bool(given & {"criteria", "information"})


def point_objective(entry: Entry, indicator: Indicator) -> PointObjective:
    """The objective of one entry that `is_point`."""
    raw = entry.raw
    _require_form(entry, indicator)
    _refuse_foreign(entry, indicator)
    unit = _unit(entry, indicator)
    criteria = _criteria(entry)
    if raw.limit is not None or raw.at_least is not None:
        criteria, unit = _limits(entry, "limit" if raw.limit is not None else "at_least")
    return PointObjective(
        name=raw.name,
        indicator=indicator,
        criteria=criteria,
        unit=unit,
        query=(raw.query or "").strip(),
        quantile=raw.quantile,
        routes=entry.routes(),
        missed_without_value=raw.no_value == "missed",
        weight=raw.weight,
        key=raw.key,
        where=entry.document.where("objectives", entry.index),
    )


def _require_form(entry: Entry, indicator: Indicator) -> None:
    raw = entry.raw
    given = [key for key in _FORMS if key in raw.model_fields_set]
    if not given:
        raise entry.wrong_value(problem=f"objective '{raw.name}' has no limit", hint=f"add one of {_EXAMPLES}")
    if len(given) > 1:
        raise entry.wrong_key(given[1], problem=f"both '{given[0]}' and '{given[1]}'", hint="leave one out")
    if "information" in given and not raw.information:
        raise entry.wrong_key("information", problem="information: false says nothing", hint=f"write {_EXAMPLES}")
    if indicator is Indicator.PROMETHEUS and not (raw.query or "").strip():
        hint = "add it, as query: 'sum(rate(errors_total[$hold])) / sum(rate(requests_total[$hold]))'"
        raise entry.wrong_value(problem=f"objective '{raw.name}' has no 'query'", hint=hint)
    unknown = unknown_variable(raw.query or "")
    if unknown is not None:
        hint = did_you_mean(f"${unknown}", [f"${name}" for name in VARIABLES])
        raise entry.wrong_value("query", problem=f"unknown variable '${unknown}'", hint=hint)
    if indicator is Indicator.LATENCY and raw.quantile is None:
        problem = f"latency objective '{raw.name}' has no 'quantile'"
        raise entry.wrong_value(problem=problem, hint="add it, as quantile: p99")


def _refuse_foreign(entry: Entry, indicator: Indicator) -> None:
    foreign = {"versus", "at_most", "window"}
    if indicator is Indicator.PROMETHEUS:
        foreign |= {"quantile", "routes", "unit"}
    else:
        foreign |= {"query", "limit", "at_least"} | (set() if indicator is Indicator.LATENCY else {"quantile"})
    for key in sorted(foreign & entry.raw.model_fields_set):
        problem = f"an objective of {indicator} about one value takes no '{key}'"
        raise entry.wrong_key(key, problem=problem, hint="leave it out")


def _unit(entry: Entry, indicator: Indicator) -> Unit:
    known = UNITS[indicator]
    if entry.raw.unit is None:
        return known[0]
    if entry.raw.unit not in known:
        hint = did_you_mean(entry.raw.unit, known) or f"{indicator} is in {' or '.join(known)}"
        raise entry.wrong_value("unit", problem=f"unit '{entry.raw.unit}'", hint=hint)
    return Unit(entry.raw.unit)


def _criteria(entry: Entry) -> Criteria | None:
    raw = entry.raw.criteria
    if raw is None:
        return None
    if not raw.met:
        raise entry.wrong_value("criteria", "met", problem="no criteria", hint=f"write {_EXAMPLES}")
    return Criteria(_sets(entry, "met", raw.met), _sets(entry, "degraded", raw.degraded))


def _sets(entry: Entry, key: str, raw: tuple[tuple[str, ...], ...]) -> CriteriaSets:
    if () in raw:
        problem = "a list without criteria would hold of every value"
        raise entry.wrong_value("criteria", key, raw.index(()), problem=problem, hint="add one, or leave it out")
    return tuple(
        tuple(_criterion(entry, (key, at, index), text) for index, text in enumerate(one))
        for at, one in enumerate(raw)
    )


def _criterion(entry: Entry, path: tuple[str | int, ...], text: str) -> Criterion:
    try:
        return parse_criterion(text)
    except ValueError as error:
        raise entry.wrong_value("criteria", *path, problem=str(error)) from None


def _limits(entry: Entry, key: str) -> tuple[Criteria, Unit]:
    """`limit: 0.5%`, or both of `{met: ..., degraded: ...}`, in one unit."""
    value = getattr(entry.raw, key)
    if not isinstance(value, dict):
        limit, unit = _limit(entry, value, (key,))
        return Criteria(_lone(key, limit, unit)), unit
    if set(value) != {"met", "degraded"}:
        problem = f"'{key}' has the keys {', '.join(map(str, value)) or 'none'}"
        raise entry.wrong_value(key, problem=problem, hint="write both limits: {met: ..., degraded: ...}")
    met, unit = _limit(entry, value["met"], (key, "met"))
    degraded, other = _limit(entry, value["degraded"], (key, "degraded"))
    if other is not unit or not (degraded > met if key == "limit" else degraded < met):
        problem = f"the degraded limit '{value['degraded']}' is no laxer than '{value['met']}'"
        raise entry.wrong_value(key, "degraded", problem=problem, hint="exchange them, or leave it out")
    return Criteria(_lone(key, met, unit), _lone(key, degraded, unit)), unit


def _lone(key: str, limit: float, unit: Unit) -> CriteriaSets:
    operator = _OPERATORS[key]
    return ((Criterion(f"{operator} {SHOWN[unit](limit)}", operator, limit),),)


def _limit(entry: Entry, value: Any, path: tuple[str, ...]) -> tuple[float, Unit]:
    """A plain number is in the query's own unit; a share, a time or a rate in Prometheus' (ratio, seconds, per s)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), Unit.ITS_OWN
    for read, unit in _READERS:
        try:
            return read(value), unit
        except ValueError:
            continue
    problem = f"'{value}' is no limit of a query"
    raise entry.wrong_value(*path, problem=problem, hint="write 0.5%, 300ms, 150/s or a plain number")
