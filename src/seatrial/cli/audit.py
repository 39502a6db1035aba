"""`seatrial chaos audit`: shows an audit while it goes on, then what it found."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.assess.audit.audited import Audited
from seatrial.assess.audit.files import publish_audit
from seatrial.assess.audit.json import audit_json
from seatrial.assess.audit.run import AuditAsked, audit, audit_plan
from seatrial.assess.run import Telling
from seatrial.cli.audit_text import audit_lines
from seatrial.cli.console import (
    as_json,
    require_targets,
    say,
    say_healed,
    shown_path,
    tell,
    typed_variables,
    workspace,
    write_results,
)
from seatrial.cli.outlook import audit_line
from seatrial.cli.progress import PlainProgress
from seatrial.clock import SteadyClock
from seatrial.errors import ExitCode, Interrupted


def run_audit(
    realm: str | None,
    *,
    profile: str | None = None,
    only: Sequence[str] = (),
    variables: Sequence[str] = (),
    json_file: str | None = None,
    junit_file: str | None = None,
) -> ExitCode:
    """Strain every edge that `only` leaves in; tell what was found. Interrupted, after healing and after
    what was recorded until then is told and written."""
    require_targets(json_file, junit_file)
    plan = audit_plan(workspace(), AuditAsked(realm, profile, tuple(only), typed_variables(variables)))
    assert plan.audit is not None
    say_healed(plan.workspace)
    say(audit_line(plan.audit))
    shown = PlainProgress()
    audited = audit(plan, clock=SteadyClock(), telling=Telling(shown.say, lambda moment: None))
    publish_audit(audited)
    code = tell_audit(audited, json_file=json_file, junit_file=junit_file)
    if audited.interrupted:
        raise Interrupted(audited.interrupted)
    return code


def tell_audit(audited: Audited, *, json_file: str | None = None, junit_file: str | None = None) -> ExitCode:
    """Print what it came to and where the report is; write the files that were asked for."""
    if "-" not in (json_file, junit_file):  # stdout is that file's then
        for line in audit_lines(audited.rulings, audited.edges, cut_short=audited.cut_short):
            tell(line)
        if audited.what_if:
            tell(f"what if: {audited.what_if}")
        tell(f"report: {shown_path(audited.files.report)}")
    makers = ((json_file, lambda: as_json(audit_json(audited))), (junit_file, audited.files.junit.read_bytes))
    return write_results(makers, audited.code)
