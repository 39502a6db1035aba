"""Whether a breaker kept its promise: what is found of a simulated caller's breaker, with and without defects."""

from __future__ import annotations

import dataclasses

from breaker_calls import BEGIN, EDGE, FAULT, PROMISE, PROMISED, Caller
from seatrial.chaos.expectations import BreakerExpectation
from seatrial.chaos.judging.breaker import judge_breaker
from seatrial.chaos.seen import breaker
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Mechanisms
from seatrial.verdict import Grade

EXPECTED = BreakerExpectation(EDGE, opens_within_s=5.0, calls_while_open=0, closes_within_s=5.0)


def grades(calls: list[EdgeCall], promised: Mechanisms = PROMISED) -> list[Grade]:
    return [finding.grade for finding in findings(calls, promised)]


def findings(calls: list[EdgeCall], promised: Mechanisms = PROMISED):
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=promised)
    return judge_breaker(timeline, EXPECTED, promise=promised.breaker or PROMISE, experiment="hang")


def test_a_healthy_breaker_meets_all_that_is_expected():
    assert grades(Caller().play()) == [Grade.MET, Grade.MET, Grade.MET]


def test_the_story_has_the_numbers():
    opens, leaks, closes = findings(Caller().play())
    assert "cards->ledger opened" in opens.reason
    assert "6 ms before, 250 ms until it opened, 3 ms while open" in opens.reason
    assert leaks.reason.startswith("0 calls reached ledger while cards->ledger was open")
    assert "closed" in closes.reason
    assert closes.reason.endswith("trials in all; median latency 6 ms since then")
    assert opens.name == "hang > cards.breaker cards->ledger opens within 5 s"


def test_a_breaker_that_never_opens_is_missed_with_the_calls_that_went_through():
    opens, leaks, closes = findings(Caller(opens_after=None).play())
    assert opens.grade is Grade.MISSED
    assert opens.reason == (
        "cards->ledger never opened: 400 calls in 20 s went through, each answered after 250 ms (median)"
    )
    assert (leaks.grade, closes.grade) == (Grade.UNDECIDED, Grade.UNDECIDED)


def test_a_breaker_that_opens_late_is_missed():
    opens, *_ = findings(Caller(opens_after=150).play())
    assert opens.grade is Grade.MISSED
    assert opens.measured > 5.0
    assert opens.reason.startswith("opened too late")


def test_calls_that_leak_through_an_open_breaker_are_counted():
    _, leaks, _ = findings(Caller(leak_every=10).play())
    assert leaks.grade is Grade.MISSED
    assert 20 <= leaks.measured <= 45
    assert leaks.n > 200


def test_more_trials_at_once_than_promised_are_leaks():
    _, leaks, _ = findings(Caller(trials=3).play())
    assert leaks.grade is Grade.MISSED


def test_three_trials_are_fine_where_three_are_promised():
    three = Mechanisms(0.25, BreakerPromise(10, 0.5, 5.0, 2.0, trials=3))
    assert grades(Caller(trials=3).play(), three)[1] is Grade.MET


def test_a_breaker_that_tries_too_early_leaks():
    _, leaks, _ = findings(Caller(open_for=1.0).play())
    assert leaks.grade is Grade.MISSED


def test_a_breaker_that_never_closes_is_missed():
    _, _, closes = findings(Caller(closes=False).play())
    assert closes.grade is Grade.MISSED
    assert "never closed" in closes.reason
    assert closes.n == 301


def test_too_few_calls_are_undecided_and_never_a_pass():
    opens, leaks, _ = findings(Caller(rate=1.0).play())
    assert opens.grade is Grade.UNDECIDED
    assert "not enough calls to judge" in opens.reason
    assert leaks.grade is Grade.UNDECIDED


def test_no_traffic_is_undecided_in_everything():
    assert grades([]) == [Grade.UNDECIDED, Grade.UNDECIDED, Grade.UNDECIDED]


def test_traffic_without_traces_is_undecided():
    calls = [dataclasses.replace(call, trace_id="") for call in Caller().play()]
    opens, *_ = findings(calls)
    assert opens.grade is Grade.UNDECIDED
    assert "traceparent" in opens.reason


def test_answers_that_never_call_on_are_not_taken_for_an_open_breaker():
    opens, *_ = findings(Caller(opens_after=None, declined_every=3).play())
    assert opens.grade is Grade.MISSED
    assert "never opened" in opens.reason


def test_declined_requests_do_not_hide_a_healthy_breaker():
    assert grades(Caller(declined_every=3).play()) == [Grade.MET, Grade.MET, Grade.MET]


def test_one_stray_fast_answer_is_not_an_opening():
    calls = Caller(opens_after=None).play()
    calls.append(
        EdgeCall("r", "client->cards", BEGIN + 15, "POST", "/cards/1/charges", 0.002, None, 500, "stray", fate="done")
    )
    calls = [dataclasses.replace(call, trace_id=call.trace_id or "stray") for call in calls]
    opens, *_ = findings(calls)
    assert "never opened" in opens.reason


def test_a_trace_shared_by_the_steps_of_a_play_is_told_apart_by_time():
    calls = []
    for call in Caller().play():
        number = int(call.trace_id[1:])
        calls.append(dataclasses.replace(call, trace_id=f"play{number % 4}"))
    assert grades(calls) == [Grade.MET, Grade.MET, Grade.MET]


def at_the_limit(caller: Caller, expected: BreakerExpectation = EXPECTED, **seen):
    """The grades of what was expected, where the timeline is the caller's but for what is given."""
    timeline = breaker.trace(caller.play(), EDGE, fault=FAULT, promised=PROMISED)
    judged = judge_breaker(dataclasses.replace(timeline, **seen), expected, promise=PROMISE, experiment="hang")
    return [finding.grade for finding in judged]


def test_a_breaker_that_opens_just_in_time_has_opened_in_time():
    assert at_the_limit(Caller(), opened_at=FAULT.started_at + 5.0)[0] is Grade.MET
    assert at_the_limit(Caller(), opened_at=FAULT.started_at + 5.25)[0] is Grade.MISSED


def test_as_many_calls_as_a_breaker_needs_are_enough_to_say_that_it_never_opened():
    never = Caller(opens_after=None)
    assert at_the_limit(never, most_in_window=PROMISE.min_calls)[0] is Grade.MISSED
    assert at_the_limit(never, most_in_window=PROMISE.min_calls - 1)[0] is Grade.UNDECIDED


def test_calls_that_were_let_through_are_no_requests_that_were_refused():
    some = dataclasses.replace(EXPECTED, calls_while_open=5)
    leaky = (breaker.Window(FAULT.started_at + 1.0, None, leaked=3, trials=0, beyond=0),)
    assert at_the_limit(Caller(), some, refused=PROMISE.min_calls, windows=leaky)[1] is Grade.MET
    assert at_the_limit(Caller(), some, refused=PROMISE.min_calls - 1, windows=leaky)[1] is Grade.UNDECIDED


def test_as_many_requests_as_a_run_needs_are_enough_to_say_that_it_never_closed():
    assert at_the_limit(Caller(closes=False), requests_after=breaker.CLOSED_RUN)[2] is Grade.MISSED
    assert at_the_limit(Caller(closes=False), requests_after=breaker.CLOSED_RUN - 1)[2] is Grade.UNDECIDED
