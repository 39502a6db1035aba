"""Plays a scenario once, as a generator without I/O: it yields a `Move` and is sent the answer to it.

Room scenarios. The driver decides how a request is sent and how long a wait is; captures, expectations, retries,
loops and skipping are here and in `line` and `attempt`, once, for `check`, `load`, the monitor and the tests. Must
never send, sleep or ask a clock but the one it is given.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator

from seatrial.sample import Cause, Outcome
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.line import START, Line
from seatrial.scenarios.model import Scenario, elsewhere
from seatrial.scenarios.moves import Context, Halted, Move, PlayResult, Reply
from seatrial.scenarios.sending.cookies import Jar
from seatrial.scenarios.strand import Strand, random_hex


def play(scenario: Scenario, context: Context) -> Generator[Move, Reply, PlayResult]:
    """Go through setup, steps and teardown; the generator's return value says how it ended.

    Each move says what it must be answered by. After a failing step the rest is skipped, but teardown always runs.
    The same answers and the same seed give the same moves. A scenario with rows is played by `expand_rows`'.
    """
    drawn = context.chance if context.seed is None else None
    rng = drawn or random.Random(context.seed)
    jar = Jar()
    for cookie in scenario.stored:
        jar.keep(cookie.url, (("Set-Cookie", cookie.line),), now=context.now())
    strand = Strand(scenario, context, random_hex(rng, 128), rng, {"": jar})
    return _whole(Line(strand))


def _whole(line: Line) -> Generator[Move, Reply, PlayResult]:
    scenario = line.strand.scenario
    skipped = elsewhere(scenario, line.strand.context.realm) or scenario.skip
    if skipped:
        line.skip_all((*scenario.setup, *scenario.steps, *scenario.teardown), skipped)
        return _result(line, Outcome.OK, Outcome.OK, skipped=skipped)
    scope = line.scope(scenario.variables)
    try:
        yield from line.until_failure((*scenario.setup, *scenario.steps), scope, since=START)
    except Halted:
        line.failures.append(_halted(scenario))
    outcome = _outcome(line)
    before_teardown = line.mark()
    for part in scenario.teardown:
        yield from line.part(part, scope)
    return _result(line, outcome, line.outcome_since(before_teardown))


def _result(line: Line, outcome: Outcome, teardown: Outcome, *, skipped: str = "") -> PlayResult:
    return PlayResult(
        scenario=line.strand.scenario,
        outcome=outcome,
        teardown_outcome=teardown,
        steps=tuple(line.results),
        trace_id=line.strand.trace_id,
        failures=tuple(line.failures),
        skipped=skipped,
    )


def _outcome(line: Line) -> Outcome:
    if line.outcome_since(START) is Outcome.OK:
        line.failures += _vacuous(line.strand)
    return line.outcome_since(START)


def _halted(scenario: Scenario) -> Failure:
    what = "interrupted before its end"
    return Failure(scenario.where, Cause.CHECK, f"the scenario was {what}", actual=what)


def _vacuous(strand: Strand) -> Iterator[Failure]:
    """A play that requested nothing or checked nothing says nothing, and must not pass for a good one."""
    if strand.requests and (strand.checks or strand.scenario.lenient):
        return
    what = "evaluated no check" if strand.requests else "made no request"
    hint = "give a step an `expect`" if strand.requests else "every step was skipped"
    notes = (("hint", hint),)
    yield Failure(strand.scenario.where, Cause.CHECK, f"the scenario {what}", actual=what, notes=notes)
