"""Answers by hand, and queries asked of them."""

from __future__ import annotations

from datetime import UTC, datetime

from seatrial.errors import Where
from seatrial.exchange import Response
from seatrial.scenarios.answers.filters import compile_filter
from seatrial.scenarios.answers.query import compile_query, run
from seatrial.scenarios.answers.reading import Reading
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.template import compile_text

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HERE = Where("s.yaml", 3, 7)


def answer(body=b"", *headers, **more):
    return Response(200, headers, body, 0.25, **more)


def ask(kind, text="", given=None, *, scope=None, filters=(), **reading):
    applied = tuple(compile_filter(FilterKind(name), arguments, HERE) for name, *arguments in filters)
    query = compile_query(QueryKind(kind), text, argument=compile_text(text, HERE), filters=applied)
    reading = Reading(given or answer(), now=NOON.timestamp, **reading)
    return run(query, reading, scope or {})


def look(kind, text, body=b"", *headers):
    return ask(kind, text, answer(body, *headers))
