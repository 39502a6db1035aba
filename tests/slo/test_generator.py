"""The generator's own seconds: when they leave what was measured undecided."""

from __future__ import annotations

import dataclasses

from seatrial.sample import Pacing, Phase
from seatrial.slo.generator import trouble
from seatrial.slo.judge import judge_load
from seatrial.slo.measure import measure
from seatrial.verdict import Grade

WHOLE = Pacing("r", Phase.HOLD, 100, 10, 10, 0, 0, 0.0, 0.1, workers=2)


def seconds(*, lost_at: int, started: int = 5) -> list[Pacing]:
    """Ten seconds of two workers; from that one on the first is away, and so much is started."""
    away = dataclasses.replace(WHOLE, lost={1: lost_at}, started=started)
    return [dataclasses.replace(away if index >= lost_at else WHOLE, second=100 + index) for index in range(10)]


def test_a_lost_worker_leaves_the_load_undecided_and_says_which_and_when():
    assert trouble(seconds(lost_at=4), {}) == "worker 1 of 2 was lost at second 4"
    (finding,) = judge_load(measure(seconds(lost_at=4)), {}, alpha=0.05, min_hold_s=60.0)
    assert (finding.grade, finding.reason) == (Grade.UNDECIDED, "generator: worker 1 of 2 was lost at second 4")


def test_plays_that_were_never_started_leave_the_load_undecided_though_nobody_was_lost():
    short = [dataclasses.replace(WHOLE, planned=40, started=10)] * 60
    assert trouble(short, {}) == "only 600 of 2,400 planned plays were started"
    one_after_the_end = [dataclasses.replace(WHOLE, planned=40, started=39)]
    assert trouble(one_after_the_end, {}) == ""


def test_one_planned_play_in_a_hundred_may_be_missing_and_no_more():
    seconds = [dataclasses.replace(WHOLE, planned=100, started=99)] * 10
    assert trouble(seconds, {}) == ""
    seconds[-1] = dataclasses.replace(WHOLE, planned=100, started=98)
    assert trouble(seconds, {}) == "only 989 of 1,000 planned plays were started"


def test_a_load_that_was_as_planned_all_the_same_is_as_good_as_any():
    assert trouble(seconds(lost_at=4, started=10), {}) == ""
    caught_up = [*seconds(lost_at=8, started=10)[:-1], dataclasses.replace(WHOLE, second=109)]
    assert trouble(caught_up, {}) == ""


def test_each_lost_worker_is_told_once():
    both = [dataclasses.replace(item, workers=3, lost={**item.lost, 3: 6}) for item in seconds(lost_at=4)]
    assert trouble(both, {}) == "worker 3 of 3 was lost at second 6 and worker 1 of 3 was lost at second 4"
