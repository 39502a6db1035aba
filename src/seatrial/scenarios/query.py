"""Looks into one answer: queries in, what they find out. Pure.

Room scenarios. Checks and captures share it. Needs `model`'s queries, gives `Found`; must never judge what it found.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any

import jsonpath

from seatrial.exchange import Response
from seatrial.match import near_keys, plain
from seatrial.scenarios.wanted import Query, QueryKind

_PATHS = jsonpath.JSONPathEnvironment(strict=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What a query found. `why` says why there is nothing when `exists` is False; `near` names the nearest keys.

    A JSON path that may lead to many values gives a list, in the document's order, empty when there are none.
    """

    value: Any = None
    exists: bool = True
    why: str = ""
    near: tuple[str, ...] = ()


class NotJson(ValueError):
    """The body is not JSON; the text says why."""


class Reading:
    """One response, decoded and parsed at most once however many queries look at it."""

    def __init__(self, response: Response) -> None:
        self.response = response

    @functools.cached_property
    def text(self) -> str:
        """The body in the charset its Content-Type names, else UTF-8; wrong bytes become U+FFFD."""
        try:
            return self.response.body.decode(_charset(self.response.header("content-type")), errors="replace")
        except LookupError:
            return self.response.body.decode(errors="replace")

    @functools.cached_property
    def json(self) -> Any:
        """The body as JSON; NotJson when it is not."""
        try:
            return json.loads(self.text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            shown = f"it reads {plain(self.text)}" if self.text else "it is empty"
            raise NotJson(f"the body is not JSON ({error}); {shown}") from None


def compile_query(kind: QueryKind, text: str) -> Query:
    """A query ready to run; ValueError says what is wrong with its text."""
    if kind is QueryKind.JSONPATH:
        return Query(kind, text, _json_path(text))
    if kind is QueryKind.REGEX:
        return Query(kind, text, _regex(text))
    return Query(kind, text)


def run(query: Query, reading: Reading) -> Found:
    """Look; a query that finds nothing says why, and never raises."""
    return _RUNS[query.kind](query, reading)


def _json_path(text: str) -> jsonpath.JSONPath:
    try:
        path = _PATHS.compile(text)
    except jsonpath.JSONPathError as error:  # its own str() fails for some queries
        raise ValueError(f"'{text}' is not a JSON path (RFC 9535): {error.args[0]}") from None
    if not isinstance(path, jsonpath.JSONPath):
        raise ValueError(f"'{text}' is more than one JSON path")
    return path


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is not a regular expression: {error}") from None


def _charset(content_type: str | None) -> str:
    if content_type is None or "charset" not in content_type.lower():
        return "utf-8"
    message = Message()
    message["Content-Type"] = content_type
    return str(message.get_param("charset", "utf-8"))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _status(_: Query, reading: Reading) -> Found:
    return Found(reading.response.status)


def _duration(_: Query, reading: Reading) -> Found:
    return Found(reading.response.latency_s)


def _body(_: Query, reading: Reading) -> Found:
    return Found(reading.text)


def _header(query: Query, reading: Reading) -> Found:
    value = reading.response.header(query.text)
    if value is not None:
        return Found(value)
    names = {name: None for name, _ in reading.response.headers}
    return Found(None, exists=False, why=f"no header '{query.text}'", near=near_keys(names, query.text))


def _regex_found(query: Query, reading: Reading) -> Found:
    found = query.compiled.search(reading.text)
    if found is None:
        return Found(None, exists=False, why=f"nothing matches '{query.text}'")
    return Found(found[1] if found.re.groups else found[0])


def _path_found(query: Query, reading: Reading) -> Found:
    try:
        document = reading.json
        values = [node.obj for node in query.compiled.finditer(document)]
    except NotJson as error:
        return Found(None, exists=False, why=str(error))
    except (jsonpath.JSONPathError, RecursionError) as error:
        return Found(None, exists=False, why=f"the path cannot be followed: {(*error.args, '')[0]}")
    if query.compiled.singular_query() and values:
        return Found(values[0])
    if values:
        return Found(values)
    nothing: list[Any] | None = None if query.compiled.singular_query() else []
    return Found(nothing, exists=False, why=f"nothing at {query.text}", near=_near(query.compiled, document))


def _near(path: jsonpath.JSONPath, document: Any) -> tuple[str, ...]:
    """Follow the path as far as it leads, and name the keys where it leads no further."""
    for segment in path.segments:
        selector = segment.selectors[0]
        name, index = getattr(selector, "name", None), getattr(selector, "index", None)
        if name is not None and isinstance(document, Mapping) and name in document:
            document = document[name]
        elif name is not None:
            return near_keys(document, name)
        elif isinstance(document, list) and document:
            document = document[index if index is not None and -len(document) <= index < len(document) else 0]
        else:
            return ()
    return ()


_RUNS = {
    QueryKind.STATUS: _status,
    QueryKind.DURATION: _duration,
    QueryKind.BODY: _body,
    QueryKind.HEADER: _header,
    QueryKind.REGEX: _regex_found,
    QueryKind.JSONPATH: _path_found,
}
