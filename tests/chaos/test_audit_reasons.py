"""Requests that make no call for another reason than a breaker: no defect of one is read from them."""

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
    Behaviour,
    Did,
    breaking,
    reading_of,
    seen,
    traffic,
)
from seatrial.chaos.audit import signatures
from seatrial.chaos.audit.model import Kind, Sign
from seatrial.chaos.audit.reasons import otherwise_uncalled
from seatrial.chaos.audit.view import needed

NOT_FOUND = Did(call_status=404)
ELSEWHERE = Did(calls=(), beside=((0.001, 0.004),))
BOTH = Did(beside=((0.001, 0.004),))
IN_TURN = Did(0.012, calls=((0.006, 0.004),), beside=((0.001, 0.004),))


def _then(did: Did, first: Did = NOT_FOUND) -> Behaviour:
    """A second into the fault all is done so."""
    return lambda number, into: first if into < 1.0 else did


def test_requests_that_ask_a_replica_instead_were_not_refused_because_of_4xx():
    reading = reading_of(seen(traffic(_then(ELSEWHERE)), Kind.CLIENT_ERROR), "breaker counts 4xx")
    assert reading.sign is Sign.NOT_JUDGED
    assert "asked another dependency" in reading.text


@pytest.mark.parametrize("family", ["stays open", "trials"])
def test_requests_that_go_on_asking_a_replica_show_no_breaker_that_stays_open_or_tries_at_random(family):
    def behaves(number: int, into: float) -> Did:
        return GIVEN_UP if into < 1.0 or ((into - 1.0) % 2.3 < 0.25 and into > 2.0) else ELSEWHERE

    assert reading_of(seen(traffic(behaves, rate=20.0, after=ELSEWHERE)), family).sign is Sign.NOT_JUDGED


def test_an_edge_that_is_spared_because_a_replica_is_asked_has_what_a_breaker_is_for():
    assert reading_of(seen(traffic(_then(ELSEWHERE, GIVEN_UP))), "no working breaker").sign is Sign.CLEAR


def test_a_dependency_that_is_always_asked_the_same_beside_it_is_no_replica():
    refused = dataclasses.replace(ELSEWHERE, status=503)
    asking_both = traffic(_then(refused, dataclasses.replace(BOTH, call_status=404)), before=BOTH, after=BOTH)
    assert reading_of(seen(asking_both, Kind.CLIENT_ERROR), "breaker counts 4xx").sign is Sign.FOUND


@pytest.mark.parametrize(
    "did",
    [
        Did(0.006, (), 503, beside=((0.001, 0.004),), beside_status=503),
        REFUSED,
    ],
    ids=["what is asked first failed", "what is asked first was not asked either"],
)
def test_requests_that_failed_before_they_came_to_the_edge_were_not_refused_there(did):
    calls = traffic(_then(did, dataclasses.replace(IN_TURN, call_status=404)), before=IN_TURN, after=IN_TURN)
    assert reading_of(seen(calls, Kind.CLIENT_ERROR), "breaker counts 4xx").sign is Sign.NOT_JUDGED


def test_requests_that_got_what_they_ask_first_and_no_further_were_refused():
    refused = Did(0.006, (), 503, beside=((0.001, 0.004),))
    first = traffic(lambda number, into: WELL, path="/b", edge=OTHER)
    rejected = dataclasses.replace(IN_TURN, call_status=404)
    calls = traffic(_then(refused, rejected), before=IN_TURN, after=IN_TURN)
    other_words = [
        dataclasses.replace(call, path="/first") if call.edge == str(OTHER) else call for call in [*calls, *first]
    ]
    assert reading_of(seen(other_words, Kind.CLIENT_ERROR), "breaker counts 4xx").sign is Sign.FOUND


def test_what_failed_elsewhere_in_calm_was_not_refused_for_the_4xx_of_the_usual_traffic():
    usual = traffic(lambda number, into: NOT_FOUND, before=NOT_FOUND)
    failing = Did(0.006, (), 503, beside=((0.001, 0.004),), beside_status=503)
    others = traffic(lambda number, into: NOT_FOUND, before=failing, path="/c")
    slow = traffic(lambda number, into: NOT_FOUND, before=Did(0.3, (), 503), path="/c")
    for calls in (others, slow):
        observation = seen([*usual, *calls], Kind.CLIENT_ERROR)
        assert reading_of(observation, "breaker counts 4xx").sign is not Sign.FOUND


def test_a_request_that_called_the_edge_has_no_other_reason_whatever_else_it_asked():
    calls = traffic(lambda number, into: BOTH, before=WELL)
    assert otherwise_uncalled(calls, EDGE, before=FAULT.started_at) == frozenset()


@pytest.mark.parametrize(("rate", "outweighed"), [(20.0, True), (5.0, False)])
def test_failures_that_a_callers_other_calls_outnumber_may_be_outweighed_in_one_breaker(rate, outweighed):
    beside = traffic(lambda number, into: WELL, path="/b", edge=OTHER, rate=rate)
    reading = reading_of(seen([*traffic(lambda number, into: GIVEN_UP), *beside]), "no working breaker")
    assert (reading.sign, reading.outweighed) == (Sign.FOUND, outweighed)


@pytest.mark.parametrize("kind", [Kind.HANG, Kind.SLOW, Kind.SERVER_ERROR, Kind.PARTIAL])
@pytest.mark.parametrize(("rate", "outweighed"), [(40.0, True), (5.0, False), (10.0, False)])
def test_a_breaker_that_opens_for_what_a_callers_other_calls_outnumber_is_not_shared_with_them(
    kind, rate, outweighed
):
    beside = traffic(lambda number, into: WELL, path="/b", edge=OTHER, rate=rate)
    rulings = signatures.read(seen([*traffic(breaking), *beside], kind))
    opened = [ruling.reading for ruling in rulings if ruling.reading.text.startswith("opened")]
    assert [(reading.sign, reading.outweighed) for reading in opened] == [(Sign.CLEAR, outweighed)]


@pytest.mark.parametrize(
    ("count", "what", "told"),
    [
        (0, "calls at once", "0 calls at once, 8 are needed"),
        (1, "failed calls", "1 failed call, 8 are needed"),
        (1, "requests whose calls were all cut short", "1 request whose calls were all cut short, 8 are needed"),
        (1, "retries", "1 retry, 8 are needed"),
    ],
)
def test_what_there_is_too_little_of_is_counted_in_words_that_agree(count, what, told):
    assert needed(count, what, 8) == told
