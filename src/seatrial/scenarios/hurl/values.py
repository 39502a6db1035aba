"""Makes values of the texts of a `.hurl` file: holes are looked up by name in the scope of a play, and nothing else.

Room scenarios, private to `hurl`. A hole alone keeps the type of its value; within a text it is written as Hurl
writes it. DocumentError at the hole that cannot be filled. Not Jinja2: a brace that opens no hole is a brace.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from seatrial.clock import iso
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.match import type_name
from seatrial.scenarios.hurl.syntax import Bare, Hole, JsonText, Text
from seatrial.scenarios.hurl.texts import FUNCTIONS
from seatrial.template import RESERVED, Fixed, Scope, Template, Value

MAX_OUTPUT = 10 << 20
"""Characters one text may render to."""

SECRETS = "secrets"
ADDRESSES = "addresses"
_MEANT = frozenset({SECRETS, ADDRESSES, "vars", "realm", "row"})
_JSON_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPED = re.compile(r'["\\\x00-\x1f]')

Piece = str | Hole | Bare


def scope_name(name: str) -> str:
    """What a variable is called in the scope of a play; a few names mean something else there."""
    return f"{name}_" if name in _MEANT else name


def value_of(text: Text) -> Value:
    """The text, filled when it is rendered; always a text."""
    plain = text.plain
    return Fixed(plain) if plain is not None else template_of(text)


def template_of(text: Text) -> Template:
    """The same, as a template even where it has no hole."""
    return _joined(text.pieces, text.source, text.where, _written)


def value_of_hole(hole: Hole) -> Template:
    """The variable's value, of whatever type it is."""
    return made(f"{{{{{hole.name}}}}}", hole.where, (hole,), lambda scope: look_up(hole, scope))


def json_of(json_text: JsonText) -> Value:
    """The JSON as a text, its white space kept; what fills a hole in a string is escaped as JSON wants it."""
    pieces = json_text.pieces
    if not any(isinstance(piece, (Hole, Bare)) for piece in pieces):
        return Fixed("".join(piece for piece in pieces if isinstance(piece, str)))
    source = "".join(map(_source, pieces))
    return _joined(pieces, source, json_text.where, _within_json)


def mapped(value: Value, change: Callable[[str], Any]) -> Value:
    """What `change` makes of the rendered text; ValueError from it becomes a DocumentError."""
    if isinstance(value, Fixed):
        return Fixed(change(str(value.value)))
    where = value.where if isinstance(value, Template) else Where("<value>", 1, 1)
    text = value.text if isinstance(value, Template) else ""
    return Template(text, where, value.names, lambda scope: change(str(value.render(scope))))


def made(text: str, where: Where, holes: tuple[Hole, ...], run: Callable[[Scope], Any]) -> Template:
    """A template that is run by a function of ours; `holes` are those it looks up."""
    return Template(text, where, names_of(holes), run)


def names_of(holes: tuple[Hole, ...]) -> frozenset[str]:
    """The variables that fill them."""
    return frozenset(scope_name(hole.name) for hole in holes if hole.name not in FUNCTIONS)


def holes_in(node: Any) -> Iterator[Hole]:
    """Every hole in a part of a file."""
    if isinstance(node, Hole):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from holes_in(part)
    elif dataclasses.is_dataclass(node) and not isinstance(node, Where):
        for field in dataclasses.fields(node):
            yield from holes_in(getattr(node, field.name))


def look_up(hole: Hole, scope: Scope) -> Any:
    """The value that fills the hole: of a function a new one, else the variable's of that name, the
    secret's, or the address of that service."""
    if hole.name in FUNCTIONS:
        return _MADE[hole.name](scope)
    name = scope_name(hole.name)
    value = scope.get(name)
    if value is not None and not callable(value):
        return value
    if name in scope and value is None:
        return None
    for holder in (SECRETS, ADDRESSES):
        lent = scope.get(holder)
        if isinstance(lent, Mapping) and hole.name in lent:
            return lent[hole.name]
    raise _undefined(hole, scope)


def _undefined(hole: Hole, scope: Scope) -> DocumentError:
    known = [name for name, value in scope.items() if not callable(value) and name not in RESERVED]
    near = did_you_mean(hole.name, known) if known else f"give it with --variable {hole.name}=VALUE"
    return DocumentError(hole.where, f"'{hole.name}' is not defined", near)


def _joined(pieces: tuple[Piece, ...], source: str, where: Where, write: Callable[[Piece, Scope], str]) -> Template:
    def run(scope: Scope) -> str:
        written = "".join(write(piece, scope) for piece in pieces)
        if len(written) > MAX_OUTPUT:
            raise DocumentError(where, f"a text of more than {MAX_OUTPUT} characters")
        return written

    holes = tuple(piece.hole if isinstance(piece, Bare) else piece for piece in pieces if not isinstance(piece, str))
    return made(source, where, holes, run)


def _source(piece: Piece) -> str:
    if isinstance(piece, str):
        return piece
    hole = piece.hole if isinstance(piece, Bare) else piece
    return f"{{{{{hole.name}}}}}"


def _written(piece: Piece, scope: Scope) -> str:
    if isinstance(piece, str):
        return piece
    hole = piece.hole if isinstance(piece, Bare) else piece
    return _in_text(look_up(hole, scope), hole)


def _in_text(value: Any, hole: Hole) -> str:
    """A value within a text, as Hurl writes it; a list, an object or bytes have no writing."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    hint = "capture the part that is meant"
    raise DocumentError(hole.where, f"'{hole.name}' is of type {type_name(value)} and cannot stand in a text", hint)


def _within_json(piece: Piece, scope: Scope) -> str:
    if isinstance(piece, str):
        return piece
    if isinstance(piece, Hole):
        return _ESCAPED.sub(lambda found: json.dumps(found[0])[1:-1], _in_text(look_up(piece, scope), piece))
    return _as_json(look_up(piece.hole, scope), piece.hole)


def _as_json(value: Any, hole: Hole) -> str:
    """A value for a hole without quotes; a text only where it reads as a number, true, false or null."""
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False)
    written = _in_text(value, hole)
    if not _JSON_SCALAR.fullmatch(written):
        hint = f'put it in quotes, as "{{{{{hole.name}}}}}"'
        raise DocumentError(hole.where, f"'{hole.name}' is the text '{written[:80]}', no JSON value", hint)
    return written


def _new_uuid(scope: Scope) -> str:
    ours = scope.get("uuid")
    return str(ours() if callable(ours) else uuid.uuid4())


def _new_date(scope: Scope) -> str:
    """Hurl writes microseconds; our clock's texts have milliseconds."""
    ours = scope.get("now")
    return str(ours() if callable(ours) else iso(time.time())).replace("Z", "000Z")


_MADE: Mapping[str, Callable[[Scope], str]] = {"newUuid": _new_uuid, "newDate": _new_date}
