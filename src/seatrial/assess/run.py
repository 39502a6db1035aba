"""`assess`, the line of one run: realm, preflight, acceptance, load until decided, experiments, verdict, report.

Takes a `Plan`, gives the verdict and where everything is. Whatever happens, what was started is ended and what was
injected is healed before it returns or raises.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import __version__, journal
from seatrial.assess import stage
from seatrial.assess.about import About, write_about
from seatrial.assess.ask import ask_queries, require_metrics, try_queries
from seatrial.assess.audit.audited import Audited, read_rulings
from seatrial.assess.audit.files import write_audit
from seatrial.assess.audit.findings import NAME as AUDIT
from seatrial.assess.audit.plan import Auditing
from seatrial.assess.audit.stage import strain_all
from seatrial.assess.budget import budget
from seatrial.assess.conclude import Recorded, cut_of_audit, judge_run, read_run, seen_of_audit
from seatrial.assess.earlier import earlier_values
from seatrial.assess.headroom import Idling
from seatrial.assess.hold import hold
from seatrial.assess.page import page_of
from seatrial.assess.plan import Plan
from seatrial.assess.preflight import preflight
from seatrial.assess.record import Recorder
from seatrial.assess.runs import own_verdict
from seatrial.assess.search import hold_search
from seatrial.assess.stage import Bridge, Hindsight, Loading, Say, Show
from seatrial.assess.terms import terms_of
from seatrial.assess.versus import Chosen, choose_baselines, count_unmet
from seatrial.chaos.audit.model import Observation
from seatrial.chaos.healing.recover import realm_lock, require_healed
from seatrial.chaos.plan import resolver
from seatrial.clock import Clock
from seatrial.errors import ExitCode, Interrupted
from seatrial.journal import Journal, Run, going_on
from seatrial.redact import Secrets
from seatrial.reports.audit.build import build_matrix
from seatrial.reports.junit import junit_xml
from seatrial.reports.page import Note, Page
from seatrial.reports.render import render_html
from seatrial.reports.verdict_json import verdict_json
from seatrial.runtime.lock import require_not_held
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.standing import standing
from seatrial.runtime.state import RealmState, addresses_of
from seatrial.scenarios.load.profile import Profile
from seatrial.scenarios.load.spread import here
from seatrial.scenarios.moves import Context
from seatrial.service import edges
from seatrial.slo.conclude import gate_exit_code, let_through
from seatrial.slo.generator import judge_generator
from seatrial.slo.remedy import Room
from seatrial.slo.rendering import judge_rendering
from seatrial.verdict import Finding, Grade, Verdict

BASELINE_S = 20.0
HEALED = "interrupted; what was injected is healed, what was started is stopped"


@dataclass(frozen=True)
class Assessed:
    """How an assessment ended; `code` is what the command returns for it, `let_through` why an undecided
    verdict passes, `interrupted` says what became of one that was interrupted, `what_if` that it was judged on other
    terms than its own."""

    run: Run
    verdict: Verdict
    page: Page
    secrets: Secrets
    code: ExitCode
    let_through: str = ""
    interrupted: str = ""
    what_if: str = ""

    @property
    def files(self) -> Run:
        """Where verdict and reports are: a what-if leaves the run's own as they are."""
        return self.run.what_if if self.what_if else self.run


@dataclass(frozen=True)
class Telling:
    """Whom to tell: `say` gets a line now and then, `show` a Moment a few times a second, `begun` the run when it has
    a folder and nothing has been sent."""

    say: Say
    show: Show
    begun: Callable[[Run], object] = lambda run: None


def assess(
    plan: Plan,
    *,
    clock: Clock,
    telling: Telling,
    experiment: str | None = None,
    revisions: Mapping[str, str] | None = None,
    strict: bool = False,
) -> Assessed:
    """Run it all; the run folder holds verdict.json, report.html and junit.xml at the end. Those of a run that was
    interrupted say what it came to; before there is one, the interrupt is raised."""
    require_metrics(plan)
    secrets = Secrets()
    baselines = choose_baselines(plan)
    unmet = count_unmet(plan, baselines)
    within = budget(clock, plan.gate.at_most_s)
    run, interrupted = None, ""
    with contextlib.ExitStack() as kept:
        try:
            with contextlib.ExitStack() as stack:
                state = _stand(plan, stack, clock=clock, telling=telling)
                context = context_of(plan, state, secrets)
                _require_targets(plan)
                run = journal.create_run(plan.workspace, plan.realm.name, clock=clock)
                kept.enter_context(going_on(run))
                telling.begun(run)
                writer = Journal(run.journal)
                stack.callback(writer.close)
                bridge = Bridge(
                    plan,
                    run,
                    Recorder(writer, plan.questions),
                    context,
                    state,
                    clock,
                    telling.say,
                    telling.show,
                    within,
                    revisions or {},
                )
                about = _about(bridge, experiment=experiment, revisions=revisions or {}, baselines=baselines)
                _record(bridge, dataclasses.replace(about, unmet=unmet))
        except (KeyboardInterrupt, Interrupted) as error:
            if run is None or not run.about.is_file():
                raise
            interrupted = str(error) if isinstance(error, Interrupted) else HEALED
        return conclude_run(run, plan, secrets, strict=strict, interrupted=interrupted)


def _stand(plan: Plan, stack: contextlib.ExitStack, *, clock: Clock, telling: Telling) -> RealmState | None:
    """The realm, up and looked at, until the stack is left. With faults it is locked from before anything is
    started: a second harness must not load, or stop, what is broken here. Without, Refused while another breaks
    things: what is judged would be its doing."""
    if plan.experiments or plan.audit:
        stack.enter_context(realm_lock(plan.workspace, plan.realm.name))
        require_healed(plan.workspace, plan.realm.name, clock=clock, say=telling.say)
    else:
        require_not_held(plan.workspace, plan.realm.name)
    state = stack.enter_context(standing(plan.realm, plan.workspace, variables=plan.overrides, say=telling.say))
    preflight(plan, state, clock=clock, say=telling.say, show=telling.show)
    return state


def _record(bridge: Bridge, about: About) -> None:
    """Everything that is kept of the run, from what it is held against to how it ended."""
    write_about(bridge.run, about)
    try_queries(bridge)
    bridge.recorder.write(*earlier_values(bridge.plan, bridge.run))
    aborted, room = _stages(bridge)
    left_out = _audit(bridge, bridge.plan.audit) if bridge.plan.audit and AUDIT not in aborted else {}
    ended = dataclasses.replace(about, ended_at=bridge.clock.now(), aborted=aborted, room=room, left_out=left_out)
    write_about(bridge.run, ended)


def _audit(bridge: Bridge, audit: Auditing) -> dict[str, str]:
    """The audit, when everything else is over, under its own traffic and with a journal of its own: what it strains
    is not what the objectives are judged by. By a strain's name, why it was left out."""
    plan = dataclasses.replace(bridge.plan, canary=None, spread=here(1))
    with contextlib.closing(Journal(bridge.run.audit_journal)) as writer:
        recorder = Recorder(writer, plan.questions)
        return strain_all(dataclasses.replace(bridge, plan=plan, recorder=recorder), audit)


def conclude_run(run: Run, plan: Plan, secrets: Secrets, *, strict: bool = False, interrupted: str = "") -> Assessed:
    """Judge what was recorded and write verdict, report and JUnit into the run's folder."""
    recorded = read_run(run)
    verdict = judge_run(recorded, plan)
    what_if = _what_if(recorded.about, run, plan)
    page = _noted(page_of(recorded, plan, verdict), what_if)
    seen = seen_of_audit(recorded, plan)
    if seen:
        page = dataclasses.replace(page, audit=build_matrix(read_rulings(seen), edges(plan.documented.values())))
    code = ExitCode.INTERRUPTED if interrupted else gate_exit_code(verdict, plan.gate, strict=strict)
    assessed = Assessed(run, verdict, page, secrets, code, let_through(verdict, plan.gate), interrupted, what_if)
    publish(assessed, templates=plan.workspace / "reports" / "templates")
    if seen:
        write_audit(_audited(assessed, recorded, plan, seen))
    return assessed


def _audited(assessed: Assessed, recorded: Recorded, plan: Plan, seen: tuple[Observation, ...]) -> Audited:
    """The audit of an assessment, as one alone would have been told."""
    return Audited(
        assessed.run,
        plan.realm.name,
        edges(plan.documented.values()),
        recorded.about.started_at,
        seen,
        what_if=assessed.what_if,
        cut_short=cut_of_audit(recorded, plan, seen),
        command=recorded.about.command,
    )


def _what_if(about: About, run: Run, plan: Plan) -> str:
    """That a run is judged on other terms than its own, and what its own verdict is; empty where it is not. Of a run
    whose terms nobody noted, they are its own."""
    if about.terms in ("", terms_of(plan)):
        return ""
    own = own_verdict(run)
    return f"judged by other documents than the run was made with; its own verdict stays: {own}"


def _noted(page: Page, what_if: str) -> Page:
    if not what_if:
        return page
    facts = (*page.facts.facts, Note("what if", what_if))
    return dataclasses.replace(page, facts=dataclasses.replace(page.facts, facts=facts))


def verdict_of(assessed: Assessed) -> dict[str, Any]:
    """The content of `verdict.json`."""
    return verdict_json(assessed.verdict, assessed.page.facts, redact=assessed.secrets.redact, code=assessed.code)


def publish(assessed: Assessed, *, templates: Path) -> None:
    """Write what others read of a run."""
    run, page, redact = assessed.files, assessed.page, assessed.secrets.redact
    run.folder.mkdir(exist_ok=True)
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


def context_of(plan: Plan, state: RealmState | None, secrets: Secrets) -> Context:
    """What plays of a plan are given: addresses, variables, and secrets, resolved now."""
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


def _stages(bridge: Bridge) -> tuple[dict[str, str], Room | None]:
    """Everything that sends; what was left out or ended early, and why; and what the machine had free under load."""
    results = stage.accept(bridge)
    failed = [result.scenario.name for result in results if not (result.passed or result.skipped)]
    if failed:
        return _left_out(bridge.plan, f"not run: the journey '{failed[0]}' failed before"), None
    if bridge.budget.is_over:
        over = bridge.budget.over
        return {"acceptance": over, **_left_out(bridge.plan, f"not run: {over}")}, None
    if bridge.plan.profile is None:
        return {}, None
    with stage.load(bridge, bridge.plan.profile) as loading:
        idling = Idling()
        return _under_load(bridge, loading, bridge.plan.profile), idling.room()


def _left_out(plan: Plan, reason: str) -> dict[str, str]:
    """That reason for everything after acceptance."""
    return {"load": reason, **_without_faults(plan, reason)}


def _without_faults(plan: Plan, reason: str) -> dict[str, str]:
    """That reason for every experiment, and for the audit."""
    audit = {AUDIT: reason} if plan.audit else {}
    return {checked.experiment.name: reason for checked in plan.experiments} | audit


def _under_load(bridge: Bridge, loading: Loading, profile: Profile) -> dict[str, str]:
    watch = stage.watch_edges(bridge) if bridge.plan.experiments else None
    hindsight = Hindsight(watch, bridge.clock, span_s=BASELINE_S) if watch else None
    findings = _held(bridge, loading, profile, hindsight)
    ask_queries(bridge)
    missed = any(finding.grade is Grade.MISSED for finding in findings)
    if missed or not bridge.plan.experiments:
        loading.stop()  # its last second, too, may leave the generator unfit
    generator = judge_generator(bridge.recorder.measures(), bridge.plan.services)
    # without a hold there is nothing to say of the objectives, and an experiment alone judges none
    if findings or (bridge.plan.services and not bridge.budget.is_over):
        bridge.say(f"load: {outcome_of(findings, generator)}")
    if rendering := judge_rendering(bridge.recorder.measures()):
        bridge.say(f"warning: {rendering.reason}")
    if missed:
        return _without_faults(bridge.plan, why_not_run(findings, generator))
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


def why_not_run(findings: tuple[Finding, ...], generator: Finding | None) -> str:
    """Why no experiment follows a load that was missed, or would have been with a fit generator: a fault shows
    nothing of what may be failing already, and may do it harm."""
    name = next(finding.name for finding in findings if finding.grade is Grade.MISSED)
    if generator is None:
        return f"not run: {name} was missed before"
    return f"not run: {name} looked missed before, though that is undecided ({generator.reason})"


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
        git_revision=git_revision(plan.workspace),
        command=command_line(redact),
        profile=plan.profile.name if plan.profile else "",
        offered=plan.offered,
        baselines={word: tuple(names) for word, names in baselines.items()},
        canary=plan.canary,
        terms=terms_of(plan),
    )


def command_line(redact: Callable[[str], str]) -> str:
    """What this process was called with, to be called again: quoted as a shell wants it, secrets masked."""
    return shlex.join(["seatrial", *map(redact, sys.argv[1:])])


def git_revision(workspace: Path) -> str:
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
