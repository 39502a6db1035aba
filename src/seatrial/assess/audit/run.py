"""`audit`, the line of one audit alone: realm, traffic by the journeys, one strain after the other, findings.

Takes a plan that comprises an audit and nothing else, gives what it came to and where its run is; or reads a recorded
one again. Whatever happens, what was started is ended and what was injected is healed before it returns or raises.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial import __version__, journal
from seatrial.assess.audit.about import AboutAudit, Strained, read_about_audit, write_about_audit
from seatrial.assess.audit.audited import Audited, cut_short, read_seen
from seatrial.assess.audit.plan import COMMAND, Auditing, auditing
from seatrial.assess.audit.stage import strain_all
from seatrial.assess.budget import budget
from seatrial.assess.places import require_placed
from seatrial.assess.plan import Documents, Plan, permit, require_sound_journeys
from seatrial.assess.record import Recorder
from seatrial.assess.run import HEALED, Telling, command_line, context_of, git_revision
from seatrial.assess.stage import Bridge
from seatrial.assess.terms import terms_of_strains
from seatrial.chaos.audit import battery
from seatrial.chaos.audit.model import Strain
from seatrial.chaos.healing.recover import realm_lock, require_healed
from seatrial.clock import Clock
from seatrial.errors import Interrupted, UsageError
from seatrial.journal import Journal, Run, going_on
from seatrial.redact import Secrets
from seatrial.runtime.read import choose_realm
from seatrial.runtime.standing import standing
from seatrial.runtime.up import require_reachable
from seatrial.scenarios.load.profile import choose_profile
from seatrial.scenarios.load.spread import here
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.read import read_scenarios
from seatrial.service import Service, edges
from seatrial.slo.gate import Gate, read_gates
from seatrial.slo.read import read_services


@dataclass(frozen=True, slots=True)
class AuditAsked:
    """What the command line asked for; without a `profile` the default gate's says which journeys are the traffic."""

    realm: str | None = None
    profile: str | None = None
    only: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


def audit_plan(workspace: Path, asked: AuditAsked) -> Plan:
    """Read all that an audit comprises; DocumentError, UsageError or Refused before anything is sent."""
    documents = Documents(workspace)
    realms, documented = documents.realms, documents.services
    require_placed(documented.values(), realms)
    strains = battery.strains(documented, asked.only)
    if not strains:
        raise UsageError("nothing to audit: no edge of the documents (`depends_on`) has a strain that is left in")
    scenarios, profiles = documents.scenarios, documents.profiles
    gate = read_gates(workspace / "slo").get("default")
    named = asked.profile or (gate.profile if gate else None)
    plan = Plan(
        workspace=workspace,
        realm=choose_realm(realms, asked.realm),
        gate=Gate(name=COMMAND),
        services={},
        documented=documented,
        acceptance=(),
        profile=None,
        mix=None,
        experiments=(),
        overrides=asked.overrides,
        spread=here(1),
        audit=auditing(strains, scenarios, choose_profile(profiles, named) if named else None),
    )
    permit(plan)
    require_sound_journeys(plan)
    return plan


def audit(plan: Plan, *, clock: Clock, telling: Telling) -> Audited:
    """Do it all; the run's folder holds the journal and the undo ledger at the end. What was interrupted comes to
    what was recorded until then; before there is a run, the interrupt is raised."""
    secrets, planned = Secrets(), plan.audit
    assert planned is not None
    run, interrupted = None, ""
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(realm_lock(plan.workspace, plan.realm.name))
            require_healed(plan.workspace, plan.realm.name, clock=clock, say=telling.say)
            up = standing(plan.realm, plan.workspace, variables=plan.overrides, say=telling.say)
            state = stack.enter_context(up)
            require_reachable(plan.realm, state)
            context = context_of(plan, state, secrets)
            run = journal.create_run(plan.workspace, plan.realm.name, clock=clock)
            stack.enter_context(going_on(run))
            writer = Journal(run.journal)
            stack.callback(writer.close)
            recorder = Recorder(writer, plan.questions)
            _record(
                Bridge(plan, run, recorder, context, state, clock, telling.say, telling.show, budget(clock, None)),
                planned,
            )
    except (KeyboardInterrupt, Interrupted) as error:
        if run is None or not run.about.is_file():
            raise
        interrupted = str(error) if isinstance(error, Interrupted) else HEALED
    came_to = _came_to(run, planned.strains, plan.documented, planned.mix.scenarios)
    return dataclasses.replace(came_to, interrupted=interrupted)


def _record(bridge: Bridge, planned: Auditing) -> None:
    """Everything that is kept of the run, from what it is held against to how it ended."""
    about = _about(bridge, planned.strains, profile=planned.profile.name)
    write_about_audit(bridge.run, about)
    left_out = strain_all(bridge, planned)
    write_about_audit(bridge.run, dataclasses.replace(about, ended_at=bridge.clock.now(), left_out=left_out))


def audited_again(workspace: Path, run: Run) -> Audited:
    """What a recorded audit comes to, read with the documents and signatures as they are now.

    A strain whose edge no document has any more is left out. UsageError where none is left.
    """
    about = read_about_audit(run)
    documented = read_services(workspace / "slo")
    faults = {each.fault for each in about.strains}.intersection(battery.TRIED)
    named = battery.strains(documented, sorted(faults))  # some are strained only where they are named
    strains = tuple(strain for strain in named if _named(strain) in about.strains)
    if not strains:
        raise UsageError(f"{run.about}: no edge of the documents (`depends_on`) is one that was strained")
    what_if = ""
    if about.terms != terms_of_strains(strains):
        what_if = "read by other documents than the audit was made with; its own files stay"
    return _came_to(run, strains, documented, read_scenarios(workspace / "scenarios"), what_if)


def _came_to(
    run: Run,
    strains: Sequence[Strain],
    documented: Mapping[str, Service],
    scenarios: Iterable[Scenario],
    what_if: str = "",
) -> Audited:
    """What the run's folder holds of those strains; without an end it was interrupted or killed, or still goes on."""
    about = read_about_audit(run)
    is_cut = about.ended_at is None
    seen = read_seen(run.journal, strains, about.left_out, scenarios=scenarios, is_cut=is_cut)
    cut = cut_short(seen, strains) if is_cut else ""
    graph = edges(documented.values())
    return Audited(run, about.realm, graph, about.started_at, seen, what_if, cut, command=about.line)


def _about(bridge: Bridge, strains: Sequence[Strain], *, profile: str) -> AboutAudit:
    """What `run.json` says of an audit that begins now."""
    return AboutAudit(
        run=bridge.run.name,
        realm=bridge.plan.realm.name,
        profile=profile,
        seatrial=__version__,
        started_at=bridge.clock.now(),
        terms=terms_of_strains(strains),
        line=command_line(bridge.context.secrets.redact),
        git_revision=git_revision(bridge.plan.workspace),
        strains=tuple(map(_named, strains)),
    )


def _named(strain: Strain) -> Strained:
    return Strained(str(strain.edge), str(strain.kind))
