"""Whether an answer is all that a step expects, asked the short way. Pure.

Room scenarios. A driver of many plays compiles a step once: paths become direct access, shapes a closure a leaf. An
answer that is as expected is nearly every answer; for one that is not, or that is unusual in any way, there is no
telling here: `judge` decides and words it, so this can never judge otherwise, only sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seatrial import match
from seatrial.scenarios.answers.expect import answer_to, operand_of
from seatrial.scenarios.answers.json_path import JsonPath
from seatrial.scenarios.answers.query import run
from seatrial.scenarios.answers.reading import Reading
from seatrial.scenarios.answers.wanted import Capture, Check, Query, QueryKind, WantedJson
from seatrial.scenarios.model import Step
from seatrial.template import RESERVED, Fields, Fixed, Items, Scope, Template, Value

Look = Callable[[Reading, Scope], Any]
"""What a query finds; an exception, or `_NOTHING`, where that is nothing."""

Ask = Callable[[Reading, Scope], bool]
Holds = Callable[[Any, Scope], bool]
"""Whether a part of a document is as wanted; False or an exception also where only `judge` can tell."""

_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Direct:
    """What a step expects, compiled. `statuses` None means any under 400, empty means any. `looks_up`: what is
    captured may be asked for by what comes after it."""

    statuses: frozenset[int] | None
    longest_s: float
    looks_up: bool
    captures: tuple[tuple[str, Look], ...]
    asks: tuple[Ask, ...]

    def captured(self, reading: Reading, scope: Scope) -> dict[str, Any] | None:
        """What is captured from an answer that is in all as expected; None leaves it to `judge`."""
        status, wanted = reading.response.status, self.statuses
        if status not in wanted if wanted else wanted is None and status >= 400:
            return None
        if reading.response.latency_s > self.longest_s:
            return None
        try:
            return self._captured(reading, scope)
        except Exception:  # noqa: BLE001 - whatever it is, `judge` meets it too and tells it
            return None

    def _captured(self, reading: Reading, scope: Scope) -> dict[str, Any] | None:
        captured: dict[str, Any] = {}
        within = {**scope} if self.captures and self.looks_up else {}
        for name, look in self.captures:
            found = look(reading, within)
            if found is _NOTHING:
                return None
            captured[name] = within[name] = found
        for ask in self.asks:
            if not ask(reading, within or scope):
                return None
        return captured


def compile_direct(step: Step) -> Direct | None:
    """The step's expectations compiled; None where judging twice would not be judging once, as where a template draws
    a random number."""
    wanted = step.expectations
    if step.request.talk is not None or not all(map(_is_steady, _values_of(step))):
        return None
    limits = wanted.limits
    allowed = [] if limits is None else [each for each in (limits.fail_s, limits.degraded_s) if each is not None]
    shapes = () if wanted.json is None else (_shape(wanted.json),)
    return Direct(
        None if wanted.status is None else frozenset(wanted.status.statuses),
        min(allowed, default=float("inf")),
        _looks_up(step),
        tuple((capture.name, _capture(capture)) for capture in step.captures),
        (*shapes, *map(_check, wanted.checks)),
    )


def _looks_up(step: Step) -> bool:
    kinds = {capture.query.kind for capture in step.captures} | {one.query.kind for one in step.expectations.checks}
    return QueryKind.VARIABLE in kinds or any(
        isinstance(each, (Template, Items, Fields)) for each in _values_of(step)
    )


def _values_of(step: Step) -> list[Value]:
    """Every value that judging renders."""
    queries = [check.query for check in step.expectations.checks] + [capture.query for capture in step.captures]
    arguments = [query.argument for query in queries if query.argument is not None]
    applied = [argument for query in queries for one in query.filters for argument in one.arguments]
    leaves = _leaves(step.expectations.json.pattern) if step.expectations.json else []
    return [*arguments, *applied, *leaves, *(check.operand for check in step.expectations.checks)]


def _leaves(pattern: match.Pattern) -> list[Any]:
    if isinstance(pattern, match.Literal):
        return [pattern.value]
    if isinstance(pattern, match.Matcher):
        return [operand for _, operand in pattern.asked]
    parts = [part for _, part in pattern.members] if isinstance(pattern, match.Object) else pattern.elements
    return [leaf for part in parts for leaf in _leaves(part)]


def _is_steady(value: Any) -> bool:
    """Whether it renders to the same however often: nothing is called in it, no function of a play is named."""
    if isinstance(value, Template):
        return "(" not in value.text and value.names.isdisjoint(RESERVED)
    if isinstance(value, Fields):
        return all(_is_steady(part) for _, part in value.parts)
    return all(map(_is_steady, value.parts)) if isinstance(value, Items) else True


def _capture(capture: Capture) -> Look:
    path = _plain_path(capture.query)
    if path is not None and path.singular:
        return _lone(path)
    query = capture.query

    def look(reading: Reading, scope: Scope) -> Any:
        found = run(query, reading, scope)
        return found.value if found.exists else _NOTHING

    return look


def _plain_path(query: Query) -> JsonPath | None:
    """Its path, where that is one of names, indexes and `*` alone and nothing is made of what it finds."""
    path = query.compiled
    plain = query.kind is QueryKind.JSONPATH and not query.filters and isinstance(path, JsonPath) and not path.parsed
    return path if plain else None


def _lone(path: JsonPath) -> Look:
    """Direct access; an exception where the path leads nowhere."""
    steps = path.steps

    def look(reading: Reading, _: Scope) -> Any:
        value = reading.json
        for step in steps:
            if type(step) is int and type(value) is not list:  # a text has indexes too
                return _NOTHING
            value = value[step]
        return value

    return look


def _check(check: Check) -> Ask:
    path = _plain_path(check.query)
    if path is None or check.predicate.name == "exists":
        return _any_check(check)
    ask, accepts = check.predicate.ask, check.predicate.accepts
    operand = _operand(check)
    look = _lone(path) if path.singular else _every(path)

    def holds(reading: Reading, scope: Scope) -> bool:
        value = look(reading, scope)
        return value is not _NOTHING and accepts(ask(value, operand(scope)))

    return holds


def _operand(check: Check) -> Callable[[Scope], Any]:
    return check.operand.render if isinstance(check.operand, Fixed) else lambda scope: operand_of(check, scope)


def _every(path: JsonPath) -> Look:
    return lambda reading, _: path.values(reading.json) or _NOTHING


def _any_check(check: Check) -> Ask:
    def holds(reading: Reading, scope: Scope) -> bool:
        operand = operand_of(check, scope)
        return check.predicate.accepts(answer_to(check.predicate, run(check.query, reading, scope), operand))

    return holds


def _shape(wanted: WantedJson) -> Ask:
    if wanted.strict:
        return lambda reading, scope: not match.strict_mismatches(_filled(wanted, scope), reading.json)
    holds = _holds(wanted.pattern)
    return lambda reading, scope: holds(reading.json, scope)


def _filled(wanted: WantedJson, scope: Scope) -> match.Pattern:
    return match.fill(wanted.pattern, lambda leaf: leaf.render(scope)) if wanted.templated else wanted.pattern


def _holds(pattern: match.Pattern) -> Holds:
    if isinstance(pattern, match.Literal):
        return _equals(pattern.value)
    if isinstance(pattern, match.Matcher):
        return _matches(pattern)
    if isinstance(pattern, match.Object):
        return _has_members(tuple((key, _holds(part)) for key, part in pattern.members))
    return _has_elements(tuple(map(_holds, pattern.elements)))


def _equals(leaf: Any) -> Holds:
    if isinstance(leaf, (Template, Items, Fields)):
        equal, render = match.equal, leaf.render
        return lambda actual, scope: equal(actual, render(scope))
    wanted = leaf.value if isinstance(leaf, Fixed) else leaf
    if isinstance(wanted, str):
        return lambda actual, _: bool(actual == wanted)
    return lambda actual, _: match.equal(actual, wanted)


def _matches(pattern: match.Matcher) -> Holds:
    asked = tuple((one.holds, _rendering(operand)) for one, operand in pattern.asked)
    return lambda actual, scope: all(holds(actual, operand(scope)) for holds, operand in asked)


def _rendering(leaf: Any) -> Callable[[Scope], Any]:
    if isinstance(leaf, (Template, Items, Fields)):
        return leaf.render
    wanted = leaf.value if isinstance(leaf, Fixed) else leaf
    return lambda _: wanted


def _has_members(members: tuple[tuple[str, Holds], ...]) -> Holds:
    def holds(actual: Any, scope: Scope) -> bool:
        if type(actual) is not dict:
            return False
        for key, part in members:  # noqa: SIM110 - no generator, for this is asked of every answer
            if not part(actual[key], scope):
                return False
        return True

    return holds


def _has_elements(elements: tuple[Holds, ...]) -> Holds:
    def holds(actual: Any, scope: Scope) -> bool:
        if type(actual) is not list or len(actual) != len(elements):
            return False
        return all(part(one, scope) for part, one in zip(elements, actual, strict=True))

    return holds
