"""`seatrial judge` and `report`: what can be redone from recorded runs."""

from __future__ import annotations

from pathlib import Path

from seatrial import journal
from seatrial.assess.about import read_about
from seatrial.assess.about_load import is_load, read_about_load
from seatrial.assess.audit.about import is_audit
from seatrial.assess.audit.audited import Audited
from seatrial.assess.audit.files import publish_audit
from seatrial.assess.audit.run import audited_again
from seatrial.assess.baselines import find_named
from seatrial.assess.conclude import plan_of
from seatrial.assess.gameday.about import is_gameday
from seatrial.assess.gameday.record import judge_steps, publish_day
from seatrial.assess.loaded import plan_of_load, publish_load, read_load
from seatrial.assess.run import Assessed, conclude_run
from seatrial.cli.assess import Output, tell_verdict
from seatrial.cli.audit import tell_audit
from seatrial.cli.console import require_targets, say, shown_path, tell, workspace
from seatrial.errors import ExitCode
from seatrial.journal import Run, going_on, require_own
from seatrial.redact import Secrets
from seatrial.reports.load.files import LoadFiles, LoadWriter, load_by_second
from seatrial.verdict import exit_code


def run_judge(name: str, *, strict: bool, json_file: str | None) -> ExitCode:
    """Judge a recorded run anew, with the objectives as they are now."""
    require_targets(json_file)
    here = workspace()
    run = find_named(here, name)
    if is_audit(run):
        return tell_audit(_redo_audit(here, run), json_file=json_file)
    return tell_verdict(_redo(here, name, strict=strict), Output(strict=strict, json_file=json_file))


def run_report(name: str) -> ExitCode:
    """Write a recorded run's report anew and print where it is; the exit code is that of the verdict by its gate,
    whether or not its own command was strict or interrupted."""
    here = workspace()
    run = find_named(here, name)
    if is_load(run):
        return _report_load(here, run)
    if is_gameday(run):
        return _report_gameday(here, run)
    if is_audit(run):
        audited = _redo_audit(here, run)
        tell(str(shown_path(audited.files.report)))
        if audited.what_if:
            say(f"what if: {audited.what_if}")
        return audited.code
    assessed = _redo(here, name)
    tell(str(shown_path(assessed.files.report)))
    if assessed.what_if:
        say(f"what if: {assessed.what_if}")
    return assessed.code


def _report_load(here: Path, run: Run) -> ExitCode:
    """A load is judged by nobody: UNDECIDED only where it says nothing of the services, as `load` itself ends."""
    require_own(here, run)
    with going_on(run):
        shown = read_load(run, plan_of_load(here, read_about_load(run)))
        publish_load(run, shown, templates=here / "reports" / "templates")
    tell(str(shown_path(run.report)))
    if shown.unfit:
        say(f"undecided: {shown.unfit}")
    return ExitCode.UNDECIDED if shown.unfit else ExitCode.MET


def _report_gameday(here: Path, run: Run) -> ExitCode:
    """The record of a game day, up to where it came; the exit code is that of what was measured."""
    require_own(here, run)
    with going_on(run):
        judge_steps(here, run)
        page = publish_day(run, redact=Secrets().redact)
    tell(str(shown_path(run.report)))
    return exit_code(page.grade)


def _redo_audit(here: Path, run: Run) -> Audited:
    """Read a recorded audit again and write its files."""
    require_own(here, run)
    with going_on(run):
        audited = audited_again(here, run)
        publish_audit(audited)
    return audited


def write_load_files(name: str, files: LoadFiles) -> ExitCode:
    """Write the files of a recorded run's load, whatever command recorded it. UNDECIDED when it has none."""
    run = find_named(workspace(), name)
    found = False
    with LoadWriter(files) as writer:
        for second in load_by_second(journal.read(run.journal)):
            writer.add(second)
            found = True
    if not found:
        say(f"undecided: no load was recorded in {shown_path(run.folder)}")
    return ExitCode.MET if found else ExitCode.UNDECIDED


def _redo(here: Path, name: str, *, strict: bool = False) -> Assessed:
    run = find_named(here, name)
    require_own(here, run)
    # What was secret was masked before it reached the journal; there is nothing left to know.
    with going_on(run):
        return conclude_run(run, plan_of(here, read_about(run)), Secrets(), strict=strict)
