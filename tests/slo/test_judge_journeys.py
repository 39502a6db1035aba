"""Findings about journeys that were played once."""

from judge_parts import grades_of, only_one

from seatrial.sample import Cause, Ending
from seatrial.slo.judge_journeys import judge_journeys
from seatrial.slo.measure import measure
from seatrial.verdict import Grade


def test_a_failed_step_misses_the_journey_with_expected_and_seen(make):
    failed = make.sample("charge", Cause.STATUS, status=500, detail="expected status 201, seen 500")
    finding = only_one(judge_journeys(measure([make.sample("open"), failed])))
    assert (finding.grade, finding.objective, finding.bad, finding.n) == (Grade.MISSED, "pay with a card", 1, 2)
    assert finding.reason == "step 'charge' (gateway: POST /charges) [500]: expected status 201, seen 500"


def test_a_step_without_an_answer_misses_the_journey_by_its_cause(make):
    finding = only_one(judge_journeys(measure([make.sample("open", Cause.REFUSED, status=None)])))
    assert (finding.grade, finding.reason) == (
        Grade.MISSED,
        "step 'open' (gateway: POST /charges): refused",
    )


def test_a_journey_whose_steps_all_pass_is_met(make):
    finding = only_one(judge_journeys(measure([make.sample("open"), make.sample("pay"), make.play("open", "pay")])))
    assert (finding.grade, finding.measured_text) == (Grade.MET, "2 of 2 steps passed")


def test_a_degraded_step_makes_the_journey_degraded(make):
    sample = make.sample("open", degraded=True, detail="no merchant's name")
    finding = only_one(judge_journeys(measure([sample, make.play("open")])))
    assert finding.grade is Grade.DEGRADED
    assert "no merchant's name" in finding.reason


def test_a_journey_cut_while_polling_is_undecided(make):
    finding = only_one(judge_journeys(measure([make.sample("wait", Cause.CHECK, final=False)])))
    assert finding.grade is Grade.UNDECIDED


def test_a_play_without_its_end_is_undecided_unless_a_step_has_failed(make):
    passed, failed = make.sample("open"), make.sample("pay", Cause.STATUS)
    grades = [only_one(judge_journeys(measure(samples))).grade for samples in ([passed], [passed, failed])]
    assert grades == [Grade.UNDECIDED, Grade.MISSED]


def test_a_play_that_failed_outside_its_steps_is_missed(make):
    play = make.play("open", ending=Ending.FAILED, reason="the scenario evaluated no check")
    finding = only_one(judge_journeys(measure([make.sample("open"), play])))
    assert (finding.grade, finding.reason) == (Grade.MISSED, "the scenario evaluated no check")


def test_a_play_that_failed_before_its_first_step_is_missed(make):
    finding = only_one(judge_journeys(measure([make.play(ending=Ending.FAILED, reason="'nobody' is not defined")])))
    assert (finding.grade, finding.reason, finding.measured_text) == (
        Grade.MISSED,
        "'nobody' is not defined",
        "no data",
    )


def test_a_skipped_play_is_no_finding_beside_others(make):
    skipped = make.play(ending=Ending.SKIPPED, scenario="browse", skipped=("look",))
    records = [make.sample("open"), make.play("open", skipped=("leave",)), skipped]
    finding = only_one(judge_journeys(measure(records), wanted=["browse"]))
    assert (finding.objective, finding.grade) == ("pay with a card", Grade.MET)
    assert finding.measured_text == "1 of 1 steps passed, 1 skipped"


def test_a_wanted_journey_that_left_no_trace_is_undecided(make):
    findings = judge_journeys(measure([make.sample("open"), make.play("open")]), wanted=["pay with a card", "browse"])
    assert grades_of(findings) == {"pay with a card": Grade.MET, "browse": Grade.UNDECIDED}


def test_one_step_is_told_in_the_singular(make):
    finding = only_one(judge_journeys(measure([make.sample("open"), make.play("open")])))
    assert finding.reason == "its one step passed"
