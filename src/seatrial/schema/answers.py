"""The schemas of what is asked of an answer: checks, captures, filters, and the pattern a body is held against.

Their shapes are open mappings, read by `scenarios/written/checks.py` by the registries of queries, predicates and
filters; from the same registries their schemas are made, so that a new one is known here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seatrial import match
from seatrial.scenarios.answers.filters import usage
from seatrial.scenarios.answers.query import takes_text
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind, Severity
from seatrial.schema.words import PREDICATES, QUERIES
from seatrial.schema.written import TEMPLATE, Schema

_FILTERED = {"type": "array", "items": {"$ref": "#/$defs/Filter"}, "description": "Applied from left to right."}
_TEXT: Schema = {"type": "string"}
_ORDERED: Schema = {"type": ["number", "string"]}
_LISTED: Schema = {"anyOf": [{"type": "array"}, TEMPLATE]}
_FLAG: Schema = {"anyOf": [{"type": "boolean"}, TEMPLATE]}
_OPERANDS: Mapping[str, Schema] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), _ORDERED),
    **dict.fromkeys(("in", "nin"), _LISTED),
    **dict.fromkeys(("exists", "empty"), _FLAG),
    **dict.fromkeys(("starts_with", "ends_with", "matches", "equals_file"), _TEXT),
    "between": {"anyOf": [{"type": "array", "minItems": 2, "maxItems": 2}, TEMPLATE]},
    "length": {"anyOf": [{"type": "integer", "minimum": 0}, TEMPLATE]},
    "type": {"anyOf": [{"enum": sorted(match.TYPES)}, TEMPLATE]},
    "schema": {"type": ["object", "boolean", "string"]},
}
"""What a predicate compares with; of one that is not named here anything."""


def definitions() -> dict[str, Schema]:
    """The definitions that scenario and flow documents share."""
    return {
        "Check": _check(),
        "Capture": _capture(),
        "Filter": _filter(),
        "Pattern": _pattern(),
        "Predicates": _predicates(),
    }


def _check() -> Schema:
    asked = [*match.PREDICATES, "not"]
    bare = [kind for kind in QueryKind if not takes_text(kind)]
    within: list[Schema] = [{"required": [str(kind)], "properties": {str(kind): {"type": "object"}}} for kind in bare]
    return {
        "description": "One query of the answer, and the predicates that must hold of what it finds.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{str(kind): _query(kind) for kind in QueryKind},
            **_asked(""),
            **_filters(),
            "severity": {
                "enum": [str(severity) for severity in Severity],
                "default": str(Severity.FAIL),
                "description": "`degraded`: a miss is told and does not fail the step.",
            },
        },
        "oneOf": _one_of(QueryKind),
        "anyOf": [*_one_of(asked), *within],
    }


def _capture() -> Schema:
    return {
        "description": "What is kept of the answer under this name.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{str(kind): _query(kind, only_bare=True) for kind in QueryKind},
            **_filters(),
            "secret": {
                "type": "boolean",
                "default": False,
                "description": "Masked from then on, wherever it is shown.",
            },
        },
        "oneOf": _one_of(QueryKind),
    }


def _query(kind: QueryKind, *, only_bare: bool = False) -> Schema:
    said: Schema = {"description": QUERIES.get(kind, "")}
    if takes_text(kind):
        return {"type": "string", "minLength": 1, **said}
    bare: list[Schema] = [{"const": True}, {"type": "null"}]
    return {"anyOf": bare if only_bare else [*bare, {"$ref": "#/$defs/Predicates"}], **said}


def _predicates() -> Schema:
    return {"description": "Predicates.", "type": "object", "additionalProperties": False, "properties": _asked("")}


def _asked(mark: str) -> dict[str, Schema]:
    """A property for every predicate; `mark` comes before its name."""
    plain = {mark + name: _operand(name) for name in match.PREDICATES}
    turned: Schema = {
        "description": "The one predicate in it must not hold.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": plain,
    }
    return {**plain, f"{mark}not": turned}


def _operand(name: str) -> Schema:
    return {**_OPERANDS.get(name, {}), "description": PREDICATES.get(name, match.PREDICATES[name].wording)}


def _filters() -> dict[str, Schema]:
    return {"filters": _FILTERED, "filter": {"$ref": "#/$defs/Filter", "description": "A single filter."}}


def _filter() -> Schema:
    """A name, or one with its arguments. `usage` shows an argument of those that take any."""
    takes = {kind: "{" in usage(kind) for kind in FilterKind}
    named: dict[str, Schema] = {str(kind): {"description": usage(kind)} for kind, some in takes.items() if some}
    return {
        "description": "Made of what the query found, before it is kept or checked.",
        "anyOf": [
            {"enum": [str(kind) for kind, some in takes.items() if not some]},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": named,
            },
        ],
    }


def _pattern() -> Schema:
    """Any document; in it a mapping with keys that begin with `$` is a matcher, and `$$` is a plain `$`."""
    inner: Schema = {"$ref": "#/$defs/Pattern"}
    return {
        "description": "What the JSON body must hold: objects as subsets, lists whole; `$` marks a matcher.",
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": inner},
            {"type": "object", "propertyNames": {"not": {"pattern": r"^\$(?!\$)"}}, "additionalProperties": inner},
            {"type": "object", "properties": _asked("$"), "minProperties": 1, "additionalProperties": False},
        ],
    }


def _one_of(names: Iterable[str]) -> list[Schema]:
    return [{"required": [str(name)]} for name in names]
