"""Whether retries multiply calls and timeouts bound them: found of a caller with and without defects."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest

from seatrial.chaos.expectations import AmplificationExpectation, Expectations, TimeoutExpectation
from seatrial.chaos.judging.retries import Amplification, amplify, judge_amplification
from seatrial.chaos.judging.timeout import Held, hold, judge_timeout, limit_of
from seatrial.chaos.model import EdgeFault, Experiment, Injection, Timeout
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.verify import Seen, judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

EDGE = Edge("cards", "ledger")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 20)
PROMISED = Mechanisms(timeout_s=0.25, retries_max=1)


@dataclass
class Caller:
    """A service that makes `usual` calls for a request, `under_fault` of them while the dependency hangs.

    It gives each up after `gives_up_s`, None for never. Requests come `rate` times a second.
    """

    usual: int = 1
    under_fault: int = 1
    gives_up_s: float | None = 0.25
    rate: float = 5.0
    refused_share: int = 0

    def play(self) -> list[EdgeCall]:
        made: list[EdgeCall] = []
        for number in range(int(20 * self.rate)):
            made += self._request(BEGIN + number / self.rate, f"t{number}", number)
        return made

    def _request(self, at: float, trace: str, number: int) -> list[EdgeCall]:
        hangs = FAULT.started_at <= at < FAULT.ended_at
        refused = hangs and self.refused_share and number % self.refused_share
        count = 0 if refused else self.under_fault if hangs else self.usual
        took = self.gives_up_s if hangs else 0.004
        fate = ("client_closed" if took is not None else "") if hangs else "done"
        calls = [
            EdgeCall(
                "r", str(EDGE), at + 0.001 + step * (took or 0), "POST", "/entries", took, None, None, trace, fate
            )
            for step in range(count)
        ]
        whole = None if took is None else count * took + 0.002
        status = 504 if hangs else 200
        return [EdgeCall("r", "client->cards", at, "POST", "/charges", whole, None, status, trace, "done"), *calls]


def retries(caller: Caller, at_most: float | None = None, promised: Mechanisms = PROMISED) -> Finding:
    seen = amplify(caller.play(), EDGE, fault=FAULT)
    return judge_amplification(
        seen, AmplificationExpectation(EDGE, at_most), promised=promised, experiment="the ledger hangs"
    )


def timeouts(caller: Caller, bounded_by_s: float | None = None) -> Finding:
    expected = TimeoutExpectation(EDGE, bounded_by_s)
    held = hold(caller.play(), EDGE, fault=FAULT, limit_s=limit_of(expected, PROMISED))
    return judge_timeout(held, expected, promised=PROMISED, experiment="the ledger hangs")


def test_as_many_calls_as_usual_are_no_amplification():
    finding = retries(Caller(), at_most=1.2)
    assert (finding.grade, finding.measured, finding.n) == (Grade.MET, 1.0, 50)
    assert finding.name == "the ledger hangs > cards.amplification cards->ledger at most 1.2"


def test_a_retry_storm_is_missed_with_its_numbers():
    finding = retries(Caller(under_fault=3), at_most=1.2)
    assert (finding.grade, finding.measured) == (Grade.MISSED, 3.0)
    assert finding.reason == (
        "50 requests led to 150 calls on cards->ledger under the fault, 50 without it: 3 for each; "
        "at most 3 by one request"
    )


def test_a_route_that_usually_makes_two_calls_is_not_taken_for_a_retry():
    assert retries(Caller(usual=2, under_fault=2), at_most=1.2).measured == 1.0


def test_without_a_number_the_promised_retries_are_the_limit():
    assert retries(Caller(under_fault=2)).grade is Grade.MET
    assert retries(Caller(under_fault=3)).grade is Grade.MISSED
    assert retries(Caller(under_fault=2), promised=Mechanisms(retries_max=0)).grade is Grade.MISSED


def test_requests_an_open_breaker_refused_do_not_hide_a_storm():
    finding = retries(Caller(under_fault=3, refused_share=4), at_most=1.2)
    assert (finding.grade, finding.measured) == (Grade.MISSED, 3.0)
    assert finding.n < 20


def test_too_few_requests_leave_retries_undecided():
    finding = retries(Caller(under_fault=3, rate=0.5), at_most=1.2)
    assert finding.grade is Grade.UNDECIDED
    assert "not enough to judge: 5 requests led to 15 calls" in finding.reason


def test_calls_that_are_given_up_at_the_timeout_are_bounded():
    finding = timeouts(Caller())
    assert (finding.grade, finding.measured, finding.n, finding.bad) == (Grade.MET, 0.25, 50, 0)
    assert finding.name == "the ledger hangs > cards.timeout cards->ledger bounded by 250 ms"


def test_a_longer_timeout_than_promised_is_missed_but_meets_a_larger_number():
    finding = timeouts(Caller(gives_up_s=0.6))
    assert (finding.grade, finding.bad) == (Grade.MISSED, 50)
    assert "50 went on beyond 250 ms; the longest took 600 ms" in finding.reason
    assert timeouts(Caller(gives_up_s=0.6), 0.6).grade is Grade.MET


def test_calls_that_are_never_given_up_are_missed():
    assert timeouts(Caller(gives_up_s=None)).grade is Grade.MISSED


def test_a_single_late_call_is_a_machine_that_paused():
    calls = Caller().play()
    first = next(index for index, call in enumerate(calls) if call.fate == "client_closed")
    calls[first] = dataclasses.replace(calls[first], duration_s=2.0)
    held = hold(calls, EDGE, fault=FAULT, limit_s=0.25)
    assert held.over == 1
    assert judge_timeout(held, TimeoutExpectation(EDGE), promised=PROMISED, experiment="x").grade is Grade.MET


@pytest.mark.parametrize("caller", [Caller(rate=0.4), Caller(refused_share=100)])
def test_a_timeout_that_was_not_needed_often_enough_is_undecided(caller: Caller):
    finding = timeouts(caller)
    assert finding.grade is Grade.UNDECIDED
    assert "5 are needed" in finding.reason


def whole(lost: int = 0) -> Seen:
    experiment = Experiment(
        "the ledger hangs",
        (Injection(0.0, 10.0, EdgeFault(EDGE, Timeout(0.0))),),
        Expectations(amplifications=(AmplificationExpectation(EDGE, 1.2),), timeouts=(TimeoutExpectation(EDGE),)),
    )
    checked = Checked(experiment, (), (), {EDGE: PROMISED}, {str(EDGE): (EDGE,)})
    window = FaultWindow(experiment.name, "timeout", str(EDGE), FAULT.started_at, FAULT.ended_at, "healed")
    return Seen(checked, tuple(Caller(under_fault=3).play()), (window,), lost)


def judge(seen: Seen) -> list[Grade]:
    return [finding.grade for finding in judge_experiment(seen, judge=lambda item: pytest.fail(str(item)))]


def test_an_experiment_judges_both_by_what_its_own_fault_led_to():
    assert judge(whole()) == [Grade.MISSED, Grade.MET]


def test_lost_calls_leave_both_undecided():
    assert judge(whole(lost=7)) == [Grade.UNDECIDED, Grade.UNDECIDED]


def test_what_was_not_run_has_a_finding_for_each_under_the_same_name():
    missing = not_run(whole().checked, "it was not run")
    assert {finding.grade for finding in missing} == {Grade.UNDECIDED}
    seen = judge_experiment(whole(), judge=lambda item: pytest.fail(str(item)))
    assert [finding.name for finding in missing] == [finding.name for finding in seen]


def test_requests_that_come_after_the_healing_are_not_counted():
    assert amplify(Caller().play(), EDGE, fault=Span(FAULT.started_at, FAULT.started_at + 5)).requests == 25


@pytest.mark.parametrize(("requests", "grade"), [(9, Grade.UNDECIDED), (10, Grade.MISSED)])
def test_ten_requests_are_enough_to_judge_retries(requests: int, grade: Grade):
    seen = Amplification(requests, 3 * requests, float(requests), 3)
    expected = AmplificationExpectation(EDGE, 1.2)
    assert judge_amplification(seen, expected, promised=PROMISED, experiment="x").grade is grade


@pytest.mark.parametrize(("over", "grade"), [(2, Grade.MET), (3, Grade.MISSED)])
def test_a_call_in_twenty_may_be_late_and_one_more_may_not(over: int, grade: Grade):
    held = Held(40, 40 - over, over, 2.0)
    assert judge_timeout(held, TimeoutExpectation(EDGE), promised=PROMISED, experiment="x").grade is grade


@pytest.mark.parametrize(
    ("limit_s", "took_s", "over"), [(0.25, 0.29, 0), (0.25, 0.31, 50), (2.0, 2.19, 0), (2.0, 2.3, 50)]
)
def test_a_timeout_has_50_ms_or_a_tenth_of_slack_whichever_is_more(limit_s: float, took_s: float, over: int):
    assert hold(Caller(gives_up_s=took_s).play(), EDGE, fault=FAULT, limit_s=limit_s).over == over
