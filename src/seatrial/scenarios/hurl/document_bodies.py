"""Writes the bodies of a `.hurl` file as our documents do: JSON as values, forms as mappings, the rest as text.

Room scenarios, private to `hurl`, for `document`. JSON that our documents cannot say is written as a text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seatrial.errors import DocumentError
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.names import Names, literal
from seatrial.scenarios.hurl.requests import file_type
from seatrial.scenarios.hurl.syntax import Bare, BlockKind, Hole, JsonText, Text

JSON = "application/json"
XML = "application/xml"
_OPEN, _CLOSE, _BARE = "\ue000", "\ue001", "\ue002"

Tell = Callable[[DocumentError], None]
NameOf = Callable[[Text], str]
Content = tuple[dict[str, Any], str | None]
"""The key of the body with its content, and the content type to say: None leaves it to that key, empty says none."""


def body_content(request: syntax.Request, names: Names, tell: Tell, name_of: NameOf) -> Content:
    """The body of a request."""
    if request.multipart:
        return {"multipart": _gathered((name_of(part.name), _part(part, names)) for part in request.multipart)}, None
    if request.form:
        fields = _gathered((name_of(pair.name), names.text(pair.value)) for pair in request.form)
        return {"form": fields}, None
    body = request.body
    if body is None:
        return {}, None
    if isinstance(body, syntax.File):
        return {"file": names.text(body.path)}, ""
    if isinstance(body, syntax.Bytes):
        return _bytes(body, tell), ""
    if isinstance(body, JsonText):
        return _json(body, names)
    if isinstance(body, syntax.Xml):
        return {"xml": literal(body.text)}, None
    return _text(body, names)


def json_value(body: JsonText, names: Names) -> Any:
    """The JSON as values whose texts are templates; ValueError for what a document cannot say."""
    return _Json(names).value(body)


def _text(body: syntax.Block | syntax.Line, names: Names) -> Content:
    kind = body.kind if isinstance(body, syntax.Block) else BlockKind.TEXT
    if isinstance(body, syntax.Block) and kind is BlockKind.GRAPHQL:
        return _graphql(body, names), None
    written = {"text": names.text(body.text)}
    return written, {BlockKind.JSON: JSON, BlockKind.XML: XML}.get(kind, "")


def _graphql(block: syntax.Block, names: Names) -> dict[str, Any]:
    query = {"query": names.text(block.text).strip()}
    if block.variables is None:
        return {"graphql": query}
    try:
        return {"graphql": {**query, "variables": json_value(block.variables, names)}}
    except ValueError:
        return {"graphql": {**query, "variables": json_text(block.variables, names)}}


def json_text(body: JsonText, names: Names) -> str:
    """The JSON as a text; what fills its holes is not escaped."""
    return names.joined(tuple(piece.hole if isinstance(piece, Bare) else piece for piece in body.pieces))


def _json(body: JsonText, names: Names) -> Content:
    try:
        return {"json": json_value(body, names)}, None
    except ValueError:
        return {"text": json_text(body, names)}, JSON


def _bytes(body: syntax.Bytes, tell: Tell) -> dict[str, Any]:
    try:
        return {"text": literal(body.value.decode())}
    except UnicodeDecodeError:
        hint = "write them into a file, and `file: PATH`"
        tell(DocumentError(body.where, "the body is bytes that a document cannot hold", hint))
        return {}


def _part(part: syntax.Pair | syntax.FilePart, names: Names) -> Any:
    if isinstance(part, syntax.Pair):
        return names.text(part.value)
    said = names.text(part.content_type) if part.content_type else file_type(part.path.source)
    path = names.text(part.path)
    return {"file": path, "filename": path, "type": said}


def _gathered(pairs: Any) -> dict[str, Any]:
    made: dict[str, list[Any]] = {}
    for name, value in pairs:
        if name:
            made.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in made.items()}


@dataclass
class _Json:
    """Reads JSON in whose place of each hole stands a mark."""

    names: Names
    holes: list[Hole] = field(default_factory=list)

    def value(self, body: JsonText) -> Any:
        marked = "".join(map(self._marked, body.pieces))
        if any(mark in piece for piece in body.pieces if isinstance(piece, str) for mark in (_OPEN, _CLOSE, _BARE)):
            raise ValueError("the text holds the marks themselves")
        return self._filled(json.loads(marked, object_pairs_hook=_once))

    def _marked(self, piece: str | Hole | Bare) -> str:
        if isinstance(piece, str):
            return piece
        self.holes.append(piece.hole if isinstance(piece, Bare) else piece)
        mark = f"{_OPEN}{len(self.holes) - 1}{_CLOSE}"
        return f'"{_BARE}{mark}"' if isinstance(piece, Bare) else mark

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._filled(part) for part in value]
        if isinstance(value, dict):
            if any(_OPEN in key for key in value):
                raise ValueError("a name is a template")
            return {key: self._filled(part) for key, part in value.items()}
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("a number is too large")
        return value

    def _text(self, text: str) -> str:
        if text.startswith(_BARE):
            return self.names.typed(self._hole(text[1:]))
        pieces: list[str | Hole] = []
        while text:
            before, sign, rest = text.partition(_OPEN)
            pieces += [before] if before else []
            mark, _, text = rest.partition(_CLOSE)
            pieces += [self._hole(f"{_OPEN}{mark}{_CLOSE}")] if sign else []
        return self.names.joined(tuple(pieces))

    def _hole(self, mark: str) -> Hole:
        return self.holes[int(mark.strip(_OPEN + _CLOSE))]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return made
