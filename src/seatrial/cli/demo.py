"""`seatrial demo`: the demo bank, healthy or with a defect, as the realm `demo` of the workspace."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.assess.plan import Asked, read_plan
from seatrial.cli.assess import Output, assess_and_tell
from seatrial.cli.console import require_targets, say, tell, workspace
from seatrial.cli.up import run_down, run_up
from seatrial.demo.defects import parse_defects
from seatrial.errors import ExitCode, UsageError

REALM = "demo"


def run_demo(defects: Sequence[str], *, strict: bool, json_file: str | None) -> ExitCode:
    """Up, assess, down: what `make demo` calls."""
    require_targets(json_file)
    here = workspace()
    overrides = {"defects": defect_list(defects)}
    plan = read_plan(here, Asked(REALM, overrides=overrides))
    if defects:
        say(f"the bank starts with {', '.join(defects)}")
    return assess_and_tell(plan, Output(strict=strict, json_file=json_file))


def run_demo_up(defects: Sequence[str]) -> ExitCode:
    """Start the bank and leave it running."""
    code = run_up(REALM, [f"defects={defect_list(defects)}"])
    tell("try it: seatrial check; stop it: seatrial demo down")
    return code


def run_demo_down() -> ExitCode:
    """Stop the bank."""
    return run_down(REALM)


def defect_list(defects: Sequence[str]) -> str:
    """The defects as the bank is told them; UsageError with its own sentence for one it does not know."""
    try:
        parse_defects(defects)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return ",".join(defects)
