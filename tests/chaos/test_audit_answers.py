"""How much of a strain's calls and answers has to be as a defect makes them, and what there is too little of."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import EDGE, FAULT, GIVEN_UP, WELL, Behaviour, Did, reading_of, seen, traffic
from seatrial.chaos.audit.model import Kind, Observation, Sign
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall

NOT_FOUND = Did(call_status=404)
OUTLIVES = Did(0.6, ((0.001, 2.0),), gone=True, call_gone=True)
LEFT = Did(0.26, ((0.001, 3.0),), 503)
CUT = Did(cut=True)
AGAIN = Did(0.012, ((0.001, 0.004), (0.006, 0.004)), call_status=404)


def _one_in(every: int, did: Did, other: Did) -> Behaviour:
    return lambda number, into: did if number % every == 0 else other


@pytest.mark.parametrize(("every", "sign"), [(3, Sign.FOUND), (6, Sign.CLEAR)])
def test_a_few_calls_of_many_that_outlive_their_askers_make_no_timeout_too_long(every, sign):
    assert reading_of(seen(traffic(_one_in(every, OUTLIVES, GIVEN_UP))), "too patient").sign is sign


@pytest.mark.parametrize(("every", "sign"), [(1, Sign.FOUND), (4, Sign.CLEAR)])
def test_a_few_calls_of_many_that_go_on_are_not_left_running(every, sign):
    assert reading_of(seen(traffic(_one_in(every, LEFT, GIVEN_UP))), "losers run on").sign is sign


def _short(kind: Kind, did: Did, other: Did, *, many: int) -> Observation:
    """Of the first seven requests under the fault so many are done so; nothing comes after them."""
    calls = traffic(lambda number, into: did if into < many / 10 - 0.05 else other)
    return seen([call for call in calls if call.started_at < FAULT.started_at + 0.65], kind)


@pytest.mark.parametrize(
    ("kind", "did", "other", "family"),
    [
        (Kind.HANG, OUTLIVES, GIVEN_UP, "too patient"),
        (Kind.TRUNCATE, CUT, WELL, "cut short and believed"),
        (Kind.CLIENT_ERROR, AGAIN, NOT_FOUND, "4xx again"),
    ],
    ids=["4", "31", "21"],
)
def test_what_is_seen_of_too_few_is_not_judged_rather_than_well(kind, did, other, family):
    few = reading_of(_short(kind, did, other, many=3), family)
    assert (few.sign, few.bad) == (Sign.NOT_JUDGED, 3)
    assert few.text.endswith("; 4 are needed")
    assert reading_of(_short(kind, did, other, many=4), family).sign is Sign.FOUND


def test_dripping_answers_that_had_no_time_to_come_to_their_end_say_nothing_of_a_deadline():
    dripping = seen(traffic(lambda number, into: Did(1.2, ((0.001, 1.19),))), Kind.DRIP)
    short = dataclasses.replace(dripping, fault=Span(FAULT.started_at, FAULT.started_at + 2.0))
    reading = reading_of(short, "timeout per read")
    assert (reading.sign, reading.bad, reading.n) == (Sign.FOUND, 15, 15)


def test_calls_that_come_one_after_the_other_by_themselves_show_no_lock():
    seldom = traffic(lambda number, into: Did(0.23, ((0.001, 0.225),)), rate=4.0)
    assert reading_of(seen(seldom, Kind.SLOW), "lock across the call").sign is Sign.CLEAR


def test_a_request_whose_second_call_was_answered_whole_believed_nothing_that_was_cut_short():
    calls = traffic(lambda number, into: Did(0.012, ((0.001, 0.004), (0.006, 0.004))))
    first_cut = [dataclasses.replace(call, fate="cut") if _is_first(call) else call for call in calls]
    reading = reading_of(seen(first_cut, Kind.TRUNCATE), "cut short and believed")
    assert (reading.sign, reading.n) == (Sign.NOT_JUDGED, 0)


def _is_first(call: EdgeCall) -> bool:
    """Whether it is the first of the two calls of its request, under the fault."""
    into = call.started_at - FAULT.started_at
    return call.edge == str(EDGE) and into >= 0 and round(1000 * into) % 100 == 1


def test_an_error_that_broke_off_is_no_answer_to_be_believed():
    reading = reading_of(
        seen(traffic(lambda n, into: Did(cut=True, call_status=503)), Kind.TRUNCATE), "cut short and believed"
    )
    assert (reading.sign, reading.n) == (Sign.NOT_JUDGED, 0)


TWICE = ((0.001, 0.004), (0.006, 0.004))
FAILED_TWICE = Did(0.012, TWICE, 503, call_status=503)


@pytest.mark.parametrize(
    ("did", "path", "sign"),
    [
        (FAILED_TWICE, "/", Sign.FOUND),
        (FAILED_TWICE, "/else", Sign.NOT_JUDGED),
        (Did(0.012, TWICE), "/", Sign.NOT_JUDGED),
    ],
    ids=["the same again", "something else", "the first was answered well"],
)
def test_only_what_follows_a_failure_and_asks_for_the_same_is_a_retry(did, path, sign):
    calls = traffic(lambda number, into: did)
    second = [
        call if _is_first(call) or call.edge != str(EDGE) else dataclasses.replace(call, path=path) for call in calls
    ]
    reading = reading_of(seen(second, Kind.PARTIAL), "no back-off")
    assert reading.sign is sign
    assert reading.n == (100 if sign is Sign.FOUND else 0)


@pytest.mark.parametrize(
    ("status", "path", "sign"),
    [(404, "/", Sign.FOUND), (404, "/else", Sign.CLEAR), (503, "/", Sign.CLEAR)],
    ids=["the same again", "something else", "after a 5xx"],
)
def test_only_what_asks_for_the_same_after_a_4xx_asks_again_for_what_was_refused(status, path, sign):
    calls = traffic(lambda number, into: Did(0.012, TWICE, status, call_status=status))
    second = [
        call if _is_first(call) or call.edge != str(EDGE) else dataclasses.replace(call, path=path) for call in calls
    ]
    assert reading_of(seen(second, Kind.CLIENT_ERROR), "4xx again").sign is sign
