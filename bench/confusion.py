"""The confusion matrix of docs/audit.md, row by row: what audits of one case came to leaves all other rows alone.

Pure. Gives Markdown, and reads its own back; a table of fewer columns is read, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

UNDER, SCORE, AUDITS, TRIED, VERSION = LAST = ("because of it", "score", "audits", "tried", "version")
"""The columns after those of the families."""


@dataclass(frozen=True)
class Row:
    """What the audits of one case came to: by family, as `5/14/15`, its cell where that was found; then by the name
    of its column what else is told of them."""

    case: str
    found: Mapping[str, str]
    told: Mapping[str, str]


def merged(kept: Iterable[Row], made: Iterable[Row], order: Sequence[str]) -> tuple[Row, ...]:
    """The rows that were made, and of other cases those that were kept; in that order, without what it does not
    name."""
    rows = {row.case: row for row in (*kept, *made)}
    return tuple(rows[case] for case in order if case in rows)


def as_markdown(name: str, rows: Sequence[Row]) -> str:
    """A line for each; a column for each family that any of them has."""
    families = sorted({family for row in rows for family in row.found}, key=_numbers)
    lines = ([f"`{row.case}`", *_cells(row.found, families), *_cells(row.told, LAST)] for row in rows)
    head = [name, *families, *LAST]
    return "\n".join(map(_line, [head, ["---"] * len(head), *lines]))


def read(text: str) -> tuple[Row, ...]:
    """The rows of such a table; none of an empty text."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()]
    if not lines:
        return ()
    (_, *columns), _, *rows = lines
    return tuple(_row(case.strip("`"), dict(zip(columns, cells, strict=True))) for case, *cells in rows)


def _row(case: str, cells: Mapping[str, str]) -> Row:
    told = {name: cell for name, cell in cells.items() if name in LAST}
    return Row(case, {name: cell for name, cell in cells.items() if cell and name not in LAST}, told)


def _numbers(family: str) -> tuple[int, ...]:
    return tuple(map(int, family.split("/")))


def _cells(cells: Mapping[str, str], columns: Iterable[str]) -> list[str]:
    return [cells.get(column, "") for column in columns]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
