"""Understands one step that sends something: a raw shape in, a `Step` out; and whether and how often a part is run.

Room scenarios, private to `read`. DocumentError names the place of what is wrong.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from seatrial import template
from seatrial.errors import DocumentError
from seatrial.scenarios.loops import elements, rounds
from seatrial.scenarios.model import (
    DEFAULT_TIMEOUT_S,
    STRAIGHT,
    Course,
    ForEach,
    Loop,
    Repeat,
    Retry,
    Step,
    Until,
)
from seatrial.scenarios.written.checks import read_captures, read_expectations, refuse_name
from seatrial.scenarios.written.requests import Spot, read_request
from seatrial.scenarios.written.shapes import RawForEach, RawRepeatUntil, RawRetry, RawStep
from seatrial.template import Value

_TEMPLATED = ("request", "websocket", "sse", "expect", "capture", "vars")


def read_step(raw: RawStep, spot: Spot) -> Step:
    """The step, its templates compiled."""
    request, target = read_request(raw, spot)
    return Step(
        name=spot.prefix + (raw.name or f"{request.method} {target.route}"),
        number=spot.number,
        section=spot.section,
        service=target.shown_service,
        method=request.method,
        route=target.route,
        request=request,
        where=spot.document.where(*spot.at),
        expectations=read_expectations(raw.expect, spot.document, (*spot.at, "expect"), files=spot.files),
        captures=read_captures(raw.capture, spot.document, (*spot.at, "capture")),
        timeout_s=_timeout_s(raw, spot),
        retry=_retry(raw.retry) if raw.retry else None,
        mutates=raw.mutates,
        course=read_course(raw, spot),
        variables=read_variables(raw, spot),
        uses=_names_in(raw, spot),
    )


def read_course(raw: RawStep, spot: Spot) -> Course:
    """Whether and how often a part is run."""
    course = Course(
        when=_condition(raw.when, spot, "when"),
        skip=raw.skip,
        only_in=raw.only_in,
        never_in=raw.never_in,
        delay_s=raw.delay,
        loop=_loop(raw, spot),
        keep_going=raw.keep_going,
    )
    return STRAIGHT if course == STRAIGHT else course


def read_variables(raw: RawStep, spot: Spot) -> tuple[tuple[str, Value], ...]:
    """The variables a step sets, in order."""
    at = (*spot.at, "vars")
    for name in raw.vars:
        refuse_name(name, spot.document.where_key(*at, name))
    return tuple(
        (name, template.compile_value(content, functools.partial(spot.document.where, *at, name)))
        for name, content in raw.vars.items()
    )


def _condition(text: str | None, spot: Spot, *at: str) -> template.Template | None:
    """Compiled; braces are not needed and refused, since they would make it a text."""
    if text is None:
        return None
    where = spot.document.where(*spot.at, *at)
    if template.is_template(text):
        raise DocumentError(where, f"'{text}' is an expression already", "write it without {{ }}")
    return template.compile_condition(text, where)


def _loop(raw: RawStep, spot: Spot) -> Loop | None:
    asked = [name for name in _LOOPS if getattr(raw, name) is not None]
    if not asked:
        return None
    if len(asked) > 1:
        where = spot.document.where_key(*spot.at, asked[1])
        raise DocumentError(where, f"'{asked[1]}' and '{asked[0]}' in one step", "put one of them into a flow")
    return _LOOPS[asked[0]](getattr(raw, asked[0]), spot)


def _repeat(raw: int | str, spot: Spot) -> Loop:
    where = spot.document.where(*spot.at, "repeat")
    times = template.compile_value(raw, lambda *_: where)
    if isinstance(times, template.Fixed):
        rounds(times.value, where)
    return Repeat(times, where)


def _for_each(raw: RawForEach, spot: Spot) -> Loop:
    at = (*spot.at, "for_each")
    refuse_name(raw.name, spot.document.where(*at, "as"))
    items = template.compile_value(raw.items, functools.partial(spot.document.where, *at, "in"))
    where = spot.document.where(*at, "in")
    if isinstance(items, template.Fixed):
        elements(items.value, where)
    return ForEach(raw.name, items, where)


def _until(raw: RawRepeatUntil, spot: Spot) -> Loop:
    condition = _condition(raw.condition, spot, "until", "condition")
    assert condition is not None
    return Until(condition, raw.max, spot.document.where(*spot.at, "until", "condition"), raw.interval)


_LOOPS: Mapping[str, Callable[[Any, Spot], Loop]] = {"repeat": _repeat, "for_each": _for_each, "until": _until}


def _timeout_s(raw: RawStep, spot: Spot) -> float:
    """The deadline of the whole step, said beside the request or in it."""
    said = raw.request or raw.websocket or raw.sse
    within = said.timeout.total if said else None
    if raw.timeout is not None and within is not None:
        where = spot.document.where_key(*spot.at, "timeout")
        raise DocumentError(where, "'timeout' stands in the request too", "say the whole deadline once")
    return raw.timeout or within or DEFAULT_TIMEOUT_S


def _retry(raw: RawRetry) -> Retry:
    return Retry(raw.max, raw.interval, raw.backoff, raw.max_duration, raw.on)


def _names_in(raw: RawStep, spot: Spot) -> frozenset[str]:
    """Every variable any text of the step mentions, its condition's among them."""
    written: Any = functools.reduce(operator.getitem, spot.at, cast("Any", spot.document.content))
    texts = filter(template.is_template, _texts([written.get(key) for key in _TEMPLATED]))
    asked = template.compile_condition(raw.when).names if raw.when else frozenset[str]()
    return asked.union(*map(_names_of, texts))


def _names_of(text: str) -> frozenset[str]:
    """What is no template here is none by the step's own word (`raw: true`): the others were compiled before."""
    try:
        return template.compile_text(text).names
    except DocumentError:
        return frozenset()


def _texts(content: Any) -> Iterator[str]:
    """Every text in it, in no order."""
    left = [content]
    while left:
        part = left.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)
