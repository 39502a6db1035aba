"""The record of a game day, from what was kept: its journal, its `run.json`, and the runs of its steps.

Pure but for `publish_day`, which writes `gameday.md` and `report.html`, and `judge_steps`, which judges the runs that
were cut off before they had a verdict. So the record of a day that was killed can be made up to where it came.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seatrial import journal
from seatrial.assess.about import read_about
from seatrial.assess.conclude import plan_of
from seatrial.assess.gameday.about import AboutDay, AboutStep, read_about_day
from seatrial.assess.run import conclude_run
from seatrial.chaos.healing.ledger import tell_faults
from seatrial.errors import DocumentError, SeatrialError, Where
from seatrial.journal import Run, going_on, is_going_on
from seatrial.redact import Secrets
from seatrial.reports.gameday.html import gameday_html
from seatrial.reports.gameday.markdown import gameday_markdown
from seatrial.reports.gameday.page import DayEvent, DayFault, DayFinding, DayPage, DayStep
from seatrial.sample import Logged, LogKind
from seatrial.verdict import Grade, Subject

NO_VERDICT = "its run has no verdict; to see why: seatrial report RUN"
_WORDS = {LogKind.BEGUN: "begun", LogKind.ENDED: "verdict", LogKind.HALTED: "HALTED"}


def read_day(run: Run) -> DayPage:
    """The page of a recorded day; DocumentError when what was kept is damaged."""
    about = read_about_day(run)
    lines = tuple(record for record in journal.read(run.journal) if isinstance(record, Logged))
    steps = tuple(
        _step(number, planned, [line for line in lines if line.of_step == number], beside=run.folder.parent)
        for number, planned in enumerate(about.steps, start=1)
    )
    return DayPage(
        day=about.day,
        run=about.run,
        realm=about.realm,
        file=about.file,
        started_at=about.started_at,
        ended_at=about.ended_at,
        version=about.seatrial,
        git_revision=about.git_revision,
        ended=_day_ended(about, lines),
        people=tuple(about.people.items()),
        steps=steps,
        events=tuple(sorted((*map(_event, lines), *_fault_events(steps)), key=lambda event: event.at)),
        follow_ups=tuple((line.of_step, line.text) for line in lines if line.kind is LogKind.FOLLOW_UP),
    )


def publish_day(run: Run, *, redact: Callable[[str], str]) -> DayPage:
    """Write the record in both forms, and give its page."""
    page = read_day(run)
    run.gameday.write_text(gameday_markdown(page, redact=redact), encoding="utf-8")
    run.report.write_text(gameday_html(page, redact=redact), encoding="utf-8")
    return page


def judge_steps(workspace: Path, run: Run) -> None:
    """Judge each run of a step that was cut off before it had a verdict; one that nobody can judge is left."""
    for line in journal.read(run.journal):
        if not isinstance(line, Logged) or line.kind is not LogKind.BEGUN:
            continue
        step = Run(run.folder.parent / line.text)
        if step.verdict.is_file() or is_going_on(step):
            continue
        with contextlib.suppress(SeatrialError), going_on(step):
            # What was secret was masked before it reached the journal; there is nothing left to know.
            conclude_run(step, plan_of(workspace, read_about(step)), Secrets())


def _day_ended(about: AboutDay, lines: Sequence[Logged]) -> str:
    said = [line.text for line in lines if line.kind is LogKind.ENDED and line.of_step is None]
    return said[-1] if said and about.ended_at is not None else ""


def _step(number: int, planned: AboutStep, lines: Sequence[Logged], *, beside: Path) -> DayStep:
    begun = [line.text for line in lines if line.kind is LogKind.BEGUN]
    answers = [line.text for line in lines if line.kind is LogKind.ANSWER]
    run = Run(beside / begun[-1]) if begun else None
    verdict = _verdict(run)
    return DayStep(
        number=number,
        experiment=planned.experiment,
        hypothesis=planned.hypothesis,
        steady=planned.steady,
        breaks=planned.breaks,
        watch=tuple(planned.watch.items()),
        go=answers[0] if answers else "",
        run=begun[-1] if begun else "",
        grade=Grade(verdict["grade"]) if verdict else None,
        reason=str(verdict.get("reason", "")) if verdict else "",
        held=answers[1] if len(answers) > 1 else "",
        halted="; ".join(line.text for line in lines if line.kind is LogKind.HALTED),
        findings=_findings(run, verdict) if run and verdict else (),
        faults=tuple(_faults(run)),
    )


def _verdict(run: Run | None) -> dict[str, Any] | None:
    """What `verdict.json` says; UNDECIDED for a run that has none, None without a run."""
    if run is None:
        return None
    with contextlib.suppress(SeatrialError):
        content = journal.read_json(run.verdict)
        if content.get("grade") in list(Grade):
            return content
    return {"grade": Grade.UNDECIDED, "reason": NO_VERDICT}


def _findings(run: Run, verdict: Mapping[str, Any]) -> tuple[DayFinding, ...]:
    """What the step's verdict says; DocumentError where that is not as it was written."""
    try:
        return tuple(map(_finding, verdict.get("findings", ())))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"the findings cannot be read: {type(error).__name__}: {error}"
        raise DocumentError(
            Where(str(run.verdict), 1, 1), problem, f"judge the step anew: seatrial judge {run.name}"
        ) from None


def _finding(told: dict[str, Any]) -> DayFinding:
    said = (str(told["limit_text"]), str(told["measured_text"]))
    numbers = "; ".join(text for text in said if text and text != told["objective"])
    grade = Grade(told["grade"])
    is_against = bool(told["counts"]) and grade is not Grade.MET and told["subject"] != Subject.INFORMATION
    name = str(told["name"]).removeprefix(f"{told['experiment']} > ")  # the step says which experiment it is
    return DayFinding(name, grade, numbers, str(told["reason"]), is_against)


def _faults(run: Run | None) -> Iterator[DayFault]:
    for told in tell_faults(run.ledger) if run else ():
        yield DayFault(told.entry.kind, told.entry.target, told.entry.at, told.over_at, told.text)


def _event(line: Logged) -> DayEvent:
    if line.kind is LogKind.ANSWER:
        return DayEvent(line.at, line.of_step, "answer", f"{line.asked} {line.text}")
    word = "end" if line.kind is LogKind.ENDED and line.of_step is None else _WORDS.get(line.kind, str(line.kind))
    return DayEvent(line.at, line.of_step, word, line.text)


def _fault_events(steps: Iterable[DayStep]) -> Iterator[DayEvent]:
    for step in steps:
        for fault in step.faults:
            yield DayEvent(fault.started_at, step.number, "fault", f"{fault.kind} on {fault.target}")
            if fault.over_at is not None:
                yield DayEvent(fault.over_at, step.number, "healed", f"{fault.target}: {fault.text}")
