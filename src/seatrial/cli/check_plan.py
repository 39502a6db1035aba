"""`seatrial check --list` and `--dry`: what there is to play, and whether it could be, without sending anything."""

from __future__ import annotations

from seatrial.accept.prepare import Prepared, rows_of
from seatrial.accept.static import mistakes
from seatrial.cli.console import say, tell
from seatrial.errors import ExitCode
from seatrial.quantity import counted
from seatrial.reports.printable import printable
from seatrial.scenarios.model import Scenario, elsewhere, every_step


def list_journeys(prepared: Prepared) -> ExitCode:
    """A line a journey: its name, its tags, how many rows it has, its file."""
    for scenario in prepared.scenarios:
        tags = f"  [{', '.join(sorted(scenario.tags))}]" if scenario.tags else ""
        rows = f"  {counted(rows_of(scenario), 'row')}" if scenario.rows is not None else ""
        tell(printable(f"{scenario.name}{tags}{rows}  {scenario.file}"))
    return ExitCode.MET


def rehearse(prepared: Prepared) -> ExitCode:
    """Tell every mistake that shows without sending; UNREADABLE when there is one, else what would be played."""
    found = tuple(mistakes(prepared))
    for mistake in found:
        say(f"error: {mistake}")
    if found:
        return ExitCode.UNREADABLE
    if not prepared.scenarios:
        say("no journey was chosen, so nothing would be checked")
        return ExitCode.UNDECIDED
    for scenario in prepared.scenarios:
        tell(printable(f"would play  {scenario.name}  ({_what(scenario, prepared.realm.name)})  {scenario.file}"))
    journeys, plays = counted(len(prepared.scenarios), "journey"), counted(prepared.plays, "play")
    tell(f"{journeys}, {plays} on realm {prepared.realm.name}; nothing was sent")
    return ExitCode.MET


def _what(scenario: Scenario, realm: str) -> str:
    skipped = elsewhere(scenario, realm) or scenario.skip
    if skipped:
        return f"skipped: {skipped}"
    steps = counted(sum(1 for _ in every_step(scenario)), "step")
    return steps if scenario.rows is None else f"{steps}, {counted(rows_of(scenario), 'row')}"
