"""From a run's folder to its verdict: pure, so that `judge RUN` gives what `assess` gave, or what it would give under
objectives that have changed since."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial import journal
from seatrial.assess.about import CUT_SHORT, About, read_about
from seatrial.assess.audit.audited import cut_short, read_rulings, read_seen
from seatrial.assess.audit.findings import NAME as AUDIT
from seatrial.assess.audit.findings import audit_findings, audit_not_run
from seatrial.assess.headroom import less_of
from seatrial.assess.plan import Asked, Documents, Plan, beside, experiment_plan, read_plan
from seatrial.assess.search import findings_of
from seatrial.assess.verify import judge_experiments
from seatrial.assess.versus import judge_comparisons
from seatrial.chaos.audit.model import Observation, Severity
from seatrial.chaos.verify import Seen, apart
from seatrial.errors import Where
from seatrial.journal import Run
from seatrial.sample import BASE, CANARY, CallsLost, EdgeCall, Evidence, FaultWindow, Phase
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.rows import expand_rows
from seatrial.slo.causes import with_causes
from seatrial.slo.conclude import conclude
from seatrial.slo.judge import judge_load
from seatrial.slo.judge_journeys import judge_journeys
from seatrial.slo.measure import LOAD, Measures, measure
from seatrial.slo.points import judge_points
from seatrial.slo.remedy import remedy
from seatrial.verdict import Finding, Grade, Subject, Verdict


@dataclass(frozen=True)
class Recorded:
    """A run read back whole."""

    about: About
    measures: Measures
    calls: tuple[EdgeCall, ...]
    windows: tuple[FaultWindow, ...]
    evidence: tuple[Evidence, ...]
    lost: tuple[CallsLost, ...] = ()
    audit_journal: Path | None = None


def read_run(run: Run) -> Recorded:
    """Read a run's journal whole; what a crash cut off at its end is left out. Its audit has a
    journal of its own, which `seen_of_audit` reads."""
    records = tuple(journal.read(run.journal))
    return Recorded(
        about=read_about(run),
        measures=measure(records),
        calls=tuple(record for record in records if isinstance(record, EdgeCall)),
        windows=tuple(record for record in records if isinstance(record, FaultWindow)),
        evidence=tuple(record for record in records if isinstance(record, Evidence)),
        lost=tuple(record for record in records if isinstance(record, CallsLost)),
        audit_journal=run.audit_journal if run.audit_journal.is_file() else None,
    )


def plan_of(workspace: Path, about: About) -> Plan:
    """The plan of a recorded run, by the documents as they are now."""
    asked = Asked(about.realm, about.gate, about.services, about.overrides)
    if about.experiment:
        return experiment_plan(Documents(workspace), asked, about.experiment)
    plan = read_plan(workspace, asked)
    return beside(plan, about.canary) if about.canary else plan


def judge_run(recorded: Recorded, plan: Plan) -> Verdict:
    """Every finding of the run and the verdict of them together."""
    measures, gate = recorded.measures, plan.gate
    wanted = _plays(plan)
    journeys = judge_journeys(measures, wanted=wanted) if wanted or not recorded.about.experiment else ()
    load = _with_remedy(with_causes(_judge_load(measures, plan), measures, plan.services), recorded, plan)
    aborted = _aborted(recorded, plan)
    experiments = judge_experiments(measures, plan, seen_in(recorded, plan), aborted=aborted)
    warm = (_of_both_sides(_with_warm_up(finding, measures), recorded.about.canary) for finding in load)
    versus = _judge_versus(recorded, plan)
    explained = (
        *_explained(journeys, aborted.get("acceptance")),
        *_explained((*warm, *versus), aborted.get("load")),
    )
    judged = (*explained, *experiments, *_judge_audit(recorded, plan))
    findings = (*judged, *_unjudged_load(recorded, plan, judged), *_unfinished(recorded.about))
    return conclude(placed(findings, plan), gate)


def _judge_load(measures: Measures, plan: Plan) -> tuple[Finding, ...]:
    gate, how = plan.gate, plan.gate.versus.aggregate
    if plan.profile is None:
        return ()
    if plan.profile.probes:
        return (*findings_of(measures, plan, plan.profile), *judge_points(measures, plan.services, how=how))
    return judge_load(measures, plan.services, alpha=gate.alpha, min_hold_s=gate.min_hold_s, aggregate=how)


def seen_of_audit(recorded: Recorded, plan: Plan) -> tuple[Observation, ...]:
    """What was recorded of each strain of the run's audit; none where it has none."""
    if plan.audit is None or recorded.audit_journal is None:
        return ()
    return read_seen(
        recorded.audit_journal,
        plan.audit.strains,
        recorded.about.left_out,
        scenarios=plan.audit.mix.scenarios,
        is_cut=recorded.about.ended_at is None,
    )


def cut_of_audit(recorded: Recorded, plan: Plan, seen: Iterable[Observation]) -> str:
    """How far the audit of a run came that was interrupted or killed; empty where the run came to its end."""
    if plan.audit is None or recorded.about.ended_at is not None:
        return ""
    return cut_short(seen, plan.audit.strains)


def _judge_audit(recorded: Recorded, plan: Plan) -> Iterator[Finding]:
    if plan.audit is None or plan.gate.audit is None:
        return
    if recorded.audit_journal is None:
        yield audit_not_run(recorded.about.aborted.get(AUDIT, "it was not run"))
        return
    seen = seen_of_audit(recorded, plan)
    missed_from, cut = Severity[plan.gate.audit.missed_from.upper()], cut_of_audit(recorded, plan, seen)
    yield from audit_findings(read_rulings(seen), recorded.about.left_out, missed_from=missed_from, cut_short=cut)


def _with_remedy(findings: Iterable[Finding], recorded: Recorded, plan: Plan) -> tuple[Finding, ...]:
    """A generator that left the load undecided says what would decide it."""
    pacings = recorded.measures.pacings.get(LOAD, ())
    said = remedy(pacings, plan.services, recorded.about.room, less=less_of(plan.profile))
    return tuple(
        dataclasses.replace(finding, reason=f"{finding.reason}; {said}")
        if said and finding.subject is Subject.GENERATOR
        else finding
        for finding in findings
    )


def _judge_versus(recorded: Recorded, plan: Plan) -> tuple[Finding, ...]:
    about = recorded.about
    if plan.profile is None or about.experiment:
        return ()
    return judge_comparisons(
        recorded.measures, plan, baselines=about.baselines, canary=about.canary, unmet=about.unmet
    )


def _explained(findings: Iterable[Finding], why: str | None) -> Iterator[Finding]:
    """Findings that are undecided because their stage was cut short, or was none, say so."""
    for finding in findings:
        undecided = why and finding.grade is Grade.UNDECIDED
        yield dataclasses.replace(finding, reason=f"{finding.reason}; {why}") if undecided else finding


def _with_warm_up(finding: Finding, measures: Measures) -> Finding:
    """A finding without data says how much traffic its service had before the hold."""
    if finding.subject is not Subject.OBJECTIVE or finding.n:
        return finding
    before = sum(
        interval.ok + interval.failed
        for (service, span), intervals in measures.intervals.items()
        if service == finding.service and span.phase in (Phase.WARM_UP, Phase.RAMP)
        for interval in intervals
    )
    held = measures.seconds.get(LOAD)
    if not before or held:
        return finding
    said = f"{before:,} requests came before the hold, and those are not judged"
    return dataclasses.replace(finding, reason=f"{finding.reason}; {said}")


def _of_both_sides(finding: Finding, canary: Canary | None) -> Finding:
    """An objective of a service with a canary says that its count is not that of one side."""
    if canary is None or finding.service not in canary.addresses or not finding.measured_text or not finding.n:
        return finding
    return dataclasses.replace(finding, measured_text=f"{finding.measured_text}, {BASE} and {CANARY} together")


def placed(findings: Iterable[Finding], plan: Plan) -> Iterator[Finding]:
    """Each finding with the place in the documents it comes from, where there is one."""
    objectives = {
        (service.name, objective.name): objective.where
        for service in plan.documented.values()
        for objective in service.promises
    }
    objectives |= {
        (service.name, point.name): point.where for service in plan.documented.values() for point in service.points
    }
    journeys = _plays(plan)
    experiments = {checked.experiment.name: checked.experiment.where for checked in plan.experiments}
    for finding in findings:
        if finding.experiment is not None:
            where = experiments.get(finding.experiment)
        elif finding.subject is Subject.JOURNEY:
            where = journeys.get(finding.objective)
        else:
            where = objectives.get((finding.service, finding.objective))
        yield dataclasses.replace(finding, where=where)


def _plays(plan: Plan) -> dict[str, Where]:
    """Every play of the acceptance by its name, one for each row of a journey that has rows, and its place."""
    return {play.name: scenario.where for scenario in plan.acceptance for play in expand_rows(scenario)}


def seen_in(recorded: Recorded, plan: Plan) -> tuple[Seen, ...]:
    """Each experiment of the plan with its own part of what was recorded."""
    return apart(plan.experiments, calls=recorded.calls, windows=recorded.windows, lost=recorded.lost)


def _aborted(recorded: Recorded, plan: Plan) -> Mapping[str, str]:
    """Why experiments ended early, or were not begun."""
    if recorded.about.ended_at is not None:
        return recorded.about.aborted
    over = {window.experiment for window in recorded.windows}
    names = (checked.experiment.name for checked in plan.experiments)
    return {name: CUT_SHORT for name in names if name not in over}


def _unjudged_load(recorded: Recorded, plan: Plan, findings: Iterable[Finding]) -> Iterator[Finding]:
    """A load that nothing was held against is no evidence: it is never MET. Information alone is, for a score."""
    if plan.profile is None or recorded.about.experiment:
        return
    scored = plan.gate.score is not None
    for finding in findings:
        if finding.counts and finding.subject is not Subject.JOURNEY:
            return
        if scored and finding.subject is Subject.INFORMATION:
            return
    reason = "no data to judge the load by: not one objective of its services counts"
    yield Finding(Subject.JOURNEY, "", "the load is judged", Grade.UNDECIDED, reason)


def _unfinished(about: About) -> Iterator[Finding]:
    """Half a journey or half a load may look well: a run that was killed or interrupted is never MET."""
    if about.ended_at is None:
        reason = "it was halted, interrupted or killed; what it did not come to is not judged"
        yield Finding(Subject.JOURNEY, "", CUT_SHORT, Grade.UNDECIDED, reason)
