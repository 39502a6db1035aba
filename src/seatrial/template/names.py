"""Templates of .hurl files: `{{ name }}` and nothing else. Private to `template`; knows nothing of Jinja2."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.clock import iso
from seatrial.errors import DocumentError, Where
from seatrial.template.functions import MAX_OUTPUT
from seatrial.template.values import Fixed, Run, Scope, Template, Unknown, Value, to_text

_OPEN = "{{"
_HOLE = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)\s*\}\}")
_HOLE_LIKE = re.compile(r"\{\{.*?\}\}|\{\{.{0,40}", re.DOTALL)


def compile_names(text: str, where: Where) -> Value:
    """Compile a text whose only templates are `{{ name }}`, as in .hurl files.

    A name may hold letters, digits, `_` and `-`, and is looked up in the scope as it is; `{{ newUuid }}` and
    `{{ newDate }}` are made anew each time, by the scope's `uuid()` and `now()`. A text that is exactly one
    `{{ name }}` keeps the type of its value. DocumentError at `where` for anything else in braces.
    """
    pieces = tuple(_pieces(text, where))
    holes = [piece for piece in pieces if isinstance(piece, _Hole)]
    if not holes:
        return Fixed(text)
    names = frozenset(hole.name for hole in holes) - _MADE.keys()
    run = _one(holes[0]) if len(pieces) == 1 else _joined(pieces)
    return Template(text, where, names, run)


@dataclass(frozen=True, slots=True)
class _Hole:
    """A name in braces."""

    name: str

    def value(self, scope: Scope) -> Any:
        """What stands for it; a function of the scope is no variable."""
        if make := _MADE.get(self.name):
            return make(scope)
        value = scope.get(self.name, Unknown)
        if value is Unknown or callable(value):
            raise Unknown(self.name)
        return value


def _pieces(text: str, where: Where) -> Iterator[str | _Hole]:
    at = 0
    while (start := text.find(_OPEN, at)) >= 0:
        hole = _HOLE.match(text, start)
        if hole is None:
            raise _no_name(text, start, where)
        if start > at:
            yield text[at:start]
        yield _Hole(hole[1])
        at = hole.end()
    if at < len(text):
        yield text[at:]


def _no_name(text: str, start: int, where: Where) -> DocumentError:
    shown = _HOLE_LIKE.match(text, start)
    hint = "write {{ name }}, of letters, digits, _ and -"
    return DocumentError(where, f"'{shown[0] if shown else _OPEN}' is not a template", hint)


def _one(hole: _Hole) -> Run:
    return lambda scope: _bounded(hole.value(scope))


def _joined(pieces: tuple[str | _Hole, ...]) -> Run:
    def run(scope: Scope) -> str:
        parts = (piece if isinstance(piece, str) else to_text(piece.value(scope)) for piece in pieces)
        return str(_bounded("".join(parts)))

    return run


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_OUTPUT:
        raise ValueError(f"a text of more than {MAX_OUTPUT} characters")
    return value


def _new_uuid(scope: Scope) -> str:
    ours = scope.get("uuid")
    return str(ours() if callable(ours) else uuid.uuid4())


def _new_date(scope: Scope) -> str:
    ours = scope.get("now")
    return str(ours() if callable(ours) else iso(time.time()))


_MADE: Mapping[str, Callable[[Scope], str]] = {"newUuid": _new_uuid, "newDate": _new_date}
