"""What an audit came to as lines for a terminal: findings, the matrix, the score, what is left open."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from seatrial.chaos.audit import causes
from seatrial.chaos.audit.battery import BY_NAME, UNCALLED
from seatrial.chaos.audit.families import UNTRIABLE
from seatrial.chaos.audit.model import Cause, Kind, Ruling, Sign
from seatrial.cli.verdict_text import text_width
from seatrial.quantity import counted
from seatrial.service import Edge

_SHORT = {"ok": "ok", Sign.NOT_JUDGED.value: "?", causes.NOT_TRIED: "-"}
_WITHIN = "\u00a0"  # a space where no line ends
_LEGEND = (
    "ok: nothing found; ?: not judged; -: not tried",
    "numbers are those of defects: docs/resilience-defects.md tells of each",
)


def audit_lines(rulings: Sequence[Ruling], edges: Iterable[Edge], *, cut_short: str = "") -> Iterator[str]:
    """Findings, the matrix, the score, what was not judged and what was not tried; none wider than the terminal, but
    for words that are. `cut_short` says how far an audit came that was interrupted or killed."""
    found = causes.causes(rulings)
    for number, cause in enumerate(found, start=1):
        yield from _cause_lines(number, cause)
    scored = causes.score(rulings)
    undecided = cut_short or ("nothing could be judged" if scored is None else "")
    if undecided:
        yield from _wrapped("" if found else "undecided: ", undecided)
    elif not found:
        yield "no finding"
    yield ""
    yield from _matrix_lines(causes.matrix(rulings, edges))
    yield ""
    yield from _wrapped("", _score_line(rulings, scored, is_cut=bool(cut_short)), hanging="  ")
    yield from _unjudged_lines(rulings)
    yield from _listed(
        "defects not tried: ", (f"{number} {name}" for number, name in causes.untried(rulings).items())
    )
    asked = {ruling.strain.kind for ruling in rulings}
    yield from _listed("faults not tried unless --only names them: ", (kind for kind in BY_NAME if kind not in asked))
    for number, why in UNTRIABLE.items():
        yield from _wrapped("no audit tries ", f"{number}: {why}", hanging="  ")
    if not undecided:
        yield ""
        yield from _wrapped("", _closing(rulings, len(found)), hanging="  ")


def _score_line(rulings: Iterable[Ruling], scored: float | None, *, is_cut: bool) -> str:
    if scored is None:
        return "score: none, nothing could be judged"
    if is_cut:
        return "score: none, not every strain was played"
    signs = [ruling.reading.sign for ruling in rulings]
    judged = len(signs) - signs.count(Sign.NOT_JUDGED)
    return (
        f"score: {scored:.0f} of 100; {signs.count(Sign.FOUND)} of {counted(judged, 'ruling')} found something, "
        "the graver weighs more"
    )


def _closing(rulings: Sequence[Ruling], findings: int) -> str:
    """What it came to of how much, last, where a reader's eye is."""
    every = {ruling.strain.name for ruling in rulings}
    judged = [ruling.strain for ruling in rulings if ruling.reading.sign is not Sign.NOT_JUDGED]
    names, edges = {strain.name for strain in judged}, {strain.edge for strain in judged}
    rest = len(every) - len(names)
    found = counted(findings, "finding") if findings else "no finding"
    left = f"; {counted(rest, 'strain')} could not be judged" if rest else ""
    return f"{found} in {counted(len(names), 'strain')} on {counted(len(edges), 'edge')}{left}"


def _cause_lines(number: int, cause: Cause) -> Iterator[str]:
    family = cause.family
    edges = ", ".join(map(str, cause.edges))
    yield from _wrapped(f"{number}. ", f"{cause.caller}: {family.title}")
    yield from _wrapped("   ", f"defect {family.number_text} on {edges}, severity {family.severity.word}")
    for item in cause.rulings:
        yield from _wrapped("   seen: ", f"{item.strain.kind} on {item.strain.edge}: {item.reading.text}")
    yield from _wrapped("   mend: ", family.advice)
    for item in cause.consequences:
        told = f"{item.family.number_text} by {item.strain.kind} on {item.strain.edge}: {item.reading.text}"
        yield from _wrapped("   because of it, ", told)


def _matrix_lines(grid: Mapping[Edge, Mapping[Kind, str]]) -> Iterator[str]:
    """A column for each fault that an edge was tried with; as many below each other as the terminal is wide."""
    kinds = [kind for kind in Kind if any(row[kind] != causes.NOT_TRIED for row in grid.values())]
    names = ["edge", *map(str, grid)]
    columns = [[kind, *(_SHORT.get(row[kind], row[kind]) for row in grid.values())] for kind in kinds]
    for block in _blocks(columns, text_width() - max(map(len, names))):
        shown = [names, *block]
        widths = [max(map(len, column)) for column in shown]
        for row in zip(*shown, strict=True):
            yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        yield ""
    yield from _LEGEND


def _blocks(columns: Iterable[list[str]], room: int) -> Iterator[list[list[str]]]:
    """As many columns together as there is room for, at least one."""
    block: list[list[str]] = []
    left = room
    for column in columns:
        needed = 2 + max(map(len, column))
        if block and needed > left:
            yield block
            block, left = [], room
        block.append(column)
        left -= needed
    if block:
        yield block


def _unjudged_lines(rulings: Sequence[Ruling]) -> Iterator[str]:
    """Each reason once, with what it left open; the families of one fault on one edge together."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for item in causes.unjudged(rulings):
        why = item.reading.text
        place = str(item.strain.edge) if why == UNCALLED else f"{item.strain.kind} on {item.strain.edge}"
        numbers = reasons.setdefault(why, {}).setdefault(place, [])
        numbers += [] if why == UNCALLED else [item.family.number_text]
    for reason, places in reasons.items():
        yield from _wrapped("not judged: ", f"{reason}:", hanging="  ")
        told = (f"{place} ({', '.join(numbers)})" if numbers else place for place, numbers in places.items())
        yield from _listed("  ", told)


def _listed(caption: str, items: Iterable[str]) -> Iterator[str]:
    """The items behind a caption, each on one line; nothing without any."""
    if text := ", ".join(item.replace(" ", _WITHIN) for item in items):
        yield from (line.replace(_WITHIN, " ") for line in _wrapped(caption, text, hanging="  "))


def _wrapped(caption: str, text: str, *, hanging: str | None = None) -> Iterator[str]:
    """Lines no wider than the terminal; those after the first stand below the text, or as far in as `hanging`."""
    indent = " " * len(caption) if hanging is None else hanging
    yield from textwrap.wrap(
        text,
        text_width(),
        initial_indent=caption,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
