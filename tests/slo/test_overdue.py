"""Requests without an answer: MET is said only where it would still be so if every one of them were bad."""

import random

from seatrial.sample import OVERDUE_S, Phase
from seatrial.slo.decide import Call, Evidence, Rule, Why, decide, first_decision, not_contradicted
from seatrial.slo.judge import judge_objectives, judge_probe, judge_promise
from seatrial.slo.measure import Traffic, measure
from seatrial.slo.tally import total
from seatrial.verdict import Grade

RULES = {"alpha": 0.05, "min_hold_s": 20.0}


def test_met_waits_until_what_has_no_answer_could_no_longer_turn_it():
    seconds = [(0, 100)] * 60
    free = first_decision(seconds, limit_ratio=0.05, min_hold_s=20)
    held_up = first_decision(seconds, limit_ratio=0.05, min_hold_s=20, overdue=[300] * 60)
    assert (free.state, held_up.state) == (Call.MET, Call.UNDECIDED)
    assert held_up.why is Why.UNANSWERED
    assert held_up.reason == f"300 requests have had no answer for more than {OVERDUE_S:g} s, and they decide it"
    assert (held_up.n, held_up.bad) == (6_000, 0)


def test_an_answer_that_comes_after_all_frees_the_call():
    overdue = [300] * 30 + [0] * 30
    decision = first_decision([(0, 100)] * 60, limit_ratio=0.05, min_hold_s=20, overdue=overdue)
    assert (decision.state, decision.decided_at_s) == (Call.MET, 31.0)


def test_a_few_without_an_answer_keep_nothing_up():
    seconds = [(0, 100)] * 60
    free = first_decision(seconds, limit_ratio=0.05, min_hold_s=20)
    assert first_decision(seconds, limit_ratio=0.05, min_hold_s=20, overdue=[3] * 60) == free


def test_what_has_no_answer_makes_no_miss():
    evidence = Evidence()
    for _ in range(60):
        evidence = evidence.after((1, 100), 5_000)
    assert decide(evidence, Rule(0.05)).state is Call.UNDECIDED


def test_seconds_without_a_number_are_as_without_any_overdue():
    seconds = [(1, 100)] * 90
    assert first_decision(seconds, limit_ratio=0.05, overdue=[0]) == first_decision(seconds, limit_ratio=0.05)


def test_a_phase_is_contradicted_by_what_has_no_answer_at_its_end():
    seconds = [(0, 50)] * 10
    assert not_contradicted(seconds, limit_ratio=0.05, overdue=[200] * 9 + [0]).state is Call.MET
    decision = not_contradicted(seconds, limit_ratio=0.05, overdue=[0] * 9 + [200])
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.UNANSWERED)


def test_nothing_but_requests_in_flight_is_told_as_that():
    decision = not_contradicted([(0, 0)] * 5, limit_ratio=0.05, overdue=[40] * 5)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.NO_DATA)
    assert "40 are in flight" in decision.reason


def test_a_target_exactly_at_its_limit_whose_failures_hang_is_hardly_ever_met():
    dice = random.Random(7)
    met = sum(_is_met(dice, hangs_s=30) for _ in range(60))
    assert met <= 6


def _is_met(dice, *, hangs_s, seconds=240):
    """100 requests a second, 5 % of them fail after `hangs_s`."""
    failing = [sum(dice.random() < 0.05 for _ in range(100)) for _ in range(seconds)]
    ended = [failing[second - hangs_s] if second >= hangs_s else 0 for second in range(seconds)]
    counts = [(bad, 100 - new + bad) for bad, new in zip(ended, failing, strict=True)]
    overdue = [sum(failing[max(0, second - hangs_s + 1) : second]) for second in range(seconds)]
    return first_decision(counts, limit_ratio=0.05, overdue=overdue).state is Call.MET


def test_objectives_of_errors_and_latency_wait_for_answers(make):
    services = make.services(make.errors(), make.latency())
    answered, hanging = make.hold(60), make.hold(60, overdue=400)
    grades = [
        [finding.grade for finding in judge_objectives(measure(records), services, **RULES)]
        for records in (answered, hanging)
    ]
    assert grades == [[Grade.MET, Grade.MET], [Grade.UNDECIDED, Grade.UNDECIDED]]
    for finding in judge_objectives(measure(hanging), services, **RULES):
        assert "400 requests have had no answer for more than 1 s" in finding.reason


def test_overdue_of_several_steps_and_workers_add_within_a_second_and_not_over_time(make):
    records = [make.counted(second, 10, overdue=3, step=step) for second in (5, 6) for step in ("a", "b")]
    tallies = measure(records).tallies(Traffic("cards"))
    assert [tally.overdue for tally in tallies] == [6, 6]
    assert total(tallies).overdue == 6


def test_phases_of_experiments_and_probes_wait_for_answers_too(make):
    during = make.hold(10, overdue=400, phase=Phase.DURING, experiment="hang")
    asked = {"service": "cards", "objective": make.errors()}
    found = judge_promise(measure(during), {}, **asked, experiment="hang", phase=Phase.DURING)
    assert found.grade is Grade.UNDECIDED
    probing = [make.counted(second, 100, overdue=400, phase=Phase.PROBE, level=5.0) for second in range(10)]
    assert judge_probe(measure(probing), **asked, level=5.0).grade is Grade.UNDECIDED
