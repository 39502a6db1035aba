"""Whether late reads are hedged and what lost is cancelled: what is found of callers that do, and that do not."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import pytest

from seatrial.chaos.expectations import Expectations, HedgingExpectation
from seatrial.chaos.judging.hedging import Hedging, hedge
from seatrial.chaos.model import EdgeFault, Experiment, Injection, Latency
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.verify import Seen, as_halted, judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

SLOW, OTHER = Edge("cards", "ledger"), Edge("cards", "ledger2")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 20)
EXPECTED = HedgingExpectation(SLOW, OTHER, 0.1)
HEDGE_AFTER_S = 0.03


class Caller(NamedTuple):
    """How cards read: hedged or not, the loser cancelled or not, every so-manieth read a hedge that fails."""

    hedges: bool = True
    cancels: bool = True
    fails_every: int = 0
    slow_s: float = 0.4
    open_for_ever: bool = False


def calls(caller: Caller, *, reads: int = 40, method: str = "GET") -> list[EdgeCall]:
    """Reads before the fault, which are fast, and `reads` of them under it, which the first replica is late with."""
    made: list[EdgeCall] = []
    for number in range(20 + reads):
        late = number >= 20
        at = FAULT.started_at + 0.01 + (number - 20) * 9.0 / reads if late else BEGIN + number / 4
        trace = f"t{number}"
        if not late:
            made += [front(at, 0.006, 200, trace, method), inner(SLOW, at, 0.004, "done", trace, method)]
            continue
        failed = caller.fails_every > 0 and number % caller.fails_every == 0
        rescued = caller.hedges and not failed
        answered_s = HEDGE_AFTER_S + 0.005 if rescued else caller.slow_s
        made.append(front(at, answered_s + 0.001, 200, trace, method))
        cancelled = rescued and caller.cancels
        lasts_s = answered_s if cancelled else None if caller.open_for_ever else caller.slow_s
        made.append(inner(SLOW, at, lasts_s, "client_closed" if cancelled else "done", trace, method))
        if caller.hedges:
            status = 503 if failed else 200
            made.append(inner(OTHER, at + HEDGE_AFTER_S, 0.005, "done", trace, method, status))
    return made


def front(at: float, took: float, status: int, trace: str, method: str) -> EdgeCall:
    return EdgeCall("r", "client->cards", at - 0.001, method, "/accounts/a-1", took, None, status, trace, "done")


def inner(
    edge: Edge, at: float, took: float | None, fate: str, trace: str, method: str, status: int = 200
) -> EdgeCall:
    answered = status if fate == "done" else None
    return EdgeCall("r", str(edge), at, method, "/accounts/a-1", took, None, answered, trace, fate)


def seen(given: list[EdgeCall], lost: int = 0) -> Seen:
    injection = Injection(0.0, 10.0, EdgeFault(SLOW, Latency(0.4)))
    experiment = Experiment("one is slow", (injection,), Expectations(hedgings=(EXPECTED,)))
    checked = Checked(experiment, (), (), {SLOW: Mechanisms(), OTHER: Mechanisms()}, {str(SLOW): (SLOW,)})
    window = FaultWindow(experiment.name, "latency", str(SLOW), FAULT.started_at, FAULT.ended_at, "healed")
    return Seen(checked, tuple(given), (window,), lost)


def judged(given: list[EdgeCall], lost: int = 0) -> tuple[Finding, Finding]:
    answered, cancelled = judge_experiment(seen(given, lost), judge=lambda item: pytest.fail(str(item)))
    return answered, cancelled


def test_late_reads_that_the_other_replica_answers_and_losers_that_are_cancelled_are_met():
    answered, cancelled = judged(calls(Caller()))
    assert (answered.grade, answered.measured_text) == (Grade.MET, "40 of 40")
    assert (cancelled.grade, cancelled.measured_text) == (Grade.MET, "40 of 40")
    assert "40 of 40 reads that cards->ledger was late with were answered by ledger2 within 100 ms" in answered.reason


@pytest.mark.parametrize("open_for_ever", [False, True], ids=["they end late", "they stay open"])
def test_losers_that_run_on_are_missed_though_their_reads_were_answered_in_time(open_for_ever: bool):
    answered, cancelled = judged(calls(Caller(cancels=False, open_for_ever=open_for_ever)))
    assert answered.grade is Grade.MET
    assert (cancelled.grade, cancelled.measured_text) == (Grade.MISSED, "0 of 40")


def test_late_reads_that_nobody_hedges_are_missed():
    answered, cancelled = judged(calls(Caller(hedges=False)))
    assert (answered.grade, answered.measured_text) == (Grade.MISSED, "0 of 40")
    assert cancelled.grade is Grade.UNDECIDED  # nothing lost


def test_one_late_read_in_forty_may_go_unrescued_and_five_may_not():
    assert judged(calls(Caller(fails_every=40)))[0].grade is Grade.MET
    assert judged(calls(Caller(fails_every=8)))[0].grade is Grade.MISSED


def test_a_hedge_that_is_answered_later_than_expected_is_missed():
    late = [
        call if call.edge != "client->cards" or call.duration_s < 0.02 else slower(call) for call in calls(Caller())
    ]
    assert judged(late)[0].grade is Grade.MISSED


def slower(call: EdgeCall) -> EdgeCall:
    return EdgeCall(**{field: getattr(call, field) for field in call.__slots__} | {"duration_s": 0.2})


def test_a_loser_that_ended_by_itself_with_the_winner_tells_nothing_about_cancelling():
    answered, cancelled = judged(calls(Caller(cancels=False, slow_s=0.06)))
    assert answered.grade is Grade.MET
    assert cancelled.grade is Grade.UNDECIDED


def test_writes_are_no_reads_and_too_few_reads_are_undecided():
    assert [finding.grade for finding in judged(calls(Caller(), method="POST"))] == [Grade.UNDECIDED] * 2
    assert [finding.grade for finding in judged(calls(Caller(), reads=9))] == [Grade.UNDECIDED] * 2


def test_with_events_lost_hedging_is_undecided():
    assert {finding.grade for finding in judged(calls(Caller(cancels=False)), lost=1)} == {Grade.UNDECIDED}


def test_hedging_of_an_experiment_that_was_not_run_is_undecided_under_the_same_names():
    names = [finding.objective for finding in judged(calls(Caller()))]
    nothing = not_run(seen([]).checked, "interrupted")
    assert [(finding.objective, finding.grade) for finding in nothing] == [(name, Grade.UNDECIDED) for name in names]


def test_what_a_halted_experiment_showed_until_then_is_told_and_decides_nothing():
    halted = seen(calls(Caller(cancels=False)))
    halted = dataclasses.replace(halted, windows=tuple(map(as_halted, halted.windows)))
    for finding in judge_experiment(halted, judge=lambda item: pytest.fail(str(item))):
        assert finding.grade is Grade.UNDECIDED
        assert finding.reason.startswith("it was halted before its end; seen: ")
        assert finding.measured_text.endswith("of 40")


def test_a_fault_that_a_halt_could_not_heal_is_not_said_to_be_healed():
    left = FaultWindow("one is slow", "latency", str(SLOW), 1.0, 2.0, "left")
    assert as_halted(left) == left


def test_a_read_that_began_at_the_other_replica_is_none_of_the_slow_one():
    turned = []
    for call in calls(Caller(cancels=False)):
        begins_later = call.edge == str(SLOW) and call.started_at >= FAULT.started_at
        moved = call.started_at + 2 * HEDGE_AFTER_S if begins_later else call.started_at
        turned.append(dataclasses.replace(call, started_at=moved))
    assert hedge(turned, EXPECTED, fault=FAULT) == Hedging(0, 0, 0, 0)


def test_a_loser_that_is_closed_long_after_the_answer_was_not_cancelled_with_it():
    late = [
        dataclasses.replace(call, fate="client_closed") if call.edge == str(SLOW) and call.duration_s == 0.4 else call
        for call in calls(Caller(cancels=False))
    ]
    assert judged(late)[1].grade is Grade.MISSED
