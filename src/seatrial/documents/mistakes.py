"""pydantic's complaints about a document as one `DocumentError`: place, words, hint. Private to `documents`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from seatrial.documents.document import Document, Steps
from seatrial.errors import DocumentError, did_you_mean


def first_mistake(error: ValidationError, document: Document, model: type[BaseModel]) -> DocumentError:
    """The one complaint a user can act on: an unknown key first, which causes most others; then by place."""
    first = min(error.errors(), key=lambda item: _order(item, document))
    path = _document_path(first["loc"], document)
    if first["type"] == "extra_forbidden":
        known = set(_sibling_keys(model, first["loc"]))
        return DocumentError(
            document.where_key(*path), f"unknown key '{path[-1]}'", did_you_mean(str(path[-1]), known)
        )
    if first["type"] == "missing":
        return DocumentError(document.where(*path[:-1]), f"'{first['loc'][-1]}' is missing", "add it")
    if first["type"] in _MAPPINGS and "secrets" in path:
        hint = "write {env: NAME}, {file: PATH} or {command: [...]}"
        return DocumentError(document.where(*path), "the value of a secret never stands in a document", hint)
    hint = _keys_hint(model, first["loc"]) if first["type"] in _MAPPINGS else _expected(first)
    return DocumentError(document.where(*path), _problem(first), hint)


_MAPPINGS = frozenset({"model_type", "model_attributes_type", "dict_type"})
_LISTS = frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type"})
_WANTED = {
    **dict.fromkeys(_MAPPINGS, "a mapping is wanted here, as {key: value}"),
    **dict.fromkeys(_LISTS, "a list is wanted here, as [a, b]"),
    "too_short": "an empty one means nothing here; write at least one",
    "string_too_short": "an empty text means nothing here; write one",
}
"""What is said of the commonest wrong shapes, in the words of documents and not of pydantic."""


def _keys_hint(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    known = sorted(set(_sibling_keys(model, (*loc, ""))))
    return f"its keys: {', '.join(known)}" if known else ""


def _order(item: Any, document: Document) -> tuple[int, int, int]:
    """Unknown keys first (they usually cause the rest), a mere wrong type last: in a union each member that was not
    meant complains of it. Then by place."""
    where = document.where(*_document_path(item["loc"], document))
    mere_type = item["type"].endswith(("_type", "_parsing")) or item["type"] in ("literal_error", "missing")
    rank = 0 if item["type"] == "extra_forbidden" else 2 if mere_type else 1
    return (rank, where.line, where.column)


def _document_path(loc: tuple[str | int, ...], document: Document) -> Steps:
    """A pydantic location without the names of union members, which are not in the document."""
    path: Steps = ()
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        if last or document.has(*path, step):
            path = (*path, step)
    return path


def _sibling_keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> Iterator[str]:
    schema = model.model_json_schema()
    yield from _keys_at(schema, schema, [step for step in loc[:-1] if not isinstance(step, int)])


def _keys_at(schema: Any, root: Any, steps: list[str | int]) -> Iterator[str]:
    schema = _resolve(schema, root)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _keys_at(option, root, steps)
    if "items" in schema:
        yield from _keys_at(schema["items"], root, steps)
        return
    properties = schema.get("properties", {})
    if not steps:
        yield from properties
    elif steps[0] in properties:
        yield from _keys_at(properties[steps[0]], root, steps[1:])
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from _keys_at(schema["additionalProperties"], root, steps[1:])


def _resolve(schema: Any, root: Any) -> Any:
    reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
    return root["$defs"][reference.rsplit("/", 1)[-1]] if reference else schema


def _problem(item: Any) -> str:
    text = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = repr(item.get("input"))
    if item["type"] in ("value_error", "assertion_error"):
        return text
    said = _WANTED.get(item["type"], f"{text[:1].lower()}{text[1:]}")
    return f"{shown[:60] + '...' if len(shown) > 60 else shown}: {said}"


def _expected(item: Any) -> str:
    expected = item.get("ctx", {}).get("expected")
    if item["type"] in ("literal_error", "enum"):
        near = did_you_mean(str(item.get("input")), re.findall(r"'([^']*)'", str(expected)))
        return near if near.startswith("did you mean") else ""  # what it should be, the problem says
    return f"one of {expected}" if expected and "expected" not in str(item["msg"]).lower() else ""
