"""What a test script expects of the answer: `pm.expect(..)`, `pm.response.to..`, `tests[..] = ..` as checks.

Room scenarios, importers. Unclear, with nothing kept, for whatever has no counterpart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.json_schema import as_schema
from seatrial.regexes import compile_regex
from seatrial.scenarios.importers import script_nodes as js
from seatrial.scenarios.importers.script_symbols import Query, Symbols, Text, Unclear, path_of

_FILLERS = frozenset(
    (
        *("to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same", "but", "does"),
        *("still", "also", "deep", "all"),
    )
)
_TYPES = {"object": "object", "array": "list", "string": "string", "number": "number", "boolean": "boolean"}
_COMPARISONS = {
    "equal": "eq",
    "equals": "eq",
    "eq": "eq",
    "eql": "eq",
    "eqls": "eq",
    "above": "gt",
    "gt": "gt",
    "greaterThan": "gt",
    "least": "gte",
    "gte": "gte",
    "below": "lt",
    "lt": "lt",
    "lessThan": "lt",
    "most": "lte",
    "lte": "lte",
    "include": "contains",
    "includes": "contains",
    "contain": "contains",
    "contains": "contains",
    "string": "contains",
    "lengthOf": "length",
    "length": "length",
    "oneOf": "in",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
}
_SIGNS = {"===": "eq", "==": "eq", "!==": "ne", "!=": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_NAMED_STATUS = {
    "ok": (200, 200),
    "accepted": (202, 202),
    "success": (200, 299),
    "redirection": (300, 399),
    "badRequest": (400, 400),
    "unauthorized": (401, 401),
    "forbidden": (403, 403),
    "notFound": (404, 404),
    "rateLimited": (429, 429),
    "clientError": (400, 499),
    "serverError": (500, 599),
    "error": (400, 599),
}
_FLAGS: Mapping[str, tuple[str, Any]] = {
    "true": ("eq", True),
    "false": ("eq", False),
    "null": ("eq", None),
    "empty": ("empty", True),
    "exist": ("exists", True),
    "undefined": ("exists", False),
}
_FALSE = [False, None, 0, ""]
"""JSON values a script takes for false."""

_REASONS = {"OK": 200, "Created": 201, "Accepted": 202, "No Content": 204, "Bad Request": 400, "Unauthorized": 401}
_REASONS |= {"Forbidden": 403, "Not Found": 404, "Conflict": 409, "Unprocessable Entity": 422}


_Link = tuple[str | int, tuple[js.Expression, ...] | None]


@dataclass
class Expected:
    """What was expected so far: statuses, the shortest limit of the whole exchange, checks in the format's words."""

    symbols: Symbols
    statuses: list[int] = field(default_factory=list)
    limits_ms: list[float] = field(default_factory=list)
    checks: list[Mapping[str, Any]] = field(default_factory=list)

    def chain(self, value: js.Expression) -> None:
        """A statement that is a chain of calls."""
        self._all_or_nothing(self._chain, value)

    def claim(self, value: js.Expression) -> None:
        """An expression that is to be true."""
        self._all_or_nothing(self._claim, value)

    def _all_or_nothing(self, take: Callable[[js.Expression], None], value: js.Expression) -> None:
        kept = len(self.statuses), len(self.limits_ms), len(self.checks)
        try:
            take(value)
        except Unclear:
            del self.statuses[kept[0] :], self.limits_ms[kept[1] :], self.checks[kept[2] :]
            raise

    def _claim(self, value: js.Expression, *, negated: bool = False) -> None:
        """Something that is to be true."""
        if isinstance(value, js.Unary) and value.sign == "!":
            self._claim(value.of, negated=not negated)
        elif isinstance(value, js.Binary) and value.sign == "&&" and not negated:
            self._claim(value.left)
            self._claim(value.right)
        elif isinstance(value, js.Binary) and value.sign in _SIGNS:
            if value.right == js.Name("undefined"):
                self._defined(value, negated=negated)
                return
            query, operand = self.symbols.symbol(value.left), self.symbols.symbol(value.right)
            if not isinstance(query, Query) or not isinstance(operand, Text):
                raise Unclear
            self._check(query, _SIGNS[value.sign], operand.value, negated=negated)
        elif isinstance(value, js.Call) and isinstance(value.of, js.Member):
            self._asked(value.of, value.arguments, negated=negated)
        else:
            query = self.symbols.symbol(value)
            if not isinstance(query, Query):
                raise Unclear
            self._check(query, "in", _FALSE, negated=not negated)

    def _defined(self, value: js.Binary, *, negated: bool) -> None:
        query = self.symbols.symbol(value.left)
        if not isinstance(query, Query) or value.sign not in ("===", "!==", "==", "!="):
            raise Unclear
        self._check(query, "exists", value.sign.startswith("!") is not negated, negated=False)

    def _asked(self, called: js.Member, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
        """`responseBody.has(x)`, `text.includes(x)`, `pm.response.headers.has(x)`."""
        [operand] = [self.symbols.symbol(one) for one in arguments[:1]] or [Text(None)]
        if not isinstance(operand, Text):
            raise Unclear
        if path_of(called) == "pm.response.headers.has":
            self._check(Query("header", str(operand.value)), "exists", True, negated=negated)
            return
        query = self.symbols.symbol(called.of)
        predicate = "contains" if called.name == "has" else _COMPARISONS.get(str(called.name), "")
        if not isinstance(query, Query) or predicate not in ("contains", "starts_with", "ends_with"):
            raise Unclear
        self._check(query, predicate, operand.value, negated=negated)

    def _chain(self, value: js.Expression) -> None:
        """`pm.expect(x).to...` and `pm.response.to...`."""
        links = _links(value)
        heads = [f"{name}" for name, _ in links[:3]]
        if heads[:2] == ["pm", "expect"] and len(links) > 2 and links[1][1]:
            self._expected(links[1][1][0], links[2:])
        elif heads == ["pm", "response", "to"]:
            self._response(links[3:])
        else:
            raise Unclear

    def _expected(self, actual: js.Expression, links: list[_Link]) -> None:
        if isinstance(actual, (js.Binary, js.Unary)) or (
            isinstance(actual, js.Call) and self.symbols.maybe(actual) is None
        ):
            self._claim(actual, negated=_wants_false(links))
            return
        query = self.symbols.symbol(actual)
        if isinstance(query, Text):
            query, links = self._turned(query, links)
        self._asks(query, links)

    def _turned(self, value: Text, links: list[_Link]) -> tuple[Query, list[_Link]]:
        """`expect(200).to.equal(pm.response.code)` says the same the other way round."""
        name, arguments = links[-1]
        query = self.symbols.symbol(arguments[0]) if arguments and _COMPARISONS.get(str(name)) == "eq" else None
        if not isinstance(query, Query) or isinstance(value.value, (dict, list)):
            raise Unclear
        return query, [*links[:-1], (name, (js.Literal(value.value),))]

    def _asks(self, query: Query, links: list[_Link]) -> None:
        negated, asked = False, False
        for name, arguments in links:
            word = str(name)
            if word == "not":
                negated = not negated
            elif word in ("property", "nested") and query.kind == "jsonpath":
                if word == "property":
                    query, asked = self._property(query, arguments or (), negated=negated), True
            elif word in ("length", "lengthOf") and arguments is None:
                query = self._length(query)
            elif word in ("a", "an") and arguments:
                self._type(query, self.symbols.operand(arguments), negated=negated)
                asked = True
            elif word not in _FILLERS or arguments is not None:
                self._ask(query, word, arguments, negated=negated)
                asked = True
        if not asked:
            raise Unclear

    def _length(self, query: Query) -> Query:
        below = query.below("length")
        if below is None:
            raise Unclear
        return below

    def _property(self, query: Query, arguments: tuple[js.Expression, ...], *, negated: bool) -> Query:
        name = self.symbols.operand(arguments)
        below = _below(query, name) if isinstance(name, str) else None
        if below is None:
            raise Unclear
        if len(arguments) > 1:
            self._check(below, "eq", self.symbols.operand(arguments[1:]), negated=negated)
        else:
            self._check(below, "exists", True, negated=negated)
        return below

    def _type(self, query: Query, kind: Any, *, negated: bool) -> None:
        if kind == "undefined":
            self._check(query, "exists", negated, negated=False)
        elif kind == "null" or kind in _TYPES:
            self._check(query, "type", _TYPES.get(str(kind), "null"), negated=negated)
        else:
            raise Unclear

    def _ask(self, query: Query, word: str, arguments: tuple[js.Expression, ...] | None, *, negated: bool) -> None:
        if word == "ok" and arguments is None:
            self._check(query, "in", _FALSE, negated=not negated)
        elif word == "exist" and arguments is None and query.kind == "jsonpath" and not negated:
            self._check(query, "ne", None, negated=False)
        elif arguments is None:
            if word not in _FLAGS:
                raise Unclear
            self._check(query, *_FLAGS[word], negated=negated)
        elif word in ("match", "matches"):
            self._check(query, "matches", _pattern(arguments), negated=negated)
        elif word == "within" and len(arguments) == 2:
            self._check(
                query,
                "between",
                [self.symbols.operand(arguments[:1]), self.symbols.operand(arguments[1:])],
                negated=negated,
            )
        elif word in ("key", "keys") and query.kind == "jsonpath":
            self._keys(query, arguments, negated=negated)
        elif word in _COMPARISONS:
            self._check(query, _COMPARISONS[word], self.symbols.operand(arguments), negated=negated)
        else:
            raise Unclear

    def _keys(self, query: Query, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
        listed = arguments[0].items if arguments and isinstance(arguments[0], js.Array) else arguments
        for one in listed:
            below = query.below(str(self.symbols.operand((one,))))
            if below is None or negated:
                raise Unclear
            self._check(below, "exists", True, negated=False)

    def _response(self, links: list[_Link]) -> None:
        """`pm.response.to.have.status(200)` and its like."""
        negated = any(name == "not" for name, _ in links)
        asked = [(str(name), arguments) for name, arguments in links if name not in (*_FILLERS, "not")]
        if len(asked) != 1:
            raise Unclear
        [(word, arguments)] = asked
        if arguments is None:
            self._named(word, negated=negated)
        elif word == "status":
            said = self.symbols.operand(arguments)
            status = _REASONS.get(said) if isinstance(said, str) else said
            if status is None:
                raise Unclear
            self._check(Query("status"), "eq", status, negated=negated)
        elif word == "header":
            self._held(Query("header", str(self.symbols.operand(arguments))), arguments[1:], negated=negated)
        elif word == "body":
            held = arguments[0] if arguments else None
            wanted = _pattern(arguments) if isinstance(held, js.Pattern) else self.symbols.operand(arguments)
            self._check(Query("body"), "matches" if isinstance(held, js.Pattern) else "eq", wanted, negated=negated)
        elif word == "jsonBody":
            self._json_body(arguments, negated=negated)
        elif word == "jsonSchema":
            self._schema(arguments, negated=negated)
        else:
            raise Unclear

    def _named(self, word: str, *, negated: bool) -> None:
        if word in _NAMED_STATUS:
            low, high = _NAMED_STATUS[word]
            predicate, operand = ("eq", low) if low == high else ("between", [low, high])
            self._check(Query("status"), predicate, operand, negated=negated)
        elif word == "json":
            self._check(Query("header", "Content-Type"), "contains", "json", negated=negated)
        elif word == "withBody":
            self._check(Query("body"), "empty", negated, negated=False)
        else:
            raise Unclear

    def _held(self, query: Query, wanted: tuple[js.Expression, ...], *, negated: bool) -> None:
        if wanted:
            self._check(query, "eq", self.symbols.operand(wanted), negated=negated)
        else:
            self._check(query, "exists", True, negated=negated)

    def _json_body(self, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
        said = self.symbols.operand(arguments) if arguments else ""
        if isinstance(said, str):
            query = _below(Query("jsonpath", "$"), said) if said else Query("jsonpath", "$")
            if query is None:
                raise Unclear
            self._held(query, arguments[1:], negated=negated)
        else:
            self._check(Query("jsonpath", "$"), "eq", said, negated=negated)

    def _schema(self, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
        schema = self.symbols.operand(arguments)
        if not isinstance(schema, dict) or negated or _refers(schema):
            raise Unclear
        try:
            as_schema(schema)
        except ValueError:
            raise Unclear from None
        self._check(Query("jsonpath", "$"), "schema", schema, negated=False)

    def _check(self, query: Query, predicate: str, operand: Any, *, negated: bool) -> None:
        if predicate == "contains" and isinstance(operand, dict):
            raise Unclear  # of an object its members are meant, of a list its elements
        if query.asks == "length":
            if predicate != "eq" and predicate not in ("gt", "gte", "lt", "lte", "between", "in", "ne"):
                raise Unclear
        elif query == Query("status") and not negated and predicate in ("eq", "in"):
            listed = operand if isinstance(operand, list) else [operand]
            if all(isinstance(one, int) and not isinstance(one, bool) and 100 <= one <= 599 for one in listed):
                self.statuses += listed
                return
        elif (
            query.ms
            and not negated
            and predicate in ("lt", "lte")
            and isinstance(operand, (int, float))
            and operand > 0
        ):
            self.limits_ms.append(operand)
            return
        self.checks.append(_written(query, predicate, self._shown(query, operand), negated=negated))

    def _shown(self, query: Query, operand: Any) -> Any:
        if query.ms:
            if not isinstance(operand, (int, float)) or isinstance(operand, bool):
                raise Unclear
            return f"{operand:g}ms"
        return self.symbols.texts.marks.value(operand)


def _links(value: js.Expression) -> list[_Link]:
    """A chain from its beginning: each name, with the arguments it is called with or None."""
    links: list[_Link] = []
    arguments: tuple[js.Expression, ...] | None = None
    while not isinstance(value, js.Name):
        if isinstance(value, js.Call):
            arguments = value.arguments
            value = value.of
        elif isinstance(value, js.Member):
            links.append((value.name, arguments))
            arguments = None
            value = value.of
        else:
            return []
    return [(value.text, arguments), *reversed(links)]


def _wants_false(links: list[_Link]) -> bool:
    """Whether `.to.be.false` or `.to.eql(false)` ends the chain; Unclear when it is neither that nor true."""
    name, arguments = links[-1] if links else ("", None)
    word = arguments[0] if arguments else js.Literal({"true": True, "false": False}.get(str(name)))
    if not isinstance(word, js.Literal) or not isinstance(word.value, bool):
        raise Unclear
    return word.value is any(name == "not" for name, _ in links)


def _below(query: Query, path: str) -> Query | None:
    """The query below, by a path as `a.b[0].c`."""
    found: Query | None = query
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d{1,9})\]", path):
        found = found.below(name or int(index)) if found else None
    return found


def _pattern(arguments: tuple[js.Expression, ...]) -> str:
    held = arguments[0] if arguments else None
    if not isinstance(held, js.Pattern) or set(held.flags) - set("gimsu"):
        raise Unclear
    flags = "".join(flag for flag in "ims" if flag in held.flags)
    text = f"(?{flags}){held.text}" if flags else held.text
    text = text.replace("\\/", "/")
    try:
        compile_regex(text)
    except ValueError:
        raise Unclear from None
    return text


def _refers(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "$ref" in schema or any(map(_refers, schema.values()))
    return isinstance(schema, list) and any(map(_refers, schema))


def _written(query: Query, predicate: str, operand: Any, *, negated: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {predicate: operand}
    asked = {"not": asked} if negated else asked
    if query.asks == "length":
        return {query.kind: query.text, "filters": ["count"], **asked}
    return {query.kind: query.text, **asked} if query.text else {query.kind: asked}
