"""What each signature of the audit reads from calls at the proxies: of a healthy caller, and with its defect."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import (
    EDGE,
    FAULT,
    GIVEN_UP,
    OTHER,
    REFUSED,
    WELL,
    Did,
    breaking,
    readings_of,
    seen,
    traffic,
)
from seatrial.chaos.audit.families import LOSERS
from seatrial.chaos.audit.model import Kind, Observation, Sign
from seatrial.sample import Outcome, Phase, Sample


def _found(observation: Observation) -> list[str]:
    return [key for key, reading in readings_of(observation).items() if reading.sign is Sign.FOUND]


def _until_healed(number: int, into: float) -> Did:
    """A call without a timeout: it lasts as long as the fault; the request is given up after 2 s."""
    return Did(2.0, ((0.001, FAULT.ended_at - FAULT.started_at - into),), gone=True)


def test_a_healthy_caller_shows_no_defect_when_its_dependency_hangs():
    readings = readings_of(seen(traffic(breaking)))
    assert [key for key, reading in readings.items() if reading.sign is Sign.FOUND] == []
    judged = {key for key, reading in readings.items() if reading.sign is Sign.CLEAR}
    assert judged == {
        "no timeout",
        "too patient",
        "losers run on",
        "no working breaker",
        "stays open",
        "trials",
        "retries around the breaker",
    }


def test_calls_that_last_as_long_as_the_fault_have_no_timeout():
    assert "no timeout" in _found(seen(traffic(_until_healed)))


def test_a_call_that_ends_only_with_its_asker_has_no_timeout():
    found = _found(seen(traffic(lambda number, into: Did(2.0, ((0.001, 2.0),), gone=True, call_gone=True))))
    assert "no timeout" in found
    assert "too patient" not in found


def test_a_call_that_outlives_its_asker_and_ends_is_too_patient():
    def behaves(number: int, into: float) -> Did:
        return Did(0.6, ((0.001, 2.0),), gone=True, call_gone=True) if into < 2.0 else breaking(number, into)

    assert _found(seen(traffic(behaves))) == ["too patient"]


def test_a_call_that_its_caller_ends_after_all_is_too_patient_however_long_it_took():
    def behaves(number: int, into: float) -> Did:
        return Did(0.6, ((0.001, 5.0),), gone=True, call_gone=True) if into < 4.5 else breaking(number, into)

    assert _found(seen(traffic(behaves))) == ["too patient"]


@pytest.mark.parametrize(
    ("took", "found"),
    [(0.26, ["losers run on", "no timeout"]), (0.02, ["no timeout"])],
    ids=["answered when it had waited", "never waited for"],
)
def test_a_call_that_goes_on_when_its_caller_has_given_it_up_is_left_running(took, found):
    def behaves(number: int, into: float) -> Did:
        return Did(took, ((0.001, FAULT.ended_at - FAULT.started_at - into),), 503) if into < 1.0 else REFUSED

    assert sorted(_found(seen(traffic(behaves)))) == found
    assert LOSERS.explains[0] == "no timeout"


def test_a_caller_that_goes_on_calling_has_no_working_breaker():
    observation = seen(traffic(lambda number, into: GIVEN_UP))
    assert _found(observation) == ["no working breaker"]
    text = readings_of(observation)["no working breaker"].text
    assert "100 requests made 100 calls" in text
    assert "each for 250 ms" in text


def test_too_few_calls_are_no_evidence_of_a_missing_breaker():
    reading = readings_of(seen(traffic(lambda number, into: GIVEN_UP, rate=2.0)))["no working breaker"]
    assert reading.sign is Sign.NOT_JUDGED
    assert "12 are needed" in reading.text


def test_a_breaker_promised_for_more_calls_is_given_them():
    observation = seen(traffic(lambda number, into: GIVEN_UP))
    promised = dataclasses.replace(
        observation.strain.promised, breaker=dataclasses.replace(observation.strain.breaker, min_calls=100)
    )
    patient = dataclasses.replace(observation, strain=dataclasses.replace(observation.strain, promised=promised))
    assert readings_of(patient)["no working breaker"].sign is Sign.NOT_JUDGED


def test_a_breaker_that_is_not_closed_after_healing_never_tries_again():
    calls = traffic(_then_refused(GIVEN_UP), after=REFUSED)
    assert _found(seen(calls)) == ["stays open"]
    assert _found(seen(calls, optional=True)) == ["stays away"]


def test_several_calls_at_once_when_the_open_time_is_over_are_not_a_trial():
    def behaves(number: int, into: float) -> Did:
        return GIVEN_UP if into < 1.0 or ((into - 1.0) % 2.3 < 0.25 and into > 2.0) else REFUSED

    assert _found(seen(traffic(behaves, rate=20.0))) == ["trials"]


def test_calls_one_after_another_when_the_open_time_is_over_are_not_a_trial():
    def behaves(number: int, into: float) -> Did:
        return GIVEN_UP if into < 1.0 or (into - 1.0) % 3.5 > 2.1 else REFUSED

    reading = readings_of(seen(traffic(behaves, rate=4.0)))["trials"]
    assert reading.sign is Sign.FOUND
    assert "0 calls beside the promised trials" in reading.text
    assert "4 after a trial had failed" in reading.text


SLOW = Did(0.23, ((0.001, 0.225),))


def test_slow_answers_that_never_open_the_breaker_are_ignored_by_it():
    assert _found(seen(traffic(lambda number, into: SLOW), Kind.SLOW)) == ["breaker ignores slowness"]


def test_a_breaker_that_opens_by_slow_answers_is_healthy():
    calls = traffic(lambda number, into: SLOW if into < 1.0 else REFUSED)
    assert _found(seen(calls, Kind.SLOW)) == []


def test_requests_that_wait_for_their_turn_show_a_lock_across_the_call():
    def in_turn(number: int, into: float) -> Did:
        turn = 0.23 * (number - 50) - into  # at 10/s, each call takes more than the tenth of a second until the next
        return Did(turn + 0.23, ((turn + 0.001, 0.225),))

    assert "lock across the call" in _found(seen(traffic(in_turn), Kind.SLOW))


def test_only_an_optional_dependency_is_to_be_done_without():
    failing = traffic(lambda number, into: Did(0.005, (), 503))
    assert _found(seen(failing, Kind.REFUSE, optional=True)) == ["no fallback"]
    assert readings_of(seen(failing, Kind.REFUSE)) == {}


@pytest.mark.parametrize(
    ("statuses", "sign"),
    [
        ([200, 503, 503, 503], Sign.FOUND),
        ([200, 200, 200, None], Sign.CLEAR),
        ([200, None, None, None], Sign.FOUND),
        ([503, 503], Sign.NOT_JUDGED),
    ],
)
def test_a_service_that_is_not_well_without_what_is_optional_asks_too_deep(statuses, sign):
    without = seen(traffic(lambda number, into: Did(0.005, ())), Kind.REFUSE, optional=True)
    observation = dataclasses.replace(without, health=tuple(map(_health, range(len(statuses)), statuses)))
    assert readings_of(observation)["health too deep"].sign is sign


def _health(number: int, status: int | None) -> Sample:
    at = FAULT.started_at + number
    outcome = Outcome.BROKEN if status is None else Outcome.OK
    return Sample("r", Phase.DURING, "audit", "health", "front", "GET", "/healthz", at, 0.002, outcome, status=status)


@pytest.mark.parametrize(("broken", "sign"), [(True, Sign.FOUND), (False, Sign.CLEAR)])
def test_requests_that_are_broken_off_when_a_service_is_told_to_end_show_no_grace(broken, sign):
    slow = Did(0.25, ((0.001, 0.2),), broken=broken)
    calls = traffic(lambda number, into: slow if into < 2.0 else REFUSED)
    told = dataclasses.replace(seen(calls, Kind.RESTART), stopped_at=FAULT.started_at + 1.95)
    assert readings_of(told)["no grace"].sign is sign


@pytest.mark.parametrize(("broken", "sign"), [(1, Sign.NOT_JUDGED), (2, Sign.FOUND)])
def test_one_of_two_that_is_broken_off_may_have_been_sent_in_the_moment_of_closing(broken, sign):
    whole, cut = (Did(0.25, ((0.001, 0.2),), broken=is_broken) for is_broken in (False, True))
    under_way = {68: cut, 69: cut if broken == 2 else whole}  # at 10/s, the two that came last before its end

    calls = traffic(lambda number, into: under_way.get(number, whole) if into < 2.0 else REFUSED)
    told = dataclasses.replace(seen(calls, Kind.RESTART), stopped_at=FAULT.started_at + 1.95)
    assert readings_of(told)["no grace"].sign is sign


def test_without_requests_under_way_nobody_can_tell_how_a_service_ends():
    quiet = dataclasses.replace(seen(traffic(breaking), Kind.RESTART), stopped_at=FAULT.started_at + 9.95)
    assert readings_of(quiet)["no grace"].sign is Sign.NOT_JUDGED


def test_answers_without_the_optional_dependency_are_healthy():
    calls = traffic(lambda number, into: Did(0.005, (), 200))
    assert readings_of(seen(calls, Kind.REFUSE, optional=True))["no fallback"].sign is Sign.CLEAR


FAILED = Did(0.006, call_status=503, status=503)
NOT_FOUND = Did(0.006, call_status=404, status=404)
Calls = tuple[tuple[float, float], ...]


def _then_refused(did: Did):
    """A breaker that opens a second into the fault."""
    return lambda number, into: did if into < 1.0 else REFUSED


@pytest.mark.parametrize(
    ("kind", "did", "found"),
    [
        (Kind.SERVER_ERROR, FAILED, "breaker ignores errors"),
        (Kind.PARTIAL, FAILED, "breaker counts in a row"),
    ],
)
def test_a_breaker_that_never_opens_by_errors_ignores_them(kind, did, found):
    assert _found(seen(traffic(lambda number, into: did), kind)) == [found]
    assert readings_of(seen(traffic(_then_refused(did)), kind))[found].sign is Sign.CLEAR


def test_two_failures_of_three_are_enough_for_a_healthy_breaker():
    evenly = traffic(lambda number, into: WELL if number % 3 == 0 else FAILED)
    assert _found(seen(evenly, Kind.PARTIAL)) == ["breaker counts in a row"]
    seldom = traffic(lambda number, into: FAILED if number % 3 == 0 else WELL)
    assert readings_of(seen(seldom, Kind.PARTIAL))["breaker counts in a row"].sign is Sign.NOT_JUDGED


def test_a_breaker_that_opens_by_4xx_counts_what_is_no_failure():
    assert _found(seen(traffic(_then_refused(NOT_FOUND)), Kind.CLIENT_ERROR)) == ["breaker counts 4xx"]
    healthy = readings_of(seen(traffic(lambda number, into: NOT_FOUND), Kind.CLIENT_ERROR))
    assert {reading.sign for reading in healthy.values()} == {Sign.CLEAR}


def _with_a_last_one_refused(did: Did) -> list:
    """Nothing follows the one request that made no call."""
    calls = traffic(lambda number, into: REFUSED if into > 9.85 else did)
    return [call for call in calls if call.started_at < FAULT.ended_at - 0.05]


def test_a_single_request_without_a_call_is_no_open_breaker():
    rejected = seen(_with_a_last_one_refused(NOT_FOUND), Kind.CLIENT_ERROR)
    assert readings_of(rejected)["breaker counts 4xx"].sign is Sign.CLEAR
    assert _found(seen(_with_a_last_one_refused(GIVEN_UP))) == ["no working breaker"]


def test_a_breaker_that_opens_by_the_4xx_of_the_usual_traffic_is_found_before_any_fault():
    usual = traffic(lambda number, into: NOT_FOUND, before=NOT_FOUND)
    refused = traffic(lambda number, into: REFUSED, before=REFUSED, after=REFUSED, path="/b")
    needing = traffic(lambda number, into: NOT_FOUND, before=REFUSED, path="/c")
    assert _found(seen([*usual, *refused], Kind.CLIENT_ERROR)) == [], "those refused never need the dependency"
    assert _found(seen([*usual, *needing], Kind.CLIENT_ERROR)) == ["breaker counts 4xx"]


def _several(did: Did, count: int, *, gap: float) -> Did:
    return dataclasses.replace(did, took=0.2, calls=tuple((0.001 + n * (0.004 + gap), 0.004) for n in range(count)))


@pytest.mark.parametrize(("count", "sign"), [(9, Sign.FOUND), (2, Sign.CLEAR)])
def test_nine_calls_for_one_are_a_storm_and_a_single_retry_is_none(count, sign):
    did = _several(FAILED, count, gap=0.01)
    assert readings_of(seen(traffic(_then_refused(did)), Kind.SERVER_ERROR))["retry storm"].sign is sign


@pytest.mark.parametrize(("gap", "sign"), [(0.001, Sign.FOUND), (0.03, Sign.CLEAR)])
def test_retries_that_follow_at_once_have_no_back_off(gap, sign):
    did = _several(FAILED, 2, gap=gap)
    assert readings_of(seen(traffic(_then_refused(did)), Kind.PARTIAL))["no back-off"].sign is sign


def test_a_4xx_that_is_asked_for_again_is_found():
    did = _several(NOT_FOUND, 2, gap=0.03)
    again = traffic(lambda number, into: did, before=did)
    assert _found(seen(again, Kind.CLIENT_ERROR)) == ["4xx again"]


@pytest.mark.parametrize(
    ("method", "calls", "sign"),
    [
        ("POST", ((0.001, 0.25), (0.252, 0.25)), Sign.FOUND),
        ("PATCH", ((0.001, 0.25), (0.252, 0.25)), Sign.FOUND),
        ("POST", ((0.001, 0.25),), Sign.CLEAR),
        ("PUT", ((0.001, 0.25), (0.252, 0.25)), Sign.NOT_JUDGED),
    ],
)
def test_only_what_is_not_idempotent_must_not_be_sent_again(method: str, calls: Calls, sign):
    lost = Did(0.6, calls, 504, call_gone=True, method=method)
    assert readings_of(seen(traffic(_then_refused(lost)), Kind.LOST))["unsafe retry"].sign is sign


@pytest.mark.parametrize("rate", [10.0, 20.0])
def test_requests_that_wait_without_a_call_retry_around_the_breaker(rate):
    waiting = traffic(lambda number, into: GIVEN_UP if into < 1.0 else Did(0.25, (), 503), rate=rate)
    assert _found(seen(waiting)) == ["retries around the breaker"], "there is one, whatever the calls before it were"


@pytest.mark.parametrize(("kind", "before"), [(Kind.SLOW, SLOW), (Kind.SERVER_ERROR, FAILED), (Kind.PARTIAL, FAILED)])
def test_a_breaker_is_not_said_to_be_missing_where_requests_wait_and_make_no_call(kind, before):
    waiting = traffic(lambda number, into: before if into < 1.0 else Did(0.25, (), 503), rate=20.0)
    assert _found(seen(waiting, kind)) == []


def test_a_dripping_answer_that_is_read_to_its_end_has_no_deadline():
    dripping = Did(1.2, ((0.001, 1.19),))
    assert _found(seen(traffic(lambda number, into: dripping), Kind.DRIP)) == ["timeout per read"]
    assert readings_of(seen(traffic(_then_refused(GIVEN_UP)), Kind.DRIP))["timeout per read"].sign is Sign.CLEAR


@pytest.mark.parametrize(("status", "sign"), [(200, Sign.FOUND), (409, Sign.FOUND), (503, Sign.CLEAR)])
def test_a_good_answer_made_of_one_that_was_cut_short_is_found(status, sign):
    cut = Did(0.006, cut=True, status=status)
    assert readings_of(seen(traffic(lambda number, into: cut), Kind.TRUNCATE))["cut short and believed"].sign is sign


def _beside(behaves) -> list:
    return traffic(breaking) + traffic(behaves, path="/b", edge=OTHER)


def test_a_healthy_dependency_that_gets_no_call_either_shares_a_breaker():
    shared = _beside(lambda number, into: WELL if into < 1.0 else REFUSED)
    assert _found(seen(shared)) == ["shared breaker"]


def test_a_healthy_dependency_that_goes_on_being_called_shares_none():
    assert readings_of(seen(_beside(lambda number, into: WELL)))["shared breaker"].sign is Sign.CLEAR


def test_requests_that_need_both_dependencies_are_no_evidence_of_a_shared_breaker():
    both = [*traffic(breaking), *traffic(lambda number, into: REFUSED, edge=OTHER)]
    assert readings_of(seen(both))["shared breaker"].sign is Sign.NOT_JUDGED


def test_a_plays_other_requests_are_not_taken_for_those_that_call_the_other_dependency():
    """All requests of a play are of one trace: what the failing ones called is not to be tied to the others."""
    both = [*traffic(breaking), *traffic(lambda number, into: REFUSED, edge=OTHER)]
    log_ins = traffic(lambda number, into: Did(calls=()), path="/log-in", before=Did(calls=()), after=Did(calls=()))
    of_one_play = [
        dataclasses.replace(call, trace_id=f"play-{int(call.started_at * 10)}") for call in (*both, *log_ins)
    ]
    shifted = [_earlier(call) if call.path.startswith("/log-in") else call for call in of_one_play]
    assert readings_of(seen(shifted))["shared breaker"].sign is Sign.NOT_JUDGED


def _earlier(call):
    return dataclasses.replace(call, started_at=call.started_at - 0.02)


def test_nothing_is_read_where_calls_failed_before_the_fault():
    readings = readings_of(seen(traffic(_until_healed, before=GIVEN_UP)))
    assert {reading.sign for reading in readings.values()} == {Sign.NOT_JUDGED}
    assert all("before the fault" in reading.text for reading in readings.values())


def test_nothing_is_read_from_a_strain_that_cannot_be_trusted():
    broken = dataclasses.replace(seen(traffic(_until_healed)), why_not="the fault's lease ran out")
    assert {reading.sign for reading in readings_of(broken).values()} == {Sign.NOT_JUDGED}


def test_a_caller_that_calls_later_by_itself_is_not_judged_by_what_its_requests_felt():
    later = Did(0.003, ((0.05, 0.004),))
    readings = readings_of(seen(traffic(lambda number, into: Did(0.003, ()), before=later, after=later)))
    assert "by itself" in readings["no working breaker"].text
    assert str(EDGE) == "front->back"
