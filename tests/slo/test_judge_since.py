"""A part of a phase is judged by its own seconds alone: what came before them may have been quite another."""

from seatrial.sample import Phase
from seatrial.service import Indicator, Objective
from seatrial.slo.judge import judge_promise
from seatrial.slo.measure import measure
from seatrial.verdict import Grade

HANGS = "the ledger hangs"
AVAILABLE = Objective("available", Indicator.ERRORS, 0.01)
LATE = {"phase": Phase.AFTER, "experiment": HANGS}


def _after(measures, since=None):
    return judge_promise(
        measures, {}, service="cards", objective=AVAILABLE, experiment=HANGS, phase=Phase.AFTER, since=since
    )


def test_what_failed_before_that_moment_does_not_count(make):
    measures = measure(
        [make.counted(second, 0, 50, **LATE) for second in range(5)]
        + [make.counted(second, 50, **LATE) for second in range(5, 10)]
    )
    first = min(interval.second for intervals in measures.intervals.values() for interval in intervals)
    assert _after(measures).grade is Grade.MISSED
    found = _after(measures, first + 4.2)
    assert (found.grade, found.n, found.bad, found.objective) == (Grade.MET, 250, 0, "available after")
    assert _after(measures, first + 4.0).bad == 50
    assert _after(measures, first + 8.0).n == 100


def test_a_part_of_which_nothing_was_recorded_is_undecided(make):
    assert _after(measure([make.counted(0, 50, **LATE)]), 4e9).grade is Grade.UNDECIDED


def test_other_spans_are_as_they_were(make):
    before = [make.counted(second, 50, 50) for second in range(5)]
    measures = measure([*before, *(make.counted(second, 50, **LATE) for second in range(5, 10))])
    late = _after(measures, 0.0)
    assert late.n == 250
    steady = judge_promise(
        measures.since(next(span for span in measures.seconds if span.phase is Phase.AFTER), 4e9),
        {},
        service="cards",
        objective=AVAILABLE,
        experiment=HANGS,
        phase=Phase.HOLD,
    )
    assert (steady.grade, steady.n) == (Grade.MISSED, 500)
