"""The generator's trouble is never a service's miss."""

import itertools

import pytest
from judge_parts import RULES

from seatrial.sample import Cause, Phase
from seatrial.slo.generator import judge_generator, late_bound_s
from seatrial.slo.judge import (
    UNFIT,
    excuse,
    judge_load,
)
from seatrial.slo.judge_journeys import judge_journeys
from seatrial.slo.measure import measure
from seatrial.verdict import Grade, Subject


def _holding(make, pacing_of, *, seconds=60, **counts):
    pairs = ((make.counted(second, 100, **counts), pacing_of(second)) for second in range(seconds))
    return measure(itertools.chain.from_iterable(pairs))


def _late(make, late_starts):
    return lambda second: make.pacing(second, late_over_ms={10: int(second < late_starts)})


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ({"dropped": 1}, "arrivals were dropped"),
        ({"late_over_ms": {5: 100, 10: 2}}, "2 % of the starts were more than 10 ms late"),
        ({"cpu_ratio": 0.95}, "95 % of a core"),
    ],
)
@pytest.mark.parametrize("failed", [0, 60])
def test_an_unfit_generator_leaves_nothing_met_or_missed(make, trouble, said, failed):
    services = make.services(make.errors(), make.latency(), make.throughput())
    measures = _holding(make, lambda second: make.pacing(second, **trouble), failed=failed, over_failed=failed)
    generator, *objectives = judge_load(measures, services, **RULES)
    assert {finding.grade for finding in (*objectives, generator)} == {Grade.UNDECIDED}
    assert generator.subject is Subject.GENERATOR
    assert all(finding.reason.startswith(f"{UNFIT}; it would have been") for finding in objectives)
    assert said in generator.reason


def test_what_would_have_been_found_is_still_said(make):
    measures = _holding(make, lambda second: make.pacing(second, dropped=1), failed=60)
    finding = judge_load(measures, make.services(make.errors()), **RULES)[1]
    assert f"{UNFIT}; it would have been MISSED: failed requests" in finding.reason


def test_one_dropped_arrival_anywhere_in_the_hold_is_enough(make):
    measures = _holding(make, lambda second: make.pacing(second, dropped=int(second == 41)))
    assert "1 of 6,000 arrivals were dropped" in judge_generator(measures, {}).reason


def test_one_late_start_in_a_hundred_is_no_overload_and_more_are(make):
    assert judge_generator(_holding(make, _late(make, 60)), {}) is None
    assert judge_generator(_holding(make, _late(make, 61), seconds=61), {}) is None
    one_more = _holding(make, lambda second: make.pacing(second, late_over_ms={10: 1 + int(second == 7)}))
    assert judge_generator(one_more, {}) is not None


def test_one_busy_second_is_no_overload(make):
    measures = _holding(make, lambda second: make.pacing(second, cpu_ratio=1.0 if second == 9 else 0.5))
    assert judge_generator(measures, {}) is None


def test_trouble_before_the_hold_is_none(make):
    ramp = [make.pacing(second, phase=Phase.RAMP, dropped=9, cpu_ratio=1.0) for second in range(10)]
    assert judge_generator(measure([*ramp, *make.hold(20)]), {}) is None


def test_a_generator_that_left_no_record_is_unfit(make):
    findings = judge_load(
        measure(make.counted(second, 100) for second in range(90)), make.services(make.errors()), **RULES
    )
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}
    assert "its own record is missing" in findings[0].reason


def test_the_lateness_allowed_grows_with_the_tightest_latency_limit(make):
    assert late_bound_s({}) == 0.010
    assert late_bound_s(make.services(make.latency(limit=0.1))) == 0.010
    services = make.services(make.latency(limit=0.4), make.latency(limit=1.0, name="other"))
    assert late_bound_s(services) == pytest.approx(0.020)


def test_a_failed_journey_stays_missed_under_an_unfit_generator(make):
    journeys = judge_journeys(measure([make.sample("pay", Cause.STATUS)]))
    assert excuse(journeys) == journeys


@pytest.mark.parametrize(("starts", "late", "fit"), [(50, 1, True), (50, 2, False), (200, 2, True), (200, 3, False)])
def test_more_than_one_start_in_a_hundred_and_more_than_one_must_be_late(make, starts, late, fit):
    pacing = make.pacing(30, planned=starts, started=starts, late_over_ms={10: late})
    found = judge_generator(measure([make.counted(30, starts), pacing]), make.services(make.errors()))
    assert (found is None) == fit
