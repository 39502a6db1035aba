"""`assess`, the line of one run: realm, preflight, acceptance, load until decided, experiments, verdict, report.

Takes a `Plan`, gives the verdict and where everything is. Whatever happens, what was started is ended and what was
injected is healed before it returns or raises.
"""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import __version__, journal
from seatrial.assess import stage
from seatrial.assess.about import About, write_about
from seatrial.assess.ask import ask_queries, require_metrics, try_queries
from seatrial.assess.budget import budget
from seatrial.assess.conclude import judge_run, read_run
from seatrial.assess.earlier import earlier_values
from seatrial.assess.hold import hold
from seatrial.assess.page import page_of
from seatrial.assess.plan import Plan
from seatrial.assess.preflight import preflight
from seatrial.assess.record import Recorder
from seatrial.assess.search import hold_search
from seatrial.assess.stage import Bridge, Hindsight, Loading, Say, Show
from seatrial.assess.versus import Chosen, choose_baselines, count_unmet
from seatrial.chaos.inject import realm_lock
from seatrial.chaos.plan import resolver
from seatrial.clock import Clock
from seatrial.errors import ExitCode
from seatrial.journal import Journal, Run, going_on
from seatrial.redact import Secrets
from seatrial.reports.junit import junit_xml
from seatrial.reports.page import Page
from seatrial.reports.render import render_html
from seatrial.reports.verdict_json import verdict_json
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import RealmState, addresses_of
from seatrial.runtime.up import standing
from seatrial.scenarios.load.profile import Profile
from seatrial.scenarios.moves import Context
from seatrial.slo.conclude import gate_exit_code, let_through
from seatrial.slo.generator import judge_generator
from seatrial.verdict import Finding, Grade, Verdict

BASELINE_S = 20.0


@dataclass(frozen=True)
class Assessed:
    """How an assessment ended; `code` is what the command returns for it, `let_through` why an undecided
    verdict passes."""

    run: Run
    verdict: Verdict
    page: Page
    secrets: Secrets
    code: ExitCode
    let_through: str = ""


@dataclass(frozen=True)
class Telling:
    """Whom to tell: `say` gets a line now and then, `show` a Moment a few times a second."""

    say: Say
    show: Show


def assess(
    plan: Plan,
    *,
    clock: Clock,
    telling: Telling,
    experiment: str | None = None,
    revisions: Mapping[str, str] | None = None,
    strict: bool = False,
) -> Assessed:
    """Run it all; the run folder holds verdict.json, report.html and junit.xml at the end."""
    require_metrics(plan)
    secrets = Secrets()
    baselines = choose_baselines(plan)
    unmet = count_unmet(plan, baselines)
    within = budget(clock, plan.gate.at_most_s)
    with contextlib.ExitStack() as kept:
        with contextlib.ExitStack() as stack:
            if plan.experiments:
                # Held from before anything is started: a second harness must not load, or stop, what is broken here.
                stack.enter_context(realm_lock(plan.workspace, plan.realm.name))
            state = stack.enter_context(
                standing(plan.realm, plan.workspace, variables=plan.overrides, say=telling.say)
            )
            preflight(plan, state, clock=clock, say=telling.say, show=telling.show)
            context = _context(plan, state, secrets)
            _require_targets(plan)
            run = journal.create_run(plan.workspace, plan.realm.name, clock=clock)
            kept.enter_context(going_on(run))
            writer = Journal(run.journal)
            stack.callback(writer.close)
            bridge = Bridge(
                plan, run, Recorder(writer), context, state, clock, telling.say, telling.show, within, revisions or {}
            )
            about = _about(bridge, experiment=experiment, revisions=revisions or {}, baselines=baselines)
            _record(bridge, dataclasses.replace(about, unmet=unmet))
        return conclude_run(run, plan, secrets, strict=strict)


def _record(bridge: Bridge, about: About) -> None:
    """Everything that is kept of the run, from what it is held against to how it ended."""
    write_about(bridge.run, about)
    try_queries(bridge)
    bridge.recorder.write(*earlier_values(bridge.plan, bridge.run))
    aborted = _stages(bridge)
    write_about(bridge.run, dataclasses.replace(about, ended_at=bridge.clock.now(), aborted=aborted))


def conclude_run(run: Run, plan: Plan, secrets: Secrets, *, strict: bool = False) -> Assessed:
    """Judge what was recorded and write verdict, report and JUnit into the run's folder."""
    recorded = read_run(run)
    verdict = judge_run(recorded, plan)
    page = page_of(recorded, plan, verdict)
    code = gate_exit_code(verdict, plan.gate, strict=strict)
    assessed = Assessed(run, verdict, page, secrets, code, let_through(verdict, plan.gate))
    publish(assessed, templates=plan.workspace / "reports" / "templates")
    return assessed


def verdict_of(assessed: Assessed) -> dict[str, Any]:
    """The content of `verdict.json`."""
    return verdict_json(assessed.verdict, assessed.page.facts, redact=assessed.secrets.redact, code=assessed.code)


def publish(assessed: Assessed, *, templates: Path) -> None:
    """Write what others read of a run."""
    run, page, redact = assessed.run, assessed.page, assessed.secrets.redact
    journal.write_json(run.verdict, verdict_of(assessed))
    run.report.write_text(render_html(page, redact=redact, templates=templates), encoding="utf-8")
    run.junit.write_bytes(
        junit_xml(
            page.journeys,
            page.verdict.findings,
            started_at=page.facts.started_at,
            redact=redact,
            let_through=assessed.let_through,
        )
    )


def _require_targets(plan: Plan) -> None:
    """CannotRun or Unsupported, before anything is sent, for a fault whose target is not there. Changes nothing."""
    resolve = resolver(plan.workspace, plan.realm, holder="")
    for checked in plan.experiments:
        for injection in checked.experiment.method:
            resolve(injection.fault)


def _context(plan: Plan, state: RealmState | None, secrets: Secrets) -> Context:
    return Context(
        realm=plan.realm.name,
        addresses=addresses_of(plan.realm, state),
        variables=plan.realm.variables,
        overrides=plan.overrides,
        secret_values=resolve_secrets(plan.realm, plan.workspace, secrets),
        secrets=secrets,
        environment=visible_environment(plan.realm),
        tracing=plan.realm.tracing,
    )


def _stages(bridge: Bridge) -> dict[str, str]:
    """Everything that sends; what was left out or ended early, and why."""
    results = stage.accept(bridge)
    failed = [result.scenario.name for result in results if not (result.passed or result.skipped)]
    if failed:
        return _left_out(bridge.plan, f"not run: the journey '{failed[0]}' failed before")
    if bridge.budget.is_over:
        return {"acceptance": bridge.budget.over, **_left_out(bridge.plan, f"not run: {bridge.budget.over}")}
    if bridge.plan.profile is None:
        return {}
    with stage.load(bridge, bridge.plan.profile) as loading:
        return _under_load(bridge, loading, bridge.plan.profile)


def _left_out(plan: Plan, reason: str) -> dict[str, str]:
    """That reason for everything after acceptance."""
    return {"load": reason, **{checked.experiment.name: reason for checked in plan.experiments}}


def _under_load(bridge: Bridge, loading: Loading, profile: Profile) -> dict[str, str]:
    watch = stage.watch_edges(bridge) if bridge.plan.experiments else None
    hindsight = Hindsight(watch, bridge.clock, span_s=BASELINE_S) if watch else None
    findings = _held(bridge, loading, profile, hindsight)
    ask_queries(bridge)
    missed = [finding.name for finding in findings if finding.grade is Grade.MISSED]
    generator = judge_generator(bridge.recorder.measures(), bridge.plan.services)
    bridge.say(f"load: {outcome_of(findings, generator)}")
    if missed:
        reason = f"not run: {missed[0]} was missed before"
        return {checked.experiment.name: reason for checked in bridge.plan.experiments}
    if bridge.budget.is_over:
        bridge.say(f"load: {bridge.budget.over}")
        return {
            **_left_out(bridge.plan, f"not run: {bridge.budget.over}"),
            "load": f"cut short: {bridge.budget.over}",
        }
    records = stage.experiments(bridge, loading, watch, hindsight=hindsight) if bridge.plan.experiments else ()
    return {record.experiment: record.aborted for record in records if record.aborted}


def _held(bridge: Bridge, loading: Loading, profile: Profile, hindsight: Hindsight | None) -> tuple[Finding, ...]:
    return hold_search(bridge, loading, profile) if profile.probes else hold(bridge, loading, profile, hindsight)


def outcome_of(findings: tuple[Finding, ...], generator: Finding | None) -> str:
    """How the objectives came out, by name what was missed; with an unfit generator, that none of it is decided."""
    named = {grade: [finding.name for finding in findings if finding.grade is grade] for grade in Grade}
    counted = [f"{len(names)} {grade}" for grade, names in named.items() if names and grade is not Grade.MISSED]
    counted += [f"{', '.join(names)} missed" for names in [named[Grade.MISSED]] if names]
    summary = ", ".join(counted) or "no objectives to judge"
    return f"UNDECIDED, {generator.reason}; it would have been {summary}" if generator and counted else summary


def _about(bridge: Bridge, *, experiment: str | None, revisions: Mapping[str, str], baselines: Chosen) -> About:
    """What `run.json` will say; words of the command line may hold a secret as well as anything else."""
    plan, redact = bridge.plan, bridge.context.secrets.redact
    return About(
        run=bridge.run.name,
        realm=plan.realm.name,
        gate=plan.gate.name,
        started_at=bridge.clock.now(),
        version=__version__,
        experiment=experiment,
        services=tuple(plan.services) if plan.judges_a_part else (),
        revisions=revisions,
        overrides={name: redact(str(value)) for name, value in plan.overrides.items()},
        git_revision=_git_revision(plan.workspace),
        command=redact(" ".join(["seatrial", *sys.argv[1:]])),
        profile=plan.profile.name if plan.profile else "",
        offered=plan.offered,
        baselines={word: tuple(names) for word, names in baselines.items()},
        canary=plan.canary,
    )


def _git_revision(workspace: Path) -> str:
    """The commit the workspace's documents are of; empty outside git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],
            cwd=workspace,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
