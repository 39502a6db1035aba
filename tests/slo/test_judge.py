"""Findings about objectives: no data is never MET, errors never flatter, a phase of an experiment stands alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_parts import RULES, grades_of, only_one

from seatrial import journal
from seatrial.sample import Phase
from seatrial.service import Indicator, Objective
from seatrial.slo.judge import (
    decided,
    judge_load,
    judge_objectives,
    judge_promise,
)
from seatrial.slo.judge_journeys import judge_journeys
from seatrial.slo.limits import questions
from seatrial.slo.measure import LOAD, Meter, measure
from seatrial.verdict import Grade, Subject

UNHURRIED = settings(deadline=None, max_examples=25)


HANGS = "the ledger hangs"


P99_300_MS = Objective("p99 at most 300 ms", Indicator.WAITING, 0.3, quantile=0.99)


def _during_it(measures, objective):
    return judge_promise(measures, {}, service="cards", objective=objective, experiment=HANGS, phase=Phase.DURING)


def _in_phase(measures, services, phase):
    """The findings of every objective of the services."""
    return [
        judge_promise(measures, services, service=name, objective=objective, experiment=HANGS, phase=phase)
        for name, service in services.items()
        for objective in service.objectives
    ]


@pytest.fixture(scope="session")
def every_form(make):
    """One objective of each indicator, and one with a degraded limit."""
    return make.services(
        make.errors(), make.latency(), make.throughput(), make.errors(0.01, name="strict", degraded_limit=0.1)
    )


def test_no_records_at_all_leave_every_form_undecided(every_form):
    findings = judge_load(measure([]), every_form, **RULES)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}
    assert all("no data" in finding.reason and finding.measured_text == "no data" for finding in findings)
    assert len(findings) == 4


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.HOLD])
def test_traffic_outside_the_hold_leaves_every_form_undecided(make, every_form, phase):
    records = [make.counted(second, 500, phase=phase) for second in range(90)]
    findings = judge_load(measure(records), every_form, **RULES)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}


def test_traffic_of_another_service_leaves_every_form_undecided(make, every_form):
    findings = judge_load(measure(make.hold(90, service="ledger")), every_form, **RULES)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}


def test_a_route_that_nothing_matches_is_undecided(make):
    services = make.services(make.errors(routes=("GET /nowhere",)), make.throughput(routes=("GET /nowhere",)))
    assert set(grades_of(judge_load(measure(make.hold(90)), services, **RULES)).values()) == {Grade.UNDECIDED}


@pytest.mark.parametrize(
    ("polls", "said"),
    [
        (0, "(0 of 900)"),
        (1, "; 1 poll apart: it was retried)"),
        (40, "; 3,600 polls apart: attempts that were retried)"),
    ],
)
def test_polls_are_named_beside_what_failed_and_what_they_are(make, polls, said):
    records = (
        make.hold(90, ok=10, polls=polls) if polls != 1 else [*make.hold(90, ok=10), make.counted(90, 0, polls=1)]
    )
    (finding,) = judge_objectives(measure(records), make.services(make.errors()), alpha=0.05, min_hold_s=100.0)
    assert said in finding.measured_text


def test_polls_alone_are_no_data(make, every_form):
    findings = judge_objectives(measure(make.hold(90, ok=0, polls=100)), every_form, **RULES)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}


@pytest.mark.parametrize("phase", [Phase.HOLD, Phase.DURING, Phase.AFTER])
def test_a_phase_without_requests_is_undecided_in_every_form(every_form, phase):
    findings = _in_phase(measure([]), every_form, phase)
    assert {finding.grade for finding in findings} == {Grade.UNDECIDED}


def test_no_journey_at_all_is_undecided():
    finding = only_one(judge_journeys(measure([])))
    assert (finding.grade, finding.subject) == (Grade.UNDECIDED, Subject.JOURNEY)


def test_a_healthy_hold_meets_every_form_and_says_why(make, every_form):
    findings = judge_load(measure(make.hold(90)), every_form, **RULES)
    assert set(grades_of(findings).values()) == {Grade.MET}
    available, fast, roomy, _ = findings
    assert "failed requests: 0 of" in available.reason
    assert "requests slower than 300 ms: 0 of" in fast.reason
    assert "OK requests per second" in roomy.reason
    assert (available.limit_text, fast.limit_text, roomy.limit_text) == ("errors <= 5 %", "p95 <= 300 ms", ">= 50/s")
    assert all(finding.decided_at_s >= 20 for finding in findings)


def test_a_finding_carries_its_numbers(make):
    finding = only_one(judge_load(measure(make.hold(60, ok=80, failed=20)), make.services(make.errors()), **RULES))
    assert finding.grade is Grade.MISSED
    assert finding.measured == pytest.approx(0.2)
    assert finding.low > finding.limit == 0.05
    assert finding.bad * 5 == finding.n == 100 * finding.decided_at_s
    assert finding.design_effect >= 1.0
    assert finding.measured_text == f"20 % failed ({finding.bad:,} of {finding.n:,})"


def test_too_little_evidence_is_undecided_and_says_what_it_needs(make):
    finding = only_one(judge_load(measure(make.hold(3)), make.services(make.errors()), **RULES))
    assert finding.grade is Grade.UNDECIDED
    assert finding.wanted_n > finding.n == 300
    assert finding.decided_at_s is None


def test_failing_fast_misses_errors_and_does_not_flatter_latency(make):
    services = make.services(make.errors(), make.latency(), make.throughput())
    available, fast, roomy = judge_load(measure(make.hold(90, ok=0, failed=100)), services, **RULES)
    assert (available.grade, roomy.grade) == (Grade.MISSED, Grade.MISSED)
    assert fast.grade is Grade.UNDECIDED
    assert fast.n == 0
    assert fast.measured_text == "no data; 9,000 that failed faster are left out"


def test_failing_slowly_misses_latency_too(make):
    records = make.hold(90, ok=60, failed=40, over_failed=40)
    fast = only_one(judge_load(measure(records), make.services(make.latency()), **RULES))
    assert fast.grade is Grade.MISSED
    assert f"{fast.bad:,} of them failed" in fast.measured_text


def test_fast_failures_do_not_hide_slow_successes(make):
    records = make.hold(90, ok=20, over_ok=4, failed=400)
    fast = only_one(judge_load(measure(records), make.services(make.latency()), **RULES))
    assert fast.grade is Grade.MISSED
    assert fast.measured == pytest.approx(0.2)


def test_between_its_two_limits_an_objective_is_degraded(make):
    services = make.services(make.errors(0.01, degraded_limit=0.2))
    finding = only_one(judge_load(measure(make.hold(90, ok=94, failed=6)), services, **RULES))
    assert finding.grade is Grade.DEGRADED
    assert "of the degraded limit, errors <= 20 %" in finding.reason
    assert finding.limit == 0.01


def test_beyond_both_limits_an_objective_is_missed(make):
    services = make.services(make.errors(0.01, degraded_limit=0.1))
    assert only_one(judge_load(measure(make.hold(90, ok=50, failed=50)), services, **RULES)).grade is Grade.MISSED


def test_beyond_the_first_limit_with_the_second_open_is_undecided(make):
    services = make.services(make.errors(0.01, degraded_limit=0.2))
    finding = only_one(judge_load(measure(make.hold(12, ok=94, failed=6)), services, **RULES))
    assert finding.grade is Grade.UNDECIDED
    assert finding.decided_at_s is None


def test_a_limit_the_run_did_not_count_is_judged_from_the_histogram_and_says_so(make):
    pair = [20_000] * 97 + [400_000] * 3
    records = [record for second in range(60) for record in (make.interval(second, pair), make.pacing(second))]
    finding = only_one(judge_load(measure(records), make.services(make.latency(limit=0.2)), **RULES))
    assert finding.measured == pytest.approx(0.03)
    assert "the run did not count this limit itself" in finding.reason


def test_failures_that_were_not_timed_against_a_limit_leave_undecided_what_hangs_on_them(make):
    pair = [20_000] * 80
    records = [
        record for second in range(60) for record in (make.interval(second, pair, failed=20), make.pacing(second))
    ]
    finding = only_one(judge_load(measure(records), make.services(make.latency(limit=0.2)), **RULES))
    assert finding.grade is Grade.UNDECIDED
    assert "1,200 failed requests were not timed against this limit" in finding.reason


def test_decided_asks_for_objectives_and_for_no_undecided_one(make, every_form):
    assert not decided(())
    assert not decided(judge_journeys(measure([make.sample("pay")])))
    assert not decided(judge_objectives(measure(make.hold(5)), every_form, **RULES))
    assert decided(judge_objectives(measure(make.hold(90)), every_form, **RULES))


@UNHURRIED
@given(seed=st.integers(0, 2**32), error_ratio=st.sampled_from([0.0, 0.01, 0.05, 0.3]), seconds=st.integers(1, 70))
def test_a_decision_is_the_same_live_each_second_and_later_from_the_journal(make, seed, error_ratio, seconds):
    services = make.services(make.errors(), make.latency(), make.throughput(30.0))
    chance = random.Random(seed)
    meter, first_seen, lines = Meter(questions(services.values())), {}, []
    for second in range(seconds):
        ok, failed = chance.randint(0, 90), int(chance.random() < error_ratio) * chance.randint(0, 40)
        batch = [make.counted(second, ok, failed, over_ok=chance.randint(0, ok // 10)), make.pacing(second)]
        for record in batch:
            meter.add(record)
        lines += map(journal.encode, batch)
        for finding in judge_objectives(meter.measures(), services, **RULES):
            if finding.grade is not Grade.UNDECIDED:
                first_seen.setdefault(finding.objective, finding)
    later = judge_objectives(measure(map(journal.decode, lines)), services, **RULES)
    assert {finding.objective: finding for finding in later if finding.grade is not Grade.UNDECIDED} == first_seen


@UNHURRIED
@given(cut=st.integers(0, 200))
def test_a_journal_cut_anywhere_is_judged_by_what_is_whole(make, tmp_path_factory, cut):
    records = make.hold(100)
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    path.write_bytes(b"".join(map(journal.encode, records[:cut])) + b'{"kind":"inter')
    services = make.services(make.errors(), make.latency())
    whole = judge_load(measure(records[:cut]), services, **RULES)
    assert judge_load(measure(journal.read(path)), services, **RULES) == whole
    assert cut or {finding.grade for finding in whole} == {Grade.UNDECIDED}


def _during(make, seconds=10, **counts):
    marks = {"phase": Phase.DURING, "experiment": HANGS}
    return [
        record
        for second in range(100, 100 + seconds)
        for record in (make.counted(second, **counts, **marks), make.pacing(second, **marks))
    ]


def test_a_phase_that_nothing_contradicts_is_met_from_thirty_requests_on(make):
    services = make.services(make.errors())
    grades = [only_one(_in_phase(measure(_during(make, 1, ok=ok)), services, Phase.DURING)).grade for ok in (29, 30)]
    assert grades == [Grade.UNDECIDED, Grade.MET]


def test_a_contradicted_expectation_is_missed_and_named_by_experiment_and_phase(make):
    measures = measure(_during(make, ok=100, over_ok=60))
    finding = _during_it(measures, P99_300_MS)
    assert (finding.grade, finding.subject) == (Grade.MISSED, Subject.EXPECTATION)
    assert finding.name == "the ledger hangs > cards.p99 at most 300 ms during"


def test_fast_failures_of_an_open_breaker_do_not_miss_a_latency_expectation(make):
    measures = measure(_during(make, ok=10, failed=90))
    finding = _during_it(measures, P99_300_MS)
    assert finding.grade is Grade.MET


def test_requests_that_all_fail_fast_have_not_waited(make):
    finding = _during_it(measure(_during(make, ok=0, failed=90)), P99_300_MS)
    assert (finding.grade, finding.n) == (Grade.MET, 900)


def test_errors_of_chosen_routes_are_judged_alone(make):
    records = [*_during(make, ok=0, failed=100), *_during(make, ok=100, method="GET", route="/menu")]
    grades = [
        _during_it(
            measure(records),
            Objective("few errors", Indicator.ERRORS, 0.02, routes=routes),
        ).grade
        for routes in (("GET /menu",), ())
    ]
    assert grades == [Grade.MET, Grade.MISSED]


def test_a_late_generator_does_not_miss_an_expectation_for_the_service(make):
    records = [*_during(make, ok=100, over_ok=60)]
    late = [
        make.pacing(second, phase=Phase.DURING, experiment=HANGS, late_over_ms={10: 100})
        for second in range(100, 110)
    ]
    finding = _during_it(measure([*records, *late]), P99_300_MS)
    assert finding.grade is Grade.UNDECIDED
    assert "generator: " in finding.reason


def test_arrivals_dropped_because_the_target_hangs_excuse_no_expectation(make):
    dropping = make.pacing(100, phase=Phase.DURING, experiment=HANGS, dropped=50)
    measures = measure([*_during(make, ok=0, failed=100), dropping])
    finding = _during_it(measures, Objective("few errors", Indicator.ERRORS, 0.02))
    assert finding.grade is Grade.MISSED


def test_the_steady_state_is_the_hold_of_the_load(make):
    services = make.services(make.errors(), make.throughput())
    findings = _in_phase(measure(make.hold(5)), services, Phase.HOLD)
    assert {finding.subject for finding in findings} == {Subject.STEADY_STATE}
    assert {finding.grade for finding in findings} == {Grade.MET}
    assert findings[0].name == "the ledger hangs > cards.available before"


def test_a_steady_state_marked_with_the_experiments_name_is_taken_alone(make):
    baseline = [make.counted(second, 0, 100, experiment=HANGS) for second in range(60, 70)]
    measures = measure([*make.hold(20), *baseline])
    finding = only_one(_in_phase(measures, make.services(make.errors()), Phase.HOLD))
    assert finding.grade is Grade.MISSED
    assert len(measures.seconds_of(LOAD)) == 20
