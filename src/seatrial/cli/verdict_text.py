"""A verdict as lines for a terminal: the whole, then the findings by what they are about, those that are not MET with
their reason."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.quantity import show_duration
from seatrial.reports.build import group_findings
from seatrial.verdict import Finding, Grade, Verdict

WIDTH = 118
_LEAST_WIDTH = 60
_REASON_INDENT = " " * 16


def text_width() -> int:
    """How wide lines may be: as the terminal, and no wider than is read with ease; the latter without a terminal."""
    return max(_LEAST_WIDTH, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `grade` colours it where there is colour."""

    text: str
    grade: Grade | None = None


def verdict_lines(verdict: Verdict) -> Iterator[Line]:
    """The verdict first, then the findings group by group, in the order they were judged."""
    score = f" (objectives: {verdict.score:.0f} of 100 points)" if verdict.score is not None else ""
    yield Line(f"verdict: {verdict.grade}{score}", verdict.grade)
    for text in textwrap.wrap(verdict.reason, text_width(), initial_indent="  ", subsequent_indent="  "):
        yield Line(text)
    for group in group_findings(verdict.findings):
        yield Line(f"  {group.title}")
        width = max(len(_name(finding, group.title)) for finding in group.findings)
        for finding in group.findings:
            yield from _lines(finding, _name(finding, group.title), min(width, 56))


def _name(finding: Finding, title: str) -> str:
    """The finding's name without what its group's title says already."""
    if finding.experiment:
        return f"{finding.service}: {finding.objective}" if finding.service else finding.objective
    return finding.objective if finding.service in ("", title) else finding.name


def _lines(finding: Finding, name: str, width: int) -> Iterator[Line]:
    grade = finding.grade if finding.counts else None
    head, numbers = f"    {finding.shown_as:<11} {name:<{width}}", _numbers(finding)
    line = f"{head}  {numbers}".rstrip()
    if len(line) <= text_width():
        yield Line(line, grade)
    else:
        yield Line(head.rstrip(), grade)
        yield from (Line(text, grade) for text in _indented(numbers))
    if finding.grade is not Grade.MET:
        yield from map(Line, _indented(finding.reason))


def _indented(text: str) -> list[str]:
    """Below a finding's name."""
    return textwrap.wrap(text, text_width(), initial_indent=_REASON_INDENT, subsequent_indent=_REASON_INDENT)


def _numbers(finding: Finding) -> str:
    """Limit, what was measured, n, D and when it was decided; nothing for what was not measured."""
    said = (finding.limit_text, finding.measured_text)
    parts = [part for part in said if part and part not in (finding.objective, "every step passes")]
    if finding.design_effect is not None and finding.n:
        parts.append(f"D {finding.design_effect:.3g}")
    if finding.decided_at_s is not None and not finding.experiment:
        parts.append(f"after {show_duration(finding.decided_at_s)}")
    return "; ".join(parts)
