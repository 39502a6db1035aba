"""The live view of an assessment on stderr: a bar for the stage, the load's pace, each objective as it stands.

On a terminal a rich display that is redrawn in place; elsewhere (CI logs) a line when something changes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seatrial.assess.stage import Moment
from seatrial.cli.console import say
from seatrial.cli.load_screen import findings_table, overdue_text, steps_table
from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import Pacing
from seatrial.verdict import Finding, Grade, Subject, Verdict

PLAIN_EVERY_S = 10.0


class Progress(Protocol):
    """Where an assessment tells how far it is: a terminal or a log."""

    def say(self, text: str) -> None:
        """A line that stays."""
        ...

    def show(self, moment: Moment) -> None:
        """How far the stage is now."""
        ...

    def close(self, verdict: Verdict) -> None:
        """Take back what was told for good and is not so in the verdict."""
        ...


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """The display that fits stderr, until the block ends."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or not console.is_terminal:
        yield PlainProgress()
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield LiveProgress(live)


class PlainProgress:
    """A line for each new stage, one every ten seconds of it, and one whenever an objective's state changes; at the
    end one for each that the verdict does not bear out."""

    def __init__(self) -> None:
        self._stage = ""
        self._told_s = 0.0
        self._grades: dict[str, Grade] = {}
        self._told: dict[str, Grade] = {}
        self._unfit = ""

    def say(self, text: str) -> None:
        """A line that stays."""
        say(text)

    def show(self, moment: Moment) -> None:
        """Tell a stage's beginning, then its progress now and then, and at once what was decided."""
        if moment.stage != self._stage:
            self._stage, self._told_s = moment.stage, moment.done_s
            say(moment.stage)
        elif moment.of_s and moment.done_s - self._told_s >= PLAIN_EVERY_S:
            self._told_s = moment.done_s
            say("; ".join(filter(None, (_how_far(moment), _traffic(moment)))))
        self._tell_changes(moment)

    def _tell_changes(self, moment: Moment) -> None:
        if moment.unfit and not self._unfit:
            say(f"warning: {moment.unfit}")
        self._unfit = moment.unfit
        for finding in moment.findings:
            before = self._grades.get(finding.name, Grade.UNDECIDED)
            self._grades[finding.name] = finding.grade
            if finding.grade is before:
                continue
            if finding.grade is not Grade.UNDECIDED:
                self._told[finding.name] = finding.grade
                say(_decided(finding))
            elif moment.unfit:
                self._told.pop(finding.name, None)
                say(_taken_back(finding.name, before, moment.unfit))

    def close(self, verdict: Verdict) -> None:
        """Say of each objective that was told as decided, and is not in the verdict for the generator's sake, that it
        is not, and why."""
        generator = next((one for one in verdict.findings if one.subject is Subject.GENERATOR), None)
        final = {one.name: one.grade for one in verdict.findings}
        for name, told in self._told.items():
            if generator and final.get(name) is Grade.UNDECIDED:
                say(_taken_back(name, told, generator.reason))


def _decided(finding: Finding) -> str:
    numbers = "; ".join(filter(None, (finding.limit_text, finding.measured_text)))
    return f"{finding.name}: {finding.grade} after {show_duration(finding.decided_at_s or 0.0)} ({numbers})"


def _taken_back(name: str, told: Grade, unfit: str) -> str:
    return f"{name}: no longer {told} but {Grade.UNDECIDED} ({unfit})"


def _how_far(moment: Moment) -> str:
    time = f"{moment.stage}: {show_duration(moment.done_s)} of at most {show_duration(moment.of_s)}"
    if not moment.findings:
        return time
    decided = sum(finding.grade is not Grade.UNDECIDED for finding in moment.findings)
    return f"{time}, {decided} of {len(moment.findings)} objectives decided"


def _traffic(moment: Moment) -> str:
    """The load's last seconds in one line: its pace, errors, and the step that is slowest."""
    requests, failed = sum(line.requests for line in moment.steps), sum(line.failed for line in moment.steps)
    parts = [pace_text(moment.pacing, moment.overdue)] if moment.pacing else []
    parts += [f"{show_ratio(failed / requests)} errors"] if requests else []
    timed = [line for line in moment.steps if line.quantiles_s]
    if timed:
        slowest = max(timed, key=lambda line: line.quantiles_s or ())
        p50, p95, p99 = map(show_duration, slowest.quantiles_s or ())
        parts.append(f"p50 {p50}, p95 {p95}, p99 {p99} of '{slowest.step}', the slowest")
    return ", ".join(parts)


def pace_text(pacing: Pacing, overdue: int = 0) -> str:
    """The generator's last second: plays planned and started, in flight and dropped, its share of a core."""
    dropped = f", {pacing.dropped} dropped" if pacing.dropped else ""
    return (
        f"{pacing.started} of {pacing.planned} plays/s, {pacing.in_flight} in flight{overdue_text(overdue)}"
        f"{dropped}, generator at {pacing.cpu_ratio:.0%} of a core"
    )


class LiveProgress:
    """The stage's bar with the pace and the objectives below it, redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def say(self, text: str) -> None:
        """A line that stays, above the display."""
        self._live.console.print(Text(text))

    def show(self, moment: Moment) -> None:
        """Redraw."""
        self._live.update(Group(_bar(moment), *_pace(moment), *_steps(moment), *findings_table(moment.findings)))

    def close(self, verdict: Verdict) -> None:
        """Nothing: what was drawn is gone, and the verdict is what stays."""


def _bar(moment: Moment) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(Text(moment.stage, style="bold"), _progress_bar(moment), Text(_elapsed(moment), style="dim"))
    return row


def _progress_bar(moment: Moment) -> ProgressBar:
    if not moment.of_s:
        return ProgressBar(width=40, pulse=True)
    return ProgressBar(total=moment.of_s, completed=min(moment.done_s, moment.of_s), width=40)


def _elapsed(moment: Moment) -> str:
    return f"{show_duration(moment.done_s)} / {show_duration(moment.of_s)}" if moment.of_s > 10 else ""


def _pace(moment: Moment) -> Iterator[Text]:
    if moment.pacing:
        yield Text(f"  {pace_text(moment.pacing, moment.overdue)}", style="dim")
    if moment.unfit:
        yield Text(f"  {moment.unfit}", style="yellow")


def _steps(moment: Moment) -> Iterator[Padding]:
    """The last seconds of each step: rates, quantiles and errors."""
    if moment.steps:
        yield Padding(steps_table(moment.steps), (0, 0, 0, 2))
