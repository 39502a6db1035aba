"""How a load looks on a terminal while it runs, and its summary in plain text at the end.

Takes a `Summary`, gives rich renderables and lines of text. Prints nothing itself; imported only by `load`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from seatrial.assess.standing import Standing, Stood
from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import LATE_STEPS_MS, OVERDUE_S, failed_text
from seatrial.scenarios.load.summary import Progress, StepLine, Summary
from seatrial.service import Service
from seatrial.verdict import Finding, Grade

STYLES = {Grade.MET: "green", Grade.DEGRADED: "yellow", Grade.UNDECIDED: "dim", Grade.MISSED: "bold red"}
HEADINGS = ("step", "requests", "per s", "p50", "p95", "p99", "errors", "why")
STEP_WIDTH = 24  # what 80 columns leave beside the numbers


def live_view(summary: Summary, objectives: Standing, title: str) -> Group:
    """The last seconds and below them each objective as it stands."""
    return Group(live_table(summary, title), *findings_table(objectives.findings))


def live_table(summary: Summary, title: str) -> Table:
    """The last seconds: the generator in the title, one line per step even where the terminal is narrow."""
    table = steps_table(summary.now())
    table.title, table.title_justify = f"{title}\n{progress_line(summary.pace())}", "left"
    return table


def steps_table(steps: Iterable[StepLine]) -> Table:
    """One line per step."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("step", "why") else "right", no_wrap=True)
    for line in steps:
        table.add_row(_short(line.step), *cells(line)[1:])
    return table


def findings_table(findings: Sequence[Finding]) -> Iterator[Table]:
    """One line per objective, none when there is none to judge."""
    if not findings:
        return
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        grade = Text(str(finding.grade), style=STYLES[finding.grade])
        table.add_row("", grade, finding.name, finding.limit_text, Text(finding.measured_text, style="dim"))
    yield table


def state_words(findings: Sequence[Finding]) -> Iterator[str]:
    """How many objectives are in which state, in a few words; nothing when there is none."""
    for grade in Grade:
        names = [finding.name for finding in findings if finding.grade is grade]
        if names:
            yield f"{grade} {', '.join(names)}" if grade is Grade.MISSED else f"{len(names)} {grade}"


def standing_lines(stood: Stood) -> Iterator[str]:
    """What a breakpoint search found, and the objectives as they stood at the end: `load` judges none of them."""
    if stood.found:
        yield stood.found
    if stood.findings:
        yield "objectives as they stood (assess judges them):"
    for finding in stood.findings:
        numbers = (finding.limit_text, finding.measured_text, _why(finding, stood))
        yield "  ".join(("", str(finding.grade), finding.name, *filter(None, numbers)))


def left_lines(services: Iterable[Service]) -> Iterator[str]:
    """The objectives that a load alone is not held against; nothing where there is none."""
    names = [
        f"{service.name}.{name}"
        for service in services
        for name in (*(one.name for one in service.comparisons), *(one.name for one in service.points))
    ]
    if names:
        yield f"left to assess: {', '.join(names)}"


def _why(finding: Finding, stood: Stood) -> str:
    """Why it is undecided; of a level of a search, on how little MET rests."""
    if finding.grade is Grade.UNDECIDED:
        return f"({finding.reason})"
    if finding.grade is Grade.MET and stood.search is not None:
        return f"(not contradicted, n = {finding.n:,})"
    return ""


def summary_text(summary: Summary) -> str:
    """All of it as plain columns, ending with the generator's line."""
    rows = [HEADINGS, *(cells(line) for line in summary.whole())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join((*lines, progress_line(summary.whole_pace())))


def progress_line(pace: Progress) -> str:
    """The generator in one line."""
    return (
        f"{pace.started_per_s:.1f} of {pace.planned_per_s:.1f} plays/s, "
        f"{pace.in_flight} in flight{overdue_text(pace.overdue)}, "
        f"{pace.dropped} dropped, {_lateness(pace.late_within_ms)}, cpu {show_ratio(pace.cpu_ratio)}"
        f" (worst second {show_ratio(pace.worst_cpu_ratio)})"
    )


def overdue_text(overdue: int) -> str:
    """How many requests hang, to follow how many plays are in flight; empty text without any."""
    return f" ({overdue} without an answer for more than {show_duration(OVERDUE_S)})" if overdue else ""


def _lateness(within_ms: int | None) -> str:
    if within_ms is None:
        return f"more than 1 % of starts over {show_duration(LATE_STEPS_MS[-1] / 1000)} late"
    return f"99 % of starts within {show_duration(within_ms / 1000)}"


def cells(line: StepLine) -> tuple[str, ...]:
    """One step's columns, as HEADINGS names them."""
    quantiles = tuple(map(show_duration, line.quantiles_s)) if line.quantiles_s else ("-", "-", "-")
    errors = show_ratio(line.failed / line.requests) if line.requests else "-"
    lost = [f"{line.unrendered} not rendered"] if line.unrendered else []
    why = ", ".join(filter(None, [failed_text(line.causes), *lost]))
    return (f"{line.scenario} > {line.step}", str(line.requests), f"{line.per_s:.1f}", *quantiles, errors, why)


def _short(name: str) -> str:
    """The journey's name is left out and a long step's cut, so that the numbers fit beside it."""
    return name if len(name) <= STEP_WIDTH else f"{name[: STEP_WIDTH - 1]}…"


def _aligned(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    first, *numbers, last = zip(row, widths, strict=True)
    yield first[0].ljust(first[1])
    yield from (text.rjust(width) for text, width in numbers)
    yield last[0].ljust(last[1])
