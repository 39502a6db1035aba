"""What is no defect of a breaker, though it looks a little like one."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import FAULT, GIVEN_UP, OTHER, REFUSED, WELL, Did, breaking, reading_of, seen, traffic
from seatrial.chaos.audit.model import Kind, Observation, Sign
from seatrial.sample import EdgeCall

NOT_FOUND = Did(call_status=404)
SLOW = Did(0.23, ((0.001, 0.225),))


def test_calls_that_were_given_up_are_no_slow_answers_that_a_breaker_ignores():
    given_up = Did(0.24, ((0.001, 0.235),), 504, call_gone=True)
    assert reading_of(seen(traffic(lambda n, into: SLOW), Kind.SLOW), "breaker ignores slowness").sign is Sign.FOUND
    reading = reading_of(seen(traffic(lambda n, into: given_up), Kind.SLOW), "breaker ignores slowness")
    assert (reading.sign, reading.bad) == (Sign.CLEAR, 0)


def test_a_breaker_need_not_open_where_only_some_answers_are_slow():
    some = traffic(lambda number, into: SLOW if number % 2 else WELL)
    assert reading_of(seen(some, Kind.SLOW), "breaker ignores slowness").sign is Sign.CLEAR


def test_calls_that_were_under_way_as_it_opened_are_no_trials_too_soon():
    """A few more get through in its first open time, and never again."""

    def behaves(number: int, into: float) -> Did:
        return GIVEN_UP if 1.2 <= into < 1.75 and number % 2 else breaking(number, into)

    assert reading_of(seen(traffic(behaves, rate=20.0)), "trials").sign is Sign.CLEAR


@pytest.mark.parametrize(("healed_for_s", "sign"), [(0.9, Sign.NOT_JUDGED), (1.1, Sign.FOUND)])
def test_a_breaker_is_given_ten_requests_after_the_healing_to_try_again(healed_for_s, sign):
    calls = traffic(lambda n, into: GIVEN_UP if into < 1.0 else REFUSED, after=REFUSED)
    until = FAULT.ended_at + healed_for_s - 0.05
    seen_until = seen([call for call in calls if call.started_at < until])
    assert reading_of(seen_until, "stays open").sign is sign


def _no_answer(share: float) -> Observation:
    """Calls are answered 4xx, but for that share of them, given up without an answer; then all is refused."""

    def behaves(number: int, into: float) -> Did:
        return REFUSED if into >= 3.0 else GIVEN_UP if number % round(1 / share) == 0 else NOT_FOUND

    return seen(traffic(behaves), Kind.CLIENT_ERROR)


@pytest.mark.parametrize(
    ("share", "sign"),
    [(1 / 15, Sign.FOUND), (1 / 6, Sign.NOT_JUDGED)],
    ids=["hardly any", "five in all"],
)
def test_a_breaker_may_open_for_what_got_no_answer_beside_what_was_answered_4xx(share, sign):
    reading = reading_of(_no_answer(share), "breaker counts 4xx")
    assert reading.sign is sign
    assert ("not answered at all" in reading.text) is (sign is Sign.NOT_JUDGED)


def test_a_few_failures_of_hardly_any_calls_are_enough_for_a_breaker_to_open():
    def behaves(number: int, into: float) -> Did:
        return REFUSED if into >= 1.0 else GIVEN_UP if into < 0.3 else NOT_FOUND

    reading = reading_of(seen(traffic(behaves), Kind.CLIENT_ERROR), "breaker counts 4xx")
    assert (reading.sign, reading.bad) == (Sign.NOT_JUDGED, 4)


def test_a_few_requests_refused_among_many_answered_4xx_are_no_open_breaker():
    few = traffic(lambda number, into: REFUSED if 4.0 <= into < 5.3 else NOT_FOUND)
    assert reading_of(seen(few, Kind.CLIENT_ERROR), "breaker counts 4xx").sign is Sign.CLEAR


def test_what_was_refused_before_any_fault_is_not_put_down_to_4xx_where_none_was_answered_so():
    refused = traffic(lambda number, into: NOT_FOUND, before=REFUSED, path="/b")
    usual = [*traffic(lambda number, into: NOT_FOUND), *refused]
    assert reading_of(seen(usual, Kind.CLIENT_ERROR), "breaker counts 4xx").sign is Sign.CLEAR


def _elsewhere(calls: list[EdgeCall]) -> list[EdgeCall]:
    """The same at another caller."""
    return [
        dataclasses.replace(call, edge=call.edge.replace("front", "other"), trace_id=f"o{call.trace_id}")
        for call in calls
    ]


def test_what_another_caller_is_refused_is_no_breaker_that_this_one_shares():
    beside = traffic(lambda number, into: WELL if into < 1.0 else REFUSED, path="/b", edge=OTHER)
    assert reading_of(seen([*traffic(breaking), *beside]), "shared breaker").sign is Sign.FOUND
    assert reading_of(seen([*traffic(breaking), *_elsewhere(beside)]), "shared breaker").sign is Sign.NOT_JUDGED


def test_an_edge_that_was_hardly_called_before_the_fault_is_not_judged():
    calls = [call for call in traffic(lambda n, into: GIVEN_UP) if call.started_at >= FAULT.started_at - 0.45]
    reading = reading_of(seen(calls), "no working breaker")
    assert (reading.sign, reading.text) == (Sign.NOT_JUDGED, "4 calls in the control phase, 5 are needed")
