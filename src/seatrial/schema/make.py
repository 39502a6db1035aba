"""Makes the schemas: pydantic's own of a document's shape, tidied, enriched and explained."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from seatrial.chaos.written import shapes as chaos
from seatrial.documents import Shape
from seatrial.errors import UsageError, did_you_mean
from seatrial.runtime import read as realms
from seatrial.scenarios.load import profile
from seatrial.scenarios.written import shapes as scenarios
from seatrial.schema import answers, rules
from seatrial.schema.words import KEYS
from seatrial.schema.written import POSITIVE, QUANTITIES, READERS, Schema, as_written, quantity, reader_name
from seatrial.slo import gate
from seatrial.slo import read as services
from seatrial.synthetic import read as synthetic

_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("Request", "Websocket", "Sse"), "Addressed"),
    **dict.fromkeys(
        [f"experiment.Http{kind}" for kind in ("Error", "Delay", "Truncate", "Replace")], "experiment.Exchanges"
    ),
}
"""Shapes whose keys are explained once for all of a family."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS: Mapping[str, type[Shape]] = {
    **scenarios.SHAPES,
    **profile.SHAPES,
    **chaos.SHAPES,
    **services.SHAPES,
    **gate.SHAPES,
    **synthetic.SHAPES,
    **realms.SHAPES,
}
"""The shape of every kind of document, by its first key."""


def schema_of(kind: str) -> Schema:
    """The schema of one kind of document; UsageError when there is none of that name."""
    if kind not in KINDS:
        raise UsageError(f"no kind of document is called '{kind}'; {did_you_mean(kind, KINDS)}")
    root, parts = _parts(kind)
    return {"$schema": DIALECT, **root, "$defs": _needed(root, parts)}


def combined_schema() -> Schema:
    """One schema for every document, told apart by their first key."""
    parts: dict[str, Schema] = {}
    for kind in KINDS:
        root, known = _parts(kind)
        needed = _needed(root, known)
        names = {name: name if name in QUANTITIES else _qualified(kind, name) for name in needed}
        parts |= {names[name]: _with_refs(part, names) for name, part in needed.items()}
        parts[kind] = _with_refs(root, names)
    first_keys = {kind: parts[kind]["properties"][kind] for kind in KINDS}
    choice: Schema = {"properties": first_keys, "anyOf": [{"required": [kind]} for kind in KINDS]}
    for kind in sorted(KINDS, key=_is_also_a_key, reverse=True):
        choice = {"if": {"required": [kind]}, "then": {"$ref": f"#/$defs/{kind}"}, "else": choice}
    return {"$schema": DIALECT, "type": "object", **choice, "$defs": parts}


class _Generate(GenerateJsonSchema):
    """pydantic's generator, told what the reading functions take; no titles, and defaults as users write them."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        core = schema["schema"]
        inner = self.generate_inner(core["schema"] if core["type"] == "nullable" else core)
        return _Quantity.hide(READERS[reader_name(schema["function"]["function"])](inner))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner, default = schema["schema"], schema.get("default")
        if default is None and inner["type"] == "nullable":  # null is what leaving it out means
            return self.generate_inner(inner["schema"])
        made = self.generate_inner(inner)
        shown = as_written(default, _Quantity.shown(made))
        return made if shown is None else {**made, "default": shown}

    def set_schema(self, schema: core_schema.SetSchema | core_schema.FrozenSetSchema) -> JsonSchemaValue:
        return self.list_schema(core_schema.list_schema(schema.get("items_schema")))

    frozenset_schema = set_schema

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


class _Quantity:
    """pydantic follows every `$ref` itself, and knows nothing of ours: until it is done they have another name."""

    KEY = "x-quantity"

    @classmethod
    def hide(cls, schema: Schema) -> Schema:
        """With references to QUANTITIES under their other name."""
        return _mapped(schema, lambda part: _rekeyed(part, "$ref", cls.KEY) if _is_ours(part) else part)

    @classmethod
    def shown(cls, schema: Schema) -> Schema:
        """As they are meant."""
        return _mapped(schema, lambda part: _bounded(_rekeyed(part, cls.KEY, "$ref")))


def _bounded(part: Schema) -> Schema:
    """Some versions of pydantic leave a bound beside the quantity, as `gt`, which JSON Schema does not know."""
    if "gt" not in part:
        return part
    kept = {key: value for key, value in part.items() if key != "gt"}
    return {**kept, **quantity(POSITIVE[_name_of(part)])}


def _is_ours(part: Schema) -> bool:
    return _name_of(part) in QUANTITIES


def _rekeyed(part: Schema, old: str, new: str) -> Schema:
    return {new if key == old else key: value for key, value in part.items()}


def _mapped(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The schema with every mapping in it changed, inner ones first."""
    made: Schema = _mapped_value(schema, change)
    return made


def _mapped_value(node: Any, change: Callable[[Schema], Schema]) -> Any:
    if isinstance(node, list):
        return [_mapped_value(part, change) for part in node]
    if isinstance(node, dict):
        return change({key: _mapped_value(part, change) for key, part in node.items()})
    return node


def _name_of(part: Schema) -> str:
    """The definition that a mapping refers to; empty when it is no reference."""
    reference = part.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


@functools.cache
def _parts(kind: str) -> tuple[Schema, dict[str, Schema]]:
    """The document's own schema, and every definition it may need by its name."""
    raw = KINDS[kind].model_json_schema(by_alias=True, schema_generator=_Generate)
    made = _Quantity.shown(raw)
    names = {name: _plain(name) for name in made.get("$defs", {})}
    parts = {names[name]: _with_refs(part, names) for name, part in made.pop("$defs", {}).items()}
    root = _with_refs(made, names)
    every = {kind: root, **parts}
    for name, part in every.items():
        part.pop("title", None)
        rules.apply(_qualified(kind, name), part)
        _explain(_qualified(kind, name), part)
    return every.pop(kind), {**every, **answers.definitions(), **QUANTITIES}


def _explain(name: str, part: Schema) -> None:
    for key, about in part.get("properties", {}).items():
        known = (f"{name}.{key}", *([f"{_FAMILIES[name]}.{key}"] if name in _FAMILIES else ()), key)
        words = next((KEYS[word] for word in known if word in KEYS), None)
        if words:
            part["properties"][key] = {**about, "description": words}


def _qualified(kind: str, name: str) -> str:
    """Its name in `rules` and `words`: scenarios and flows share their shapes, game days have experiments'."""
    if name == kind or kind in scenarios.SHAPES:
        return name
    if kind == "gameday" and name != "Step":
        return "experiment" if name == "Experiment" else f"experiment.{name}"
    return f"{kind}.{name}"


def _plain(name: str) -> str:
    """A shape's name without what marks it as raw or private."""
    return name.lstrip("_").removeprefix("Raw")


def _is_also_a_key(kind: str) -> bool:
    """`service` stands in scenarios and flows too, so the others are asked for first."""
    return kind == "service"


def _with_refs(schema: Schema, names: Mapping[str, str]) -> Schema:
    """The same with every reference to a definition under its new name."""

    def renamed(part: Schema) -> Schema:
        name = _name_of(part)
        return {**part, "$ref": f"#/$defs/{names.get(name, name)}"} if name else part

    return _mapped(schema, renamed)


def _needed(root: Schema, parts: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that are referred to, directly or by others, in the order of their names."""
    found: set[str] = set()
    left = _references(root)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _references(parts[name])
    return {name: parts[name] for name in sorted(found)}


def _references(schema: Schema) -> list[str]:
    found: list[str] = []

    def note(part: Schema) -> Schema:
        if _name_of(part):
            found.append(_name_of(part))
        return part

    _mapped(schema, note)
    return found
