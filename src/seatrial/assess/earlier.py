"""Earlier runs' values for relative criteria, read from their verdicts before anything is sent.

Takes a plan and the workspace's run folders; what it finds is kept in the new run's journal, so that the run judged
again later is held against the same values, whatever was recorded or removed since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import journal
from seatrial.assess.baselines import baseline_names
from seatrial.assess.plan import Plan
from seatrial.assess.runs import run_lines
from seatrial.errors import UsageError
from seatrial.journal import Run
from seatrial.sample import Earlier
from seatrial.slo.earlier import EarlierRun, earlier_of, relative_points
from seatrial.verdict import Grade


def earlier_values(plan: Plan, run: Run) -> tuple[Earlier, ...]:
    """What every relative criterion of the plan is held against; no values where there is no such run yet.

    The runs are those of the same realm, gate and profile, or the one `versus` names.
    """
    services = plan.services.values()
    if plan.profile is None or not any(relative_points(services)):
        return ()
    return tuple(earlier_of(run.name, services, _runs(plan), versus=plan.gate.versus))


def _runs(plan: Plan) -> Iterator[EarlierRun]:
    """Newest first; what cannot be read is left out."""
    named = baseline_names(plan.workspace).get(plan.gate.versus.name or "")
    kind = (plan.realm.name, plan.gate.name, plan.profile.name if plan.profile else "")
    for line in reversed(run_lines(plan.workspace)):
        if line.name == named if plan.gate.versus.name else line.kind == kind and line.is_whole:
            yield from _judged(line.run)


def _judged(run: Run) -> Iterator[EarlierRun]:
    try:
        verdict = journal.read_json(run.verdict)
        grade = Grade(verdict["grade"])
        found = [_value(finding) for finding in verdict["findings"]]
    except (UsageError, KeyError, TypeError, ValueError):
        return
    values: dict[str, dict[str, float | None]] = {}
    for service, objective, value in found:
        values.setdefault(service, {})[objective] = value
    yield EarlierRun(run.name, grade, values)


def _value(finding: Any) -> tuple[str, str, float | None]:
    """A point estimate has no interval; an objective of that name with one measured something else then."""
    value = finding["measured"] if finding["low"] is None and finding["experiment"] is None else None
    return str(finding["service"]), str(finding["objective"]), None if value is None else float(value)
