"""Expressions of a test script that are to be true, as checks: `tests[name] = responseBody.has("x")` and its like.

Room scenarios, importers. Unclear for whatever has no counterpart.
"""

from __future__ import annotations

from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.checks import COMPARISONS, FALSE, Expected
from seatrial.scenarios.importers.scripts.symbols import Query, Text, Unclear, path_of

_SIGNS = {"===": "eq", "==": "eq", "!==": "ne", "!=": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def claim(expected: Expected, value: js.Expression, *, negated: bool = False) -> None:
    """Something that is to be true, or `negated`."""
    if isinstance(value, js.Unary) and value.sign == "!":
        claim(expected, value.of, negated=not negated)
    elif isinstance(value, js.Binary) and value.sign == "&&" and not negated:
        claim(expected, value.left)
        claim(expected, value.right)
    elif isinstance(value, js.Binary) and value.sign in _SIGNS:
        if value.right == js.Name("undefined"):
            _defined(expected, value, negated=negated)
            return
        query, operand = expected.symbols.symbol(value.left), expected.symbols.symbol(value.right)
        if not isinstance(query, Query) or not isinstance(operand, Text):
            raise Unclear
        expected.check(query, _SIGNS[value.sign], operand.value, negated=negated)
    elif isinstance(value, js.Call) and isinstance(value.of, js.Member):
        _asked(expected, value.of, value.arguments, negated=negated)
    else:
        query = expected.symbols.symbol(value)
        if not isinstance(query, Query):
            raise Unclear
        expected.check(query, "in", FALSE, negated=not negated)


def _defined(expected: Expected, value: js.Binary, *, negated: bool) -> None:
    query = expected.symbols.symbol(value.left)
    if not isinstance(query, Query) or value.sign not in ("===", "!==", "==", "!="):
        raise Unclear
    expected.check(query, "exists", value.sign.startswith("!") is not negated, negated=False)


def _asked(expected: Expected, called: js.Member, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
    """`responseBody.has(x)`, `text.includes(x)`, `pm.response.headers.has(x)`."""
    [operand] = [expected.symbols.symbol(one) for one in arguments[:1]] or [Text(None)]
    if not isinstance(operand, Text):
        raise Unclear
    if path_of(called) == "pm.response.headers.has":
        expected.check(Query("header", str(operand.value)), "exists", True, negated=negated)
        return
    query = expected.symbols.symbol(called.of)
    predicate = "contains" if called.name == "has" else COMPARISONS.get(str(called.name), "")
    if not isinstance(query, Query) or predicate not in ("contains", "starts_with", "ends_with"):
        raise Unclear
    expected.check(query, predicate, operand.value, negated=negated)
