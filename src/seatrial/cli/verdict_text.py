"""A verdict as lines for a terminal: the whole, then one line a finding, those that are not MET with their reason."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from seatrial.quantity import show_duration
from seatrial.verdict import Finding, Grade, Verdict

WIDTH = 118


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """The verdict first, then the findings in the order they were judged."""
    score = f", score {verdict.score:.0f} of 100" if verdict.score is not None else ""
    yield f"verdict: {verdict.grade}{score}"
    yield from textwrap.wrap(verdict.reason, WIDTH, initial_indent="  ", subsequent_indent="  ")
    width = max((len(finding.name) for finding in verdict.findings), default=0)
    for finding in verdict.findings:
        yield from _lines(finding, min(width, 60))


def _lines(finding: Finding, width: int) -> Iterator[str]:
    yield f"  {finding.grade:<9} {finding.name:<{width}}  {_numbers(finding)}".rstrip()
    if finding.grade is not Grade.MET:
        yield from textwrap.wrap(
            finding.reason, WIDTH, initial_indent="            ", subsequent_indent="            "
        )


def _numbers(finding: Finding) -> str:
    """Limit, what was measured, n, D and when it was decided; nothing for what was not measured."""
    parts = [part for part in (finding.limit_text, finding.measured_text) if part and part != finding.objective]
    if finding.design_effect is not None and finding.n:
        parts.append(f"D {finding.design_effect:.3g}")
    if finding.decided_at_s is not None:
        parts.append(f"after {show_duration(finding.decided_at_s)}")
    return "; ".join(parts)
