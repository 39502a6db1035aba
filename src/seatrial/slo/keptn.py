"""Converts Keptn's `slo.yaml` into a service and a gate of ours that judge the same values the same way.

Room slo. Takes what `keptn_file` read, gives documents and an account of what is not in them. Pure; may import the
floor and its own room. Must never drop an objective in silence: the score would be another.

A value is what `sli.yaml` says to ask Prometheus, or what seatrial measures itself under the names prometheus-service
has by itself (`response_time_p95` in ms, `error_rate` a share of 1, `throughput` per second).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.errors import DocumentError
from seatrial.service import Criterion, Relation
from seatrial.slo.criteria import parse_criterion
from seatrial.slo.keptn_file import KeptnCriteria, KeptnObjective, KeptnSlo

ERROR_RATE = "error_rate"
OWN: Mapping[str, Mapping[str, str]] = {
    **{
        f"response_time_p{digits}": {"indicator": "latency", "quantile": f"p{digits}"}
        for digits in ("50", "90", "95", "99")
    },
    ERROR_RATE: {"indicator": "errors"},
    "throughput": {"indicator": "throughput"},
}
"""What seatrial measures itself, by the names prometheus-service has queries of its own for, and p99."""

_OTHER_LANGUAGES = ("MV2;", "USQL;", "SLO;", "PV2;", "SECPV2;", "metricSelector=", "builtin:", "calc:", "?metric")
_PLACEHOLDERS = {"$SERVICE": "$service", "$STAGE": "$realm", "$DURATION_SECONDS": "$hold"}
_ANY_VALUE = "<1e308"  # above every value a query can have
_LEFT = re.compile(r"\$[A-Z][A-Z_]*(\.\w+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the file does not say: whose objectives they are, Keptn's project, the load profile to judge under."""

    service: str
    project: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """`service` and `gate` are documents' contents; `notes` are pairs of a place and what is to be known of it."""

    service: Mapping[str, Any]
    gate: Mapping[str, Any]
    notes: tuple[tuple[str, str], ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """What was converted, by plural noun."""
        objectives = self.service["objectives"]
        criteria = [one for item in objectives for sets in item.get("criteria", {}).values() for one in sets]
        return {"objectives": len(objectives), "criteria": sum(map(len, criteria))}


@dataclass(frozen=True, slots=True)
class _Made:
    """One objective of ours, None where there is no counterpart, and what is to be said of it."""

    content: Mapping[str, Any] | None
    said: tuple[str, ...] = ()


def convert(slo: KeptnSlo, queries: Mapping[str, str], choice: Choice) -> Converted:
    """The documents; DocumentError for a criterion that is none, or when not one objective can be converted."""
    made = [
        (slo.where("objectives", at), _objective(slo, at, item, source=_source(slo, item, queries, choice)))
        for at, item in slo.objectives
    ]
    objectives = [one.content for _, one in made if one.content is not None]
    if not objectives:
        hint = "give the queries, with --sli sli.yaml"
        raise DocumentError(slo.document.where("objectives"), "not one objective can be converted", hint)
    notes = (
        *((where, f"`{key}` means nothing to Keptn; it is left out") for where, key in slo.unknown),
        *((where, text) for where, one in made for text in one.said),
        *(("", text) for text in _gate_notes(slo, choice)),
    )
    return Converted({"service": choice.service, "objectives": objectives}, _gate(slo, choice, objectives), notes)


def _source(slo: KeptnSlo, item: KeptnObjective, queries: Mapping[str, str], choice: Choice) -> _Made:
    """Where the value of an SLI comes from, as keys of an objective."""
    if item.sli in queries:
        return _query(slo, item, queries[item.sli], choice)
    if item.sli not in OWN:
        said = f"SLI `{item.sli}`: not converted, for no query of it was given (--sli); the score counts without it"
        return _Made(None, (said,))
    said = f"SLI `{item.sli}`: what seatrial measures itself under its load, not what your provider measured"
    if item.sli != ERROR_RATE:
        return _Made(OWN[item.sli], (said,))
    return _Made(OWN[item.sli], (f"{said}; a share of 1, as Prometheus has it (`unit: percent` makes it percent)",))


def _query(slo: KeptnSlo, item: KeptnObjective, query: str, choice: Choice) -> _Made:
    filled = _filled(query, slo.filters, choice)
    if query.strip().startswith(_OTHER_LANGUAGES):
        return _Made(
            None, (f"SLI `{item.sli}`: not converted, its query is not PromQL; the score counts without it",)
        )
    if not filled:
        said = f"SLI `{item.sli}`: not converted, its query is empty once the filters stand in it"
        return _Made(None, (f"{said}; the score counts without it",))
    left = _LEFT.search(filled)
    if left:
        hint = "--project names it" if left[0] == "$PROJECT" else "write its value into sli.yaml"
        said = (
            f"SLI `{item.sli}`: not converted, nothing says what {left[0]} is ({hint}); the score counts without it"
        )
        return _Made(None, (said,))
    return _Made({"indicator": "prometheus", "query": filled})


def _filled(query: str, filters: Mapping[str, str], choice: Choice) -> str:
    """The query with Keptn's placeholders as ours, in the order in which prometheus-service fills them in."""
    values = {f"${key}": value for key, value in filters.items()}
    values |= {f"${key.upper()}": value for key, value in filters.items()}
    values |= ({"$PROJECT": choice.project} if choice.project else {}) | dict(_PLACEHOLDERS)
    for placeholder, value in values.items():
        query = query.replace(placeholder, value)
    return query.strip()


def _objective(slo: KeptnSlo, at: int, item: KeptnObjective, *, source: _Made) -> _Made:
    if source.content is None:
        return source
    named = {"name": item.sli, **source.content}
    if not item.met:
        return _Made({**named, "information": True}, (*source.said, *_display_name(item), *_never_warned(item)))
    met = [
        [_criterion(slo, text, at, number, index).text for index, text in enumerate(one.texts)] or [_ANY_VALUE]
        for number, one in enumerate(item.met)
    ]
    degraded, dropped = _readable(item.degraded or ())
    criteria = {"met": met, **({"degraded": degraded} if degraded else {})}
    weight = {"weight": item.weight} if item.weight and item.weight != 1 else {}
    key = {"key": True} if item.key_sli else {}
    content = {**named, "criteria": criteria, **weight, **key, "no_value": "missed"}
    return _Made(content, (*source.said, *_display_name(item), *_asks_nothing(item), *dropped, *_beyond_reach(item)))


def _display_name(item: KeptnObjective) -> Iterator[str]:
    if item.display_name:
        yield f"its display name, '{item.display_name}', is not kept"


def _never_warned(item: KeptnObjective) -> Iterator[str]:
    if item.degraded:
        yield f"SLI `{item.sli}`: without `pass` it is information, as in Keptn; its `warning` is not kept"


def _asks_nothing(item: KeptnObjective) -> Iterator[str]:
    for key, sets in (("pass", item.met), ("warning", item.degraded)):
        if not all(one.texts for one in sets or ()):
            yield f"a list of `{key}` has no criteria, so it always holds, as in Keptn; it is written as {_ANY_VALUE}"


def _criterion(slo: KeptnSlo, text: str, at: int, number: int, index: int) -> Criterion:
    try:
        return parse_criterion(text)
    except ValueError as error:
        where = slo.document.where("objectives", at, "pass", number, "criteria", index)
        raise DocumentError(where, str(error), "Keptn ends every evaluation by it in an error") from None


def _readable(sets: tuple[KeptnCriteria, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    """The lists of `warning` that can hold; one with a criterion that is none never does, and Keptn says nothing."""
    kept: list[list[str]] = []
    said = []
    for one in sets:
        try:
            kept.append([parse_criterion(text).text for text in one.texts] or [_ANY_VALUE])
        except ValueError as error:
            said.append(f"a list of `warning` can never hold, as in Keptn, and is left out: {error}")
    return kept, tuple(said)


def _beyond_reach(item: KeptnObjective) -> Iterator[str]:
    """What cannot fail of a share: most often it was meant in percent."""
    criteria = [parse_criterion(text) for one in item.met or () for text in one.texts]
    if item.sli == ERROR_RATE and any(one.relation is Relation.FIXED and one.number > 1.0 for one in criteria):
        yield f"SLI `{item.sli}`: a share is never above 1, so a limit above 1 asks nothing; was it meant in percent?"


def _gate(slo: KeptnSlo, choice: Choice, objectives: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    met = slo.met_percent if slo.met_percent is not None else 0.0
    degraded = slo.degraded_percent
    score = {"met": f"{met:g}%"} | ({"degraded": f"{degraded:g}%"} if degraded is not None and degraded < met else {})
    load = {"load": {"profile": choice.profile}} if choice.profile else {}
    return {"gate": choice.service, **load, **(_versus(slo) if _any_relative(objectives) else {}), "score": score}


def _versus(slo: KeptnSlo) -> Mapping[str, Any]:
    comparison = slo.comparison
    return {"versus": {"last": comparison.last, "of": str(comparison.of), "aggregate": str(comparison.aggregate)}}


def _any_relative(objectives: list[Mapping[str, Any]]) -> bool:
    texts = [
        text for item in objectives for sets in item.get("criteria", {}).values() for one in sets for text in one
    ]
    return any(parse_criterion(text).relation is not Relation.FIXED for text in texts)


def _gate_notes(slo: KeptnSlo, choice: Choice) -> Iterator[str]:
    if not choice.profile:
        yield "the gate has no `load`, and without one nothing is judged: add `load: {profile: ...}` (--profile)"
    if slo.degraded_percent is not None and slo.met_percent is not None and slo.degraded_percent >= slo.met_percent:
        yield "the total score's `warning` is not below its `pass`, so it never comes to it; it is left out"
