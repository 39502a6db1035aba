"""`seatrial runs list`, `prune` and `baseline`: what is kept of earlier runs, and under which names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seatrial import quantity
from seatrial.assess.baselines import baseline_names, find_named, forget_baseline, name_baseline
from seatrial.assess.runs import RunLine, prune, remove, run_lines
from seatrial.cli.console import as_json, say, say_healed, tell, workspace, write_file
from seatrial.clock import SystemClock, iso
from seatrial.errors import CannotRun, ExitCode, UsageError
from seatrial.journal import NO_RUN
from seatrial.slo.gate import read_gates

_HEADS = ("RUN", "STARTED", "REALM", "PROFILE", "VERDICT", "REVISION", "BASELINE", "COMMAND")


def run_list(json_file: str | None = None) -> ExitCode:
    """One line a run, the newest last."""
    here = workspace()
    say_healed(here)
    lines = run_lines(here)
    if not lines:
        say(NO_RUN)
    elif json_file != "-":
        for text in _table([_HEADS, *map(_cells, lines)]):
            tell(text)
    if json_file:
        write_file(json_file, as_json({"version": 1, "runs": [_as_json(line) for line in lines]}))
    return ExitCode.MET


def run_prune(*, keep: int | None, older_than: str | None, dry: bool) -> ExitCode:
    """Remove old runs and say which; with `dry`, only say. What cannot be removed is told, and keeps no other."""
    if keep is None and older_than is None:
        raise UsageError("which runs may go? give --keep N, --older-than 30d, or both")
    here, older_than_s = workspace(), _age_s(older_than)
    gates = {name: gate.versus for name, gate in read_gates(here / "slo").items()}
    pruning = prune(run_lines(here), gates, now=SystemClock().now(), keep=keep, older_than_s=older_than_s)
    for line, reason in pruning.staying:
        say(f"kept {line.name}: {reason}")
    done = [_told_to_go(line) if dry else _gone(line) for line in pruning.going]
    if not pruning.going:
        say("nothing to remove")
    return ExitCode.MET if all(done) else ExitCode.COULD_NOT_RUN


def _told_to_go(line: RunLine) -> bool:
    tell(f"would remove {line.name}")
    return True


def _gone(line: RunLine) -> bool:
    try:
        remove(line)
    except CannotRun as error:
        say(f"error: {error}")
        return False
    tell(f"removed {line.name}")
    return True


def run_baseline(name: str, run: str | None, *, forget: bool) -> ExitCode:
    """Name a run, or take its name away."""
    here = workspace()
    if forget == (run is not None):
        raise UsageError("give the run to name, as `seatrial runs baseline NAME RUN`, or --remove and no run")
    if run is None:
        tell(f"'{name}' is no baseline any more; it was {forget_baseline(here, name)}")
        return ExitCode.MET
    chosen = find_named(here, run)
    before = name_baseline(here, name, chosen)
    was = f"; it was {before}" if before not in (None, baseline_names(here)[name]) else ""
    tell(f"baseline '{name}' is {chosen.name}{was}")
    return ExitCode.MET


def _age_s(older_than: str | None) -> float | None:
    try:
        return None if older_than is None else quantity.duration_s(older_than)
    except ValueError as error:
        raise UsageError(f"--older-than: {error}") from None


def _cells(line: RunLine) -> Sequence[str]:
    started = "" if line.started_at is None else iso(line.started_at)[:19] + "Z"
    names = ", ".join(line.baselines)
    return (line.name, started, line.realm, line.profile, line.verdict, _revision(line), names, line.command)


def _revision(line: RunLine) -> str:
    """What was deployed where somebody said so, else the commit of the workspace."""
    said = ", ".join(f"{service}={revision}" for service, revision in (line.revisions or {}).items())
    return said or line.revision


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Columns as wide as their longest cell; one that is empty in every run is left out."""
    filled = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in filled]
    for row in zip(*filled, strict=True):
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _as_json(line: RunLine) -> dict[str, Any]:
    return {
        "run": line.name,
        "folder": str(line.run.folder),
        "realm": line.realm,
        "started_at": line.started_at,
        "command": line.command,
        "gate": line.gate,
        "profile": line.profile,
        "verdict": line.verdict,
        "revisions": line.revisions or {},
        "git_revision": line.revision,
        "baselines": line.baselines,
        "compared_with": line.compared_with,
    }
