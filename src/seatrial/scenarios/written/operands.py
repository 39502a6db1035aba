"""Understands what a predicate compares with: a value, a template, or a file that is named. Private to `checks`.

Room scenarios. What needs no template is checked here; a file is read now, since a play touches no disk.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seatrial import documents, match, template
from seatrial.documents import Document, Steps
from seatrial.errors import DocumentError, Where
from seatrial.json_schema import compile_schema
from seatrial.predicates import FileContent
from seatrial.scenarios.answers.expect import readable_operand
from seatrial.scenarios.answers.wanted import Query
from seatrial.scenarios.files import Files
from seatrial.template import Fixed, Value


def read_operand(query: Query, name: str, operand: Any, *, document: Document, at: Steps, files: Files) -> Value:
    """The operand of that predicate, which stands at `at`; DocumentError when it cannot be one."""
    where = document.where(*at)
    reader = _NAMED_FILES.get(name)
    if reader:
        named = reader(operand, files, where)
        if named is not None:
            return Fixed(named)
    value = template.compile_value(operand, functools.partial(document.where, *at))
    if not isinstance(value, Fixed):
        return value
    try:
        return Fixed(_compiled(name, readable_operand(query, name, operand)))
    except ValueError as error:
        raise DocumentError(where, str(error)) from None


def _compiled(name: str, operand: Any) -> Any:
    return compile_schema(operand) if name == "schema" else operand


def _file_content(operand: Any, files: Files, where: Where) -> FileContent:
    if not isinstance(operand, str) or not operand:
        raise DocumentError(where, f"{match.show(operand)} is no file", "write its name, as data/receipt.txt")
    return FileContent(operand, files.read(_fixed(operand, where), where))


def _schema_file(operand: Any, files: Files, where: Where) -> Any:
    """A schema by the file it stands in, None for one that is written out."""
    if isinstance(operand, Mapping) and list(operand) == ["file"]:
        operand = operand["file"]
    if not isinstance(operand, str):
        return None
    name = _fixed(operand, where)

    def load(other: str) -> Any:
        return _load(other if "://" in other else str(Path(name).parent / other), files, where)

    content = _load(name, files, where)
    try:
        return compile_schema(content, name=name, load=load)
    except ValueError as error:
        raise DocumentError(where, f"'{name}': {error}") from None


def _load(name: str, files: Files, where: Where) -> Any:
    """A schema's document, in JSON or in YAML."""
    if "://" in name:
        raise DocumentError(where, f"'{name}' is not fetched", "keep it in a file, and refer to that")
    content = files.read(name, where)
    try:
        text = content.decode("utf-8-sig")
        return documents.loads(text, name).content if name.endswith((".yaml", ".yml")) else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(where, f"'{name}' is not JSON: {error}", "a schema in YAML ends in .yaml") from None


def _fixed(name: str, where: Where) -> str:
    """Files are read before the play, so their names can hold no template."""
    if template.is_template(name):
        raise DocumentError(where, f"'{name}': a file's name holds no template", "write the name out")
    return name


_NAMED_FILES: Mapping[str, Callable[[Any, Files, Where], Any]] = {
    "equals_file": _file_content,
    "schema": _schema_file,
}
