"""`seatrial diff`: the same journeys, or captured traffic, against two realms, and which fields of answers differ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.accept.prepare import Wanted
from seatrial.assess.diff import ROUNDS, Asked, Diffed, diff, read_plan
from seatrial.cli.console import as_json, require_targets, say, tell, typed_variables, workspace, write_results
from seatrial.cli.diff_lines import diff_lines
from seatrial.cli.github import quoting
from seatrial.cli.load_screen import STYLES
from seatrial.clock import SystemClock
from seatrial.documents import shown_path
from seatrial.errors import ExitCode, UsageError
from seatrial.reports.diff.html import diff_html
from seatrial.reports.diff.json import diff_json
from seatrial.reports.diff.markdown import diff_markdown
from seatrial.scenarios.importers.replay import Capture, read_capture
from seatrial.scenarios.importers.targets import read_services
from seatrial.verdict import exit_code

STDOUT = STDIN = "-"


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What the command line says. `files` are the reports asked for, by the name of their form."""

    primary: str
    candidate: str
    paths: tuple[Path, ...] = ()
    tags: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    rounds: int | None = None
    seed: int | None = None
    mutating: bool = False
    ignore: tuple[str, ...] = ()
    recording: str | None = None
    services: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def run_diff(options: DiffOptions) -> ExitCode:
    """MISSED when a field differs above noise, UNDECIDED when that cannot be told or nothing was compared."""
    require_targets(*options.files.values())
    plan = read_plan(workspace(), _asked(options))
    done = diff(plan, clock=SystemClock(), say=say)
    return _write(done, options.files)


def _asked(options: DiffOptions) -> Asked:
    overrides = typed_variables(options.variables)
    return Asked(
        primary=options.primary,
        candidate=options.candidate,
        wanted=Wanted(None, options.paths, options.names, options.tags, overrides),
        rounds=ROUNDS if options.rounds is None else options.rounds,
        seed=options.seed,
        mutating=options.mutating,
        ignore=options.ignore,
        capture=_capture(options),
        services=read_services(options.services),
    )


def _capture(options: DiffOptions) -> Capture | None:
    if options.recording is None:
        if options.services:
            raise UsageError("--service says where captured requests go; it needs --from FILE.har")
        return None
    if options.paths or options.tags or options.names:
        raise UsageError("--from replays a recording in place of journeys; leave out PATHS, --tag and --name")
    from seatrial.cli.import_ import text_of

    name = "stdin" if options.recording == STDIN else options.recording
    return read_capture(text_of(options.recording), name, writing=options.mutating)


def _write(done: Diffed, files: Mapping[str, str]) -> ExitCode:
    page = done.page
    if STDOUT not in files.values():
        with quoting(os.environ):
            for line in diff_lines(page):
                tell(line.text, style=STYLES[line.grade] if line.grade else "")
            tell(f"report: {shown_path(done.run.report)}")
    makers = {
        "json": lambda: as_json(diff_json(page)),
        "markdown": lambda: diff_markdown(page).encode(),
        "html": lambda: diff_html(page).encode(),
    }
    return write_results(((target, makers[form]) for form, target in files.items()), exit_code(page.judged.grade))
