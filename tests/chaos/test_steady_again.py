"""The steady state is looked at again when all is healed: what is found of a system that stays ill or comes back."""

from __future__ import annotations

import dataclasses

import pytest
from experiment_bench import HANG, Bench, checked

from seatrial.chaos.expectations import Expectations
from seatrial.chaos.plan import PhaseObjective
from seatrial.chaos.verify import apart, as_halted, judge_experiment
from seatrial.sample import Phase
from seatrial.verdict import Finding, Grade, Subject


class Judge:
    """Says of what came after that it is so; keeps what it was asked of that."""

    def __init__(self, grade: Grade) -> None:
        self.grade = grade
        self.asked: list[PhaseObjective] = []

    def __call__(self, item: PhaseObjective) -> Finding:
        if item.phase is Phase.AFTER:
            self.asked.append(item)
        grade = self.grade if item.phase is Phase.AFTER else Grade.MET
        return Finding(Subject.EXPECTATION, item.service, f"{item.objective.name} {item.phase}", grade, "as told")


def judged(bench: Bench, judge: Judge, expectations: Expectations, *, halted: bool = False) -> list[Finding]:
    """The findings about what came after, of an experiment that was played with those expectations."""
    whole = checked(HANG)
    played = dataclasses.replace(whole, experiment=dataclasses.replace(whole.experiment, expectations=expectations))
    windows = bench.run(played).windows
    windows = tuple(map(as_halted, windows)) if halted else windows
    (seen,) = apart((played,), calls=bench.calls, windows=windows)
    return [each for each in judge_experiment(seen, judge=judge) if each.objective == f"fast {Phase.AFTER}"]


@pytest.mark.parametrize("grade", [Grade.MISSED, Grade.DEGRADED, Grade.MET])
def test_a_steady_state_that_is_another_after_the_healing_says_so_though_nothing_else_is_expected(
    bench: Bench, grade: Grade
):
    (again,) = judged(bench, Judge(grade), Expectations())
    assert (again.grade, again.subject, again.experiment) == (grade, Subject.STEADY_STATE, "the ledger hangs")


def test_what_is_too_little_to_judge_is_left_out(bench: Bench):
    assert judged(bench, Judge(Grade.UNDECIDED), Expectations()) == []


def test_without_a_time_to_come_back_in_the_second_half_of_what_is_watched_is_judged(bench: Bench):
    judge = Judge(Grade.MET)
    judged(bench, judge, Expectations())
    assert [item.since - bench.begin for item in judge.asked] == [pytest.approx(30.0 + 5.0, abs=0.1)]


def test_what_came_since_requests_were_answered_again_is_judged(bench: Bench):
    judge = Judge(Grade.MET)
    judged(bench, judge, Expectations(recovered_within_s=8.0))
    assert [item.since - bench.begin for item in judge.asked] == [pytest.approx(30.0, abs=0.2)]


def test_where_nobody_saw_that_come_what_came_since_it_should_have_is_judged(bench: Bench):
    judge = Judge(Grade.MET)
    bench.observe = lambda: None
    judged(bench, judge, Expectations(recovered_within_s=8.0))
    assert [item.since - bench.begin for item in judge.asked] == [pytest.approx(30.0 + 8.0, abs=0.1)]


class Lasting(set[str]):
    """Faults whose traces stay when they are healed."""

    def discard(self, element: str) -> None:
        del element


def test_where_requests_were_never_answered_again_that_is_told_once(bench: Bench):
    bench.on = Lasting()
    assert judged(bench, Judge(Grade.MISSED), Expectations(recovered_within_s=8.0)) == []


def test_a_halted_experiment_is_not_held_against_a_recovery_that_nobody_watched(bench: Bench):
    assert judged(bench, Judge(Grade.MISSED), Expectations(), halted=True) == []
