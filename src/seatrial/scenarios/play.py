"""Plays a scenario once, as a generator without I/O: it yields a `Move` and is sent the answer to a `Send`.

Room scenarios. The driver decides how a request is sent and how long a wait is; captures, expectations, retries and
skipping are here, once, for `check`, `load`, the monitor and the tests. Must never send, sleep or ask a clock but the
one it is given.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Generator, Iterable, Mapping
from typing import Any

from seatrial import template
from seatrial.errors import DocumentError
from seatrial.exchange import Answer, Broken, Request, Response
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.cookies import Jar
from seatrial.scenarios.expand import Marks, expand
from seatrial.scenarios.expect import broken, judge, unrendered
from seatrial.scenarios.failure import Failure, Used
from seatrial.scenarios.model import Call, Flow, Piece, RetryOn, Scenario, Section, Step
from seatrial.scenarios.moves import Attempted, Context, Move, PlayResult, Send, StepResult, Wait
from seatrial.scenarios.wanted import Capture

__all__ = ["Attempted", "Context", "Move", "PlayResult", "Send", "StepResult", "Used", "Wait", "play"]

Scope = dict[str, Any]
Parts = Iterable[Piece]
Moves = Generator[Move, Answer | None, None]

AFTER_FAILURE = "an earlier step failed"


def play(scenario: Scenario, context: Context) -> Generator[Move, Answer | None, PlayResult]:
    """Go through setup, steps and teardown; the generator's return value says how it ended.

    A `Send` must be answered by an `Answer`, every other move by None. After a failing step the rest is skipped, but
    teardown always runs. The same answers and the same seed give the same moves.
    """
    return (yield from _Play(scenario, context).run())


class _Play:
    """One play under way: its scope, its cookies, its ids, and what it has come to so far."""

    def __init__(self, scenario: Scenario, context: Context) -> None:
        self._scenario = scenario
        self._context = context
        self._rng = random.Random(context.seed)
        self._trace_id = self._hex(128)
        self._jar = Jar()
        self._origins: dict[str, str] = {}
        self._results: list[StepResult] = []
        self._failures: list[Failure] = []
        self._requests = 0
        self._checks = 0

    def run(self) -> Generator[Move, Answer | None, PlayResult]:
        scenario = self._scenario
        if scenario.skip:
            self._skip_all((*scenario.setup, *scenario.steps, *scenario.teardown), scenario.skip)
            return self._result(Outcome.OK, Outcome.OK)
        scope = self._scope(scenario.variables)
        yield from self._until_failure((*scenario.setup, *scenario.steps), scope)
        outcome = self._outcome()
        before_teardown = len(self._results)
        for part in scenario.teardown:
            yield from self._part(part, scope)
        return self._result(outcome, _first_failed(self._results[before_teardown:]))

    def _result(self, outcome: Outcome, teardown: Outcome) -> PlayResult:
        return PlayResult(
            scenario=self._scenario,
            outcome=outcome,
            teardown_outcome=teardown,
            steps=tuple(self._results),
            trace_id=self._trace_id,
            failures=tuple(self._failures),
            skipped=self._scenario.skip,
        )

    def _outcome(self) -> Outcome:
        outcome = _first_failed(self._results)
        if outcome is not Outcome.OK:
            return outcome
        return Outcome.UNEXPECTED if self._failures else self._vacuous()

    def _vacuous(self) -> Outcome:
        """A play that requested nothing or checked nothing says nothing, and must not pass for a good one."""
        if self._requests and self._checks:
            return Outcome.OK
        what = "evaluated no check" if self._requests else "made no request"
        hint = "give a step an `expect`" if self._requests else "every step was skipped"
        notes = (("hint", hint),)
        failure = Failure(self._scenario.where, Cause.CHECK, f"the scenario {what}", actual=what, notes=notes)
        self._failures.append(failure)
        return Outcome.UNEXPECTED

    def _scope(self, values: Mapping[str, template.Value]) -> Scope:
        """The names templates see: realm variables, then these values in order, then overrides."""
        context = self._context
        variables: Scope = {**context.variables, **context.overrides}
        scope: Scope = {
            **variables,
            **template.functions(self._rng, context.now),
            "realm": context.realm,
            "secrets": context.secret_values,
            "vars": variables,
        }
        for name, value in values.items():
            if name not in context.overrides:
                self._define(name, value, scope)
        return scope

    def _define(self, name: str, value: template.Value, scope: Scope) -> None:
        try:
            scope["vars"][name] = scope[name] = value.render(scope)
        except DocumentError as error:
            self._failures.append(unrendered(error))

    def _until_failure(self, parts: Parts, scope: Scope) -> Moves:
        stopped = bool(self._failures)
        for part in parts:
            if stopped:
                self._skip(part, AFTER_FAILURE)
                continue
            start = len(self._results)
            yield from self._part(part, scope)
            failed = any(result.failed for result in self._results[start:])
            stopped = failed and not part.course.keep_going

    def _part(self, part: Piece, scope: Scope) -> Moves:
        try:
            reason = _skip_reason(part, scope)
        except DocumentError as error:
            yield from self._fail(part, unrendered(error))
            return
        if reason:
            self._skip(part, reason)
        elif isinstance(part, Call):
            yield from self._call(part, scope)
        elif isinstance(part, Step):
            yield from self._step(part, scope)

    def _fail(self, part: Piece, failure: Failure) -> Moves:
        """A part that fails before anything can be sent."""
        if not isinstance(part, Step):
            self._failures.append(failure)
            self._results.append(StepResult(part, Outcome.UNEXPECTED))
            return
        told = self._told(part, 1, failures=(failure,))
        self._results.append(StepResult(part, told.outcome, told, 1))
        yield told

    def _skip(self, part: Piece, reason: str) -> None:
        self._results.append(StepResult(part, Outcome.OK, skipped=reason))

    def _skip_all(self, parts: Parts, reason: str) -> None:
        for part in parts:
            self._skip(part, reason)

    def _call(self, call: Call, scope: Scope) -> Moves:
        """Run a flow in a scope of its own: its inputs go in, its outputs come out, nothing else crosses."""
        try:
            inner = self._scope({})
            inner.update(self._inputs(call, scope))
        except DocumentError as error:
            yield from self._fail(call, unrendered(error))
            return
        before = dict(self._origins)
        yield from self._until_failure(call.flow.steps, inner)
        self._origins = before
        for name in call.outputs:
            if name in inner:
                scope[name] = inner[name]
                self._origins[name] = f"flow '{call.flow.name}'"

    def _inputs(self, call: Call, scope: Scope) -> Scope:
        given: Mapping[str, template.Value] = call.inputs
        inputs = {name: value.render(scope) for name, value in _defaults(call.flow).items() if name not in given}
        inputs.update({name: value.render(scope) for name, value in given.items()})
        for name in call.flow.secret_inputs & inputs.keys():
            self._context.secrets.add(name, template.to_text(inputs[name]))
        return inputs

    def _step(self, step: Step, scope: Scope) -> Moves:
        """Attempt until it holds or no further attempt is due; the last attempt decides."""
        spent_s = 0.0
        for attempt in itertools.count(1):
            told, captured = yield from self._attempt(step, scope, attempt)
            wait_s = _wait_s(told, spent_s)
            if wait_s is None:
                break
            yield dataclasses.replace(told, final=False)
            yield Wait(wait_s)
            spent_s += told.latency_s + wait_s
        self._keep(step, captured, scope)
        self._results.append(StepResult(step, told.outcome, told, attempt))
        yield told

    def _attempt(
        self, step: Step, scope: Scope, attempt: int
    ) -> Generator[Move, Answer | None, tuple[Attempted, Mapping[str, Any]]]:
        marks = Marks(self._trace_id, self._hex(64), self._hex(128))
        try:
            request = expand(step, scope, self._context, jar=self._jar, marks=marks)
        except DocumentError as error:
            return self._told(step, attempt, failures=(unrendered(error),)), {}
        self._requests += 1
        answer = yield Send(step, request, attempt, self._trace_id)
        if isinstance(answer, Broken):
            failures, used = (broken(step, answer),), self._used(step, scope)
            return self._told(step, attempt, request, answer, failures=failures, used=used), {}
        if answer is None:
            raise TypeError("a Send must be answered by an Answer")
        self._jar.keep(request.url, answer.headers, now=self._context.now())
        self._checks += step.expectations.explicit
        judged = judge(step, answer, scope, trace_id=self._trace_id, now=self._context.now)
        self._hide(step, judged.captured)
        missed = judged.failures or judged.degradations
        told = self._told(
            step,
            attempt,
            request,
            answer,
            failures=judged.failures,
            degradations=judged.degradations,
            used=self._used(step, {**scope, **judged.captured}) if missed else (),
        )
        return told, judged.captured

    def _told(
        self,
        step: Step,
        attempt: int,
        request: Request | None = None,
        answer: Answer | None = None,
        *,
        failures: tuple[Failure, ...] = (),
        degradations: tuple[Failure, ...] = (),
        used: tuple[Used, ...] = (),
    ) -> Attempted:
        cause = failures[0].cause if failures else None
        response = answer if isinstance(answer, Response) else None
        return Attempted(
            step=step,
            request=request,
            answer=answer,
            attempt=attempt,
            final=True,
            outcome=cause.outcome if cause else Outcome.OK,
            cause=cause,
            degraded=bool(degradations),
            latency_s=answer.latency_s if answer else 0.0,
            status=response.status if response else None,
            detail=next((missed.summary for missed in (*failures, *degradations)), ""),
            failures=failures,
            trace_id=self._trace_id,
            bytes_in=len(response.body) if response else 0,
            bytes_out=len(request.body) if request and request.body else 0,
            degradations=degradations,
            used=used,
        )

    def _used(self, step: Step, scope: Mapping[str, Any]) -> tuple[Used, ...]:
        """The captured values this step's templates mention, for whoever has to understand its failure."""
        origins = {**self._origins, **{capture.name: _origin(step, capture) for capture in step.captures}}
        names = sorted(step.uses & origins.keys() & scope.keys())
        return tuple(Used(name, scope[name], origins[name]) for name in names)

    def _hide(self, step: Step, captured: Mapping[str, Any]) -> None:
        """A secret capture is masked before anything of this answer can leave the play."""
        for capture in step.captures:
            if capture.secret and capture.name in captured:
                self._context.secrets.add(capture.name, template.to_text(captured[capture.name]))

    def _keep(self, step: Step, captured: Mapping[str, Any], scope: Scope) -> None:
        scope.update(captured)
        for capture in step.captures:
            if capture.name in captured:
                self._origins[capture.name] = _origin(step, capture)

    def _hex(self, bits: int) -> str:
        """A random id; never zero, which W3C trace context forbids."""
        return f"{self._rng.getrandbits(bits) or 1:0{bits // 4}x}"


def _first_failed(results: Iterable[StepResult]) -> Outcome:
    return next((result.outcome for result in results if result.failed), Outcome.OK)


def _skip_reason(part: Piece, scope: Scope) -> str:
    if part.course.skip:
        return part.course.skip
    if part.course.when is not None and not part.course.when.render(scope):
        return f"not so: {part.course.when.text}"
    return ""


def _defaults(flow: Flow) -> dict[str, template.Value]:
    return {name: value for name, value in flow.inputs.items() if value is not None}


def _origin(step: Step, capture: Capture) -> str:
    section = "" if step.section is Section.STEPS else f"{step.section} "
    return f"{section}step {step.number} '{step.name}' ({capture.query})"


def _wait_s(told: Attempted, spent_s: float) -> float | None:
    """The wait before the next attempt; None when this one decides."""
    retry = told.step.retry
    if retry is None or not told.failures or told.attempt >= retry.attempts:
        return None
    kind = RetryOn.BROKEN if told.outcome is Outcome.BROKEN else RetryOn.EXPECT
    if kind not in retry.on or any(failure.cause is Cause.TEMPLATE for failure in told.failures):
        return None
    wait_s = retry.wait_s(told.attempt)
    limit_s = retry.max_duration_s
    return wait_s if limit_s is None or spent_s + told.latency_s + wait_s <= limit_s else None
