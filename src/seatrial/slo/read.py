"""Reads the service documents `slo/<service>.yaml` into floor `Service`s.

Room slo. Takes the folder, gives what every room may know of a service: its owner, whom it depends on, what its edges
promise and its objectives. Every mistake is a `DocumentError` with its place; forms that come later are refused by
name, never ignored. May import the floor and the documents' door; must never judge or guess a limit.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from seatrial import documents, quantity
from seatrial.documents import Document, DurationS, Ratio, Shape
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.service import BreakerPromise, Dependency, Indicator, Mechanisms, Objective, PointObjective, Service
from seatrial.slo.entry import Entry, RawObjective
from seatrial.slo.read_points import is_point, point_objective

_ROUTE = re.compile(r"([A-Z]+|\*) /\S*")
_LIMIT_KEYS = {Indicator.ERRORS: "limit", Indicator.LATENCY: "limit", Indicator.THROUGHPUT: "at_least"}
_INDICATORS = (*_LIMIT_KEYS, Indicator.PROMETHEUS)
_FOREIGN = {"limit", "at_least", "at_most", "query", "unit", "no_value"}
_EXAMPLES = {
    Indicator.ERRORS: "limit: 1%",
    Indicator.LATENCY: "limit: 300ms",
    Indicator.THROUGHPUT: "at_least: 150/s",
}
_CHANGE_KEYS = {Indicator.ERRORS: "at_most", Indicator.LATENCY: "at_most", Indicator.THROUGHPUT: "at_least"}
_CHANGE_EXAMPLES = {"at_most": "at_most: +10%", "at_least": "at_least: -5%"}
_PARSERS: dict[Indicator, Callable[[object], float]] = {
    Indicator.ERRORS: quantity.ratio,
    Indicator.LATENCY: quantity.duration_s,
    Indicator.THROUGHPUT: quantity.rate_per_s,
}


_Name = Annotated[str, Field(min_length=1)]
_Count = Annotated[int, Field(strict=True, ge=1)]
_Weight = Annotated[float, Field(strict=True, gt=0.0, allow_inf_nan=False)]


class _Breaker(Shape):
    min_calls: _Count = 10
    failures: Ratio = 0.5
    window: DurationS = 10.0
    open_for: DurationS = 5.0
    trials: _Count = 1


class _Retries(Shape):
    max: Annotated[int, Field(strict=True, ge=0)] | None = None
    budget: Ratio | None = None


class _Mechanisms(Shape):
    timeout: DurationS | None = None
    breaker: _Breaker | None = None
    retries: _Retries = _Retries()


class _Service(Shape):
    service: _Name
    version: Literal[1] = 1
    owner: str = ""
    tier: _Count | None = None
    runbook: str = ""
    depends_on: tuple[str | dict[str, Any], ...] = ()
    mechanisms: dict[str, _Mechanisms] = {}
    objectives: tuple[RawObjective, ...] = ()


SHAPES: Mapping[str, type[Shape]] = {"service": _Service}


def read_services(folder: Path) -> dict[str, Service]:
    """Every `service:` document below the folder by the service's name, in the order of their files; may be empty."""
    services: dict[str, Service] = {}
    for document in documents.find(folder, "service"):
        documents.keep(read_service(document), services, document)
    return services


def read_service(document: Document) -> Service:
    """The service of one document."""
    raw = documents.parse(document, _Service)
    depends_on = tuple(_dependencies(raw, document))
    objectives = _objectives(raw, document)
    promises = [item for item in objectives if isinstance(item, Objective)]
    return Service(
        name=raw.service,
        owner=raw.owner,
        tier=raw.tier,
        runbook=raw.runbook,
        depends_on=depends_on,
        mechanisms=_mechanisms(raw, document, depends_on),
        objectives=tuple(item for item in promises if item.versus is None),
        comparisons=tuple(item for item in promises if item.versus is not None),
        points=tuple(item for item in objectives if isinstance(item, PointObjective)),
        where=document.where("service"),
    )


def _dependencies(raw: _Service, document: Document) -> Iterator[Dependency]:
    seen: set[str] = set()
    for index, entry in enumerate(raw.depends_on):
        where = document.where("depends_on", index)
        dependency = Dependency(entry) if isinstance(entry, str) else _optional(entry, where)
        name = dependency.service
        if name == raw.service:
            raise DocumentError(where, f"service '{name}' depends on itself", "leave it out")
        if name in seen:
            raise DocumentError(where, f"dependency '{name}' is named twice", "leave one out")
        seen.add(name)
        yield dependency


def _optional(entry: dict[str, Any], where: Where) -> Dependency:
    if len(entry) != 1:
        raise DocumentError(where, f"{len(entry)} services in one entry", "give each an entry of its own")
    ((name, word),) = entry.items()
    if word != "optional":
        raise DocumentError(where, f"dependency '{name}' is '{word}'", f"write {{{name}: optional}}, or {name} alone")
    return Dependency(name, optional=True)


def _mechanisms(raw: _Service, document: Document, depends_on: tuple[Dependency, ...]) -> dict[str, Mechanisms]:
    known = {dependency.service for dependency in depends_on}
    for name in raw.mechanisms:
        if name not in known:
            hint = did_you_mean(name, known) or "add it to `depends_on`"
            problem = f"mechanisms for '{name}', which '{raw.service}' does not depend on"
            raise DocumentError(document.where_key("mechanisms", name), problem, hint)
    return {name: _promise(mechanisms) for name, mechanisms in raw.mechanisms.items()}


def _promise(raw: _Mechanisms) -> Mechanisms:
    return Mechanisms(
        timeout_s=raw.timeout,
        breaker=_breaker(raw.breaker) if raw.breaker else None,
        retries_max=raw.retries.max,
        retries_budget_ratio=raw.retries.budget,
    )


def _breaker(raw: _Breaker) -> BreakerPromise:
    return BreakerPromise(
        min_calls=raw.min_calls,
        failures_ratio=raw.failures,
        window_s=raw.window,
        open_for_s=raw.open_for,
        trials=raw.trials,
    )


def _objectives(raw: _Service, document: Document) -> tuple[Objective | PointObjective, ...]:
    lines: dict[str, int] = {}
    objectives: list[Objective | PointObjective] = []
    for index, objective in enumerate(raw.objectives):
        entry = Entry(document, index, objective)
        name = objective.name
        if name in lines:
            hint = f"it stands first in line {lines[name]}"
            raise entry.wrong_value("name", problem=f"duplicate objective '{name}'", hint=hint)
        lines[name] = document.where("objectives", index, "name").line
        indicator = _indicator(entry)
        read = point_objective if is_point(indicator, objective.model_fields_set) else _objective
        objectives.append(read(entry, indicator))
    return tuple(objectives)


def _objective(entry: Entry, indicator: Indicator) -> Objective:
    raw = entry.raw
    _refuse_foreign_keys(entry, indicator)
    limit, degraded_limit = _limits(entry, indicator) if raw.versus is None else _changes(entry, indicator)
    return Objective(
        name=raw.name,
        indicator=indicator,
        limit=limit,
        quantile=raw.quantile,
        routes=entry.routes(),
        degraded_limit=degraded_limit,
        window=raw.window,
        weight=raw.weight,
        key=raw.key,
        where=entry.document.where("objectives", entry.index),
        versus=raw.versus,
    )


def _indicator(entry: Entry) -> Indicator:
    name = entry.raw.indicator
    if name not in _INDICATORS:
        hint = did_you_mean(name, _INDICATORS)
        raise entry.wrong_value("indicator", problem=f"unknown indicator '{name}'", hint=hint)
    return Indicator(name)


def _refuse_foreign_keys(entry: Entry, indicator: Indicator) -> None:
    given = entry.raw.model_fields_set
    own, example, kind = _wanted_key(entry, indicator)
    for key in sorted((_FOREIGN - {own}) & given):
        raise entry.wrong_key(key, problem=f"{kind} takes no '{key}'", hint=f"write {example}")
    if indicator is Indicator.LATENCY and entry.raw.quantile is None:
        problem = f"latency objective '{entry.raw.name}' has no 'quantile'"
        raise entry.wrong_value(problem=problem, hint="add it, as quantile: p99")
    if indicator is not Indicator.LATENCY and "quantile" in given:
        raise entry.wrong_key("quantile", problem=f"an objective of {indicator} takes no 'quantile'", hint="drop it")


def _wanted_key(entry: Entry, indicator: Indicator) -> tuple[str, str, str]:
    """The key that holds the limit, an example of it, and what such an objective is called."""
    if entry.raw.versus is None:
        return _LIMIT_KEYS[indicator], _EXAMPLES[indicator], f"an objective of {indicator}"
    own = _CHANGE_KEYS[indicator]
    return own, _CHANGE_EXAMPLES[own], f"an objective of {indicator} versus another run"


def _changes(entry: Entry, indicator: Indicator) -> tuple[float, float | None]:
    """As `_limits`, of an objective held against another run: relative changes."""
    key = _CHANGE_KEYS[indicator]
    if getattr(entry.raw, key) is None:
        problem = f"objective '{entry.raw.name}' does not say how much worse it may be"
        raise entry.wrong_value(problem=problem, hint=f"add {_CHANGE_EXAMPLES[key]}")
    return _one_or_both(
        entry,
        key,
        lambda value, path: _change(entry, key, value, path=path),
        is_laxer=lambda degraded, met: abs(degraded) > abs(met),
    )


def _change(entry: Entry, key: str, value: object, *, path: tuple[str, ...]) -> float:
    try:
        change = quantity.change(value)
    except ValueError as error:
        raise entry.wrong_value(*path, problem=str(error)) from None
    if change and (change > 0.0) != (key == "at_most"):
        word, sign = ("more", "+") if key == "at_most" else ("less", "-")
        hint = f"write how much {word} is allowed, with a {sign}, as {_CHANGE_EXAMPLES[key]}"
        raise entry.wrong_value(*path, problem=f"'{key}' of '{value}'", hint=hint)
    if change <= -1.0:
        raise entry.wrong_value(*path, problem=f"'{value}' forbids nothing", hint="write less than 100%")
    return change


def _limits(entry: Entry, indicator: Indicator) -> tuple[float, float | None]:
    """The limit, and the laxer one down to which the objective is only degraded."""
    key = _LIMIT_KEYS[indicator]
    if getattr(entry.raw, key) is None:
        problem = f"objective '{entry.raw.name}' has no '{key}'"
        raise entry.wrong_value(problem=problem, hint=f"add it, as {_EXAMPLES[indicator]}")
    return _one_or_both(
        entry,
        key,
        lambda value, path: _limit(entry, indicator, value, path=path),
        is_laxer=operator.lt if indicator is Indicator.THROUGHPUT else operator.gt,
    )


def _one_or_both(
    entry: Entry,
    key: str,
    parse: Callable[[object, tuple[str, ...]], float],
    *,
    is_laxer: Callable[[float, float], bool],
) -> tuple[float, float | None]:
    """One limit, or `{met: ..., degraded: ...}`, each parsed with its path."""
    value = getattr(entry.raw, key)
    if not isinstance(value, dict):
        return parse(value, (key,)), None
    if set(value) != {"met", "degraded"}:
        problem = f"'{key}' has the keys {', '.join(value) or 'none'}"
        raise entry.wrong_value(key, problem=problem, hint="write both limits: {met: ..., degraded: ...}")
    met, degraded = (parse(value[name], (key, name)) for name in ("met", "degraded"))
    if not is_laxer(degraded, met):
        problem = f"the degraded limit '{value['degraded']}' is no laxer than '{value['met']}'"
        raise entry.wrong_value(key, "degraded", problem=problem, hint="exchange them, or leave it out")
    return met, degraded


def _limit(entry: Entry, indicator: Indicator, value: object, *, path: tuple[str, ...]) -> float:
    try:
        limit = _PARSERS[indicator](value)
    except ValueError as error:
        raise entry.wrong_value(*path, problem=str(error)) from None
    if limit <= 0.0:
        hint = f"no number of requests can prove it; write a small one, as {_EXAMPLES[indicator]}"
        raise entry.wrong_value(*path, problem=f"a limit of '{value}'", hint=hint)
    if indicator is Indicator.ERRORS and limit >= 1.0:
        raise entry.wrong_value(*path, problem=f"a limit of '{value}' forbids nothing", hint="write less than 100%")
    return limit
