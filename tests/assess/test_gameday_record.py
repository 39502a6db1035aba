"""The record of a game day is made of what was kept, and says where that is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial import journal
from seatrial.assess.gameday.about import AboutDay, AboutStep, write_about_day
from seatrial.assess.gameday.log import Log
from seatrial.assess.gameday.record import NO_VERDICT, read_day
from seatrial.clock import SystemClock
from seatrial.errors import DocumentError
from seatrial.journal import Journal, Run
from seatrial.verdict import Grade

STEP = AboutStep("back hangs", "front answers", "front.available", ("timeout on front->back",), {})
FINDING = {
    "name": "front.p95",
    "grade": "MISSED",
    "reason": "too slow",
    "limit_text": "",
    "measured_text": "2 s",
    "objective": "p95",
    "counts": True,
    "subject": "expectation",
    "experiment": "back hangs",
}


@pytest.fixture
def day(tmp_path: Path) -> Run:
    """A day of one step, whose run has begun."""
    run, step = Run(tmp_path / "day"), Run(tmp_path / "step")
    run.folder.mkdir()
    step.folder.mkdir()
    write_about_day(run, AboutDay("day", "demo", "a day", "chaos/day.yaml", {}, (STEP,), 1.0, "0.1.0"))
    writer = Journal(run.journal)
    log = Log(writer, run, clock=SystemClock(), redact=str)
    log.step = 1
    log.begun(step)
    writer.close()
    return run


def with_verdict(day: Run, *findings: object) -> Run:
    step = Run(day.folder.parent / "step")
    journal.write_json(step.verdict, {"grade": "MISSED", "reason": "1 is missed", "findings": findings})
    return step


def test_what_a_step_missed_is_in_the_record_of_its_day(day):
    with_verdict(day, FINDING)
    (step,) = read_day(day).steps
    (finding,) = step.findings
    assert (step.grade, finding.name, finding.numbers, finding.is_against) == (Grade.MISSED, "front.p95", "2 s", True)


def test_a_step_whose_run_has_no_verdict_is_undecided(day):
    (step,) = read_day(day).steps
    assert (step.grade, step.reason, step.findings) == (Grade.UNDECIDED, NO_VERDICT, ())


@pytest.mark.parametrize("damaged", [{}, FINDING | {"grade": "GOOD"}, "MISSED", None])
def test_findings_that_are_not_as_they_were_written_are_told_with_their_file_and_what_mends_it(day, damaged):
    step = with_verdict(day, damaged)
    with pytest.raises(DocumentError) as told:
        read_day(day)
    assert str(step.verdict) in str(told.value)
    assert f"seatrial judge {step.name}" in str(told.value)
