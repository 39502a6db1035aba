"""Holds one answer against what its step expects: all of it, not the first miss only. Pure.

Room scenarios. The order is fixed: status first (else "capture found nothing" hides a 401), then captures, then every
other check, which may use what was captured. Gives a `Judgement`; must never decide about retries or later steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any

from seatrial import match
from seatrial.errors import DocumentError, Where
from seatrial.exchange import Broken, Response
from seatrial.json_schema import as_schema
from seatrial.light import light
from seatrial.predicates import FileContent
from seatrial.quantity import duration_s, show_duration
from seatrial.sample import Cause
from seatrial.scenarios.answers.query import Found, in_seconds, run
from seatrial.scenarios.answers.reading import SYSTEM_NOW, NotJson, Reading
from seatrial.scenarios.answers.wanted import Capture, Check, Query, QueryKind, Severity, WantedJson
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.model import Step
from seatrial.template import Fixed, Scope, Value

MAX_MISMATCHES = 10
"""Of one body: a wholly different document would else fill the screen with what one line says."""


@light(frozen=True, slots=True)
class Judgement:
    """What one answer amounts to. `degradations` are misses that do not fail the step."""

    failures: tuple[Failure, ...]
    degradations: tuple[Failure, ...]
    captured: dict[str, Any]


def judge(
    step: Step, response: Response, scope: Scope, *, trace_id: str = "", now: Callable[[], float] = SYSTEM_NOW
) -> Judgement:
    """Hold a valid answer against the step. Captures are kept even when something failed, for the teardown.

    `now` tells UTC seconds to the queries and filters that count days.
    """
    reading = Reading(response, trace_id=trace_id, now=now)
    wrong_status = tuple(_status(step, reading))
    captured, missing = _captures(step, reading, scope)
    within = {**scope, **captured} if captured else scope
    failures = [*wrong_status, *(() if wrong_status else missing), *_json(step, reading, within, captured)]
    failures += _too_slow(step, response)
    degradations = list(_slow(step, response))
    for check in step.expectations.checks:
        misses = _check(check, reading, within, captured)
        (degradations if check.severity is Severity.DEGRADED else failures).extend(misses)
    return Judgement(tuple(failures), tuple(degradations), captured)


def broken(step: Step, answer: Broken) -> Failure:
    """The failure of a step that got no valid answer."""
    return Failure(
        where=step.request.url.where,
        cause=answer.cause,
        summary=f"{answer.cause}: {answer.detail}",
        actual=f"no valid answer ({answer.cause}): {answer.detail}",
        expected=_wanted_status(step),
    )


def unrendered(error: DocumentError) -> Failure:
    """The failure of something that could not be rendered."""
    return Failure(
        where=error.where,
        cause=Cause.TEMPLATE,
        summary=error.problem,
        actual=error.problem,
        notes=(("hint", error.hint),) if error.hint else (),
    )


def _unusable(error: DocumentError, value: Value, captured: Collection[str]) -> Failure:
    """As `unrendered`; but what was captured from this very answer and cannot be used is the answer's own failure."""
    failure = unrendered(error)
    return failure if value.names.isdisjoint(captured) else dataclasses.replace(failure, cause=Cause.CHECK)


def _status(step: Step, reading: Reading) -> Iterator[Failure]:
    status, wanted = reading.response.status, step.expectations.status
    if (not wanted.statuses or status in wanted.statuses) if wanted else status < 400:
        return
    yield Failure(
        where=wanted.where if wanted else step.request.url.where,
        cause=Cause.STATUS,
        summary=f"status {status}, expected {_wanted_status(step)}",
        actual=match.show(status),
        expected=_wanted_status(step),
        notes=(("body", _excerpt(reading)),) if reading.text else (),
    )


def _wanted_status(step: Step) -> str:
    wanted = step.expectations.status
    if wanted is None:
        return "a status under 400"
    if not wanted.statuses:
        return "any status"
    shown = [match.show(status) for status in wanted.statuses]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def _excerpt(reading: Reading) -> str:
    """The body on one line; whoever prints it shortens it further, after redaction."""
    return " ".join(reading.text[: match.MAX_SHOWN].split())


def _captures(step: Step, reading: Reading, scope: Scope) -> tuple[dict[str, Any], list[Failure]]:
    """What is captured, each in the scope of those before it."""
    captured: dict[str, Any] = {}
    missing = []
    within = dict(scope) if step.captures else {}
    for capture in step.captures:
        try:
            found = run(capture.query, reading, within)
        except DocumentError as error:
            missing.append(unrendered(error))
            continue
        if found.exists:
            captured[capture.name] = within[capture.name] = found.value
        else:
            missing.append(_missing(capture, found))
    return captured, missing


def _missing(capture: Capture, found: Found) -> Failure:
    return Failure(
        where=capture.where,
        cause=Cause.CAPTURE,
        summary=f"nothing to capture as '{capture.name}': {found.why}",
        actual=f"none: {found.why}",
        expected=f"something to capture as '{capture.name}'",
        notes=tuple(_found_notes(found)),
    )


def _json(step: Step, reading: Reading, scope: Scope, captured: Collection[str]) -> Iterator[Failure]:
    wanted = step.expectations.json
    if wanted is None:
        return
    leaf: Value = Fixed(None)

    def rendered(value: Value) -> Any:
        nonlocal leaf
        leaf = value
        return value.render(scope)

    try:
        filled = match.fill(wanted.pattern, rendered) if wanted.templated else wanted.pattern
    except DocumentError as error:
        yield _unusable(error, leaf, captured)
        return
    try:
        compare = match.strict_mismatches if wanted.strict else match.mismatches
        missed = compare(filled, reading.json)
    except DocumentError as error:
        yield unrendered(error)
    except NotJson as error:
        yield Failure(wanted.where, Cause.CHECK, str(error), actual=str(error), expected="a JSON body")
    else:
        for index, mismatch in enumerate(missed[:MAX_MISMATCHES]):
            yield _mismatch(wanted, mismatch, None if index else (filled, reading.json))


def _mismatch(wanted: WantedJson, missed: match.Mismatch, diff: tuple[match.Pattern, Any] | None) -> Failure:
    shown = match.path_text(missed.path)
    actual = match.show(missed.actual) if missed.present else f"none: nothing at {shown}"
    place = wanted.place(missed.path)
    return Failure(
        where=place.where,
        cause=Cause.CHECK,
        summary=f"{shown}: {actual}, expected {missed.expected}",
        actual=f"{actual} at {shown}" if missed.present else actual,
        expected=missed.expected,
        rendered=match.plain(missed.operand) if place.templated else "",
        notes=_near_note(missed.near),
        diff=diff,
    )


def _too_slow(step: Step, response: Response) -> Iterator[Failure]:
    limits = step.expectations.limits
    if limits and limits.fail_s is not None and response.latency_s > limits.fail_s:
        yield _slower(limits.where, response.latency_s, limits.fail_s)


def _slow(step: Step, response: Response) -> Iterator[Failure]:
    limits = step.expectations.limits
    if limits and limits.degraded_s is not None and response.latency_s > limits.degraded_s:
        yield _slower(limits.degraded_where, response.latency_s, limits.degraded_s)


def _slower(where: Where, latency_s: float, limit_s: float) -> Failure:
    took, limit = show_duration(latency_s), show_duration(limit_s)
    return Failure(
        where, Cause.SLOW, f"took {took}, allowed {limit}", actual=f"took {took}", expected=f"at most {limit}"
    )


def _check(check: Check, reading: Reading, scope: Scope, captured: Collection[str]) -> Iterator[Failure]:
    try:
        operand = operand_of(check, scope)
    except DocumentError as error:
        yield _unusable(error, check.operand, captured)
        return
    try:
        found = run(check.query, reading, scope)
    except DocumentError as error:
        yield unrendered(error)
        return
    answer = answer_to(check.predicate, found, operand)
    if not check.predicate.accepts(answer):
        yield _missed(check, found, operand, _why(check, found, operand, answer))


def operand_of(check: Check, scope: Scope) -> Any:
    """The operand rendered; one that came from a template is checked only now."""
    operand = check.operand.render(scope)
    if isinstance(check.operand, Fixed):
        return operand
    try:
        return readable_operand(check.query, check.predicate.name, operand)
    except ValueError as error:
        raise DocumentError(check.where, str(error)) from None


def readable_operand(query: Query, name: str, operand: Any) -> Any:
    """The operand as its predicate takes it: of a time in seconds, of a version a text.

    ValueError when it cannot be one.
    """
    if name not in ("exists", "type"):
        if in_seconds(query):
            return [duration_s(one) for one in operand] if isinstance(operand, list) else duration_s(operand)
        if query.kind is QueryKind.VERSION and not query.filters:
            operand = [_version(one) for one in operand] if isinstance(operand, list) else _version(operand)
    problem = match.operand_problem(name, operand)
    if problem:
        raise ValueError(problem)
    return operand


def _version(operand: Any) -> Any:
    """Unquoted, `1.1` is a number in YAML."""
    return str(operand) if isinstance(operand, (int, float)) and not isinstance(operand, bool) else operand


def answer_to(predicate: match.Predicate, found: Found, operand: Any) -> bool | str | None:
    """Nothing found answers `exists` alone; a list of many is there to be counted even when it is empty."""
    if found.misfit and predicate.of_nothing is not None:
        return None
    if predicate.name == "exists":
        return found.exists is (operand is not False)
    return predicate.ask(found.value, operand) if found.exists or found.value == [] else predicate.of_nothing


def _missed(check: Check, found: Found, operand: Any, why: str) -> Failure:
    expected = _expected(check, operand)
    actual = _actual(check.query, found)
    return Failure(
        where=check.where,
        cause=Cause.CHECK,
        summary=f"{check.query}: {actual}, expected {expected}",
        actual=actual,
        expected=expected,
        rendered="" if isinstance(check.operand, Fixed) else match.plain(operand),
        notes=(*_found_notes(found), *_reasons(check, found, operand, why)),
        diff=_diff(check, found, operand),
    )


def _expected(check: Check, operand: Any) -> str:
    if not in_seconds(check.query) or isinstance(operand, (bool, str)):
        return check.predicate.expected(operand)
    shown = [show_duration(one) for one in (operand if isinstance(operand, list) else [operand])]
    words = f"{check.predicate.wording} {' and '.join(shown)}".strip()
    return f"not {words}" if check.predicate.negated else words


def _actual(query: Query, found: Found) -> str:
    if not found.exists:
        return f"none: {found.why}"
    return show_duration(found.value) if in_seconds(query) else match.show(found.value)


def _reasons(check: Check, found: Found, operand: Any, why: str) -> Iterator[tuple[str, str]]:
    """What a predicate knows beyond yes and no."""
    if why:
        yield "why", why
    elif not found.exists or check.predicate.negated:
        return
    elif check.predicate.name == "schema":
        yield from (("schema", f"{path}: {problem}") for path, problem in as_schema(operand).errors(found.value))
    elif check.predicate.name == "length":
        yield "length", str(len(found.value))
    elif isinstance(operand, FileContent) and isinstance(found.value, bytes):
        yield "differs", _first_difference(operand.content, found.value)


def _why(check: Check, found: Found, operand: Any, answer: bool | str | None) -> str:
    """The predicate's own words, or why it has none for a value that is there; empty for a plain no."""
    if isinstance(answer, str):
        return answer
    if answer is not None or not found.exists or found.misfit:
        return ""
    kinds = match.type_name(found.value), match.type_name(operand)
    of = kinds[0] if check.predicate.name in ("empty", "length") else " and ".join(kinds)
    return f"'{check.predicate.name}' cannot be asked of {of}, so the check fails, negated or not"


def _first_difference(wanted: bytes, came: bytes) -> str:
    pairs = enumerate(zip(wanted, came, strict=False))
    at = next((index for index, (left, right) in pairs if left != right), min(len(wanted), len(came)))
    return f"from byte {at} on; {len(came)} bytes came, {len(wanted)} are wanted"


def _diff(check: Check, found: Found, operand: Any) -> tuple[str, str] | None:
    """Both sides of what was compared as a whole, where both are text."""
    if check.predicate.negated or check.predicate.name not in ("eq", "equals_file"):
        return None
    wanted, came = _text(operand.content if isinstance(operand, FileContent) else operand), _text(found.value)
    return None if wanted is None or came is None else (wanted, came)


def _text(value: Any) -> str | None:
    try:
        return value.decode() if isinstance(value, bytes) else value if isinstance(value, str) else None
    except UnicodeDecodeError:
        return None


def _found_notes(found: Found) -> Iterator[tuple[str, str]]:
    """What stood where the query has a template, what its filters were given, and what is near to what it missed."""
    if found.rendered:
        yield "query", found.rendered
    if found.unfiltered is not None:
        yield "found", f"{match.show(found.unfiltered)} before the filters"
    yield from _near_note(found.near)


def _near_note(near: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (("near", ", ".join(f"'{key}'" for key in near)),) if near else ()
