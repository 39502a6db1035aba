"""Makes the schemas: pydantic's own of a document's shape, tidied, enriched and explained."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from seatrial.chaos import read as chaos
from seatrial.documents import Shape
from seatrial.errors import UsageError, did_you_mean
from seatrial.runtime import read as realms
from seatrial.scenarios import shapes as scenarios
from seatrial.scenarios.load import profile
from seatrial.schema import answers, rules
from seatrial.schema.words import KEYS
from seatrial.schema.written import QUANTITIES, READERS, Schema, as_written, reader_name
from seatrial.slo import gate
from seatrial.slo import read as services
from seatrial.synthetic import read as synthetic

_ADDRESSED = "Addressed"
_REQUESTS = frozenset({"Request", "Websocket", "Sse"})
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
    head = {"$schema": DIALECT, "title": f"seatrial: {kind}"}
    return {**head, **root, "$defs": _needed(root, parts)}


def combined_schema() -> Schema:
    """One schema for every document, told apart by their first key."""
    parts: dict[str, Schema] = {}
    for kind in KINDS:
        root, known = _parts(kind)
        needed = _needed(root, known)
        names = {name: name if name in QUANTITIES else _qualified(kind, name) for name in needed}
        parts |= {names[name]: _with_refs(part, names) for name, part in needed.items()}
        parts[kind] = _with_refs(root, names)
    choice: Schema = {"required": ["scenario"]}
    for kind in sorted(KINDS, key=_is_also_a_key, reverse=True):
        choice = {"if": {"required": [kind]}, "then": {"$ref": f"#/$defs/{kind}"}, "else": choice}
    first_keys = {kind: parts[kind]["properties"][kind] for kind in KINDS}
    head = {"$schema": DIALECT, "title": "seatrial", "type": "object", "properties": first_keys}
    return {**head, **choice, "$defs": parts}


class _Generate(GenerateJsonSchema):
    """pydantic's generator, told what the reading functions take; no titles, and defaults as users write them."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        return _Quantity.hide(READERS[reader_name(schema["function"]["function"])](inner))

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner, default = schema["schema"], schema.get("default")
        if default is None and inner["type"] == "nullable":  # null is what leaving it out means
            return self.generate_inner(inner["schema"])
        made = self.generate_inner(inner)
        shown = as_written(default, _Quantity.shown(made))
        return made if shown is None else {**made, "default": shown}

    def set_schema(self, schema: core_schema.SetSchema) -> JsonSchemaValue:
        return self.list_schema(core_schema.list_schema(schema.get("items_schema")))

    def frozenset_schema(self, schema: core_schema.FrozenSetSchema) -> JsonSchemaValue:
        return self.list_schema(core_schema.list_schema(schema.get("items_schema")))

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


class _Quantity:
    """pydantic follows every `$ref` itself, and knows nothing of ours: until it is done they have another name."""

    KEY = "x-quantity"

    @classmethod
    def hide(cls, schema: Any) -> Any:
        """With references to QUANTITIES under their other name."""
        return _renamed(schema, "$ref", cls.KEY, only=lambda text: text.rpartition("/")[2] in QUANTITIES)

    @classmethod
    def shown(cls, schema: Any) -> Schema:
        """As they are meant."""
        made: Schema = _renamed(schema, cls.KEY, "$ref", only=lambda _: True)
        return made


def _renamed(node: Any, old: str, new: str, *, only: Any) -> Any:
    if isinstance(node, list):
        return [_renamed(part, old, new, only=only) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        (new if key == old and isinstance(part, str) and only(part) else key): _renamed(part, old, new, only=only)
        for key, part in node.items()
    }


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
        known = (f"{name}.{key}", *([f"{_ADDRESSED}.{key}"] if name in _REQUESTS else ()), key)
        words = next((KEYS[word] for word in known if word in KEYS), None)
        if words:
            part["properties"][key] = {**about, "description": words}


def _qualified(kind: str, name: str) -> str:
    """Its name in `rules` and `words`: scenarios and flows share their shapes."""
    return name if name == kind or kind in scenarios.SHAPES else f"{kind}.{name}"


def _plain(name: str) -> str:
    """A shape's name without what marks it as raw or private."""
    return name.lstrip("_").removeprefix("Raw")


def _is_also_a_key(kind: str) -> bool:
    """`service` stands in scenarios and flows too, so the others are asked for first."""
    return kind == "service"


def _with_refs(node: Any, names: Mapping[str, str]) -> Any:
    """The same with every reference to a definition under its new name."""
    if isinstance(node, list):
        return [_with_refs(part, names) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: _with_refs(part, names) for key, part in node.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        made["$ref"] = f"#/$defs/{names.get(name, name)}"
    return made


def _needed(root: Schema, parts: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that are referred to, directly or by others, in the order of their names."""
    found: set[str] = set()
    left = list(_references(root))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _references(parts[name])
    return {name: parts[name] for name in sorted(found)}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _references(part)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for part in node.values():
            yield from _references(part)
