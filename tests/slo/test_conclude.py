"""The verdict: the worst finding, or the score with what outranks it, and undecided ones counted both ways."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.errors import ExitCode
from seatrial.sample import Cause
from seatrial.slo.conclude import conclude, gate_exit_code, score
from seatrial.slo.gate import Gate, OnUndecided, ScoreLimits
from seatrial.slo.judge import UNFIT, judge_load
from seatrial.slo.judge_journeys import judge_journeys
from seatrial.slo.measure import measure
from seatrial.verdict import Finding, Grade, Subject, Verdict, worst

PLAIN = Gate()
SCORED = Gate(score=ScoreLimits(met=90.0, degraded=75.0))
MET, DEGRADED, UNDECIDED, MISSED = Grade.MET, Grade.DEGRADED, Grade.UNDECIDED, Grade.MISSED


def _objective(grade: Grade, weight: float = 1.0, **fields) -> Finding:
    return Finding(Subject.OBJECTIVE, "cards", f"o{weight}", grade, "because", weight=weight, **fields)


def _other(subject: Subject, grade: Grade) -> Finding:
    return Finding(subject, "", subject.value, grade, "because")


@pytest.mark.parametrize("gate", [PLAIN, SCORED, Gate(on_undecided=OnUndecided.PASS)])
def test_no_findings_are_undecided_whatever_the_gate(gate):
    verdict = conclude([], gate)
    assert (verdict.grade, verdict.score) == (UNDECIDED, None)
    assert gate_exit_code(verdict, gate) is ExitCode.UNDECIDED


def test_without_score_the_verdict_is_the_worst_finding():
    verdict = conclude([_objective(MET), _objective(MISSED), _objective(UNDECIDED)], PLAIN)
    assert verdict.grade is MISSED
    assert verdict.score == pytest.approx(100 / 3)
    assert verdict.reason == "MISSED: cards.o1.0"


@pytest.mark.parametrize(
    ("findings", "grade", "points"),
    [
        ([(MET, 9), (MISSED, 1)], MET, 90),
        ([(MET, 899), (MISSED, 101)], DEGRADED, 89.9),
        ([(MET, 3), (MISSED, 1)], DEGRADED, 75),
        ([(MET, 749), (MISSED, 251)], MISSED, 74.9),
        ([(MET, 0.7), (MET, 0.2), (MISSED, 0.1)], MET, 90),
        ([(MET, 8), (DEGRADED, 2)], MET, 90),
        ([(DEGRADED, 1)], MISSED, 50),
        ([(MET, 1), (DEGRADED, 1)], DEGRADED, 75),
        ([(MET, 95), (UNDECIDED, 5)], MET, 95),
        ([(MET, 90), (UNDECIDED, 10)], MET, 90),
        ([(MET, 89), (UNDECIDED, 11)], UNDECIDED, 89),
        ([(MET, 80), (UNDECIDED, 5), (MISSED, 15)], DEGRADED, 80),
        ([(MET, 74), (UNDECIDED, 5), (MISSED, 21)], UNDECIDED, 74),
        ([(MET, 50), (UNDECIDED, 20), (MISSED, 30)], MISSED, 50),
        ([(UNDECIDED, 1)], UNDECIDED, 0),
    ],
)
def test_the_score_table(findings, grade, points):
    verdict = conclude([_objective(*finding) for finding in findings], SCORED)
    assert verdict.grade is grade
    assert verdict.score == pytest.approx(points)


def test_a_missed_key_objective_is_missed_whatever_the_score():
    assert conclude([_objective(MET, 99), _objective(MISSED, 1, key=True)], SCORED).grade is MISSED


def test_an_undecided_key_objective_is_undecided_whatever_the_score():
    assert conclude([_objective(MET, 99), _objective(UNDECIDED, 1, key=True)], SCORED).grade is UNDECIDED


@pytest.mark.parametrize("subject", [Subject.JOURNEY, Subject.EXPECTATION, Subject.STEADY_STATE])
@pytest.mark.parametrize("grade", [MISSED, UNDECIDED, DEGRADED])
def test_what_has_no_weight_outranks_the_score(subject, grade):
    assert conclude([_objective(MET), _other(subject, grade)], SCORED).grade is grade


def test_a_failed_journey_beats_a_full_score_from_the_records_on(make):
    measures = measure([make.sample("pay", Cause.STATUS, detail="expected 201, seen 500"), *make.hold(90)])
    services = make.services(make.errors(), make.latency())
    findings = (*judge_journeys(measures), *judge_load(measures, services, alpha=0.05, min_hold_s=20.0))
    verdict = conclude(findings, SCORED)
    assert (verdict.grade, verdict.score) == (MISSED, 100.0)
    assert gate_exit_code(verdict, SCORED) is ExitCode.MISSED


@pytest.mark.parametrize("gate", [PLAIN, SCORED])
def test_an_unfit_generator_is_undecided_never_missed(make, gate):
    records = [make.counted(second, 10, 90) for second in range(60)]
    pacings = [make.pacing(second, dropped=5) for second in range(60)]
    measures = measure([make.sample("pay"), *records, *pacings])
    load = judge_load(measures, make.services(make.errors(key=True)), alpha=0.05, min_hold_s=20.0)
    assert conclude((*judge_journeys(measures), *load), gate).grade is UNDECIDED


def test_a_generator_alone_is_undecided():
    assert conclude([_other(Subject.GENERATOR, UNDECIDED)], SCORED).grade is UNDECIDED


def test_the_generators_own_finding_does_not_count_a_second_time():
    findings = [_objective(MET, 95), _objective(UNDECIDED, 5), _other(Subject.GENERATOR, UNDECIDED)]
    assert conclude(findings, SCORED).grade is MET


def test_without_weighed_objectives_the_worst_finding_is_the_verdict():
    verdict = conclude([_other(Subject.JOURNEY, MET)], SCORED)
    assert (verdict.grade, verdict.score, score([])) == (MET, None, None)


@pytest.mark.parametrize("gate", [PLAIN, SCORED])
def test_what_does_not_count_is_shown_and_changes_nothing(gate):
    without = _objective(UNDECIDED, weight=5.0, counts=False)
    verdict = conclude([_objective(MET), without], gate)
    assert (verdict.grade, verdict.score) == (MET, 100.0)
    assert without in verdict.findings


@pytest.mark.parametrize("gate", [PLAIN, SCORED, Gate(on_undecided=OnUndecided.PASS)])
def test_only_what_does_not_count_is_no_data(gate):
    verdict = conclude([_objective(UNDECIDED, counts=False)], gate)
    assert (verdict.grade, verdict.score) == (UNDECIDED, None)
    assert gate_exit_code(verdict, gate) is ExitCode.UNDECIDED


@pytest.mark.parametrize(
    ("grade", "on_undecided", "code"),
    [
        (UNDECIDED, OnUndecided.FAIL, ExitCode.UNDECIDED),
        (UNDECIDED, OnUndecided.PASS, ExitCode.MET),
        (MISSED, OnUndecided.PASS, ExitCode.MISSED),
        (MET, OnUndecided.FAIL, ExitCode.MET),
    ],
)
def test_the_gate_may_let_an_undecided_verdict_through(grade, on_undecided, code):
    verdict = Verdict(grade, None, (_objective(grade),))
    assert gate_exit_code(verdict, Gate(on_undecided=on_undecided)) is code


def test_strict_makes_degraded_a_miss():
    verdict = Verdict(DEGRADED, None, (_objective(DEGRADED),))
    assert gate_exit_code(verdict, PLAIN) is ExitCode.MET
    assert gate_exit_code(verdict, PLAIN, strict=True) is ExitCode.MISSED


FINDINGS = st.lists(
    st.builds(_objective, st.sampled_from(list(Grade)), st.sampled_from([0.1, 0.5, 1.0, 3.0]), key=st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(FINDINGS)
def test_settling_an_undecided_finding_never_turns_a_settled_verdict(findings):
    before = conclude(findings, SCORED).grade
    for settled in (MET, MISSED):
        after = [
            _objective(settled, finding.weight, key=finding.key) if finding.grade is UNDECIDED else finding
            for finding in findings
        ]
        assert before is UNDECIDED or conclude(after, SCORED).grade is before


@settings(deadline=None)
@given(FINDINGS)
def test_a_score_is_never_kinder_than_the_points_of_its_objectives(findings):
    verdict = conclude(findings, SCORED)
    assert 0.0 <= verdict.score <= 100.0
    if verdict.grade is MET:
        assert verdict.score >= 90.0 - 1e-6
    if worst(finding.grade for finding in findings) is MET:
        assert verdict.grade is MET


def _information(grade: Grade) -> Finding:
    return Finding(Subject.INFORMATION, "cards", "pods", grade, "shown", counts=False)


@pytest.mark.parametrize("grade", [MET, UNDECIDED])
def test_information_changes_nothing_of_a_verdict(grade):
    judged = [_objective(MET, 3), _objective(MISSED)]
    for gate in (PLAIN, SCORED):
        with_it, without = conclude([*judged, _information(grade)], gate), conclude(judged, gate)
        assert (with_it.grade, with_it.score, with_it.reason) == (without.grade, without.score, without.reason)


def test_nothing_but_information_is_a_whole_score_for_a_gate_that_has_one():
    verdict = conclude([_information(MET)], SCORED)
    assert (verdict.grade, verdict.score) == (MET, 100.0)


@pytest.mark.parametrize("limits", [ScoreLimits(met=90.0, degraded=75.0), ScoreLimits(met=0.0, degraded=0.0)])
def test_information_without_a_value_is_no_whole_score(limits):
    verdict = conclude([_information(MET), _information(UNDECIDED)], Gate(score=limits))
    assert (verdict.grade, verdict.score) == (UNDECIDED, None)


def test_information_from_an_unfit_generator_is_undecided():
    findings = [_information(MET), _other(Subject.GENERATOR, UNDECIDED)]
    assert conclude(findings, SCORED).grade is UNDECIDED


@pytest.mark.parametrize("grade", [MET, UNDECIDED])
def test_information_alone_hides_no_missed_journey_and_is_nothing_without_a_score(grade):
    assert conclude([_information(grade), _other(Subject.JOURNEY, MISSED)], SCORED).grade is MISSED
    without = conclude([_information(grade)], PLAIN)
    assert (without.grade, without.score, without.reason) == (UNDECIDED, None, "no data: nothing was judged")


def test_a_comparison_without_a_baseline_beside_information_is_no_whole_score():
    uncounted = Finding(Subject.OBJECTIVE, "cards", "no slower", UNDECIDED, "no baseline", counts=False)
    assert conclude([_information(MET), uncounted], SCORED).grade is UNDECIDED


def test_a_score_without_a_degraded_limit_is_met_or_missed():
    gate = Gate(score=ScoreLimits(met=90.0, degraded=90.0))
    assert conclude([_objective(MET, 899), _objective(MISSED, 101)], gate).grade is MISSED
    assert conclude([_objective(MET, 9), _objective(MISSED, 1)], gate).grade is MET


@pytest.mark.parametrize(
    ("gate", "ends"), [(PLAIN, "late"), (SCORED, "late; score 0 of 100, what is undecided counted as lost")]
)
def test_an_unfit_generator_is_the_one_cause_and_no_list_of_names(gate, ends):
    late = dataclasses.replace(_other(Subject.GENERATOR, UNDECIDED), reason="generator: late")
    few = _objective(UNDECIDED, n=200)
    unmeasured = dataclasses.replace(_objective(UNDECIDED), reason=f"{UNFIT}; it would have been MET: 0 %")
    dropped = dataclasses.replace(
        _other(Subject.EXPECTATION, UNDECIDED),
        reason="generator: late; it would have been MISSED: 9 %",
        experiment="x",
    )
    verdict = conclude([late, *[few] * 8, *[unmeasured] * 8, dropped], gate)
    assert (verdict.grade, verdict.reason) == (
        UNDECIDED,
        f"the load generator was unfit, and 17 findings undecided: {ends}",
    )


def test_a_miss_that_an_unfit_generator_does_not_explain_comes_before_it():
    late = dataclasses.replace(_other(Subject.GENERATOR, UNDECIDED), reason="generator: late")
    failed = _other(Subject.JOURNEY, MISSED)
    verdict = conclude([late, failed, _objective(UNDECIDED, n=200)], PLAIN)
    assert verdict.reason == (f"MISSED: {failed.name}; the load generator was unfit, and 1 finding undecided: late")
    cut = conclude([late, _other(Subject.JOURNEY, UNDECIDED)], PLAIN)
    assert cut.reason == f"the load generator was unfit: late; UNDECIDED: {failed.name}"


def test_what_another_cause_leaves_undecided_is_named_beside_an_unfit_generator():
    late = dataclasses.replace(_other(Subject.GENERATOR, UNDECIDED), reason="generator: late")
    few = _objective(UNDECIDED, n=200)
    asked = dataclasses.replace(_objective(UNDECIDED), objective="live", reason="no value: Prometheus answered 500")
    unborn = dataclasses.replace(_other(Subject.EXPECTATION, UNDECIDED), reason="not run: it would not start")
    unborn = dataclasses.replace(unborn, experiment="hang")
    assert conclude([late, few, asked, unborn], PLAIN).reason == (
        "the load generator was unfit, and 1 finding undecided: late; UNDECIDED: cards.live, hang > expectation"
    )


def test_the_sentence_counts_only_what_counts():
    shown = dataclasses.replace(_objective(UNDECIDED), counts=False)
    assert conclude([_objective(MET), _objective(MET), shown], Gate()).reason == (
        "all 2 findings are MET, 1 shown without counting"
    )


def test_the_sentence_names_six_findings_and_counts_the_rest():
    missed = [_objective(Grade.MISSED, float(number)) for number in range(1, 9)]
    assert conclude(missed, Gate()).reason == f"MISSED: {', '.join(one.name for one in missed[:6])} and 2 more"
    assert conclude(missed[:6], Gate()).reason == f"MISSED: {', '.join(one.name for one in missed[:6])}"


def test_a_score_says_what_it_lost_points_for():
    gate = Gate(score=ScoreLimits(met=90.0, degraded=50.0))
    missed = dataclasses.replace(_objective(MISSED), objective="fast")
    verdict = conclude([_objective(MET), missed], gate)
    assert (verdict.grade, verdict.reason) == (Grade.DEGRADED, f"score 50 of 100; MISSED: {missed.name}")
    whole = conclude([_objective(MET), _objective(MET)], gate)
    assert whole.reason == "score 100 of 100; all 2 findings are MET"
