"""The only door to YAML: reads a document with the place of everything in it, and finds the workspace.

Takes a file of a user, gives a `Document`: plain values typed by the strict core schema (only
true/false/null and JSON numbers are typed; dates, `no`, `012` stay text; duplicate keys are errors) and
a map from every path to its `Where`. `parse` then holds it against a pydantic model and turns the first
mistake into a `DocumentError` with its place and a hint. Must never execute or construct anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from seatrial import quantity
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_DIGITS = 40
MAX_NODES = 100_000  # aliases count each time they are expanded, so a "billion laughs" file ends here
WORKSPACE_FILE = "realms.yaml"

Steps = tuple[str | int, ...]
Raw = TypeVar("Raw", bound=BaseModel)

DurationS = Annotated[float, BeforeValidator(quantity.duration_s)]
RatePerS = Annotated[float, BeforeValidator(quantity.rate_per_s)]
Ratio = Annotated[float, BeforeValidator(quantity.ratio)]
Quantile = Annotated[float, BeforeValidator(quantity.quantile)]

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
# What PyYAML gives untagged nodes; written out they change nothing here, and every other tag is refused.
_RESOLVED_TAGS = frozenset({"str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq"})
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Shape(BaseModel):
    """The root of every raw document shape: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Document:
    """One YAML document. `kind` is its first key; `positions` knows the place of every value by its path,
    and of every key by its path followed by `KEY`."""

    file: str
    kind: str
    content: dict[str, Any]
    positions: Mapping[Steps, Where]

    def where(self, *path: str | int) -> Where:
        """The place of the value at that path, or of its nearest parent that is there."""
        return _nearest(self.positions, path)

    def where_key(self, *path: str | int) -> Where:
        """The place of the last key of that path."""
        return _nearest(self.positions, (*path, KEY))


KEY = "\0key"  # no YAML text can hold a NUL, so no user's key is mistaken for it


def find_workspace(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds realms.yaml; UsageError when none does."""
    here = start.resolve()
    for folder in (here, *here.parents):
        if (folder / WORKSPACE_FILE).is_file():
            return folder
    raise UsageError(f"{start}: no {WORKSPACE_FILE} here or above; go to a workspace, or make one: seatrial init")


def files_in(folder: Path) -> tuple[Path, ...]:
    """Every YAML file below the folder, sorted; empty when the folder is not there."""
    found = (path for pattern in ("*.yaml", "*.yml") for path in folder.rglob(pattern))
    return tuple(sorted(path for path in found if path.is_file()))


def find(folder: Path, kind: str) -> tuple[Document, ...]:
    """Every document of that kind below the folder, sorted by file name."""
    return tuple(doc for doc in map(load, files_in(folder)) if doc.kind == kind)


def load(path: Path) -> Document:
    """Read one file; DocumentError with file:line:column for everything that can be wrong with it."""
    shown = _shown(path)
    return loads(_read_text(path, shown), shown)


def loads(text: str, file: str) -> Document:
    """Read a document from text; `file` is what error messages call it."""
    if len(text.encode()) > MAX_BYTES:
        raise DocumentError(Where(file, 1, 1), f"the file is larger than {MAX_BYTES} bytes", "split it")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _from_yaml(error, file) from None
    except RecursionError:
        raise DocumentError(Where(file, 1, 1), f"nested deeper than {MAX_DEPTH} levels") from None
    if not isinstance(root, yaml.MappingNode) or not root.value:
        raise DocumentError(
            Where(file, 1, 1), "no document here", "begin it with its kind, as `scenario: pay with a card`"
        )
    reader = _Reader(file)
    content = reader.mapping(root, ())
    return Document(file, next(iter(content)), content, reader.positions)


def scalar(text: str) -> Any:
    """A single value as the strict core schema types it; in quotes it is a text, whatever it looks like."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text and text in _WORDS:
        return _WORDS[text]
    if not _JSON_NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
        return text
    return _number(text)


def parse(document: Document, model: type[Raw]) -> Raw:
    """Hold the document against its shape; DocumentError names the place of the first mistake."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise _from_pydantic(error, document, model) from None


class _Reader:
    """Turns nodes into plain values while noting where each came from."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Steps, Where] = {}
        self._nodes = 0

    def value(self, node: yaml.Node, path: Steps) -> Any:
        self._count(node, path)
        self._refuse_tags(node)
        self.positions[path] = self._where(node)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def mapping(self, node: yaml.MappingNode, path: Steps) -> dict[str, Any]:
        self.positions.setdefault(path, self._where(node))
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in content:
                first = self.positions[(*path, key, KEY)]
                raise DocumentError(
                    self._where(key_node), f"duplicate key '{key}'", f"it stands first in line {first.line}"
                )
            self.positions[(*path, key, KEY)] = self._where(key_node)
            content[key] = self.value(value_node, (*path, key))
        return content

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            hint = 'a template must be quoted: "{{ name }}"'
            raise DocumentError(self._where(node), "a mapping where a name should stand", hint)
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if not _JSON_NUMBER.fullmatch(text):
            return text
        return self._number(text, node)

    def _number(self, text: str, node: yaml.Node) -> int | float:
        if len(text) > MAX_DIGITS:
            raise DocumentError(self._where(node), f"the number '{text[:20]}...' has too many digits", "quote it")
        return _number(text)

    def _refuse_tags(self, node: yaml.Node) -> None:
        if node.tag.removeprefix("tag:yaml.org,2002:") not in _RESOLVED_TAGS:
            raise DocumentError(self._where(node), f"unknown tag '{node.tag}'", "tags are not used here")

    def _count(self, node: yaml.Node, path: Steps) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise DocumentError(self._where(node), f"more than {MAX_NODES} values", "split the file")
        if len(path) > MAX_DEPTH:
            raise DocumentError(self._where(node), f"nested deeper than {MAX_DEPTH} levels", "flatten it")

    def _where(self, node: yaml.Node) -> Where:
        start, end = node.start_mark, node.end_mark
        width = end.column - start.column if end.line == start.line else 0
        return Where(self.file, start.line + 1, start.column + 1, max(0, width))


def _number(text: str) -> int | float:
    """The number of a text that is a JSON number."""
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def _shown(path: Path) -> str:
    """The path as a user would type it: relative to here when it is below here."""
    resolved, here = path.resolve(), Path.cwd()
    return str(resolved.relative_to(here)) if resolved.is_relative_to(here) else str(path)


def _read_text(path: Path, shown: str) -> str:
    start = Where(shown, 1, 1)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(start, f"the file is larger than {MAX_BYTES} bytes", "split it")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(start, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except OSError as error:
        raise DocumentError(start, f"cannot be read: {error.strerror}", "check its name and rights") from None


def _from_yaml(error: yaml.YAMLError, file: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = Where(file, mark.line + 1, mark.column + 1) if mark else Where(file, 1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    hint = 'a template must be quoted: "{{ name }}"' if "flow mapping" in str(error) else ""
    return DocumentError(where, f"not YAML: {problem}", hint)


def _nearest(positions: Mapping[Steps, Where], path: Steps) -> Where:
    for length in range(len(path), -1, -1):
        if path[:length] in positions:
            return positions[path[:length]]
    return positions[()]


def _from_pydantic(error: ValidationError, document: Document, model: type[BaseModel]) -> DocumentError:
    first = min(error.errors(), key=lambda item: _order(item, document))
    path = _document_path(first["loc"], document)
    if first["type"] == "extra_forbidden":
        known = set(_sibling_keys(model, first["loc"]))
        return DocumentError(
            document.where_key(*path), f"unknown key '{path[-1]}'", did_you_mean(str(path[-1]), known)
        )
    if first["type"] == "missing":
        return DocumentError(document.where(*path[:-1]), f"'{first['loc'][-1]}' is missing", "add it")
    return DocumentError(document.where(*path), _problem(first), _expected(first))


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
        if last or (*path, step) in document.positions or (*path, step, KEY) in document.positions:
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
    return f"{shown[:60] + '...' if len(shown) > 60 else shown}: {text[:1].lower()}{text[1:]}"


def _expected(item: Any) -> str:
    expected = item.get("ctx", {}).get("expected")
    return f"one of {expected}" if expected and "expected" not in str(item["msg"]).lower() else ""
