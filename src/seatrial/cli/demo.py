"""`seatrial demo`: the demo bank, healthy or with a defect, as the realm `demo` (or `replicas`) of the workspace."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.assess.plan import Asked, read_plan
from seatrial.chaos.gameday import gameday_files
from seatrial.cli.assess import Output, assess_and_tell
from seatrial.cli.console import require_targets, say, shown_path, tell, workspace
from seatrial.cli.up import run_down, run_up
from seatrial.demo.defect_texts import parse_defects
from seatrial.demo.defects import LOSERS_RUN_ON
from seatrial.errors import ExitCode, UsageError

REALM = "demo"
WITH_REPLICAS = "replicas"


def run_demo(defects: Sequence[str], *, strict: bool, json_file: str | None) -> ExitCode:
    """Up, assess, down, and what to do next: what `make demo` calls."""
    require_targets(json_file)
    here = workspace()
    overrides = {"defects": defect_list(defects, replicas=False)}
    plan = read_plan(here, Asked(REALM, overrides=overrides))
    if defects:
        say(f"the bank starts with {', '.join(defects)}")
    code = assess_and_tell(plan, Output(strict=strict, json_file=json_file))
    for line in _next(here):
        say(line)
    return code


def _next(here: Path) -> Iterator[str]:
    """What there is to do when the report is there."""
    seatrial = _as_typed()
    yield "next: open the report in a browser; then"
    yield f"  {seatrial} chaos audit: strain every edge, and name the defects that show"
    if days := gameday_files(here):
        yield f"  {seatrial} gameday {days[0]}: break it yourself, step by step"


def _as_typed() -> str:
    """This command, as a shell finds it: by its name, else by its place beside Python."""
    beside = Path(sys.executable).with_name("seatrial")
    return "seatrial" if shutil.which("seatrial") else shlex.quote(str(shown_path(beside)))


def run_demo_up(defects: Sequence[str], *, replicas: bool) -> ExitCode:
    """Start the bank and leave it running."""
    code = run_up(_realm(replicas), [f"defects={defect_list(defects, replicas=replicas)}"])
    if replicas:
        tell(f"try it: seatrial check --realm {WITH_REPLICAS}; stop it: seatrial demo down --replicas")
    else:
        tell("try it: seatrial check; stop it: seatrial demo down")
    return code


def run_demo_down(*, replicas: bool) -> ExitCode:
    """Stop the bank."""
    return run_down(_realm(replicas))


def _realm(replicas: bool) -> str:
    return WITH_REPLICAS if replicas else REALM


def defect_list(defects: Sequence[str], *, replicas: bool) -> str:
    """The defects as the bank is told them; UsageError with a sentence for one it does not know or cannot show."""
    try:
        kinds = [defect.kind for defect in parse_defects(defects)]
    except ValueError as error:
        raise UsageError(str(error)) from None
    if LOSERS_RUN_ON in kinds and not replicas:
        raise UsageError(
            f"defect {LOSERS_RUN_ON.name!r}: it takes two ledgers to show;"
            f" write seatrial demo up --replicas --defect {LOSERS_RUN_ON.name}"
        )
    return ",".join(defects)
