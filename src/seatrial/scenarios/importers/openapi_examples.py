"""Example values for what an OpenAPI document describes: its own examples first, else the plainest value that fits.

Room scenarios, importers. Values come as plain JSON, not as templates. Bounded as the schemas are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.openapi_refs import resolved

_MAX_DEPTH = 8
_MAX_ITEMS = 5
_MAX_LENGTH = 1000
_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "host.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "byte": "c2VhdHJpYWw=",
    "binary": "seatrial",
}


def example_of(part: Part, root: Part) -> Any:
    """The example of a media type or parameter, else of its schema."""
    named = [resolved(one, root)["value"] for _, one in part["examples"].members()]
    given = [part["example"], *(one for one in named if one)]
    first = next((one.value for one in given if one), None)
    return first if first is not None else schema_example(part["schema"], root)


def schema_example(part: Part, root: Part, depth: int = 0) -> Any:
    """A value the schema allows, as far as that can be told without its patterns."""
    schema = resolved(part, root)
    if not isinstance(schema.value, Mapping) or depth > _MAX_DEPTH:
        return None
    said = _said(schema)
    if said:
        return said[0]
    if schema["allOf"]:
        return _merged(schema, root, depth)
    for choice in (*schema["oneOf"].items(), *schema["anyOf"].items()):
        return schema_example(choice, root, depth + 1)
    return _of_kind(schema, root, depth)


def _said(schema: Part) -> tuple[Any] | None:
    """What the schema itself gives as an example, in a tuple, for it may be null."""
    for keyword in ("example", "default", "const"):
        if isinstance(schema.value, Mapping) and schema.value.get(keyword) is not None:
            return (schema.value[keyword],)
    for keyword in ("examples", "enum"):
        listed = schema.value.get(keyword) if isinstance(schema.value, Mapping) else None
        if isinstance(listed, list) and listed:
            return (listed[0],)
    return None


def _merged(schema: Part, root: Part, depth: int) -> Any:
    values = [schema_example(one, root, depth + 1) for one in schema["allOf"].items()]
    values += [_object(schema, root, depth)] if schema["properties"] else []
    objects = [value for value in values if isinstance(value, Mapping)]
    if objects:
        return {name: value for one in objects for name, value in one.items()}
    return next((value for value in values if value is not None), None)


def _of_kind(schema: Part, root: Part, depth: int) -> Any:
    kinds = schema["type"].value
    kind = next((one for one in kinds if one != "null"), None) if isinstance(kinds, list) else kinds
    if kind == "object" or (kind is None and schema["properties"]):
        return _object(schema, root, depth)
    if kind == "array" or (kind is None and schema["items"]):
        number = min(max(1, schema["minItems"].number() or 1), _MAX_ITEMS)
        item = schema_example(schema["items"], root, depth + 1)
        return [] if item is None else [item] * number
    if kind in ("integer", "number"):
        return _number(schema, whole=kind == "integer")
    return True if kind == "boolean" else _text(schema) if kind == "string" else None


def _object(schema: Part, root: Part, depth: int) -> dict[str, Any]:
    """Every member a caller may send; beyond a few levels the required ones alone."""
    required = schema["required"].value if isinstance(schema["required"].value, list) else []
    made = {}
    for name, part in schema["properties"].members():
        held = resolved(part, root)
        if held["readOnly"].value is True or (depth >= 3 and name not in required):
            continue
        value = schema_example(held, root, depth + 1)
        if value is not None or name in required:
            made[name] = value
    return made


def _number(schema: Part, *, whole: bool) -> int | float:
    low = _bound(schema["minimum"].value, schema["exclusiveMinimum"].value, 1)
    high = _bound(schema["maximum"].value, schema["exclusiveMaximum"].value, -1)
    step = schema["multipleOf"].value
    value = low if low is not None else min(1, high) if high is not None else 1
    if isinstance(step, (int, float)) and not isinstance(step, bool) and step > 0 and value % step:
        stepped = (value // step + 1) * step
        value = stepped if math.isfinite(stepped) else value
    return int(value) if whole else value


def _bound(inclusive: Any, exclusive: Any, step: int) -> int | float | None:
    if isinstance(exclusive, (int, float)) and not isinstance(exclusive, bool):
        return exclusive + step
    if not isinstance(inclusive, (int, float)) or isinstance(inclusive, bool):
        return None
    return inclusive + step if exclusive is True else inclusive


def _text(schema: Part) -> str:
    text = _FORMATS.get(schema["format"].text(), "text")
    least, most = schema["minLength"].number() or 0, schema["maxLength"].number()
    if schema["pattern"]:
        schema.tally.note(
            schema.at, f"no example, and a pattern: `{schema['pattern'].text()[:80]}` may not take `{text}`"
        )
    text += "x" * (min(least, _MAX_LENGTH) - len(text))
    return text[:most] if most is not None and most >= 0 else text
