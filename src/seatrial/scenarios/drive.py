"""Drives one play over httpx: sends what it asks for, waits as it says, records what it judged.

Room scenarios. Takes a scenario and an open client, gives `Sample`s and the play's result. Must never judge an
answer itself: that is `play`'s.
"""

from __future__ import annotations

from collections.abc import Callable

from seatrial.clock import Clock
from seatrial.exchange import Answer, Response
from seatrial.http import Client
from seatrial.redact import Secrets
from seatrial.sample import Phase, Sample, Timings
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Attempted, Context, Move, PlayResult, Send, Wait
from seatrial.scenarios.play import play

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
) -> PlayResult:
    """Play once. `record` is given one redacted sample an attempt, `watch` every move before it is followed."""
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
