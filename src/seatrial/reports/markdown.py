"""Lays a page out as a short Markdown summary, for a CI job: the verdict and what stands against it.

Room reports. Pure; may import the floor and `page`. Whoever wants to see more opens the HTML report.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from seatrial.quantity import counted, show_duration
from seatrial.reports.page import Journey, Page, with_texts
from seatrial.reports.printable import printable
from seatrial.verdict import Finding, Grade

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_SIGNS = {Grade.MET: "✅", Grade.DEGRADED: "🟡", Grade.UNDECIDED: "❔", Grade.MISSED: "❌"}
_LINES_MAX = 40  # of one failure's text: a summary is no place for a whole body


def markdown(page: Page, *, redact: Callable[[str], str]) -> str:
    """Verdict, a table of the findings that are not MET, and the failed journeys' texts."""
    shown = with_texts(page, lambda text: printable(redact(text)))
    failed = [journey for journey in shown.journeys if journey.failed]
    parts = [_head(shown), _table(shown.against), *map(_journey, failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(page: Page) -> str:
    verdict, facts = page.verdict, page.facts
    score = "" if verdict.score is None else f", score {verdict.score:.4g} of 100"
    took = "" if facts.ended_at is None else f", took {show_duration(facts.ended_at - facts.started_at)}"
    about = f"{counted(len(verdict.findings), 'finding')} on realm {plain(facts.realm)}, run {plain(facts.run)}{took}"
    return f"## {_SIGNS[verdict.grade]} {verdict.grade}{score}\n\n{plain(verdict.reason)}\n\n{about}."


def _table(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    rows = (
        f"| {_SIGNS[one.grade] if one.counts else '·'} {plain(one.shown_as)} | {plain(one.name)} "
        f"| {plain(one.limit_text)} | {plain(one.measured_text)} | {plain(one.reason)} |"
        for one in findings
    )
    return "\n".join(("| Grade | Finding | Limit | Measured | Reason |", "|---|---|---|---|---|", *rows))


def _journey(journey: Journey) -> str:
    texts = [journey.text, *(step.text for step in journey.steps if step.failed)]
    blocks = [fenced(text) for text in texts if text]
    return "\n\n".join((f"### Journey: {plain(journey.name)}", *blocks))


def fenced(text: str) -> str:
    """A code block of the beginning of a text, whose fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = text.split("\n")
    rest = [f"... {len(lines) - _LINES_MAX} more lines, in the report"] if len(lines) > _LINES_MAX else []
    return "\n".join((f"{fence}text", *lines[:_LINES_MAX], *rest, fence))


def plain(text: str) -> str:
    """One line that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
