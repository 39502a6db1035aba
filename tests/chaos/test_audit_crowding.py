"""What the audit reads from a crowd while a dependency is slow: whether the others have room, whether what piled up
stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from audit_calls import END, FAULT, GIVEN_UP, OTHER, WELL, Behaviour, Did, reading_of, seen, traffic
from seatrial.chaos.audit.model import Kind, Reading, Sign
from seatrial.chaos.seen.traffic import is_good
from seatrial.sample import EdgeCall

SLOW = Did(0.13, ((0.001, 0.125),))
WAITING = Did(0.13, ((0.124, 0.004),))
REFUSED = Did(0.003, (), 503)
CROWDED = 100.0  # requests per second: a dozen calls to the slow dependency at once


def _beside(behaves: Behaviour, *, rate: float = CROWDED, before: Did = WELL) -> Reading:
    """What is read from requests that need another dependency alone and are treated so."""
    slow = traffic(lambda number, into: SLOW, rate=rate)
    beside = traffic(behaves, path="/b", edge=OTHER, before=before)
    return reading_of(seen([*slow, *beside], Kind.CROWD), "no bulkhead")


def test_requests_that_wait_for_a_call_to_another_dependency_have_no_bulkhead():
    reading = _beside(lambda number, into: WAITING)
    assert reading.sign is Sign.FOUND
    assert "98 of 98 requests that do without back waited for their call, 124 ms" in reading.text


@pytest.mark.parametrize("did", [WELL, REFUSED, Did(0.03, ((0.025, 0.004),))])
def test_requests_that_call_at_once_or_are_refused_at_once_have_room(did):
    assert _beside(lambda number, into: did).sign is Sign.CLEAR


def test_a_request_that_was_given_up_before_it_made_its_call_has_waited():
    assert _beside(lambda number, into: Did(2.0, (), gone=True)).sign is Sign.FOUND


@pytest.mark.parametrize(
    ("reading", "why"),
    [
        (lambda: _beside(lambda number, into: WAITING, rate=10.0), "2 calls at once, 8 are needed"),
        (lambda: _beside(lambda number, into: WAITING, before=WAITING), "waited before the fault, too"),
        (
            lambda: reading_of(seen(traffic(lambda number, into: SLOW, rate=CROWDED), Kind.CROWD), "no bulkhead"),
            "0 requests that need another dependency alone",
        ),
    ],
)
def test_without_calls_at_once_or_others_beside_them_no_bulkhead_is_missed(reading: Callable[[], Reading], why):
    assert reading().sign is Sign.NOT_JUDGED
    assert why in reading().text


def test_requests_that_need_both_dependencies_and_wait_for_the_slow_one_are_none_that_need_another_alone():
    slow = traffic(lambda number, into: SLOW, rate=CROWDED)
    in_turn = Did(0.14, calls=((0.13, 0.004),), beside=((0.001, 0.125),))
    at_ease = Did(0.01, calls=((0.005, 0.004),), beside=((0.001, 0.003),))
    both = traffic(lambda number, into: in_turn, path="/b", edge=OTHER, before=at_ease, after=at_ease)
    reading = reading_of(seen([*slow, *both], Kind.CROWD), "no bulkhead")
    assert (reading.sign, reading.n) == (Sign.NOT_JUDGED, 0)


QUEUED = Did(0.3, ((0.29, 0.004),))


def _after(did: Did, *, rate: float = 10.0) -> Reading:
    """What is read from requests that are treated so after the healing."""
    return reading_of(seen(traffic(lambda number, into: SLOW, rate=rate, after=did), Kind.CROWD), "endless queue")


def test_requests_that_still_wait_when_the_dependency_is_well_again_are_in_an_endless_queue():
    reading = _after(QUEUED)
    assert reading.sign is Sign.FOUND
    assert "296 ms (median, 2 ms before)" in reading.text


@pytest.mark.parametrize(
    "did",
    [
        pytest.param(WELL, id="well"),
        pytest.param(REFUSED, id="refused at once"),
        pytest.param(Did(0.31, ((0.001, 0.3),)), id="the dependency itself is still slow"),
        pytest.param(GIVEN_UP, id="the dependency itself is still out"),
    ],
)
def test_requests_that_wait_for_nothing_but_their_calls_are_in_no_queue(did):
    assert _after(did).sign is Sign.CLEAR


def test_where_requests_waited_before_the_fault_nobody_can_tell_what_piled_up_under_it():
    calls = traffic(lambda number, into: SLOW, before=QUEUED, after=QUEUED)
    reading = reading_of(seen(calls, Kind.CROWD), "endless queue")
    assert reading.sign is Sign.NOT_JUDGED
    assert "waited inside before the fault, too: 296 ms (median, 296 ms before)" in reading.text


def test_too_few_requests_after_the_healing_do_not_tell_of_a_queue():
    assert _after(QUEUED, rate=1.5).sign is Sign.NOT_JUDGED


@pytest.mark.parametrize("gone", [True, False])
def test_a_service_that_goes_on_calling_for_those_that_have_gone_has_an_endless_queue(gone):
    calls = traffic(lambda number, into: Did(0.6, gone=gone, status=504))
    again = [_for(call, number) for number, call in enumerate(calls) if not is_good(call)]
    found = reading_of(seen([*calls, *again], Kind.CROWD), "endless queue")
    assert found.sign is Sign.FOUND
    assert found.bad == len(again)
    assert reading_of(seen(calls, Kind.CROWD), "endless queue").sign is Sign.CLEAR
    assert (
        reading_of(seen([*calls, *again[:10]], Kind.CROWD), "endless queue").sign is Sign.CLEAR
    )  # of 65: an accident


def _for(request: EdgeCall, number: int) -> EdgeCall:
    """A call that is made for it long after it was given up, when the dependency is well again."""
    at = FAULT.ended_at + 1.5 + number / 100
    assert at < END
    return dataclasses.replace(request, edge="front->back", started_at=at, duration_s=0.004, status=200, fate="done")
