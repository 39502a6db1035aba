"""The filters and members a template may use, and bounded forms of those that grow. Private to `template`.

Jinja2's own that are listed here give parts of what they are given, or little more than it; whatever can give more
is bounded before the memory is taken. What is not listed is refused, so a new version of Jinja2 opens nothing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import jinja2
import jinja2.filters
import markupsafe
from jinja2.runtime import LoopContext

from seatrial.template.functions import MAX_LOOP, MAX_OUTPUT
from seatrial.template.people import People
from seatrial.template.values import Raw, to_text

MAX_DIGITS = 100
"""Of a rounding, and far more than a float has."""

MAX_INT_DIGITS = 4300
"""Of a text read as a whole number; Python's own limit, which it keeps for some bases only."""

MAX_INDENT = 8

_KEPT = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "items", "last", "length", "lower"),
    *("max", "min", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "title", "trim"),
    *("unique", "upper"),
)
_OF_TEXT = frozenset(
    {
        *(
            "capitalize",
            "casefold",
            "count",
            "endswith",
            "find",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
        ),
        *("isdigit", "islower", "isnumeric", "isspace", "isupper", "lower", "lstrip", "partition", "removeprefix"),
        *("removesuffix", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith"),
        *("strip", "swapcase", "title", "upper"),
    }
)
_OF_TIME = frozenset(
    {"date", "day", "hour", "isoformat", "minute", "month", "second", "time", "timestamp", "weekday", "year"}
)
_MEMBERS: tuple[tuple[type | tuple[type, ...], frozenset[str]], ...] = (
    (str, _OF_TEXT),
    ((list, tuple), frozenset({"count", "index"})),
    (Mapping, frozenset({"get", "items", "keys", "values"})),
    (datetime, _OF_TIME),
)
_OPEN = (LoopContext, People)
"""What looks after its own members."""


def may_use(holder: Any, member: str) -> bool:
    """Whether a template may use that member of a value; of what is no JSON value it may use none."""
    if isinstance(holder, _OPEN):
        return True
    return any(isinstance(holder, kind) and member in members for kind, members in _MEMBERS)


def growing_member(holder: Any, member: str) -> Callable[..., str] | None:
    """The bounded form of a text's method that may grow it; None for any other member."""
    if not isinstance(holder, str):
        return None
    if member == "replace":
        return lambda old, new, count=-1: _replace(holder, old, new, count)
    return (lambda parts: _joined(parts, holder)) if member == "join" else None


def refuse_length(length: int) -> None:
    """ValueError for what is longer than a template may give."""
    if length > MAX_OUTPUT:
        raise ValueError(f"a text of more than {MAX_OUTPUT} characters")


def weight_of(value: Any) -> int:
    """At least the characters its text would take; ValueError once that is more than a template may give.

    A list may hold the same one many times, so little memory may make endless text.
    """
    weight, left = 0, [iter((value,))]
    while left:
        part = next(left[-1], _END)
        if part is _END:
            left.pop()
            continue
        weight += len(part) if isinstance(part, (str, bytes)) else 1
        refuse_length(weight)
        if isinstance(part, Mapping):
            left.append(itertools.chain.from_iterable(part.items()))
        elif isinstance(part, (list, tuple)):
            left.append(iter(part))
    return weight


def text_of(value: Any) -> str:
    """The value inside a text, bounded."""
    weight_of(value)
    return to_text(value)


def bounded_items(items: Iterable[Any]) -> list[Any]:
    """What a loop goes through; ValueError for too many."""
    taken = list(itertools.islice(items, MAX_LOOP + 1))
    if len(taken) > MAX_LOOP:
        raise ValueError(f"a loop over more than {MAX_LOOP} items")
    return taken


def chained(parts: Iterable[Any]) -> str:
    """The parts as one text: `a ~ b`."""
    return _joined(parts, "")


_END = object()


def _plain_text(value: Any) -> str:
    """As Jinja2 words it; an undefined name raises here."""
    weight_of(value)
    return str(value)


def _replace(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    whole, part, other = _plain_text(text), _plain_text(old), _plain_text(new)
    times = whole.count(part)
    if count is not None and count >= 0:
        times = min(times, count)
    refuse_length(len(whole) + times * (len(other) - len(part)))
    return whole.replace(part, other, times)


def _joined(parts: Iterable[Any], between: Any) -> str:
    separator = _plain_text(between)
    texts: list[str] = []
    length = -len(separator)
    for part in parts:
        texts.append(_plain_text(part))
        length += len(separator) + len(texts[-1])
        refuse_length(length)
    return separator.join(texts)


@jinja2.pass_environment
def _join(environment: jinja2.Environment, value: Iterable[Any], d: Any = "", attribute: Any = None) -> str:
    if attribute is not None:
        value = map(jinja2.filters.make_attrgetter(environment, attribute), value)
    return _joined(value, d)


@jinja2.pass_environment
def _sum(environment: jinja2.Environment, iterable: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    """Of numbers alone: the sum of lists would copy them again and again."""
    if not isinstance(start, (int, float)):
        raise ValueError("only numbers can be summed up")
    if attribute is not None:
        iterable = map(jinja2.filters.make_attrgetter(environment, attribute), iterable)
    return sum(iterable, start)


@jinja2.pass_context
def _map(context: jinja2.runtime.Context, value: Iterable[Any], *args: Any, **named: Any) -> Iterator[Any]:
    """All that it makes together is no longer than one text may be."""
    weight = 0
    for part in jinja2.filters.sync_do_map(context, value, *args, **named):
        weight += weight_of(part) + 1
        refuse_length(weight)
        yield part


def _list(value: Iterable[Any]) -> list[Any]:
    taken = list(itertools.islice(value, MAX_OUTPUT + 1))
    refuse_length(len(taken))
    return taken


def _int(value: Any, default: int = 0, base: int = 10) -> int:
    if isinstance(value, str) and len(value) > MAX_INT_DIGITS:
        raise ValueError(f"a number of more than {MAX_INT_DIGITS} digits")
    return jinja2.filters.do_int(value, default, base)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > MAX_DIGITS:
        raise ValueError(f"rounding to more than {MAX_DIGITS} digits")
    return jinja2.filters.do_round(value, precision, method)


def _tojson(value: Any, indent: int | None = None) -> str:
    """As text for JSON, safe within HTML, as Jinja2's own."""
    if indent is not None and not 0 <= indent <= MAX_INDENT:
        raise ValueError(f"an indent of more than {MAX_INDENT} columns")
    weight_of(value)
    text = json.dumps(value, sort_keys=True, indent=indent)
    return text.translate(_UNSAFE)


_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"}


def _escape(value: Any) -> str:
    return str(markupsafe.escape(_plain_text(value)))


def _urlencode(value: Any) -> str:
    weight_of(value)
    return jinja2.filters.do_urlencode(value)


def _raw(value: Any) -> Raw:
    return Raw(text_of(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    **{name: jinja2.filters.FILTERS[name] for name in _KEPT},
    "bounded": bounded_items,
    "chained": chained,
    "e": _escape,
    "escape": _escape,
    "int": _int,
    "join": _join,
    "list": _list,
    "map": _map,
    "raw": _raw,
    "replace": _replace,
    "round": _round,
    "string": _plain_text,
    "sum": _sum,
    "tojson": _tojson,
    "urlencode": _urlencode,
}
