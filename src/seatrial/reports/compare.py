"""Two recorded runs compared, as JSON and as Markdown, and the words a terminal shows of them too.

Room reports. Takes a `Compared`; keys are stable. Pure; may import the floor and `slo`; must never decide anything.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial import quantity
from seatrial.reports.markdown import plain
from seatrial.slo.compared import Compared, Row
from seatrial.verdict import Grade, exit_code

HEADS = ("WHAT", "BASE", "NEW", "NEW / BASE", "")
_LOOKED_AT_FIRST = ("errors", "p95")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: `cells` stand under HEADS, the last is why it is undecided."""

    grade: Grade
    service: str
    route: str
    cells: tuple[str, ...]


def head_text(compared: Compared) -> str:
    """The grade, what it means here, how much was allowed and how sure it is."""
    if not compared.rows:
        return f"{compared.grade}, no data: no service was asked by both under load"
    allowed = f", with {quantity.show_change(compared.change_ratio)} allowed" if compared.change_ratio else ""
    count = quantity.counted(len(compared.rows), "comparison")
    return f"{compared.grade}, {_meaning(compared)}{allowed} (alpha {compared.alpha:g} over {count})"


def lines_of(compared: Compared, *, every: bool) -> tuple[Line, ...]:
    """What a table shows: every row, or those that made the grade; of a MET one what is looked at first.

    Where not every row is shown, those of a service that are undecided because of the same are one line.
    """
    if every:
        return tuple(map(_line, compared.rows))
    folds: dict[tuple[str, str, object], list[Row]] = {}
    for row in _telling(compared):
        folds.setdefault((row.found.service, row.route, _why(row) or row.found.asked), []).append(row)
    return tuple(map(_folded, folds.values()))


def rest_text(compared: Compared) -> str:
    """What `lines_of` leaves out, in numbers; empty where that is nothing."""
    shown = set(map(id, _telling(compared)))
    left = [row for row in compared.rows if id(row) not in shown]
    if not left:
        return ""
    counts = collections.Counter((_grade(row), bool(row.route)) for row in left)
    told = (
        f"{counts[grade, of_route]} {grade}{' of single routes' if of_route else ''}"
        for of_route in (False, True)
        for grade in (Grade.MISSED, Grade.UNDECIDED, Grade.MET)
        if counts[grade, of_route]
    )
    return f"not shown: {', '.join(told)}; --all shows them"


def _meaning(compared: Compared) -> str:
    graded = sum(_grade(row) is compared.grade for row in compared.rows)
    if compared.grade is Grade.MISSED:
        return f"worse in {graded} of {len(compared.rows)}"
    if compared.grade is Grade.MET:
        return "nothing is worse"
    return "the load generator was unfit" if compared.unfit else "not sure that nothing is worse"


def _telling(compared: Compared) -> list[Row]:
    """The rows that made the grade, in their order."""
    whole = [row for row in compared.rows if not row.route]
    if compared.grade is Grade.MET:
        return [row for row in whole if row.found.asked.name in _LOOKED_AT_FIRST]
    if compared.grade is Grade.UNDECIDED:
        return [row for row in whole if _grade(row) is Grade.UNDECIDED]
    worse = {(row.found.service, row.found.asked.name) for row in whole if _grade(row) is Grade.MISSED}
    return [
        row
        for row in compared.rows
        if _grade(row) is Grade.MISSED and (not row.route or (row.found.service, row.found.asked.name) not in worse)
    ]


def _grade(row: Row) -> Grade:
    return row.found.comparison.state.grade


def _why(row: Row) -> str:
    return row.found.lacks


def _line(row: Row) -> Line:
    found = row.found
    cells = (found.asked.name, found.base_text, found.new_text, found.effect_text, _why(row))
    return Line(_grade(row), found.service, row.route, cells)


def _folded(rows: Sequence[Row]) -> Line:
    """A row's line; of several, which are undecided because of the same, which ones and why."""
    line = _line(rows[0])
    if len(rows) == 1:
        return line
    names = ", ".join(row.found.asked.name for row in rows)
    return dataclasses.replace(line, cells=(names, "", "", "", _why(rows[0])))


def compare_markdown(compared: Compared, *, every: bool) -> str:
    """A table for a CI job, with what else differs below it."""
    return "\n".join(_lines(compared, every=every)) + "\n"


def _lines(compared: Compared, *, every: bool) -> Iterator[str]:
    yield f"## {plain(compared.new.name)} against {plain(compared.base.name)}: {plain(head_text(compared))}"
    lines = lines_of(compared, every=every)
    if lines:
        yield ""
        yield "| | Service | Route | | Base | New | New / base | |"
        yield "|---|---|---|---|---|---|---|---|"
    for line in lines:
        yield "| " + " | ".join(map(plain, (line.grade, line.service, line.route, *line.cells))) + " |"
    rest = "" if every else rest_text(compared)
    for note in filter(None, (rest, compared.unfit, *compared.notes)):
        yield ""
        yield f"{plain(note)}."


def compare_json(compared: Compared) -> dict[str, Any]:
    """The comparison as plain values, every number of it."""
    return {
        "version": 1,
        "base": {"run": compared.base.name, "realm": compared.base.realm},
        "new": {"run": compared.new.name, "realm": compared.new.realm},
        "grade": str(compared.grade),
        "exit_code": int(exit_code(compared.grade)),
        "at_most": compared.change_ratio,
        "alpha": compared.alpha,
        "unfit": compared.unfit,
        "notes": list(compared.notes),
        "comparisons": [_row_json(row) for row in compared.rows],
    }


def _row_json(row: Row) -> dict[str, Any]:
    """`effect`, `low` and `high` are ratios of new to base, for the body a probability; null: none, or no bound."""
    comparison = row.found.comparison
    return {
        "service": row.found.service,
        "route": row.route,
        "what": row.found.asked.name,
        "grade": str(comparison.state.grade),
        "base": row.found.base_text,
        "new": row.found.new_text,
        "effect": comparison.effect,
        "low": comparison.interval.low,
        "high": comparison.interval.high,
        "n_base": comparison.n_base,
        "n_new": comparison.n_new,
        "base_design_effect": comparison.base_design_effect,
        "new_design_effect": comparison.new_design_effect,
        "wanted_n": comparison.wanted_n,
        "reason": comparison.reason,
    }
