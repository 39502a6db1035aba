"""`pm.response.to...` of a test script as checks: the status, headers and body of the answer by names of their own.

Room scenarios, importers. Unclear for whatever has no counterpart.
"""

from __future__ import annotations

from typing import Any

from seatrial.json_schema import as_schema
from seatrial.scenarios.importers.scripts import nodes as js
from seatrial.scenarios.importers.scripts.checks import Expected, pattern_of
from seatrial.scenarios.importers.scripts.links import FILLERS, Link
from seatrial.scenarios.importers.scripts.symbols import Query, Unclear

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
_REASONS = {"OK": 200, "Created": 201, "Accepted": 202, "No Content": 204, "Bad Request": 400, "Unauthorized": 401}
_REASONS |= {"Forbidden": 403, "Not Found": 404, "Conflict": 409, "Unprocessable Entity": 422}


def expect_of_response(expected: Expected, links: list[Link]) -> None:
    """`pm.response.to.have.status(200)` and its like."""
    negated = any(name == "not" for name, _ in links)
    asked = [(str(name), arguments) for name, arguments in links if name not in (*FILLERS, "not")]
    if len(asked) != 1:
        raise Unclear
    [(word, arguments)] = asked
    if arguments is None:
        _named(expected, word, negated=negated)
    elif word == "status":
        said = expected.symbols.operand(arguments)
        status = _REASONS.get(said) if isinstance(said, str) else said
        if status is None:
            raise Unclear
        expected.check(Query("status"), "eq", status, negated=negated)
    elif word == "header":
        _held(expected, Query("header", str(expected.symbols.operand(arguments))), arguments[1:], negated=negated)
    elif word == "body":
        held = arguments[0] if arguments else None
        wanted = pattern_of(arguments) if isinstance(held, js.Pattern) else expected.symbols.operand(arguments)
        expected.check(Query("body"), "matches" if isinstance(held, js.Pattern) else "eq", wanted, negated=negated)
    elif word == "jsonBody":
        _json_body(expected, arguments, negated=negated)
    elif word == "jsonSchema":
        _schema(expected, arguments, negated=negated)
    else:
        raise Unclear


def _named(expected: Expected, word: str, *, negated: bool) -> None:
    if word in _NAMED_STATUS:
        low, high = _NAMED_STATUS[word]
        predicate, operand = ("eq", low) if low == high else ("between", [low, high])
        expected.check(Query("status"), predicate, operand, negated=negated)
    elif word == "json":
        expected.check(Query("header", "Content-Type"), "contains", "json", negated=negated)
    elif word == "withBody":
        expected.check(Query("body"), "empty", negated, negated=False)
    else:
        raise Unclear


def _held(expected: Expected, query: Query, wanted: tuple[js.Expression, ...], *, negated: bool) -> None:
    if wanted:
        expected.check(query, "eq", expected.symbols.operand(wanted), negated=negated)
    else:
        expected.check(query, "exists", True, negated=negated)


def _json_body(expected: Expected, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
    said = expected.symbols.operand(arguments) if arguments else ""
    if isinstance(said, str):
        query = Query("jsonpath", "$").at(said) if said else Query("jsonpath", "$")
        if query is None:
            raise Unclear
        _held(expected, query, arguments[1:], negated=negated)
    else:
        expected.check(Query("jsonpath", "$"), "eq", said, negated=negated)


def _schema(expected: Expected, arguments: tuple[js.Expression, ...], *, negated: bool) -> None:
    schema = expected.symbols.operand(arguments)
    if not isinstance(schema, dict) or negated or _refers(schema):
        raise Unclear
    try:
        as_schema(schema)
    except ValueError:
        raise Unclear from None
    expected.check(Query("jsonpath", "$"), "schema", schema, negated=False)


def _refers(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "$ref" in schema or any(map(_refers, schema.values()))
    return isinstance(schema, list) and any(map(_refers, schema))
