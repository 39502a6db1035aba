"""Schemas of an OpenAPI document as one JSON Schema each: references put in, dialect 3.0 made plain.

Room scenarios, importers. Bounded: a schema that holds itself is open where it does, and so is what is too large;
both are noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.json_schema import as_schema
from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.openapi_refs import resolved

MAX_PARTS = 1500
"""Of one schema once its references are put in."""

_MAX_DEPTH = 16
_ONE = frozenset({"items", "not", "additionalProperties", "contains", "propertyNames", "if", "then", "else"})
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_PLAIN = frozenset(
    (
        *("type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties"),
        *("maxProperties", "format", "minContains", "maxContains", "dependentRequired"),
    )
)


@dataclass
class _Inlining:
    root: Part
    left: int = MAX_PARTS

    def schema(self, part: Part, trail: tuple[str, ...]) -> Any:
        if isinstance(part.value, bool):
            return part.value
        found = resolved(part, self.root)
        self.left -= 1
        if found.at in trail:
            part.tally.note(found.at, "a schema that holds itself is checked once, and open from there")
            return True
        if self.left < 0 or len(trail) > _MAX_DEPTH:
            part.tally.note(found.at, "the schema is too large; what is deep in it is not checked")
            return True
        return self._keywords(found, (*trail, found.at))

    def _keywords(self, part: Part, trail: tuple[str, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for keyword, inner in part.members():
            if keyword in _ONE and isinstance(inner.value, (Mapping, bool)):
                made[keyword] = self.schema(inner, trail)
            elif keyword in _MANY and isinstance(inner.value, list):
                made[keyword] = [self.schema(one, trail) for one in inner.items()]
            elif keyword in _NAMED and isinstance(inner.value, Mapping):
                made[keyword] = {name: self.schema(one, trail) for name, one in inner.members()}
            elif keyword in _PLAIN and _is_sound(keyword, inner.value):
                made[keyword] = inner.value
        return _made_plain(made, part)


def json_schema(part: Part, root: Part) -> Any:
    """The schema at `part`, whole in itself; True, which anything fits, when it says nothing or is no schema."""
    made = _Inlining(root).schema(part, ()) or True
    try:
        as_schema(made)
    except ValueError as error:
        part.tally.note(part.at, str(error))
        return True
    return made


_NUMBERS = frozenset({"minimum", "maximum", "multipleOf"})
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})


def _is_sound(keyword: str, value: Any) -> bool:
    """Whether the keyword's value is of a kind that JSON Schema takes, so that the schema itself is one."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if keyword in _COUNTS or keyword in ("minContains", "maxContains"):
        return number and value >= 0 and value == int(value)
    if keyword in _NUMBERS:
        return number and (keyword != "multipleOf" or value > 0)
    if keyword in ("required", "enum"):
        return isinstance(value, list) and (keyword == "enum" or all(isinstance(name, str) for name in value))
    if keyword == "type":
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    if keyword in ("pattern", "format"):
        return isinstance(value, str)
    return True


def _made_plain(schema: dict[str, Any], part: Part) -> dict[str, Any]:
    """Without what 3.0 says in its own way, and what is never in an answer is not required of one."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool):
            strict = schema.pop(exclusive)
            if strict and bound in schema:
                schema[exclusive] = schema.pop(bound)
    if part["nullable"].value is True:
        schema = _or_null(schema)
    hidden = {name for name, one in part["properties"].members() if one["writeOnly"].value is True}
    if "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in hidden]
    return {key: value for key, value in schema.items() if not (key == "required" and not value)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if isinstance(kinds, str) and "enum" not in schema:
        return {**schema, "type": [kinds, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
