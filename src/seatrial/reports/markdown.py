"""Lays a page out as a short Markdown summary, for a CI job: the verdict and what stands against it.

Room reports. Pure; may import the floor and `page`. Whoever wants to see more opens the HTML report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from seatrial.quantity import counted, show_duration
from seatrial.reports.page import Journey, Page, with_texts
from seatrial.reports.printable import printable
from seatrial.verdict import Finding, Grade

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_SIGNS = {Grade.MET: "✅", Grade.DEGRADED: "🟡", Grade.UNDECIDED: "❔", Grade.MISSED: "❌"}
_LINES_MAX = 40  # of one failure's text: a summary is no place for a whole body


def markdown(page: Page, *, redact: Callable[[str], str]) -> str:
    """Verdict, a table of the findings, and the failed journeys' texts.

    The table has what stands against the verdict first, then of the rest whatever has a number, without its reason.
    """
    shown = with_texts(page, lambda text: printable(redact(text)))
    failed = [journey for journey in shown.journeys if journey.failed]
    parts = [_head(shown), _table([*map(_row, shown.against), *map(_row, _others(shown))]), *map(_journey, failed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(page: Page) -> str:
    verdict, facts = page.verdict, page.facts
    score = "" if verdict.score is None else f", score {verdict.score:.4g} of 100"
    score = "" if f"score {verdict.score or 0:.3g} of 100" in verdict.reason else score  # said once
    took = "" if facts.ended_at is None else f", took {show_duration(facts.ended_at - facts.started_at)}"
    about = f"{counted(len(verdict.findings), 'finding')} on realm {plain(facts.realm)}, run {plain(facts.run)}{took}"
    return f"## {_SIGNS[verdict.grade]} {verdict.grade}{score}\n\n{plain(verdict.reason)}\n\n{about}."


def _others(page: Page) -> Iterator[Finding]:
    """What stands against nothing and has something to show: a number, or why it does not count."""
    for finding in page.verdict.findings:
        if not finding.is_against and (not finding.counts or finding.n):
            yield finding


def _table(rows: Iterable[str]) -> str:
    listed = tuple(rows)
    head = ("| Grade | Finding | Limit | Measured | Reason |", "|---|---|---|---|---|")
    return "\n".join((*head, *listed)) if listed else ""


def _row(finding: Finding) -> str:
    sign = _SIGNS[finding.grade] if finding.counts else "·"
    reason = "" if finding.counts and finding.grade is Grade.MET else finding.reason
    cells = (finding.shown_as, finding.name, finding.limit_text, finding.measured_text, reason)
    return f"| {sign} {' | '.join(map(plain, cells))} |"


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
