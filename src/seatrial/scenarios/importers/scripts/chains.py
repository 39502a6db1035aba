"""Chains of calls that expect something, as checks: `pm.expect(x).to...`, and the way to `pm.response.to...`.

Room scenarios, importers. Unclear for whatever has no counterpart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.checks import COMPARISONS, FALSE, Expected, pattern_of
from seatrial.scenarios.importers.scripts.claims import claim
from seatrial.scenarios.importers.scripts.links import FILLERS, Link, links_of, wants_false
from seatrial.scenarios.importers.scripts.response import expect_of_response
from seatrial.scenarios.importers.scripts.symbols import Query, Text, Unclear

_TYPES = {"object": "object", "array": "list", "string": "string", "number": "number", "boolean": "boolean"}
_FLAGS: Mapping[str, tuple[str, Any]] = {
    "true": ("eq", True),
    "false": ("eq", False),
    "null": ("eq", None),
    "empty": ("empty", True),
    "exist": ("exists", True),
    "undefined": ("exists", False),
}


def chain(expected: Expected, value: js.Expression) -> None:
    """`pm.expect(x).to...` and `pm.response.to...`."""
    links = links_of(value)
    heads = [f"{name}" for name, _ in links[:3]]
    if heads[:2] == ["pm", "expect"] and len(links) > 2 and links[1][1]:
        _of_value(expected, links[1][1][0], links[2:])
    elif heads == ["pm", "response", "to"]:
        expect_of_response(expected, links[3:])
    else:
        raise Unclear


def _of_value(expected: Expected, actual: js.Expression, links: list[Link]) -> None:
    if isinstance(actual, (js.Binary, js.Unary)) or (
        isinstance(actual, js.Call) and expected.symbols.maybe(actual) is None
    ):
        claim(expected, actual, negated=wants_false(links))
        return
    query = expected.symbols.symbol(actual)
    if isinstance(query, Text):
        query, links = _turned(expected, query, links)
    _asks(expected, query, links)


def _turned(expected: Expected, value: Text, links: list[Link]) -> tuple[Query, list[Link]]:
    """`expect(200).to.equal(pm.response.code)` says the same the other way round."""
    name, arguments = links[-1]
    query = expected.symbols.symbol(arguments[0]) if arguments and COMPARISONS.get(str(name)) == "eq" else None
    if not isinstance(query, Query) or isinstance(value.value, (dict, list)):
        raise Unclear
    return query, [*links[:-1], (name, (js.Literal(value.value),))]


def _asks(expected: Expected, query: Query, links: list[Link]) -> None:
    negated, asked = False, False
    for name, arguments in links:
        word = str(name)
        if word == "not":
            negated = not negated
        elif word in ("property", "nested") and query.kind == "jsonpath":
            if word == "property":
                query, asked = _property(expected, query, arguments or (), negated=negated), True
        elif word in ("length", "lengthOf") and arguments is None:
            query = _length(query)
        elif word in ("a", "an") and arguments:
            _type(expected, query, expected.symbols.operand(arguments), negated=negated)
            asked = True
        elif word not in FILLERS or arguments is not None:
            _ask(expected, query, word, arguments, negated=negated)
            asked = True
    if not asked:
        raise Unclear


def _length(query: Query) -> Query:
    below = query.below("length")
    if below is None:
        raise Unclear
    return below


def _property(expected: Expected, query: Query, arguments: tuple[js.Expression, ...], *, negated: bool) -> Query:
    name = expected.symbols.operand(arguments)
    below = query.at(name) if isinstance(name, str) else None
    if below is None:
        raise Unclear
    if len(arguments) > 1:
        expected.check(below, "eq", expected.symbols.operand(arguments[1:]), negated=negated)
    else:
        expected.check(below, "exists", True, negated=negated)
    return below


def _type(expected: Expected, query: Query, kind: Any, *, negated: bool) -> None:
    if kind == "undefined":
        expected.check(query, "exists", negated, negated=False)
    elif kind == "null" or kind in _TYPES:
        expected.check(query, "type", _TYPES.get(str(kind), "null"), negated=negated)
    else:
        raise Unclear


def _ask(
    expected: Expected, query: Query, word: str, arguments: tuple[js.Expression, ...] | None, *, negated: bool
) -> None:
    if word == "ok" and arguments is None:
        expected.check(query, "in", FALSE, negated=not negated)
    elif word == "exist" and arguments is None and query.kind == "jsonpath" and not negated:
        expected.check(query, "ne", None, negated=False)
    elif arguments is None:
        if word not in _FLAGS:
            raise Unclear
        expected.check(query, *_FLAGS[word], negated=negated)
    elif word in ("match", "matches"):
        expected.check(query, "matches", pattern_of(arguments), negated=negated)
    elif word == "within" and len(arguments) == 2:
        expected.check(
            query,
            "between",
            [expected.symbols.operand(arguments[:1]), expected.symbols.operand(arguments[1:])],
            negated=negated,
        )
    elif word in ("key", "keys") and query.kind == "jsonpath":
        _keys(expected, query, arguments, negated=negated)
    elif word in COMPARISONS:
        expected.check(query, COMPARISONS[word], expected.symbols.operand(arguments), negated=negated)
    else:
        raise Unclear


def _keys(expected: Expected, query: Query, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
    listed = arguments[0].items if arguments and isinstance(arguments[0], js.Array) else arguments
    for one in listed:
        below = query.below(str(expected.symbols.operand((one,))))
        if below is None or negated:
            raise Unclear
        expected.check(below, "exists", True, negated=False)
