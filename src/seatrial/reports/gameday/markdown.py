"""Lays the record of a game day out as Markdown, for a wiki, a ticket or a pull request. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from seatrial.clock import iso
from seatrial.quantity import show_duration
from seatrial.reports.gameday.page import DayEvent, DayPage, DayStep
from seatrial.reports.markdown import plain
from seatrial.reports.page import with_texts
from seatrial.reports.printable import printable
from seatrial.reports.render import instant


def gameday_markdown(page: DayPage, *, redact: Callable[[str], str]) -> str:
    """The whole record; every text in it is redacted, printable and plain."""
    shown = with_texts(page, lambda text: plain(printable(redact(text))))
    parts = (_head(shown), *map(_step, shown.steps), _follow_ups(shown), _time_line(shown.events))
    return "\n\n".join(parts) + "\n"


def _head(page: DayPage) -> str:
    took = "" if page.ended_at is None else f", took {show_duration(page.ended_at - page.started_at)}"
    ended = page.ended or "not ended: it was killed, or still goes on"
    lines = [
        f"# Game day: {page.day}",
        "",
        f"**{page.grade}**: {page.reason}",
        "",
        f"- Realm {page.realm}, run {page.run}, {page.file}{f' at {page.git_revision}' if page.git_revision else ''}",
        f"- Began {instant(page.started_at)}{took}; {ended}",
        *(f"- {role}: {name}" for role, name in page.people),
    ]
    return "\n".join(lines)


def _step(step: DayStep) -> str:
    rows = [
        ("Hypothesis", step.hypothesis),
        ("Steady state", step.steady),
        *(("Breaks", text) for text in step.breaks),
        *((who, f"watches {what}") for who, what in step.watch),
        ("Answer", step.go or "not come to"),
        ("Halted", step.halted),
        ("The team says it held", step.held),
        ("Measured", _measured(step)),
        *(("Fault", text) for text in fault_lines(step)),
        ("Run", step.run),
    ]
    facts = "\n".join(f"- {name}: {text}" for name, text in rows if text)
    return "\n\n".join(filter(None, (f"## Step {step.number}: {step.experiment}", facts, _table(step))))


def _measured(step: DayStep) -> str:
    return "" if step.grade is None else f"**{step.grade}**: {step.reason}"


def fault_lines(step: DayStep) -> Iterator[str]:
    """Each fault of a step with how long it was on."""
    for fault in step.faults:
        if fault.over_at is None:
            yield f"{fault.kind} on {fault.target}, not known to be undone"
        else:
            yield f"{fault.kind} on {fault.target}, {show_duration(fault.over_at - fault.started_at)}: {fault.text}"


def _table(step: DayStep) -> str:
    rows = [
        f"| {one.grade} | {one.name} | {one.numbers} | {one.reason if one.is_against else ''} |"
        for one in step.findings
    ]
    return "\n".join(("| Grade | Finding | Numbers | Reason |", "|---|---|---|---|", *rows)) if rows else ""


def _follow_ups(page: DayPage) -> str:
    own = [f"- [ ] {f'Step {step}: ' if step else ''}{text}" for step, text in page.follow_ups]
    measured = [f"- [ ] {text}" for text in page.to_look_into]
    return "\n".join(("## Follow-ups", "", *(own + measured or ["None."])))


def _time_line(events: Iterable[DayEvent]) -> str:
    rows = (f"| {iso(one.at)[11:19]} | {one.step or ''} | {one.what} | {one.text} |" for one in events)
    return "\n".join(("## Time line (UTC)", "", "| Time | Step | What | |", "|---|---|---|---|", *rows))
