"""What an objective will need is said before the load, with what would do where the time does not."""

import pytest

from seatrial.slo.decide import first_decision, requests_needed
from seatrial.slo.forecast import forecast
from seatrial.slo.judge import judge_load
from seatrial.slo.measure import Route, measure
from seatrial.verdict import Grade

CHARGE, SHOW = Route("cards", "POST", "/cards/*/charges"), Route("cards", "GET", "/cards/*")
RULES = {"alpha": 0.05, "min_hold_s": 60.0}


def _one(services, rates, *, at_most_s=300.0):
    (found,) = forecast(services, rates, at_most_s=at_most_s, **RULES)
    return found


def test_a_strict_limit_needs_its_requests_at_the_routes_own_rate(make):
    services = make.services(make.latency(0.99, routes=("POST /cards/*/charges",)))
    found = _one(services, {CHARGE: 20.0, SHOW: 100.0})
    assert " of hold at 20/s" in found.sentence
    assert found.wanted_n == requests_needed(1 - 0.99, 0.05)
    assert found.wanted_s == pytest.approx(found.wanted_n / 20.0, abs=1.0)
    assert found.in_time


def test_an_easy_limit_needs_the_hold(make):
    assert _one(make.services(make.errors(0.05)), {CHARGE: 100.0, SHOW: 100.0}).wanted_s == 60.0


def test_an_easy_limit_says_what_the_blocks_ask_for_and_how_many_will_be_judged(make):
    found = _one(make.services(make.errors(0.05)), {CHARGE: 10.0})
    assert found.wanted_n == 1000 > requests_needed(0.05, 0.05) == 837
    assert found.sentence == (
        "cards.available: needs 1,000 requests or more (20 blocks of 50); 100 s of hold at 10/s give about 1,000"
    )
    faster = _one(make.services(make.errors(0.05)), {CHARGE: 27.0})
    assert faster.sentence.endswith("; 60 s of hold at 27/s give about 1,620")


@pytest.mark.parametrize(
    ("rate", "wanted_s"), [(100.0, 60), (50.0, 60), (18.0, 60), (17.0, 60), (16.0, 80), (15.0, 80)]
)
def test_a_low_rate_takes_whole_blocks_each_of_whole_seconds(make, rate, wanted_s):
    services = make.services(make.errors(0.05))
    assert _one(services, {CHARGE: rate}).wanted_s == wanted_s
    seconds = [(0, int(rate))] * wanted_s
    assert first_decision(seconds, limit_ratio=0.05).decided_at_s == wanted_s


def test_what_cannot_be_decided_in_time_says_which_time_or_rate_would_do(make):
    found = _one(make.services(make.errors(0.001)), {CHARGE: 100.0})
    assert not found.in_time
    assert f"hold for 7 m 07 s, or send {-(-found.wanted_n // 300)}/s" in found.sentence


def test_a_time_that_is_over_before_the_hold_says_that(make):
    (found,) = forecast(make.services(make.errors()), {CHARGE: 4000.0}, alpha=0.05, min_hold_s=0.0, at_most_s=0.0)
    assert "at 4,000/s: the gate's time is over before the hold begins; hold for " in found.sentence


def test_an_objective_the_profile_never_reaches_says_so(make):
    found = _one(make.services(make.errors(routes=("GET /nowhere",))), {CHARGE: 100.0})
    assert (found.wanted_s, found.in_time) == (None, False)
    assert "the profile sends it no request" in found.sentence


@pytest.mark.parametrize("rate", [50.0, 49.0])
def test_a_throughput_asks_that_more_be_offered_than_it_promises(make, rate):
    found = _one(make.services(make.throughput(50.0)), {CHARGE: rate})
    assert not found.in_time
    assert "offer more than 50/s" in found.sentence


@pytest.mark.parametrize("rate", [50.0000000001, 50.001])
def test_a_throughput_that_would_take_years_asks_for_more_and_for_no_hold(make, rate):
    found = _one(make.services(make.throughput(50.0)), {CHARGE: rate})
    assert (found.wanted_s, found.in_time) == (None, False)
    assert found.sentence.endswith("offer more than 50/s")


def test_a_throughput_takes_longer_the_nearer_the_offer(make):
    services = make.services(make.throughput(50.0))
    far, near = (_one(services, {CHARGE: rate}).wanted_s for rate in (100.0, 52.0))
    assert far == 60.0 < near


def test_an_even_load_of_the_wanted_length_is_met(make):
    services = make.services(make.errors(0.02), make.latency(), make.throughput(85.0))
    needed = max(found.wanted_s for found in forecast(services, {CHARGE: 100.0}, at_most_s=300.0, **RULES))
    findings = judge_load(measure(make.hold(round(needed))), services, **RULES)
    assert {finding.grade for finding in findings} == {Grade.MET}


def test_what_a_closed_model_takes_is_not_known_before_but_what_it_needs_is(make):
    found = _one(make.services(make.errors(0.01)), {CHARGE: None})
    assert (found.wanted_n, found.wanted_s, found.in_time) == (4_253, None, False)
    assert found.sentence == (
        "cards.available: needs 4,253 requests or more; 60 s of hold at least; a closed model's rate shows under way"
    )
    assert "needs 60 s of hold at least" in _one(make.services(make.throughput(50.0)), {CHARGE: None}).sentence
