"""Holds one answer against what its step expects: all of it, not the first miss only. Pure.

Room scenarios. The order is fixed: status first (else "capture found nothing" hides a 401), then captures, then every
other check, which may use what was captured. Gives a `Judgement`; must never decide about retries or later steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seatrial import match
from seatrial.errors import DocumentError, Where
from seatrial.exchange import Broken, Response
from seatrial.quantity import duration_s, show_duration
from seatrial.sample import Cause
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.model import Step
from seatrial.scenarios.query import Found, NotJson, Reading, run
from seatrial.scenarios.wanted import Capture, Check, Query, QueryKind, Severity, WantedJson
from seatrial.template import Fixed, Scope

MAX_MISMATCHES = 10
"""Of one body: a wholly different document would else fill the screen with what one line says."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one answer amounts to. `degradations` are misses that do not fail the step."""

    failures: tuple[Failure, ...]
    degradations: tuple[Failure, ...]
    captured: dict[str, Any]


def judge(step: Step, response: Response, scope: Scope) -> Judgement:
    """Hold a valid answer against the step. Captures are kept even when something failed, for the teardown."""
    reading = Reading(response)
    wrong_status = tuple(_status(step, reading))
    captured, missing = _captures(step, reading)
    within = {**scope, **captured} if captured else scope
    failures = [*wrong_status, *(() if wrong_status else missing), *_json(step, reading, within)]
    failures += _too_slow(step, response)
    degradations = list(_slow(step, response))
    for check in step.expectations.checks:
        misses = _check(check, reading, within)
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


def _status(step: Step, reading: Reading) -> Iterator[Failure]:
    status, wanted = reading.response.status, step.expectations.status
    if status in wanted.statuses if wanted else status < 400:
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
    shown = [match.show(status) for status in wanted.statuses]
    return shown[0] if len(shown) == 1 else f"one of {', '.join(shown)}"


def _excerpt(reading: Reading) -> str:
    """The body on one line; whoever prints it shortens it further, after redaction."""
    return " ".join(reading.text[: match.MAX_SHOWN].split())


def _captures(step: Step, reading: Reading) -> tuple[dict[str, Any], list[Failure]]:
    captured: dict[str, Any] = {}
    missing = []
    for capture in step.captures:
        found = run(capture.query, reading)
        if found.exists:
            captured[capture.name] = found.value
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
        notes=_near_note(found.near),
    )


def _json(step: Step, reading: Reading, scope: Scope) -> Iterator[Failure]:
    wanted = step.expectations.json
    if wanted is None:
        return
    try:
        filled = match.fill(wanted.pattern, _render_in(scope)) if wanted.templated else wanted.pattern
        compare = match.strict_mismatches if wanted.strict else match.mismatches
        missed = compare(filled, reading.json)
    except DocumentError as error:
        yield unrendered(error)
    except NotJson as error:
        yield Failure(wanted.where, Cause.CHECK, str(error), actual=str(error), expected="a JSON body")
    else:
        for index, mismatch in enumerate(missed[:MAX_MISMATCHES]):
            yield _mismatch(wanted, mismatch, None if index else (filled, reading.json))


def _render_in(scope: Scope) -> match.Fill:
    return lambda leaf: leaf.render(scope)


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


def _check(check: Check, reading: Reading, scope: Scope) -> Iterator[Failure]:
    try:
        operand = _operand(check, scope)
    except DocumentError as error:
        yield unrendered(error)
        return
    found = run(check.query, reading)
    if not _holds(check.predicate, found, operand):
        yield _missed(check, found, operand)


def _operand(check: Check, scope: Scope) -> Any:
    """The operand rendered; one that came from a template is checked only now."""
    operand = check.operand.render(scope)
    if isinstance(check.operand, Fixed):
        return operand
    try:
        return readable_operand(check.query, check.predicate.name, operand)
    except ValueError as error:
        raise DocumentError(check.where, str(error)) from None


def readable_operand(query: Query, name: str, operand: Any) -> Any:
    """The operand as its predicate takes it: a duration's in seconds; ValueError when it cannot be one."""
    if query.kind is QueryKind.DURATION and name not in ("exists", "type"):
        return [duration_s(one) for one in operand] if isinstance(operand, list) else duration_s(operand)
    problem = match.operand_problem(name, operand)
    if problem:
        raise ValueError(problem)
    return operand


def _holds(predicate: match.Predicate, found: Found, operand: Any) -> bool:
    """Nothing found answers `exists` alone; a list of many is there to be counted even when it is empty."""
    if predicate.name == "exists":
        return (found.exists is (operand is not False)) is not predicate.negated
    return (found.exists or found.value == []) and predicate.holds(found.value, operand)


def _missed(check: Check, found: Found, operand: Any) -> Failure:
    expected = _expected(check, operand)
    actual = _actual(check.query, found)
    text_diff = check.predicate.name == "eq" and check.query.kind is QueryKind.BODY and not check.predicate.negated
    return Failure(
        where=check.where,
        cause=Cause.CHECK,
        summary=f"{check.query}: {actual}, expected {expected}",
        actual=actual,
        expected=expected,
        rendered="" if isinstance(check.operand, Fixed) else match.plain(operand),
        notes=_near_note(found.near),
        diff=(operand, found.value) if text_diff else None,
    )


def _expected(check: Check, operand: Any) -> str:
    if check.query.kind is not QueryKind.DURATION or isinstance(operand, (bool, str)):
        return check.predicate.expected(operand)
    shown = [show_duration(one) for one in (operand if isinstance(operand, list) else [operand])]
    words = f"{check.predicate.wording} {' and '.join(shown)}".strip()
    return f"not {words}" if check.predicate.negated else words


def _actual(query: Query, found: Found) -> str:
    if not found.exists:
        return f"none: {found.why}"
    return show_duration(found.value) if query.kind is QueryKind.DURATION else match.show(found.value)


def _near_note(near: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (("near", ", ".join(f"'{key}'" for key in near)),) if near else ()
