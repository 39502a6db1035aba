"""Keptn's `slo.yaml` and `sli.yaml` (v1) as they are written: their shapes, and what they mean by leaving things out.

Room slo. Takes documents, gives frozen values; every mistake is a `DocumentError` with its place. Keys Keptn does not
know are no mistake, for Keptn reads over them; they are given back to be told. Must never judge.

Defaults are those of Keptn's lighthouse-service: without `comparison` the last evaluation counts, inside a given one
the last three; a weight of 0 is 1; an objective that is null is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from seatrial import documents
from seatrial.documents import Document
from seatrial.errors import DocumentError, did_you_mean
from seatrial.slo.criteria import Aggregate
from seatrial.slo.versus import Of

SEVERAL = 3
_OF = {"pass": Of.MET, "pass_or_warn": Of.MET_OR_DEGRADED}
_Count = Annotated[int, Field(strict=True, ge=0)]


class _Foreign(BaseModel):
    """A shape with keys of others in it."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Comparison(_Foreign):
    compare_with: str | None = None
    include_result_with_score: str | None = None
    number_of_comparison_results: _Count | None = None
    aggregate_function: str | None = None


class KeptnCriteria(_Foreign):
    """One list of criteria, all of which must hold."""

    criteria: tuple[str, ...] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Them; none hold always."""
        return self.criteria or ()


class KeptnObjective(_Foreign):
    """One objective; without `met` it is information."""

    sli: Annotated[str, Field(min_length=1)]
    display_name: str | None = Field(default=None, alias="displayName")
    met: tuple[KeptnCriteria, ...] | None = Field(default=None, alias="pass")
    degraded: tuple[KeptnCriteria, ...] | None = Field(default=None, alias="warning")
    weight: _Count | None = None
    key_sli: StrictBool | None = None


class _TotalScore(_Foreign):
    met: str | float | None = Field(default=None, alias="pass")
    degraded: str | float | None = Field(default=None, alias="warning")


class _Slo(_Foreign):
    spec_version: Any = None
    filter: dict[str, Any] | None = None
    comparison: _Comparison | None = None
    objectives: tuple[KeptnObjective | None, ...] | None = None
    total_score: _TotalScore | None = None


class _Sli(_Foreign):
    spec_version: Any = None
    indicators: dict[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which earlier results relative criteria are held against, and how several become one."""

    last: int = 1
    of: Of = Of.ALL
    aggregate: Aggregate = Aggregate.AVG


@dataclass(frozen=True, slots=True)
class KeptnSlo:
    """A whole `slo.yaml`. `objectives` keep their place in the file's list; the scores are in percent, None: not
    given. `unknown` are keys that mean nothing, with their places."""

    document: Document
    objectives: tuple[tuple[int, KeptnObjective], ...]
    comparison: Comparison
    met_percent: float | None
    degraded_percent: float | None
    filters: Mapping[str, str]
    unknown: tuple[tuple[str, str], ...]

    def where(self, *path: str | int) -> str:
        """The line of that path, as a report tells it."""
        return f"line {self.document.where(*path).line}"


def read_slo(document: Document) -> KeptnSlo:
    """An `slo.yaml`; DocumentError too for what Keptn takes and never can have meant."""
    raw = documents.parse(document, _Slo)
    objectives = tuple((at, item) for at, item in enumerate(raw.objectives or ()) if item is not None)
    _require_objectives(document, objectives)
    score = raw.total_score or _TotalScore()
    weighed = any(item.met for _, item in objectives)
    met = _percent(document, "pass", score.met)
    if met is None and weighed:
        where = document.where("total_score") if raw.total_score else document.where()
        problem = "'total_score' has no 'pass': Keptn ends every evaluation by it in an error"
        raise DocumentError(where, problem, "add it, as total_score: {pass: 90%, warning: 75%}")
    return KeptnSlo(
        document=document,
        objectives=objectives,
        comparison=_comparison(document, raw.comparison),
        met_percent=met,
        degraded_percent=_percent(document, "warning", score.degraded),
        filters={key: str(value).strip("'\"") for key, value in (raw.filter or {}).items()},
        unknown=tuple(_unknown(document, raw)),
    )


def read_sli(document: Document) -> Mapping[str, str]:
    """The queries of an `sli.yaml` by the SLIs' names."""
    queries = documents.parse(document, _Sli).indicators
    for name, query in queries.items():
        if not query.strip():
            hint = "write the query, or leave the indicator out"
            raise DocumentError(document.where("indicators", name), f"the query of '{name}' is empty", hint)
    return queries


def _require_objectives(document: Document, objectives: tuple[tuple[int, KeptnObjective], ...]) -> None:
    if not objectives:
        raise DocumentError(document.where("objectives"), "no objectives: every evaluation of it fails", "add one")
    lines: dict[str, int] = {}
    for at, item in objectives:
        where = document.where("objectives", at, "sli")
        if item.sli in lines:
            problem = f"SLI '{item.sli}' stands first in line {lines[item.sli]}; its value is used up there"
            raise DocumentError(where, problem, "leave one out: Keptn always fails the second")
        lines[item.sli] = where.line


def _comparison(document: Document, raw: _Comparison | None) -> Comparison:
    if raw is None:
        return Comparison()
    name = raw.aggregate_function or Aggregate.AVG
    if name not in set(Aggregate):
        problem = f"unknown aggregate_function '{name}', with which Keptn compares with 0"
        hint = did_you_mean(name, Aggregate)
        raise DocumentError(document.where("comparison", "aggregate_function"), problem, hint)
    several = raw.number_of_comparison_results or SEVERAL
    last = {"single_result": 1, "several_results": several}.get(raw.compare_with or "", SEVERAL)
    of = _OF.get((raw.include_result_with_score or "").lower(), Of.ALL)
    return Comparison(last=last, of=of, aggregate=Aggregate(name))


def _percent(document: Document, key: str, raw: str | float | None) -> float | None:
    """`90%`, `90` or 90; a limit below nothing is nothing."""
    if raw is None or raw == "":
        return None
    try:
        value = float(str(raw).removesuffix("%"))
    except ValueError:
        value = float("nan")
    where = document.where("total_score", key)
    if not value <= 100.0:
        problem = f"a total score of '{raw}' is none that can be reached"
        raise DocumentError(where, problem, "write it in percent, as 90%")
    return max(0.0, value)


def _unknown(document: Document, raw: _Slo) -> Iterator[tuple[str, str]]:
    """Keys that mean nothing, by the line they stand in."""
    parts: list[tuple[tuple[str | int, ...], _Foreign | None]] = [
        ((), raw),
        (("comparison",), raw.comparison),
        (("total_score",), raw.total_score),
        *(part for at, item in enumerate(raw.objectives or ()) if item for part in _parts(at, item)),
    ]
    for path, part in parts:
        for key in (part.model_extra or {}) if part is not None else ():
            yield f"line {document.where_key(*path, key).line}", key


def _parts(at: int, item: KeptnObjective) -> Iterator[tuple[tuple[str | int, ...], _Foreign]]:
    """One objective and its lists of criteria, with their paths."""
    yield ("objectives", at), item
    for key, sets in (("pass", item.met), ("warning", item.degraded)):
        yield from ((("objectives", at, key, number), one) for number, one in enumerate(sets or ()))
