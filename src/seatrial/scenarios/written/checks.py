"""Understands `expect:` and `capture:` of a step: raw shapes in, `Expectations` and `Capture`s out.

Room scenarios, private to `read`. Every query, filter, predicate and pattern is compiled and checked here, and every
file that one names is read, so that a play never meets a wrong one; DocumentError names its place.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial import match, template
from seatrial.documents import Document, Steps
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.scenarios.answers.filters import compile_filter
from seatrial.scenarios.answers.query import compile_query, takes_text
from seatrial.scenarios.answers.wanted import (
    Capture,
    Check,
    Expectations,
    Filter,
    FilterKind,
    LatencyLimits,
    Place,
    Query,
    QueryKind,
    Severity,
    WantedJson,
    WantedStatus,
)
from seatrial.scenarios.files import Files
from seatrial.scenarios.written.operands import read_operand
from seatrial.scenarios.written.shapes import RawExpect, RawMax

_QUERIES = frozenset(QueryKind)
_ASKED = frozenset({*match.PREDICATES, "not"})
_ELSEWHERE = {
    **dict.fromkeys(("equals", "equal", "is", "=="), "eq"),
    **dict.fromkeys(("match", "regex"), "matches"),
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "includes": "contains",
    "count": "length",
    "size": "length",
    "one_of": "in",
    "isEmpty": "empty",
}
"""What other tools call our predicates."""

_FILTERED = ("filters", "filter")
_CHECK_KEYS = frozenset({*_FILTERED, "severity"})
_CAPTURE_KEYS = frozenset({*_FILTERED, "secret"})


def read_expectations(raw: RawExpect, document: Document, at: Steps, *, files: Files) -> Expectations:
    """What a step expects; `at` is the path of its `expect`, `files` are what it may name."""
    where = functools.partial(document.where, *at)
    has_json = "content" in raw.model_fields_set
    if raw.strict and not has_json:
        raise DocumentError(document.where_key(*at, "strict"), "'strict' has no `json` to be strict about")
    return Expectations(
        status=WantedStatus(raw.status, where("status")) if raw.status is not None else None,
        json=_wanted_json(raw, document, (*at, "json")) if has_json else None,
        limits=_limits(raw.max, document, (*at, "max")) if raw.max else None,
        checks=tuple(
            check
            for index, content in enumerate(raw.checks)
            for check in _checks(content, document, (*at, "checks", index), files)
        ),
    )


def read_captures(raw: Mapping[str, Mapping[str, Any]], document: Document, at: Steps) -> tuple[Capture, ...]:
    """What a step captures; `at` is the path of its `capture`."""
    return tuple(_capture(name, content, document, (*at, name)) for name, content in raw.items())


def refuse_name(name: str, where: Where) -> None:
    """DocumentError for a name a template could not use, or means something else by."""
    if name in template.RESERVED:
        raise DocumentError(where, f"'{name}' is a name templates already know", "choose another")
    if not name.isidentifier():
        raise DocumentError(where, f"'{name}' cannot be used in a template", "use letters, digits and _")


def _wanted_json(raw: RawExpect, document: Document, at: Steps) -> WantedJson:
    return dataclasses.replace(read_pattern(raw.content, document, at), strict=raw.strict)


def read_pattern(content: Any, document: Document, at: Steps) -> WantedJson:
    """The shape that a document must have, as the value at `at` describes it; not strict."""

    def leaf(value: Any, path: match.Path) -> template.Value:
        return template.compile_value(value, functools.partial(document.where, *at, *path))

    try:
        pattern = match.pattern(content, leaf=leaf)
    except match.PatternError as error:
        where = document.where_key(*at, *error.path) if error.path else document.where(*at)
        raise DocumentError(where, error.problem, error.hint) from None
    places = dict(_places(content, document, at, ()))
    templated = any(place.templated for place in places.values())
    if not templated:
        pattern = match.fill(pattern, lambda value: value.render({}))
    return WantedJson(pattern, templated, strict=False, where=document.where(*at), places=places)


def _places(content: Any, document: Document, at: Steps, path: match.Path) -> Iterator[tuple[match.Path, Place]]:
    """Every part of a pattern with its place; a matcher is one part."""
    if match.is_matcher(content) or not isinstance(content, (Mapping, list)):
        yield path, Place(document.where(*at), match.has_template(content))
        return
    yield path, Place(document.where(*at))
    for key, part in content.items() if isinstance(content, Mapping) else enumerate(content):
        shown = match.literal_key(key) if isinstance(key, str) else key
        yield from _places(part, document, (*at, key), (*path, shown))


def _limits(raw: RawMax, document: Document, at: Steps) -> LatencyLimits:
    if raw.fail is None and raw.degraded is None:
        raise DocumentError(document.where(*at), "'max' limits nothing", "write {fail: 500ms, degraded: 200ms}")
    if raw.fail is not None and raw.degraded is not None and raw.degraded > raw.fail:
        raise DocumentError(document.where(*at, "degraded"), "'degraded' is longer than 'fail'", "swap them")
    return LatencyLimits(raw.fail, raw.degraded, document.where(*at, "fail"), document.where(*at, "degraded"))


def _checks(content: Mapping[str, Any], document: Document, at: Steps, files: Files) -> Iterator[Check]:
    """One check a predicate: `{jsonpath: $.n, gt: 0, lt: 9}` are two."""
    key = _query_key(content, document, at)
    query, inner = _query(key, content, document, at)
    asker = _Asker(query, document, files, _severity(content, document, at))
    asked = {name: (content[name], (*at, name)) for name in content if name != key and name not in _CHECK_KEYS}
    asked.update({name: (operand, (*at, key, name)) for name, operand in inner.items()})
    if not asked:
        hint = f"add a predicate, as `exists: true`; known: {', '.join(sorted(_ASKED))}"
        raise DocumentError(document.where(*at), f"the check of '{query}' asks nothing", hint)
    for name, (operand, path) in asked.items():
        yield asker.check(name, operand, path)


def _query_key(content: Mapping[str, Any], document: Document, at: Steps) -> str:
    keys = [key for key in content if key in _QUERIES]
    if len(keys) > 1:
        raise DocumentError(document.where_key(*at, keys[1]), f"'{keys[1]}' and '{keys[0]}' in one", "make it two")
    if keys:
        return keys[0]
    known = _ASKED | _CHECK_KEYS | _CAPTURE_KEYS
    unknown = next((key for key in content if key not in known), None)
    if unknown is None:
        hint = f"say what to look at: {', '.join(sorted(_QUERIES))}"
        raise DocumentError(document.where(*at), "it looks at nothing", hint)
    raise DocumentError(
        document.where_key(*at, unknown), f"unknown query '{unknown}'", did_you_mean(unknown, _QUERIES)
    )


def _query(key: str, content: Mapping[str, Any], document: Document, at: Steps) -> tuple[Query, Mapping[str, Any]]:
    """The query, and the predicates below it: `{body: {empty: true}}` is the same as `{body: true, empty: true}`."""
    kind, looked, where = QueryKind(key), content[key], document.where(*at, key)
    filters = _filters(content, document, at)
    if not takes_text(kind):
        return compile_query(kind, filters=filters), _inner(key, looked, where)
    if not isinstance(looked, str) or not looked:
        raise DocumentError(where, f"'{key}' takes a text, not {match.show(looked)}")
    try:
        return compile_query(kind, looked, argument=template.compile_text(looked, where), filters=filters), {}
    except ValueError as error:
        raise DocumentError(where, str(error)) from None


def _inner(key: str, looked: Any, where: Where) -> Mapping[str, Any]:
    if isinstance(looked, Mapping):
        return looked
    if looked is None or looked is True:
        return {}
    raise DocumentError(where, f"'{key}' takes no argument", f"write {{{key}: {{eq: {looked}}}}}")


def _filters(content: Mapping[str, Any], document: Document, at: Steps) -> tuple[Filter, ...]:
    """`filters: [count]`, or a single one as `filter: count`."""
    if "filter" in content and "filters" in content:
        raise DocumentError(document.where_key(*at, "filter"), "'filter' beside 'filters'", "put all in `filters`")
    if "filter" in content:
        return (_filter(content["filter"], document, (*at, "filter")),)
    listed = content.get("filters", [])
    if not isinstance(listed, list):
        hint = "write `filters: [count]`, or a single one as `filter: count`"
        raise DocumentError(document.where(*at, "filters"), "'filters' takes a list", hint)
    return tuple(_filter(one, document, (*at, "filters", index)) for index, one in enumerate(listed))


def _filter(content: Any, document: Document, at: Steps) -> Filter:
    """A name, or one with its arguments: `count`, `{nth: -1}`, `{replace: [a, b]}`."""
    if isinstance(content, str):
        return compile_filter(_filter_kind(content, document.where(*at)), (), document.where(*at))
    if not isinstance(content, Mapping) or len(content) != 1:
        hint = "write a name, or a name and its arguments, as {nth: -1}; one filter an element"
        raise DocumentError(document.where(*at), f"{match.show(content)} is not a filter", hint)
    [(name, given)] = content.items()
    kind = _filter_kind(name, document.where_key(*at, name))
    return compile_filter(kind, given if isinstance(given, list) else [given], document.where(*at, name))


def _filter_kind(name: str, where: Where) -> FilterKind:
    if name not in frozenset(FilterKind):
        raise DocumentError(where, f"unknown filter '{name}'", did_you_mean(name, FilterKind))
    return FilterKind(name)


def _severity(content: Mapping[str, Any], document: Document, at: Steps) -> Severity:
    text = content.get("severity", Severity.FAIL)
    if text not in frozenset(Severity):
        hint = did_you_mean(str(text), Severity)
        raise DocumentError(document.where(*at, "severity"), f"unknown severity '{text}'", hint)
    return Severity(text)


@dataclass(frozen=True, slots=True)
class _Asker:
    """What the predicates of one check ask of, and how grave a miss is."""

    query: Query
    document: Document
    files: Files
    severity: Severity

    def check(self, name: str, operand: Any, at: Steps) -> Check:
        """That predicate of it; `not` turns the one below it round."""
        if name != "not":
            return self._asked(name, operand, at)
        if not isinstance(operand, Mapping) or len(operand) != 1:
            raise DocumentError(self.document.where(*at), "'not' takes one predicate", "write {not: {contains: x}}")
        [(inner, wanted)] = operand.items()
        asked = self._asked(inner, wanted, (*at, inner))
        return dataclasses.replace(asked, predicate=match.negated(asked.predicate))

    def _asked(self, name: str, operand: Any, at: Steps) -> Check:
        if name not in match.PREDICATES:
            hint = f"did you mean '{_ELSEWHERE[name]}'?" if name in _ELSEWHERE else did_you_mean(name, _ASKED)
            raise DocumentError(self.document.where_key(*at), f"unknown predicate '{name}'", hint)
        value = read_operand(self.query, name, operand, document=self.document, at=at, files=self.files)
        return Check(self.query, match.predicate(name), value, self.document.where(*at), self.severity)


def _capture(name: str, content: Mapping[str, Any], document: Document, at: Steps) -> Capture:
    refuse_name(name, document.where_key(*at))
    key = _query_key(content, document, at)
    for other in content:
        if other != key and other not in _CAPTURE_KEYS:
            hint = did_you_mean(other, _CAPTURE_KEYS)
            raise DocumentError(document.where_key(*at, other), f"unknown key '{other}' in a capture", hint)
    query, inner = _query(key, content, document, at)
    secret = content.get("secret", False)
    if inner or not isinstance(secret, bool):
        raise DocumentError(document.where(*at), "a capture asks nothing, it only keeps", "write it as a check")
    return Capture(name, query, document.where(*at, key), secret)
