"""Drives one play over httpx: sends what it asks for, waits as it says, records what it judged.

Room scenarios. Takes a scenario and an open client, gives `Sample`s and the play's result; of that, `play_of` and
`evidence_of` make the records kept of a whole play. Must never judge an answer itself: that is `play`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from seatrial.clock import Clock
from seatrial.exchange import Answer, Response
from seatrial.http import Client
from seatrial.redact import Secrets
from seatrial.sample import Ending, Evidence, Phase, Play, PlayedStep, Sample, Timings
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Attempted, Context, Move, PlayResult, Send, StepResult, Wait
from seatrial.scenarios.play import play
from seatrial.scenarios.wording import attempt_text, play_text

MAX_DETAIL = 300


def drive(
    scenario: Scenario,
    context: Context,
    client: Client,
    *,
    clock: Clock,
    record: Callable[[Sample], None],
    run: str,
    phase: Phase,
    watch: Callable[[Move], None] | None = None,
    heard: Callable[[Send, Answer, float], None] | None = None,
) -> PlayResult:
    """Play once. `record` is given one redacted sample an attempt, `watch` every move before it is followed.

    `heard` is given every request that was sent with its answer, and when it began (UTC seconds); nothing of it is
    redacted.
    """
    moves = play(scenario, context)
    answer: Answer | None = None
    sent_at = clock.now()
    while True:
        try:
            move = moves.send(answer)
        except StopIteration as end:
            result: PlayResult = end.value
            return result
        answer = None
        if watch is not None:
            watch(move)
        if isinstance(move, Send):
            sent_at = clock.now()
            answer = client.send(move.request)
            if heard is not None:
                heard(move, answer, sent_at)
        elif isinstance(move, Wait):
            clock.sleep(move.seconds)
        else:
            started_at = sent_at if move.request else clock.now()
            record(sample_of(move, scenario, run=run, phase=phase, started_at=started_at, secrets=context.secrets))


def sample_of(
    told: Attempted, scenario: Scenario, *, run: str, phase: Phase, started_at: float, secrets: Secrets
) -> Sample:
    """The flat record of one attempt, redacted."""
    step, answer = told.step, told.answer
    return Sample(
        run=run,
        phase=phase,
        scenario=scenario.name,
        step=step.name,
        service=step.service,
        method=step.method,
        route=step.route,
        started_at=started_at,
        latency_s=told.latency_s,
        outcome=told.outcome,
        cause=told.cause,
        status=told.status,
        timings=answer.timings if answer else Timings(),
        bytes_out=told.bytes_out,
        bytes_in=told.bytes_in if isinstance(answer, Response) else 0,
        degraded=told.degraded,
        attempt=told.attempt,
        final=told.final,
        detail=secrets.redact(told.detail)[:MAX_DETAIL],
        trace_id=told.trace_id,
    )


def play_of(result: PlayResult, *, run: str, phase: Phase, started_at: float, secrets: Secrets) -> Play:
    """The flat record of a play that came to its end, redacted; its samples tell what each step saw."""
    return Play(
        run=run,
        phase=phase,
        scenario=result.scenario.name,
        started_at=started_at,
        ending=_ending(passed=result.passed, skipped=result.skipped),
        reason=result.skipped or _reason([failure.summary for failure in result.failures], secrets),
        steps=tuple(_step_of(step, secrets) for step in result.steps),
        trace_id=result.trace_id,
    )


def evidence_of(result: PlayResult, *, run: str, secrets: Secrets) -> tuple[Evidence, ...]:
    """The full, redacted text of everything that failed in a play."""
    scenario = result.scenario
    told = [(step.step.name, step.last) for step in result.steps if step.last is not None]
    texts = [(name, attempt_text(last, scenario, secrets=secrets)) for name, last in told]
    return tuple(
        Evidence(run, scenario.name, step, text, result.trace_id)
        for step, text in (("", play_text(result, secrets=secrets)), *texts)
        if text
    )


def _step_of(step: StepResult, secrets: Secrets) -> PlayedStep:
    seen = [step.last.detail] if step.failed and step.last else []
    ending = _ending(passed=not step.failed, skipped=step.skipped)
    return PlayedStep(step.step.name, ending, step.skipped or _reason(seen, secrets))


def _ending(*, passed: bool, skipped: str) -> Ending:
    if skipped:
        return Ending.SKIPPED
    return Ending.PASSED if passed else Ending.FAILED


def _reason(summaries: list[str], secrets: Secrets) -> str:
    return secrets.redact("; ".join(summaries))[:MAX_DETAIL]
