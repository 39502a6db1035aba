"""A strain ends when it has shown all it can, and no sooner; edges take turns, so that none is strained unrested."""

from __future__ import annotations

import dataclasses

import pytest
from tests.audit_calls import EDGE, FAULT, PROMISED, REFUSED, Did, breaking, traffic

from seatrial.chaos.audit import battery, pace
from seatrial.chaos.audit.breakers import LEAST_AFTER
from seatrial.chaos.audit.model import Kind, Observation, Strain
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.service import Edge

FAILED = Did(0.232, ((0.001, 0.23),), 503, call_status=503)


def _strain(kind: Kind) -> Strain:
    return Strain(EDGE, kind, PROMISED)


def _opening(number: int, into: float) -> Did:
    """A healthy caller: its breaker opens after a second of failures."""
    return FAILED if into < 1.0 else REFUSED


def _enough(strain: Strain, calls: list[EdgeCall], into: float) -> bool:
    known, fault = _so_far(calls, into)
    return pace.has_shown_enough(Observation(strain, tuple(known), fault), fault)


def _so_far(calls: list[EdgeCall], into: float) -> tuple[list[EdgeCall], Span]:
    """What is known so long after the fault began."""
    now = FAULT.started_at + into
    ended = [call for call in calls if call.started_at + (call.duration_s or 0.0) <= now]
    return ended, Span(FAULT.started_at, now)


def test_a_fault_that_opened_the_breaker_may_be_healed():
    calls, strain = traffic(_opening), _strain(Kind.SLOW)
    assert not _enough(strain, calls, 0.9)
    assert _enough(strain, calls, 2.2)


def test_requests_that_were_refused_a_moment_ago_do_not_end_a_fault():
    """Most of those that follow may yet be let through, and then nothing was open."""
    calls = traffic(lambda number, into: REFUSED if 4.0 <= into < 4.5 else FAILED)
    for into in (4.4, 4.6, 4.9, 5.5, 9.0):
        assert not _enough(_strain(Kind.SLOW), calls, into)


def test_a_breaker_that_never_opens_is_given_all_the_time_to():
    calls = traffic(lambda number, into: FAILED)
    for into in (2.0, 5.0, 9.0):
        assert not _enough(_strain(Kind.SLOW), calls, into)


@pytest.mark.parametrize(
    "kind", [Kind.HANG, Kind.SERVER_ERROR, Kind.DRIP, Kind.CLIENT_ERROR, Kind.LOST, Kind.RESTART]
)
def test_a_fault_that_shows_more_than_an_opened_breaker_lasts_for_its_whole_time(kind):
    calls = traffic(breaking)
    for into in (2.0, 5.0, 9.0):
        assert not _enough(_strain(kind), calls, into)


def test_all_is_well_again_since_the_first_of_a_run_of_good_calls():
    calls = traffic(breaking)
    after = sorted(call.started_at for call in calls if call.edge == str(EDGE) and call.started_at >= FAULT.ended_at)
    known = [call for call in calls if call.started_at <= after[pace.GOOD_RUN - 1]]
    assert pace.calm_at(_strain(Kind.SLOW), known, FAULT) == after[0]
    assert pace.calm_at(_strain(Kind.SLOW), known[:-2], FAULT) is None


def test_an_edge_that_fails_after_healing_is_not_well():
    assert pace.calm_at(_strain(Kind.SLOW), traffic(breaking, after=FAILED), FAULT) is None


def test_nothing_is_well_while_calls_on_another_edge_fail():
    calls = traffic(breaking)
    last_at = max(call.started_at for call in calls)
    elsewhere = EdgeCall("r", "client->front", last_at, "GET", "/b", 0.01, None, 503, trace_id="x", fate="done")
    assert pace.calm_at(_strain(Kind.SLOW), [*calls, elsewhere], FAULT) is None


def test_after_a_hang_as_many_requests_are_watched_as_tell_a_breaker_that_stays_open():
    calls, strain = traffic(breaking), _strain(Kind.HANG)
    fronts = sorted(call.started_at for call in calls if call.edge == "client->front")
    after = [at for at in fronts if at >= FAULT.ended_at]
    few = [call for call in calls if call.started_at < after[LEAST_AFTER - 1]]
    assert pace.calm_at(_strain(Kind.PARTIAL), few, FAULT) is not None
    assert pace.calm_at(strain, few, FAULT) is None
    assert pace.calm_at(strain, calls, FAULT) is not None


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.CUT, Kind.CROWD, Kind.KILL])
def test_a_recovery_that_shows_more_than_calls_is_watched_for_its_whole_time(kind):
    assert pace.calm_at(_strain(kind), traffic(breaking), FAULT) is None


def test_an_edge_rests_until_its_failed_calls_have_left_its_breakers_window():
    failed = EdgeCall("r", str(EDGE), FAULT.started_at + 1.0, "GET", "/", 0.5, None, 503, fate="done")
    earlier = dataclasses.replace(failed, started_at=FAULT.started_at - 1.0)
    rejected = dataclasses.replace(failed, edge="front->side", status=404)
    calls, windows_s = [earlier, failed, rejected], {str(EDGE): 5.0, "front->side": 10.0}
    assert pace.rested_at(_strain(Kind.SLOW), calls, FAULT, windows_s) == {str(EDGE): FAULT.started_at + 6.5}
    assert (
        pace.rested_at(_strain(Kind.CLIENT_ERROR), calls, FAULT, windows_s)["front->side"] == FAULT.started_at + 11.5
    )


def test_an_edge_that_has_to_rest_lets_another_go_first_and_the_one_with_most_left_goes_before_equals():
    other = Strain(Edge("front", "side"), Kind.SLOW, PROMISED)
    waiting = (_strain(Kind.SLOW), other, dataclasses.replace(other, kind=Kind.DRIP))
    assert pace.first(waiting, lambda strain: 0.0) == other
    crowd = _strain(Kind.CROWD)
    assert pace.first((crowd, other), lambda strain: 0.0 if strain == crowd else 5.0) == other
    assert pace.first(waiting, lambda strain: 5.0 if strain.edge == other.edge else 0.0) == waiting[0]


def test_what_strains_take_usually_is_less_than_what_they_take_at_most():
    strains = [_strain(kind) for kind in battery.TRIED]
    assert 0.0 < pace.usual_s(strains) < pace.most_s(strains)


def test_a_caller_that_waits_for_nothing_is_strained_for_no_longer_than_a_call_may_last():
    later = Did(0.002, ((0.05, 0.004),))
    hanging = Did(0.002, ((0.05, 0.25),), call_gone=True)
    calls = traffic(lambda number, into: hanging, before=later, after=later)
    assert not _enough(_strain(Kind.HANG), calls, 4.0)
    assert _enough(_strain(Kind.HANG), calls, 6.5)
