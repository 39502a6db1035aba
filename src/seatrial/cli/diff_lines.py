"""A comparison as lines for a terminal: the judgement, then the fields by step, then what was left out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

from seatrial.cli.verdict_text import Line, text_width
from seatrial.quantity import counted
from seatrial.reports.diff.page import CAPTION, DiffPage
from seatrial.slo.diff.judge import Field, Standing
from seatrial.verdict import Grade

MAX_FIELDS = 50
MAX_TEXTS = 20
MAX_VALUE = 90
_GRADES = {Standing.DIFFERENCE: Grade.MISSED, Standing.SUSPECTED: Grade.UNDECIDED}


def diff_lines(page: DiffPage) -> Iterator[Line]:
    """The judgement first; of noise only how many fields it is."""
    judged = page.judged
    yield Line(f"diff: {judged.grade} ({page.title})", judged.grade)
    yield from _wrapped(judged.reason, "  ")
    for standing in (Standing.DIFFERENCE, Standing.SUSPECTED):
        yield from _standing(standing, judged.of(standing))
    if noise := judged.of(Standing.NOISE):
        yield Line(f"  noise taken off: {counted(len(noise), 'field')}")
    if judged.beyond:
        yield Line(f"  too many fields differed to keep them all: {judged.beyond} sightings are not in here")
    yield from _wrapped(page.sureness, "  ")
    for caption, texts in (("sent", page.mapped), ("left out", page.left_out), ("note", page.notes)):
        yield from _texts(caption, texts)


def _standing(standing: Standing, fields: tuple[Field, ...]) -> Iterator[Line]:
    if not fields:
        return
    yield Line(f"  {CAPTION[standing]}")
    shown = sorted(fields[:MAX_FIELDS], key=lambda field: field.spot)
    for spot, group in groupby(shown, key=lambda field: field.spot):
        yield Line(f"    {spot.journey} > {spot.step}")
        for field in group:
            yield from _field(field)
    if len(fields) > MAX_FIELDS:
        yield Line(f"    ... and {len(fields) - MAX_FIELDS} more; --json has them all")


def _field(field: Field) -> Iterator[Line]:
    counts = f"in {field.raw} of {counted(field.n, 'comparison')}, by itself in {field.noise}"
    chance = f"p {field.p:.2g}"
    yield Line(f"      {field.path}  {field.kind}  {counts} ({chance})", _GRADES.get(field.standing))
    for example in field.examples:
        yield Line(f"        {_cut(example.primary)} -> {_cut(example.candidate)}")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."


def _texts(caption: str, texts: tuple[str, ...]) -> Iterator[Line]:
    for text in texts[:MAX_TEXTS]:
        yield from _wrapped(f"{caption}: {text}", "  ")
    if len(texts) > MAX_TEXTS:
        yield Line(f"  ... and {len(texts) - MAX_TEXTS} more")


def _wrapped(text: str, indent: str) -> Iterable[Line]:
    return map(Line, textwrap.wrap(text, text_width(), initial_indent=indent, subsequent_indent=f"{indent}  "))
