"""Whether a fallback is in effect and gone again: what is found of a caller with and without defects."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from seatrial.chaos.expectations import Expectations, FallbackExpectation
from seatrial.chaos.judging.fallback import Fallback, fall_back, judge_fallback
from seatrial.chaos.model import EdgeFault, Experiment, Injection, Timeout
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.verify import Seen, judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

EDGE = Edge("gateway", "merchants")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 20)


@dataclass
class Caller:
    """A service that calls merchants once for each request, `rate` of them a second.

    Under the fault the call fails, or is not made when `breaker`, and it answers `answers`; afterwards it answers
    without a call when `sticky`. Every `declined_every`th request needs no call at all and is answered 402.
    """

    answers: int = 200
    breaker: bool = False
    sticky: bool = False
    rate: float = 5.0
    declined_every: int = 0

    def play(self) -> list[EdgeCall]:
        made: list[EdgeCall] = []
        for number in range(int(30 * self.rate)):
            made += self._request(BEGIN + number / self.rate, f"t{number}", number)
        return made

    def _request(self, at: float, trace: str, number: int) -> list[EdgeCall]:
        if self.declined_every and number % self.declined_every == 0:
            return [EdgeCall("r", "client->gateway", at, "GET", "/offers", 0.002, None, 402, trace, "done")]
        failing = FAULT.started_at <= at < FAULT.ended_at
        calls = not (failing and self.breaker) and not (at >= FAULT.ended_at and self.sticky)
        status = self.answers if failing else 200
        made = [EdgeCall("r", "client->gateway", at, "GET", "/offers", 0.01, None, status, trace, "done")]
        if calls:
            called, fate = (None, "client_closed") if failing else (200, "done")
            made.append(EdgeCall("r", str(EDGE), at + 0.001, "GET", "/merchants", 0.005, None, called, trace, fate))
        return made


def judged(caller: Caller, status: int | None = None) -> tuple[Finding, ...]:
    expected = FallbackExpectation(EDGE, status)
    return judge_fallback(fall_back(caller.play(), expected, fault=FAULT), expected, experiment="no merchants")


def grades(caller: Caller, status: int | None = None) -> list[Grade]:
    return [finding.grade for finding in judged(caller, status)]


@pytest.mark.parametrize("breaker", [False, True])
def test_a_fallback_is_in_effect_whether_the_call_fails_or_an_open_breaker_keeps_it_off(breaker: bool):
    during, after = judged(Caller(breaker=breaker))
    assert (during.grade, during.n, during.bad) == (Grade.MET, 50, 0)
    assert (after.grade, after.n, after.bad) == (Grade.MET, 10, 0)
    assert during.name == "no merchants > gateway.fallback for gateway->merchants in effect"


def test_a_missing_fallback_is_missed_with_its_numbers():
    during, after = judged(Caller(answers=500))
    assert (during.grade, after.grade) == (Grade.MISSED, Grade.MET)
    assert during.reason == (
        "0 of 50 requests that had no good call on gateway->merchants were answered as expected; 95 % are expected"
    )


def test_a_fallback_that_stays_after_healing_is_missed():
    during, after = judged(Caller(sticky=True))
    assert (during.grade, after.grade) == (Grade.MET, Grade.MISSED)
    assert after.reason == "0 of the last 10 requests after healing led to a good call on gateway->merchants"


def test_a_status_that_is_named_must_be_the_one():
    assert grades(Caller(answers=203), 203) == [Grade.MET, Grade.MET]
    assert grades(Caller(answers=203), 200) == [Grade.MISSED, Grade.MET]


def test_too_few_requests_are_undecided():
    assert grades(Caller(rate=0.8)) == [Grade.UNDECIDED, Grade.UNDECIDED]


def test_requests_that_need_no_call_are_not_counted():
    caller = Caller(declined_every=3)
    assert grades(caller) == [Grade.MET, Grade.MET]
    assert fall_back(caller.play(), FallbackExpectation(EDGE), fault=FAULT) == Fallback(33, 33, 10, 10)


def whole(lost: int = 0) -> Seen:
    experiment = Experiment(
        "no merchants",
        (Injection(0.0, 10.0, EdgeFault(EDGE, Timeout(0.0))),),
        Expectations(fallbacks=(FallbackExpectation(EDGE),)),
    )
    checked = Checked(experiment, (), (), {EDGE: Mechanisms()}, {str(EDGE): (EDGE,)})
    window = FaultWindow(experiment.name, "timeout", str(EDGE), FAULT.started_at, FAULT.ended_at, "healed")
    return Seen(checked, tuple(Caller(sticky=True).play()), (window,), lost)


def findings(seen: Seen) -> tuple[Finding, ...]:
    return judge_experiment(seen, judge=lambda item: pytest.fail(str(item)))


def test_an_experiment_judges_both_and_lost_calls_leave_both_undecided():
    assert [finding.grade for finding in findings(whole())] == [Grade.MET, Grade.MISSED]
    assert [finding.grade for finding in findings(whole(lost=1))] == [Grade.UNDECIDED, Grade.UNDECIDED]


def test_what_was_not_run_has_both_findings_under_the_same_names():
    missing = not_run(whole().checked, "it was not run")
    assert [finding.name for finding in missing] == [finding.name for finding in findings(whole())]
    assert {finding.grade for finding in missing} == {Grade.UNDECIDED}


def after(calls: list[EdgeCall]) -> Grade:
    """Whether the fallback was gone after those calls."""
    expected = FallbackExpectation(EDGE)
    return judge_fallback(fall_back(calls, expected, fault=FAULT), expected, experiment="x")[1].grade


def test_a_fallback_that_is_gone_some_seconds_after_healing_is_gone():
    back_at = FAULT.ended_at + 5
    calls = Caller().play()
    assert (
        after([call for call in calls if call.edge != str(EDGE) or not FAULT.ended_at <= call.started_at < back_at])
        is Grade.MET
    )


def test_a_request_that_has_no_answer_yet_says_nothing_of_what_comes_after():
    unanswered = EdgeCall("r", "client->gateway", BEGIN + 30, "GET", "/offers", None, None, None, "t999", "")
    assert after([*Caller().play(), unanswered]) is Grade.MET


def test_an_answer_that_breaks_off_is_none_though_its_status_is_the_one():
    cut = [
        replace(call, fate="server_closed") if call.edge == "client->gateway" and call.status == 203 else call
        for call in Caller(answers=203).play()
    ]
    expected = FallbackExpectation(EDGE, 203)
    assert fall_back(cut, expected, fault=FAULT).answered == 0
