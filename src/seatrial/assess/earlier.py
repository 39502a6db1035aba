"""Earlier runs' values for relative criteria, read from their verdicts before anything is sent.

Takes a plan and the workspace's run folders; what it finds is kept in the new run's journal, so that the run judged
again later is held against the same values, whatever was recorded or removed since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import journal
from seatrial.assess.plan import Plan
from seatrial.assess.runs import run_lines
from seatrial.assess.versus import gate_names, read_counted, why_unusable
from seatrial.errors import DocumentError, UsageError
from seatrial.journal import OUT, Run
from seatrial.sample import Earlier
from seatrial.slo.comparable import other_load, other_realm
from seatrial.slo.counted import Counted
from seatrial.slo.earlier import EarlierRun, earlier_of, earlier_of_named, relative_points
from seatrial.slo.generator import judge_generator
from seatrial.verdict import Grade


def earlier_values(plan: Plan, run: Run) -> tuple[Earlier, ...]:
    """What every relative criterion of the plan is held against; no values where there is no such run yet.

    The runs are those of the same realm, gate and profile, or the one `versus` names. DocumentError for a name that
    no run has.
    """
    services = plan.services.values()
    if plan.profile is None or not any(relative_points(services)):
        return ()
    named = gate_names(plan)
    if named is None:
        return tuple(earlier_of(run.name, services, _runs(plan), versus=plan.gate.versus))
    base = Run(plan.workspace / OUT / named)
    values = next(_judged(base), EarlierRun(named, Grade.UNDECIDED, {}))
    return tuple(earlier_of_named(run.name, services, values, problem=_objection(base, plan)))


def _runs(plan: Plan) -> Iterator[EarlierRun]:
    """Newest first; what cannot be read is left out."""
    kind = (plan.realm.name, plan.gate.name, plan.profile.name if plan.profile else "")
    for line in reversed(run_lines(plan.workspace)):
        if line.kind == kind and line.is_whole:
            yield from _judged(line.run)


def _objection(base: Run, plan: Plan) -> str:
    """Why a named run's values are not held against this plan's, as for objectives `versus` it; the routes are not
    known before they are asked."""
    try:
        return why_unusable(base) or next(_differences(read_counted(base, base.name), plan), "")
    except (UsageError, DocumentError) as error:
        return str(error)


def _differences(base: Counted, plan: Plan) -> Iterator[str]:
    now = Counted("this run", (), plan.realm.name, plan.offered)
    generators = (judge_generator(measures, plan.services) for measures in base.runs)
    reasons = (
        "" if plan.gate.versus.across_realms else other_realm(base, now),
        other_load(base, now),
        *(f"in {base.name}: {finding.reason}" for finding in generators if finding),
    )
    yield from filter(None, reasons)


def _judged(run: Run) -> Iterator[EarlierRun]:
    try:
        verdict = journal.read_json(run.verdict)
        grade = Grade(verdict["grade"])
        found = [_value(finding) for finding in verdict["findings"]]
    except (UsageError, DocumentError, KeyError, TypeError, ValueError):
        return
    values: dict[str, dict[str, float | None]] = {}
    for service, objective, value in found:
        values.setdefault(service, {})[objective] = value
    yield EarlierRun(run.name, grade, values)


def _value(finding: Any) -> tuple[str, str, float | None]:
    """A point estimate has no interval; an objective of that name with one measured something else then."""
    value = finding["measured"] if finding["low"] is None and finding["experiment"] is None else None
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError(f"'{value}' is no measured value")
    return str(finding["service"]), str(finding["objective"]), None if value is None else float(value)
