"""`seatrial compare BASE NEW`: two recorded runs side by side, with how sure each difference is."""

from __future__ import annotations

import dataclasses
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial import quantity
from seatrial.assess.baselines import find_named
from seatrial.assess.versus import has_canary, read_counted, was_cut_short
from seatrial.cli.console import as_json, require_targets, say, tell, workspace, write_results
from seatrial.cli.load_screen import STYLES
from seatrial.cli.verdict_text import text_width
from seatrial.errors import ExitCode, UsageError
from seatrial.journal import Run, is_going_on
from seatrial.reports.compare import HEADS, Line, compare_json, compare_markdown, head_text, lines_of, rest_text
from seatrial.sample import BASE, CANARY
from seatrial.slo.comparable import other_realm
from seatrial.slo.compared import Compared, compare_counted
from seatrial.slo.counted import Counted
from seatrial.slo.decide import ALPHA
from seatrial.slo.read import read_services
from seatrial.verdict import exit_code


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """The words of `seatrial compare`."""

    base: str
    new: str
    at_most: str = "0%"
    across_realms: bool = False
    json_file: str | None = None
    markdown_file: str | None = None
    every: bool = False


def run_compare(options: CompareOptions) -> ExitCode:
    """Compare and tell; MET where the new run is no worse, MISSED where it is, UNDECIDED where nobody can say."""
    require_targets(options.json_file, options.markdown_file)
    chosen = [_choose(word) for word in (options.base, options.new)]
    if chosen[0] == chosen[1]:
        raise UsageError(f"'{options.base}' and '{options.new}' are the same run; no run is worse than itself")
    base, new = (_read(*one) for one in chosen)
    realms = other_realm(base, new)
    if realms and not options.across_realms:
        raise UsageError(f"{realms}; --across-realms compares them all the same")
    ratio = _change_ratio(options.at_most)
    compared = compare_counted(base, new, read_services(workspace() / "slo"), change_ratio=ratio, alpha=ALPHA)
    cut = _cut_short([run for run, _ in chosen])
    compared = dataclasses.replace(compared, notes=(*filter(None, (realms,)), *compared.notes, *cut))
    for note in compared.notes:
        say(f"note: {note}")
    if "-" not in (options.json_file, options.markdown_file):
        _tell(compared, every=options.every)
    makers = (
        (options.json_file, lambda: as_json(compare_json(compared))),
        (options.markdown_file, lambda: compare_markdown(compared, every=options.every).encode()),
    )
    return write_results(makers, exit_code(compared.grade))


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


def _cut_short(runs: Sequence[Run]) -> Iterator[str]:
    for run in dict.fromkeys(runs):
        if was_cut_short(run):
            yield f"{run.name} was cut short: it is compared by what it had recorded"


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


def _tell(compared: Compared, *, every: bool) -> None:
    tell(f"{compared.new.name} against {compared.base.name}: {head_text(compared)}", style=STYLES[compared.grade])
    for text in textwrap.wrap(compared.unfit, text_width(), initial_indent="  ", subsequent_indent="  "):
        tell(text)
    lines = lines_of(compared, every=every)
    table = [line for line in lines if not _is_folded(line)]
    widths = [max(map(len, column)) for column in zip(HEADS, *(line.cells for line in table), strict=True)]
    if table:
        tell(_text("", HEADS, widths))
    for (service, route), of in itertools.groupby(lines, key=lambda line: (line.service, line.route)):
        tell(f"  {service} {route}".rstrip())
        for line in of:
            cells = _folded(line) if _is_folded(line) else line.cells
            tell(_text(line.grade, cells, widths), style=STYLES[line.grade])
    if not every and (rest := rest_text(compared)):
        tell(f"  {rest}")


def _is_folded(line: Line) -> bool:
    return not any(line.cells[1:-1])


def _folded(line: Line) -> Sequence[str]:
    return (f"{line.cells[0]}: {line.cells[-1]}",)


def _text(grade: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False))
    return f"    {grade:<9}  {shown}".rstrip()
