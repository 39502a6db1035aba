"""`seatrial judge` and `report`: what can be redone from recorded runs."""

from __future__ import annotations

from pathlib import Path

from seatrial import journal
from seatrial.assess.about import read_about
from seatrial.assess.conclude import plan_of
from seatrial.assess.run import Assessed, conclude_run
from seatrial.cli.assess import Output, tell_verdict
from seatrial.cli.console import require_targets, say, tell, workspace
from seatrial.errors import ExitCode
from seatrial.journal import find_run, going_on, require_own
from seatrial.redact import Secrets
from seatrial.reports.load.files import LoadFiles, LoadWriter, by_second


def run_judge(name: str, *, strict: bool, json_file: str | None) -> ExitCode:
    """Judge a recorded run anew, with the objectives as they are now."""
    require_targets(json_file)
    return tell_verdict(_redo(workspace(), name, strict=strict), Output(strict=strict, json_file=json_file))


def run_report(name: str) -> ExitCode:
    """Write a recorded run's report anew and print where it is; the exit code is the verdict's."""
    assessed = _redo(workspace(), name)
    tell(str(assessed.run.report))
    return assessed.code


def write_load_files(name: str, files: LoadFiles) -> ExitCode:
    """Write the files of a recorded run's load, whatever command recorded it. UNDECIDED when it has none."""
    run = find_run(workspace(), name)
    found = False
    with LoadWriter(files) as writer:
        for second in by_second(journal.read(run.journal)):
            writer.add(second)
            found = True
    if not found:
        say(f"undecided: no load was recorded in {run.folder}")
    return ExitCode.MET if found else ExitCode.UNDECIDED


def _redo(here: Path, name: str, *, strict: bool = False) -> Assessed:
    run = find_run(here, name)
    require_own(here, run)
    # What was secret was masked before it reached the journal; there is nothing left to know.
    with going_on(run):
        return conclude_run(run, plan_of(here, read_about(run)), Secrets(), strict=strict)
