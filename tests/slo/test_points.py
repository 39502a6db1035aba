"""Objectives about one value: what they are read as, and how they are judged from a journal alone."""

from __future__ import annotations

import pytest

from seatrial import documents
from seatrial.sample import Earlier, Queried
from seatrial.slo.criteria import Aggregate
from seatrial.slo.judge import judge_load
from seatrial.slo.limits import limits_us
from seatrial.slo.measure import measure
from seatrial.slo.points import judge_points
from seatrial.slo.read import read_service
from seatrial.verdict import Grade, Subject

QUERY = "sum(rate(errors_total[$hold]))"


def _services(*objectives):
    lines = "".join(f"  - {line}\n" for line in objectives)
    return {"cards": read_service(documents.loads(f"service: cards\nobjectives:\n{lines}", "slo/cards.yaml"))}


def _asked(limits, **more):
    written = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{name: live, indicator: prometheus, query: '{QUERY}', {limits}{written}}}"


def _answer(value=None, problem="", query=QUERY):
    return Queried("r", "cards", "live", query, query, at=90.0, range_s=60, value=value, problem=problem)


def _finding(services, *records, how=Aggregate.AVG):
    (finding,) = judge_points(measure(records), services, how=how)
    return finding


@pytest.mark.parametrize(
    ("limits", "value", "grade", "limit_text", "measured"),
    [
        ("limit: 0.5%", 0.004, "MET", "<= 0.5 %", "0.4 %"),
        ("limit: 0.5%", 0.005, "MET", "<= 0.5 %", "0.5 %"),
        ("limit: 0.5%", 0.006, "MISSED", "<= 0.5 %", "0.6 %"),
        ("limit: 300ms", 0.25, "MET", "<= 300 ms", "250 ms"),
        ("limit: 12", 13, "MISSED", "<= 12", "13"),
        ("limit: 0", 0, "MET", "<= 0", "0"),
        ("at_least: 150/s", 151, "MET", ">= 150/s", "151/s"),
        ("at_least: 99.5%", 0.99, "MISSED", ">= 99.5 %", "99 %"),
        ("limit: {met: 1%, degraded: 2%}", 0.015, "DEGRADED", "<= 1 % (degraded: <= 2 %)", "1.5 %"),
        ("at_least: {met: 9, degraded: 5}", 5, "DEGRADED", ">= 9 (degraded: >= 5)", "5"),
        ("criteria: {met: [[<600, '>=1'], [=0]]}", 0, "MET", "<600 and >=1, or =0", "0"),
    ],
)
def test_a_query_is_judged_by_its_one_value(limits, value, grade, limit_text, measured):
    finding = _finding(_services(_asked(limits)), _answer(value))
    assert (finding.grade, finding.limit_text) == (Grade(grade), limit_text)
    assert finding.measured_text == f"{measured} (one value, not a sample)"
    assert finding.reason.startswith("one value, not a sample; ")
    assert (finding.measured, finding.low, finding.high, finding.n) == (value, None, None, 0)


def test_a_query_without_a_value_is_undecided_with_its_sentence():
    finding = _finding(_services(_asked("limit: 1%", key="true")), _answer(problem="no value: it timed out"))
    assert (finding.grade, finding.reason, finding.measured_text) == (
        Grade.UNDECIDED,
        "no value: it timed out",
        "no value",
    )


def test_a_query_that_was_never_asked_is_undecided():
    finding = _finding(_services(_asked("limit: 1%")))
    assert finding.grade is Grade.UNDECIDED
    assert "was not asked" in finding.reason


def test_an_answer_to_another_query_is_no_value():
    finding = _finding(_services(_asked("limit: 1%")), _answer(0.0, query="up"))
    assert finding.grade is Grade.UNDECIDED
    assert finding.reason == "no value: the run asked another query, up"


def test_having_no_value_is_a_miss_where_the_objective_says_so():
    services = _services(_asked("limit: 1%", no_value="missed"))
    assert _finding(services, _answer(problem="no value: none")).grade is Grade.MISSED


def test_a_relative_criterion_tells_what_it_was_held_against():
    services = _services(_asked("criteria: {met: [[<=+10%]]}"))
    earlier = Earlier("r", "cards", "live", ("b", "a"), (400.0, 440.0))
    finding = _finding(services, _answer(463.0), earlier)
    assert finding.grade is Grade.MISSED
    assert "<=+10% does not hold: the target is 462, by the avg of 2 earlier values, 420" in finding.reason
    assert _finding(services, _answer(463.0), earlier, how=Aggregate.P95).grade is Grade.MET


def test_a_relative_criterion_without_an_earlier_value_holds_and_says_so():
    finding = _finding(_services(_asked("criteria: {met: [[<=+10%]]}")), _answer(463.0))
    assert finding.grade is Grade.MET
    assert "<=+10% holds for want of any earlier value" in finding.reason
    assert finding.measured_text == "463 (one value, not a sample; <=+10% holds for want of any earlier value)"


def test_information_is_shown_and_counts_for_nothing():
    services = _services(_asked("information: true"))
    for records, grade, text in (
        ([_answer(7.0)], Grade.MET, "7 (one value, not a sample)"),
        ([], Grade.UNDECIDED, "no value"),
    ):
        finding = _finding(services, *records)
        assert (finding.subject, finding.counts) == (Subject.INFORMATION, False)
        assert (finding.grade, finding.measured_text) == (grade, text)


@pytest.mark.parametrize(
    ("objective", "measured", "grade"),
    [
        ("{name: a, indicator: errors, criteria: {met: [[<=0.2]]}}", 0.2, "MET"),
        ("{name: a, indicator: errors, unit: percent, criteria: {met: [[<=5]]}}", 20.0, "MISSED"),
        ("{name: a, indicator: throughput, criteria: {met: [['>=8']]}}", 8.0, "MET"),
        ("{name: a, indicator: latency, quantile: p50, criteria: {met: [[<21]]}}", 20.0, "MET"),
        ("{name: a, indicator: latency, quantile: p99, criteria: {met: [[<100]]}}", 400.0, "MISSED"),
        ("{name: a, indicator: latency, quantile: p99, unit: s, criteria: {met: [[<1]]}}", 0.4, "MET"),
        ("{name: a, indicator: latency, quantile: p5, criteria: {met: [[<1]]}, routes: [GET /x]}", None, "UNDECIDED"),
    ],
)  # fmt: skip
def test_what_seatrial_measured_is_judged_as_a_point_estimate(make, objective, measured, grade):
    records = [
        record
        for second in range(30, 40)
        for record in (make.interval(second, [20_000] * 7 + [400_000], failed=2), make.pacing(second))
    ]
    finding = _finding(_services(objective), *records)
    assert finding.grade is Grade(grade)
    assert finding.measured == (measured if measured is None else pytest.approx(measured, rel=0.002))


def test_an_unfit_generator_leaves_values_undecided_too(make):
    services = _services(_asked("limit: 1%"))
    hold = make.hold(3, ok=10)
    findings = judge_load(
        measure([*hold, make.pacing(33, dropped=50), _answer(0.5)]), services, alpha=0.05, min_hold_s=1
    )
    assert [finding.grade for finding in findings] == [Grade.UNDECIDED, Grade.UNDECIDED]
    assert "it would have been MISSED" in findings[1].reason


def _fast(criteria="{met: [[<400]]}", quantile="p95"):
    return _services(f"{{name: a, indicator: latency, quantile: {quantile}, criteria: {criteria}}}")


def _half_failed(make, *, over_failed, limits_us=(400_000,)):
    return [
        make.interval(second, [20_000] * 5, failed=5, over_failed=over_failed, limits_us=limits_us)
        for second in range(30, 40)
    ]


def test_requests_that_timed_out_are_slow_and_not_left_out(make):
    finding = _finding(_fast(), *_half_failed(make, over_failed=5))
    assert finding.grade is Grade.MISSED
    assert finding.measured > 400.0


def test_requests_that_failed_fast_are_left_out_and_the_finding_says_so(make):
    finding = _finding(_fast(), *_half_failed(make, over_failed=0))
    assert finding.grade is Grade.MET
    assert finding.measured_text == "20.02 ms (one value, not a sample; 50 failed requests left out)"


@pytest.mark.parametrize("criteria", ["{met: [[<400]]}", "{met: [[<=+10%]]}"])
def test_failed_requests_that_were_not_timed_leave_a_latency_undecided_where_they_decide_it(make, criteria):
    earlier = Earlier("r", "cards", "a", ("b",), (20.0,))
    finding = _finding(_fast(criteria), *_half_failed(make, over_failed=5, limits_us=(10_000,)), earlier)
    assert finding.grade is Grade.UNDECIDED
    assert "50 failed requests have no latency that is known, and it decides" in finding.reason
    assert _finding(_fast(criteria, "p5"), *_half_failed(make, over_failed=5), earlier).grade is Grade.MET


def test_a_relative_criterion_beside_a_fixed_one_takes_no_failure_for_a_fast_one(make):
    """What the target is shows after the load, so no failure was timed against it."""
    earlier = Earlier("r", "cards", "a", ("b",), (20.0,))
    finding = _finding(_fast("{met: [[<400, <=+10%]]}"), *_half_failed(make, over_failed=0), earlier)
    assert finding.grade is Grade.UNDECIDED
    assert "50 failed requests have no latency that is known, and it decides" in finding.reason


def test_a_laxer_criterion_is_held_against_what_is_known_of_it(make):
    records = [
        make.interval(30, [20_000] * 5, failed=5, over_failed={400_000: 5, 600_000: 0}, limits_us=(400_000, 600_000))
    ]
    finding = _finding(_fast("{met: [[<400]], degraded: [[<600]]}"), *records)
    assert finding.grade is Grade.DEGRADED


def test_where_every_request_failed_there_is_no_latency(make):
    finding = _finding(_fast(), make.interval(30, failed=5))
    assert (finding.grade, finding.reason) == (Grade.UNDECIDED, "no value: all 5 requests failed")


def test_the_fixed_criteria_of_a_latency_are_counted_exactly():
    assert limits_us(_fast("{met: [[<400, <=+10%]], degraded: [[<600]]}")) == {"cards": (400_000, 600_000)}
    assert limits_us(_services("{name: a, indicator: errors, criteria: {met: [[<1]]}}")) == {}
