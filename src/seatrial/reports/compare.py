"""Two recorded runs compared, as JSON and as Markdown, and the words a terminal shows of them too.

Room reports. Takes a `Compared`; keys are stable. Pure; may import the floor and `slo`; must never decide anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import quantity
from seatrial.reports.markdown import plain
from seatrial.slo.compared import Compared, Row
from seatrial.slo.decide import Call
from seatrial.verdict import Grade, exit_code

HEADS = ("WHAT", "BASE", "NEW", "NEW / BASE", "")
_WORDS = {Call.MET: "no worse", Call.MISSED: "WORSE", Call.UNDECIDED: "undecided"}
_WHOLE = {Grade.MET: "no worse", Grade.MISSED: "worse", Grade.UNDECIDED: "undecided"}


def whole_text(compared: Compared) -> str:
    """The whole in a word or two, with what was allowed and how sure it is."""
    if not compared.rows:
        return "undecided, no data: no service was asked by both under load"
    allowed = f", with {quantity.show_change(compared.change_ratio)} allowed" if compared.change_ratio else ""
    why = f", {compared.unfit}" if compared.unfit else ""
    return f"{_WHOLE[compared.grade]}{why}{allowed} (alpha {compared.alpha:g} over {len(compared.rows)} comparisons)"


def cells_of(row: Row) -> tuple[str, ...]:
    """What a table shows of a row, under HEADS."""
    found = row.found
    return (found.asked.name, found.base_text, found.new_text, found.effect_text, _WORDS[found.comparison.state])


def compare_markdown(compared: Compared) -> str:
    """A table for a CI job, with what else differs below it."""
    return "\n".join(_lines(compared)) + "\n"


def _lines(compared: Compared) -> Iterator[str]:
    yield f"## {plain(compared.new.name)} against {plain(compared.base.name)}: {plain(whole_text(compared))}"
    yield ""
    yield "| Service | Route | | Base | New | New / base | |"
    yield "|---|---|---|---|---|---|---|"
    for row in compared.rows:
        yield "| " + " | ".join(map(plain, (row.found.service, row.route, *cells_of(row)))) + " |"
    for note in compared.notes:
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
