"""Drives one play over httpx: sends what it asks for, waits as it says, records what it judged.

Room scenarios. Takes a scenario and an open client, gives `Sample`s and the play's result; of that, `play_of` and
`evidence_of` make the records kept of a whole play. Must never judge an answer itself: that is `play`'s.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field

from seatrial.clock import Clock
from seatrial.exchange import Answer, Response
from seatrial.http import Client
from seatrial.redact import Secrets
from seatrial.runtime.interrupts import held_back
from seatrial.sample import Ending, Evidence, Phase, Play, PlayedStep, Sample, Timings
from seatrial.scenarios.model import Once, Scenario
from seatrial.scenarios.moves import (
    Attempted,
    Claim,
    Context,
    Halted,
    Move,
    Moves,
    PlayHalted,
    PlayResult,
    Reply,
    Send,
    Settle,
    StepResult,
    Together,
    Wait,
)
from seatrial.scenarios.once import Onces
from seatrial.scenarios.play import play
from seatrial.scenarios.wording import attempt_text, play_text

MAX_DETAIL = 300


Heard = Callable[[Send, Answer, float], None]
"""Given every request, its answer, and when it was sent (UTC seconds)."""


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
    heard: Heard | None = None,
    onces: Onces | None = None,
) -> PlayResult:
    """Play once; PlayHalted when Ctrl-C, or `Halted` from `watch` or the clock, came in between: teardown runs then,
    too. `record` is given one redacted sample an attempt, `watch` every move before it is followed, `heard`
    every exchange; none is called by two threads at a time. `onces` keeps what is run once for several plays.
    """
    driver = _Driver(scenario, context, client, clock, record, run, phase, watch, heard, onces or Onces())
    moves = play(scenario, context)
    try:
        result = driver.follow(moves)
    except (KeyboardInterrupt, Halted) as halt:
        raise PlayHalted(driver.wind_up(moves)) from halt
    assert result is not None
    return result


@dataclass
class _Driver:
    """Follows the moves of one play, those of a block's parts in a thread each."""

    scenario: Scenario
    context: Context
    client: Client
    clock: Clock
    record: Callable[[Sample], None]
    run: str
    phase: Phase
    watch: Callable[[Move], None] | None
    heard: Heard | None
    onces: Onces
    _sent_at: dict[int, float] = field(default_factory=dict)
    _turn: threading.RLock = field(default_factory=threading.RLock)
    _stopped: bool = False

    def follow(self, moves: Generator[Move, Reply, PlayResult | None]) -> PlayResult | None:
        """To the end of the generator; gives what it returns. What it claimed and could not settle, because an
        interrupt came in between, is left to others: none may wait for it for ever."""
        claims: dict[tuple[Once, Hashable], None] = {}
        try:
            return self._follow(moves, claims)
        finally:
            for once, key in claims:
                self.onces.store(once).settle(key, None)

    def wind_up(self, moves: Generator[Move, Reply, PlayResult]) -> PlayResult | None:
        """Run the teardown of a play that was interrupted; None when the play could not be gone on with at all."""
        self._stopped, self.watch = False, None
        try:
            with held_back():
                move = moves.throw(Halted())
                return self._follow(moves, {}, self._reply(move))
        except StopIteration as end:
            result: PlayResult | None = end.value
            return result
        except (Halted, KeyboardInterrupt):
            return None

    def _follow(
        self,
        moves: Generator[Move, Reply, PlayResult | None],
        claims: dict[tuple[Once, Hashable], None],
        reply: Reply = None,
    ) -> PlayResult | None:
        while not self._stopped:
            try:
                move = moves.send(reply)
            except StopIteration as end:
                result: PlayResult | None = end.value
                return result
            if self.watch is not None:
                with self._turn:
                    self.watch(move)
            reply = self._reply(move)
            if isinstance(move, Claim) and reply is None:
                claims[move.once, move.key] = None
            elif isinstance(move, Settle):
                claims.pop((move.once, move.key), None)
        moves.close()
        return None

    def _reply(self, move: Move) -> Reply:
        if isinstance(move, Send):
            return self._send(move)
        if isinstance(move, Attempted):
            self._record(move)
        elif isinstance(move, Wait):
            self.clock.sleep(move.seconds)
        elif isinstance(move, Claim):
            return self.onces.store(move.once).claim(move.key, self.clock.now())
        elif isinstance(move, Settle):
            self.onces.store(move.once).settle(move.key, move.outputs)
        else:
            self._side_by_side(move)
        return None

    def _send(self, move: Send) -> Answer:
        sent_at = self.clock.now()
        if move.hop == 0:
            self._sent_at[threading.get_ident()] = sent_at
        answer = self.client.send(move.request)
        if self.heard is not None:
            with self._turn:
                self.heard(move, answer, sent_at)
        return answer

    def _record(self, told: Attempted) -> None:
        started_at = self._sent_at.get(threading.get_ident()) if told.request else None
        sample = sample_of(
            told,
            self.scenario,
            run=self.run,
            phase=self.phase,
            started_at=self.clock.now() if started_at is None else started_at,
            secrets=self.context.secrets,
        )
        with self._turn:
            self.record(sample)

    def _side_by_side(self, move: Together) -> None:
        """Each branch in a thread of its own, which the process does not wait for: an interrupt ends a branch at its
        next move, and an answer that is still on its way then keeps nobody."""
        ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        for branch in move.branches:
            threading.Thread(target=self._beside, args=(branch, ended), name="beside", daemon=True).start()
        try:
            errors = [ended.get() for _ in move.branches]
        except BaseException:
            self._stopped = True
            raise
        for error in filter(None, errors):
            raise error

    def _beside(self, branch: Moves, ended: queue.SimpleQueue[BaseException | None]) -> None:
        try:
            self.follow(branch)
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for it
            self._stopped = True
            ended.put(error)
        else:
            ended.put(None)


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
