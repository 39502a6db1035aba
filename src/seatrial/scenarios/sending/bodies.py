"""Renders a request's body: what a step says in, bytes with their content type out.

Room scenarios. A multipart body is WHATWG's multipart/form-data encoding. DocumentError names the step of a body that
cannot be written. Must never send.
"""

from __future__ import annotations

import json
import mimetypes
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial.errors import DocumentError, Where
from seatrial.light import light
from seatrial.match import plain
from seatrial.scenarios.sending.request import Body, BodyKind, FileRef, Part
from seatrial.template import Scope, to_text

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LINE_END = re.compile(r"\r\n|\r|\n")


@light(frozen=True, slots=True)
class Content:
    """A body as it is sent; `content_type` empty leaves it unsaid."""

    body: bytes
    content_type: str


def content_of(body: Body | None, scope: Scope, where: Where, *, boundary: str) -> Content | None:
    """The rendered body, None for none; `boundary` is what separates the parts of a multipart one."""
    if body is None:
        return None
    if body.kind is BodyKind.MULTIPART:
        return _multipart(body.parts, scope, where, boundary=f"seatrial-{boundary}")
    if isinstance(body.content, FileRef):
        return Content(body.content.read(scope), _type_of_file(body.content, scope))
    return _WRITES[body.kind](body.content.render(scope), where)


def _json(content: Any, where: Where) -> Content:
    return Content(json_text_of(content, where).encode(), JSON_TYPE)


def json_text_of(content: Any, where: Where) -> str:
    """A value as the JSON that is sent; DocumentError at `where` for what has none."""
    try:
        return _JSON.encode(content)
    except (TypeError, ValueError) as error:
        raise DocumentError(where, f"the body cannot be written as JSON: {error}") from None


def _text(content: Any, _: Where) -> Content:
    return Content(to_text(content).encode(), "text/plain; charset=utf-8")


def _xml(content: Any, _: Where) -> Content:
    return Content(to_text(content).encode(), "application/xml")


def _bytes(content: Any, where: Where) -> Content:
    if not isinstance(content, bytes):
        raise DocumentError(where, f"the body is no bytes: {plain(content)}")
    return Content(content, "")


def _form(fields: Any, where: Where) -> Content:
    """Fields, of which a list gives one pair an element and null none; a text is sent as it is."""
    if isinstance(fields, str):
        return Content(fields.encode(), FORM_TYPE)
    if not isinstance(fields, Mapping):
        raise DocumentError(where, f"the form is no mapping of fields: {plain(fields)}")
    pairs = [
        (name, to_text(one))
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    return Content(urllib.parse.urlencode(pairs).encode(), FORM_TYPE)


def _graphql(content: Any, where: Where) -> Content:
    """As GraphQL over HTTP wants it: `operationName` and `variables` only where they are given."""
    variables = content["variables"]
    if isinstance(variables, str):
        raise DocumentError(where, f"the variables are no mapping: {plain(variables)}")
    said = {"query": to_text(content["query"]), "operationName": content["operation"], "variables": variables}
    return _json({name: value for name, value in said.items() if value is not None}, where)


_WRITES: Mapping[BodyKind, Callable[[Any, Where], Content]] = {
    BodyKind.JSON: _json,
    BodyKind.FORM: _form,
    BodyKind.TEXT: _text,
    BodyKind.GRAPHQL: _graphql,
    BodyKind.XML: _xml,
    BodyKind.BYTES: _bytes,
}


def _multipart(parts: tuple[Part, ...], scope: Scope, where: Where, *, boundary: str) -> Content:
    pieces = [piece for part in parts for piece in _part(part, scope, where)]
    separator = f"--{boundary}".encode()
    if any(separator in piece for piece in pieces):
        raise DocumentError(where, "a part holds the boundary that separates the parts")
    body = b"".join(separator + b"\r\n" + piece + b"\r\n" for piece in pieces) + separator + b"--\r\n"
    return Content(body, f"multipart/form-data; boundary={boundary}")


def _part(part: Part, scope: Scope, where: Where) -> Iterator[bytes]:
    """One part, or for a list one an element; null leaves it out."""
    filename = None if part.filename is None else to_text(part.filename.render(scope))
    said = None if part.content_type is None else to_text(part.content_type.render(scope))
    if isinstance(part.content, FileRef):
        path = part.content.locate(scope)
        shown = filename or path.name
        yield _piece(part.name, part.content.read(scope), shown, said or _guessed(path.name))
        return
    rendered = part.content.render(scope)
    for value in rendered if isinstance(rendered, list) else [rendered]:
        if value is not None:
            is_data = isinstance(value, (Mapping, list))
            text = json_text_of(value, where) if is_data else to_text(value)
            body = value if isinstance(value, bytes) else _LINE_END.sub("\r\n", text).encode()
            yield _piece(part.name, body, filename, said or (JSON_TYPE if is_data else ""))


def _piece(name: str, body: bytes, filename: str | None, content_type: str) -> bytes:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    if filename is not None:
        head += f'; filename="{_quoted(filename)}"'
    if content_type:
        head += f"\r\nContent-Type: {' '.join(content_type.split())}"
    return head.encode() + b"\r\n\r\n" + body


def _quoted(name: str) -> str:
    """As WHATWG's multipart/form-data encoding escapes a name: line ends and quotes percent-encoded, nothing else."""
    return _LINE_END.sub("%0D%0A", name).replace('"', "%22")


def _type_of_file(file: FileRef, scope: Scope) -> str:
    return _guessed(file.locate(scope).name)


def _guessed(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
