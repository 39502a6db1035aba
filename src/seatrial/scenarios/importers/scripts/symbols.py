"""What expressions of a test script stand for: a part of the answer, or a value that is known.

Room scenarios, importers. A value is a plain one, or a text with marks for the variables in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.importers.json_paths import element, member
from seatrial.scenarios.importers.postman_texts import Texts
from seatrial.scenarios.importers.scripts import nodes as js

SCOPES = frozenset({"environment", "collectionVariables", "globals", "variables"})


@dataclass(frozen=True, slots=True)
class Query:
    """A part of the answer. `ms` for times, which scripts have in milliseconds."""

    kind: str
    text: str = ""
    asks: str = ""
    ms: bool = False

    def below(self, name: str | int) -> Query | None:
        """The member of a JSON value."""
        if self.kind != "jsonpath" or self.asks:
            return None
        if name == "length":
            return Query(self.kind, self.text, asks="length")
        return Query(self.kind, member(self.text, name) if isinstance(name, str) else element(self.text, name))

    def at(self, path: str) -> Query | None:
        """The part below, by a path as `a.b[0].c`."""
        found: Query | None = self
        for name, index in re.findall(r"([^.\[\]]+)|\[(\d{1,9})\]", path):
            found = found.below(name or int(index)) if found else None
        return found

    def capture(self) -> dict[str, Any]:
        """The query as a capture has it."""
        held: dict[str, Any] = {self.kind: self.text or True}
        return {**held, "filters": ["count"]} if self.asks == "length" else held


@dataclass(frozen=True, slots=True)
class Text:
    """A text with marks, or a plain value."""

    value: Any


Symbol = Query | Text


class Unclear(ValueError):
    """A statement that is understood as JavaScript, but not as an expectation of ours."""


@dataclass
class Symbols:
    """Tells what expressions stand for; `names` are those the script has given itself."""

    texts: Texts
    names: dict[str, Symbol] = field(default_factory=dict)

    def operand(self, arguments: tuple[js.Expression, ...]) -> Any:
        """The known value of the first argument; Unclear when it is none."""
        value = self.symbol(arguments[0]) if arguments else None
        if not isinstance(value, Text):
            raise Unclear
        return value.value

    def maybe(self, value: js.Expression) -> Symbol | None:
        """What an expression stands for; None when that is not clear."""
        try:
            return self.symbol(value)
        except Unclear:
            return None

    def symbol(self, value: js.Expression) -> Symbol:
        """What an expression stands for; Unclear when that is neither."""
        if isinstance(value, js.Literal):
            return Text(value.value)
        if isinstance(value, js.Array):
            return Text([self.operand((one,)) for one in value.items])
        if isinstance(value, js.Object):
            return Text({name: self.operand((one,)) for name, one in value.members})
        if isinstance(value, js.Joined):
            return Text("".join(self._piece(part) for part in value.parts))
        if isinstance(value, js.Binary) and value.sign == "+":
            return Text(self._piece(value.left) + self._piece(value.right))
        if isinstance(value, js.Call):
            return self._called(value)
        if isinstance(value, (js.Name, js.Member)):
            return self._named_value(value)
        raise Unclear

    def _piece(self, value: js.Expression) -> str:
        held = self.operand((value,))
        if isinstance(held, (dict, list)) or held is None:
            raise Unclear
        return held if isinstance(held, str) else str(held).lower() if isinstance(held, bool) else str(held)

    def _named_value(self, value: js.Name | js.Member) -> Symbol:
        path = path_of(value) or ""
        if isinstance(value, js.Name) and value.text in self.names:
            return self.names[value.text]
        if path in _ANSWERS:
            return _ANSWERS[path]
        if isinstance(value, js.Member):
            if isinstance(value.of, js.Name) and value.of.text in ("environment", "globals", "data"):
                return Text(self.texts.marks.mark(self.texts.expression(str(value.name))))
            of = self.symbol(value.of)
            below = of.below(value.name) if isinstance(of, Query) else None
            if below:
                return below
        raise Unclear

    def _called(self, call: js.Call) -> Symbol:
        path, arguments = path_of(call.of) or "", call.arguments
        if path in _CALLS:
            return _CALLS[path]
        if path in _MADE:
            return Text(self.texts.marks.mark(_MADE[path]))
        if path in _UNCHANGED and arguments:
            return self.symbol(arguments[0])
        if isinstance(call.of, js.Member) and call.of.name in ("toString", "trim"):
            return self.symbol(call.of.of)
        words = path.split(".")
        if len(words) == 3 and words[0] == "pm" and words[2] == "get" and words[1] in _READS:
            path = "postman.getEnvironmentVariable"
        if path not in _NAMED_CALLS:
            raise Unclear
        return _NAMED_CALLS[path](self, arguments)

    def _variable(self, arguments: tuple[js.Expression, ...]) -> Symbol:
        return Text(self.texts.marks.mark(self.texts.expression(str(self.operand(arguments)))))

    def _replaced(self, arguments: tuple[js.Expression, ...]) -> Symbol:
        return Text(self.texts.marked(str(self.operand(arguments))))

    def _header(self, arguments: tuple[js.Expression, ...]) -> Symbol:
        return Query("header", str(self.operand(arguments)))

    def _cookie(self, arguments: tuple[js.Expression, ...]) -> Symbol:
        return Query("cookie", str(self.operand(arguments)))

    def _parsed(self, arguments: tuple[js.Expression, ...]) -> Symbol:
        if not arguments or self.symbol(arguments[0]) != Query("body"):
            raise Unclear
        return Query("jsonpath", "$")


_ANSWERS: Mapping[str, Symbol] = {
    "pm.response.code": Query("status"),
    "responseCode.code": Query("status"),
    "pm.response.responseTime": Query("duration", ms=True),
    "responseTime": Query("duration", ms=True),
    "responseBody": Query("body"),
}
_CALLS: Mapping[str, Symbol] = {
    "pm.response.json": Query("jsonpath", "$"),
    "pm.response.text": Query("body"),
}
_MADE = {"Date.now": "timestamp() * 1000", "uuid.v4": "uuid()", "crypto.randomUUID": "uuid()"}


_READS = frozenset({*SCOPES, "iterationData"})
_UNCHANGED = frozenset({"JSON.stringify", "String", "Number", "parseInt", "parseFloat"})
_NAMED_CALLS: Mapping[str, Callable[[Symbols, tuple[js.Expression, ...]], Symbol]] = {
    "postman.getEnvironmentVariable": Symbols._variable,
    "postman.getGlobalVariable": Symbols._variable,
    "pm.variables.replaceIn": Symbols._replaced,
    "pm.response.headers.get": Symbols._header,
    "postman.getResponseHeader": Symbols._header,
    "pm.cookies.get": Symbols._cookie,
    "JSON.parse": Symbols._parsed,
}


def path_of(value: js.Expression) -> str | None:
    """A chain of names as one text: `pm.response.code`."""
    words: list[str] = []
    while isinstance(value, js.Member):
        words.append(str(value.name))
        value = value.of
    return ".".join([value.text, *reversed(words)]) if isinstance(value, js.Name) else None
