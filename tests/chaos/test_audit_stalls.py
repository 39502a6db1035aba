"""A machine that stands still for a moment makes no defect of a healthy service."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import FAULT, REFUSED, WELL, Did, readings_of, seen, traffic
from seatrial.chaos.audit.model import Kind, Observation, Sign
from seatrial.sample import EdgeCall, Outcome, Phase, Sample

NOT_FOUND = Did(call_status=404)
TOLD_AT = FAULT.started_at + 1.95


def _told_to_end(fate: str, *, after: float, starts: tuple[Sample, ...] = ()) -> Observation:
    """Two requests were under way then, and ended so long after it."""
    calls = [call if call.started_at < FAULT.started_at else None for call in traffic(lambda number, into: WELL)]
    waiting = [
        EdgeCall(
            "r", "client->front", TOLD_AT - 0.1 * n, "GET", "/a", 0.1 * n + after, None, None, f"/w{n}", fate=fate
        )
        for n in (1, 2)
    ]
    own = tuple(call for call in calls if call) + tuple(waiting)
    return dataclasses.replace(seen(own, Kind.RESTART), stopped_at=TOLD_AT, starts=starts)


def _started(after: float) -> tuple[Sample, ...]:
    at = TOLD_AT + after
    return (Sample("r", Phase.DURING, "audit", "start", "front", "GET", "/", at, 1.0, Outcome.OK),)


@pytest.mark.parametrize(
    ("fate", "sign"),
    [("upstream_closed", Sign.FOUND), ("client_closed", Sign.NOT_JUDGED), ("no_upstream", Sign.NOT_JUDGED)],
    ids=["broken off", "given up by its asker", "not there yet when the service closed its door"],
)
def test_only_what_the_service_itself_broke_off_was_broken_off_by_it(fate, sign):
    assert readings_of(_told_to_end(fate, after=0.05))["no grace"].sign is sign


def test_what_still_drained_when_the_service_was_started_again_was_not_broken_off_by_itself():
    early = _told_to_end("upstream_closed", after=0.05, starts=_started(0.5))
    assert readings_of(early)["no grace"].sign is Sign.FOUND
    late = _told_to_end("upstream_closed", after=0.6, starts=_started(0.5))
    assert readings_of(late)["no grace"].sign is not Sign.FOUND


def test_a_breaker_that_opened_when_calls_got_no_answer_at_all_did_not_count_4xx():
    def behaves(number: int, into: float) -> Did:
        stalled = 0.5 <= into < 1.0
        given_up = Did(0.26, ((0.001, 0.25),), 504, call_gone=True)
        return given_up if stalled else NOT_FOUND if into < 0.5 else REFUSED

    reading = readings_of(seen(traffic(behaves), Kind.CLIENT_ERROR))["breaker counts 4xx"]
    assert reading.sign is Sign.NOT_JUDGED
    assert "5 of 10 calls were not answered at all" in reading.text


@pytest.mark.parametrize(("late_s", "sign"), [(0.05, Sign.FOUND), (0.1, Sign.NOT_JUDGED), (1.0, Sign.NOT_JUDGED)])
def test_what_a_stall_may_bring_about_is_not_found_where_the_audits_own_requests_were_late(late_s, sign):
    rejecting = seen(traffic(lambda number, into: NOT_FOUND if into < 1.0 else REFUSED), Kind.CLIENT_ERROR)
    for observation, family in (
        (rejecting, "breaker counts 4xx"),
        (_told_to_end("upstream_closed", after=0.05), "no grace"),
    ):
        reading = readings_of(dataclasses.replace(observation, late_s=late_s))[family]
        assert reading.sign is sign
    assert ("stood still" in reading.text) == (sign is Sign.NOT_JUDGED)


def test_what_no_stall_brings_about_is_found_on_a_machine_that_stood_still():
    calls = traffic(lambda number, into: Did(0.26, ((0.001, 0.25),), 504, call_gone=True))
    reading = readings_of(dataclasses.replace(seen(calls), late_s=1.0))["no working breaker"]
    assert reading.sign is Sign.FOUND
