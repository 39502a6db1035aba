"""A comparison as a short Markdown summary, for a CI job.

Room reports. Bounded, because places that show it are. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.quantity import show_duration
from seatrial.reports.diff.page import CAPTION, DiffPage
from seatrial.reports.markdown import plain
from seatrial.slo.diff.judge import Field, Standing
from seatrial.verdict import Grade

MAX_FIELDS = 100
_SIGNS = {Grade.MET: "✅", Grade.UNDECIDED: "❔", Grade.MISSED: "❌"}


def diff_markdown(page: DiffPage) -> str:
    """The judgement, a table of the fields of each standing, and what was left out."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: DiffPage) -> Iterator[str]:
    judged = page.judged
    yield f"## {_SIGNS[judged.grade]} {judged.grade}: {plain(page.title)}\n\n{plain(judged.reason)}\n"
    cut = "interrupted; " if page.interrupted else ""
    yield f"{cut}{plain(page.sureness)}; run {plain(page.run)}, took {show_duration(page.took_s)}."
    for standing in Standing:
        fields = judged.of(standing)
        if fields:
            yield from _table(standing, fields)
    for caption, texts in (("Left out", page.left_out), ("Sent", page.mapped), ("Notes", page.notes)):
        if texts:
            yield f"\n### {caption}\n"
            yield from (f"- {plain(text)}" for text in texts[:MAX_FIELDS])


def _table(standing: Standing, fields: tuple[Field, ...]) -> Iterator[str]:
    yield f"\n### {CAPTION[standing].capitalize()}\n"
    yield "| Step | Field | Kind | Candidate differs | Noise | Primary | Candidate |"
    yield "|---|---|---|--:|--:|---|---|"
    for one in fields[:MAX_FIELDS]:
        example = one.examples[0] if one.examples else None
        shown = (plain(example.primary), plain(example.candidate)) if example else ("", "")
        spot = f"{plain(one.spot.journey)} \\> {plain(one.spot.step)}"
        counts = f"{one.raw} of {one.n} | {one.noise} of {one.n}"
        yield f"| {spot} | {plain(one.path)} | {one.kind} | {counts} | {shown[0]} | {shown[1]} |"
    if len(fields) > MAX_FIELDS:
        yield f"\n{len(fields) - MAX_FIELDS} more are in diff.json."
