"""`seatrial compare BASE NEW`: two recorded runs side by side, with how sure each difference is."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial import quantity
from seatrial.assess.baselines import find_named
from seatrial.assess.compare import Compared, Row, compare_counted
from seatrial.assess.versus import has_canary, read_counted
from seatrial.cli.console import as_json, say, tell, workspace, write_file
from seatrial.cli.load_screen import STYLES
from seatrial.errors import ExitCode, UsageError
from seatrial.journal import Run, is_going_on
from seatrial.reports.markdown import plain
from seatrial.sample import BASE, CANARY
from seatrial.slo.comparable import other_realm
from seatrial.slo.counted import Counted
from seatrial.slo.decide import ALPHA, Call
from seatrial.verdict import Grade, exit_code

_WORDS = {Call.MET: "no worse", Call.MISSED: "WORSE", Call.UNDECIDED: "undecided"}
_WHOLE = {Grade.MET: "no worse", Grade.MISSED: "worse", Grade.UNDECIDED: "undecided"}
_HEADS = ("WHAT", "BASE", "NEW", "NEW / BASE", "")


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The words of `seatrial compare`."""

    base: str
    new: str
    at_most: str = "0%"
    across_realms: bool = False
    json_file: str | None = None
    markdown_file: str | None = None


def run_compare(options: CompareOptions) -> ExitCode:
    """Compare and tell; MET where the new run is no worse, MISSED where it is, UNDECIDED where nobody can say."""
    chosen = [_choose(word) for word in (options.base, options.new)]
    if chosen[0] == chosen[1]:
        raise UsageError(f"'{options.base}' and '{options.new}' are the same run; no run is worse than itself")
    base, new = (_read(*one) for one in chosen)
    realms = other_realm(base, new)
    if realms and not options.across_realms:
        raise UsageError(f"{realms}; --across-realms compares them all the same")
    compared = compare_counted(base, new, change_ratio=_change_ratio(options.at_most), alpha=ALPHA)
    for note in filter(None, (realms, *compared.notes)):
        say(f"note: {note}")
    if "-" not in (options.json_file, options.markdown_file):
        _tell(compared)
    if options.json_file:
        write_file(options.json_file, as_json(_as_json(compared)))
    if options.markdown_file:
        write_file(options.markdown_file, ("\n".join(_markdown(compared)) + "\n").encode())
    return exit_code(compared.grade)


def _choose(word: str) -> tuple[Run, str]:
    """The run of that name; of one with a canary, `RUN:base` and `RUN:canary` are its sides."""
    name, colon, side = word.rpartition(":")
    if side not in (BASE, CANARY) or not colon:
        name, side = word, ""
    return Run(find_named(workspace(), name).folder.resolve()), side


def _read(run: Run, side: str) -> Counted:
    if is_going_on(run):
        raise UsageError(f"run '{run.name}' still goes on; compare it when it is over")
    if has_canary(run) == (not side):
        raise UsageError(_sides_hint(run.name, side))
    counted = read_counted(run, f"{run.name}:{side}" if side else run.name)
    return dataclasses.replace(counted, side=side or None)


def _sides_hint(name: str, side: str) -> str:
    if side:
        return f"run '{name}' had no canary, so it has no side '{side}'; leave the side out"
    return f"run '{name}' was split with a canary; say which side, as {name}:{BASE} or {name}:{CANARY}"


def _change_ratio(at_most: str) -> float:
    try:
        ratio = quantity.change(at_most)
    except ValueError as error:
        raise UsageError(f"--at-most: {error}") from None
    if not 0.0 <= ratio < 1.0:
        raise UsageError(f"--at-most: '{at_most}' is not how much worse it may be; write +10%, and less than +100%")
    return ratio


def _tell(compared: Compared) -> None:
    grade = compared.grade
    tell(f"{compared.new.name} against {compared.base.name}: {_whole(compared)}", style=STYLES[grade])
    cells = [_HEADS, *(_cells(row) for row in compared.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if compared.rows:
        tell(f"    {_line(_HEADS, widths)}")
    for (service, route), rows in itertools.groupby(compared.rows, key=lambda row: (row.found.service, row.route)):
        tell(f"  {service} {route}".rstrip())
        for row in rows:
            tell(f"    {_line(_cells(row), widths)}", style=STYLES[row.found.comparison.state.grade])
            if row.found.comparison.state is Call.UNDECIDED and not row.route:
                tell(f"      {row.found.comparison.reason}")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _whole(compared: Compared) -> str:
    """The whole in a word or two, with what was allowed and how sure it is."""
    if not compared.rows:
        return "undecided, no data: no service was asked by both under load"
    allowed = f", with {quantity.show_change(compared.change_ratio)} allowed" if compared.change_ratio else ""
    return f"{_WHOLE[compared.grade]}{allowed} (alpha {compared.alpha:g} over {len(compared.rows)} comparisons)"


def _cells(row: Row) -> Sequence[str]:
    found = row.found
    return (found.asked.name, found.base_text, found.new_text, found.effect_text, _WORDS[found.comparison.state])


def _markdown(compared: Compared) -> Iterator[str]:
    yield f"## {plain(compared.new.name)} against {plain(compared.base.name)}: {plain(_whole(compared))}"
    yield ""
    yield "| Service | Route | | Base | New | New / base | |"
    yield "|---|---|---|---|---|---|---|"
    for row in compared.rows:
        yield "| " + " | ".join(map(plain, (row.found.service, row.route, *_cells(row)))) + " |"
    for note in compared.notes:
        yield ""
        yield f"{plain(note)}."


def _as_json(compared: Compared) -> dict[str, Any]:
    return {
        "version": 1,
        "base": {"run": compared.base.name, "realm": compared.base.realm},
        "new": {"run": compared.new.name, "realm": compared.new.realm},
        "grade": str(compared.grade),
        "exit_code": int(exit_code(compared.grade)),
        "at_most": compared.change_ratio,
        "alpha": compared.alpha,
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
