"""Names of runs: what `seatrial runs baseline NAME RUN` keeps, and what `versus:` and `compare` are given.

They live in one file beside the runs they name, `reports/out/baselines.json`, so that whoever keeps the runs from one
CI job to the next keeps their names with them. May import the floor; of what a run holds it reads `run.json` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial import journal
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean, unwritable
from seatrial.journal import OUT, Run

FILE = OUT / "baselines.json"
RESERVED = ("baseline", "last", "last met")
"""Words that mean a run already, where a name may stand."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def baseline_names(workspace: Path) -> dict[str, str]:
    """The name of each run that has one, by baseline name; may be empty. DocumentError when the file is not whole."""
    path = workspace / FILE
    if not path.is_file():
        return {}
    names: Any = journal.read_json(path).get("baselines")
    if not isinstance(names, dict) or not all(isinstance(run, str) for run in names.values()):
        hint = "mend it, or remove it and name them again"
        raise DocumentError(Where(str(path), 1, 1), "holds no names of runs", hint)
    return names


def why_not_whole(about: Mapping[str, Any]) -> str:
    """Why a run's numbers are not those of one version under one load, by its `run.json`; empty where they are."""
    if about.get("command") == "diff":
        return "it compared two realms"
    if about.get("canary"):
        return "its load was split with a canary, so it holds two versions"
    return "it is of an experiment alone" if about.get("experiment") else ""


def name_baseline(workspace: Path, name: str, run: Run) -> str | None:
    """Give a run of this workspace a name; the run that had it before, if any.

    UsageError for what is no name, or a run's own one, and for a run that nothing can be held against.
    """
    if name in RESERVED or not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be a baseline's name; write letters, digits, '.', '_', '-', as release-1.4"
        )
    journal.require_own(workspace, run)
    if Run(workspace / OUT / name).about.is_file():
        raise UsageError(f"'{name}' is the name of a run, which it would hide; write another, as release-1.4")
    if why := why_not_whole(journal.read_json(run.about)):
        raise UsageError(f"run '{run.name}' can be no baseline: {why}")
    names = baseline_names(workspace)
    before = names.get(name)
    _write(workspace, names | {name: run.folder.resolve().name})
    return before


def forget_baseline(workspace: Path, name: str) -> str:
    """Take a name away; the run stays, and its name is given. UsageError when there is no such name."""
    names = baseline_names(workspace)
    if name not in names:
        raise UsageError(f"no baseline '{name}' in {FILE}; {did_you_mean(name, names) or 'none is named'}")
    run = names.pop(name)
    _write(workspace, names)
    return run


def find_named(workspace: Path, name: str) -> Run:
    """The run of a baseline's name, or of any word `find_run` knows."""
    names = baseline_names(workspace)
    return journal.find_run(workspace, names.get(name, name), baselines=names)


def _write(workspace: Path, names: dict[str, str]) -> None:
    path = workspace / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        journal.write_json(path, {"version": 1, "baselines": dict(sorted(names.items()))})
    except OSError as error:
        raise unwritable(path, error) from None
