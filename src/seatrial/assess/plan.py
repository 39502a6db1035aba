"""Reads all that an assessment comprises before anything is sent, and refuses what the realm does not allow.

Takes a workspace and names, gives a frozen `Plan`. A mistake in any document shows here, with its place, and not
after minutes of load.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.accept.prepare import Prepared
from seatrial.accept.static import require_sound
from seatrial.assess.asked import asked_of, require_judge, require_traffic
from seatrial.assess.audit.plan import Auditing, auditing, require_embedded
from seatrial.assess.places import require_asked, require_placed
from seatrial.chaos.audit import battery
from seatrial.chaos.model import Experiment, Plays
from seatrial.chaos.plan import Checked, check, limits_of
from seatrial.chaos.read import choose_experiments, read_experiments
from seatrial.errors import DocumentError, UsageError, Where, did_you_mean, unknown
from seatrial.quantity import show_duration
from seatrial.realm import Realm, permit_chaos, permit_mutations
from seatrial.redact import Secrets
from seatrial.runtime.read import Realms, choose_realm, read_realms
from seatrial.sample import Phase
from seatrial.scenarios.load.mix import Mix, mix
from seatrial.scenarios.load.mix import permit as permit_mix
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile, StopWhen, read_profiles
from seatrial.scenarios.load.spread import Spread, here, require_places
from seatrial.scenarios.model import Scenario, every_step, mutates
from seatrial.scenarios.read import read_scenarios, select
from seatrial.service import Service
from seatrial.slo.gate import Gate, read_gate, shared
from seatrial.slo.limits import questions
from seatrial.slo.measure import Question
from seatrial.slo.read import read_services

DEFAULT_AT_MOST_S = 300.0


@dataclass(frozen=True)
class Documents:
    """What stands in the folders of a workspace: each is read once, when it is first asked for, which is when it
    raises DocumentError for a mistake in it."""

    workspace: Path

    @functools.cached_property
    def realms(self) -> Realms:
        """By name, with the default."""
        return read_realms(self.workspace)

    @functools.cached_property
    def services(self) -> Mapping[str, Service]:
        """Every service that has a document, by name."""
        return read_services(self.workspace / "slo")

    @functools.cached_property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Every journey."""
        return read_scenarios(self.workspace / "scenarios")

    @functools.cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """By name."""
        return read_profiles(self.workspace / "scenarios")

    @functools.cached_property
    def experiments(self) -> Mapping[str, Experiment]:
        """By name, those written in game days too."""
        return read_experiments(self.workspace / "chaos")


@dataclass(frozen=True)
class Plan:
    """What one assessment will do. `services` are those judged, `documented` every service that has a document;
    `audit` is None where the gate asks for none."""

    workspace: Path
    realm: Realm
    gate: Gate
    services: Mapping[str, Service]
    documented: Mapping[str, Service]
    acceptance: tuple[Scenario, ...]
    profile: Profile | None
    mix: Mix | None
    experiments: tuple[Checked, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    canary: Canary | None = None
    spread: Spread | None = None
    audit: Auditing | None = None

    @property
    def offered(self) -> str:
        """The load in words; empty without one."""
        return self.profile.offered if self.profile else ""

    @property
    def asked(self) -> Mapping[str, Service]:
        """The services judged with those of their objectives that the load speaks to; others stay without data."""
        return asked_of(self.services, self.mix) if self.mix else {}

    @property
    def judges_a_part(self) -> bool:
        """Whether `--service` left any documented service out."""
        return self.services.keys() != self.documented.keys()

    @property
    def questions(self) -> frozenset[Question]:
        """All that is asked of the load while it goes on: by the objectives, and by what experiments expect."""
        expected = ((item.service, item.objective) for item in limits_of(self.experiments))
        return questions(self.documented.values(), also=expected)

    @property
    def hold_at_most_s(self) -> float:
        """How long the hold may take at most, unless it is extended: the gate's bound; as long as the profile holds
        where the gate has none, or where that is less and nothing but its stages ends it."""
        bound_s, profile = self.gate.hold_at_most_s, self.profile
        if profile is None:
            return DEFAULT_AT_MOST_S if bound_s is None else bound_s
        if bound_s is None:
            return profile.held_s
        return bound_s if profile.stop_when is StopWhen.DECIDED else min(bound_s, profile.held_s)

    @property
    def extended_at_most_s(self) -> float:
        """How long the hold may take at most while something can still be decided."""
        return max(self.hold_at_most_s, self.gate.extend_to_s or 0.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for; `services` empty means all, `processes` play the load together."""

    realm: str | None = None
    gate: str = "default"
    services: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    processes: int = 1


def read_plan(workspace: Path, asked: Asked) -> Plan:
    """Read and hold together all that the gate names; DocumentError, UsageError or Refused for what is wrong."""
    plan = _read(Documents(workspace), asked, read_gate(workspace / "slo", asked.gate))
    if plan.profile and plan.mix:
        require_judge(plan.profile, asked_of(plan.services, plan.mix))
    permit(plan)
    require_sound_journeys(plan)
    return plan


def experiment_plan(documents: Documents, asked: Asked, name: str) -> Plan:
    """A plan of one experiment, by its name or its file, under its own traffic. No gate is read: the realm need not
    allow what one asks."""
    experiment = choose_experiments(documents.experiments, (name,))[0]
    if experiment.traffic is None:
        raise UsageError(f"{experiment.where}: '{experiment.name}' names no traffic; add `traffic: {{profile: ...}}`")
    own = _profile_of(experiment, experiment.traffic) if isinstance(experiment.traffic, Plays) else None
    # There is nothing to decide before the fault: the hold lasts as long as the baseline needs.
    gate = Gate(
        experiments=(experiment.name,),
        profile=own.name if own else str(experiment.traffic),
        hold_at_most_s=experiment.baseline_s,
        where=experiment.where,
    )
    plan = dataclasses.replace(_read(documents, asked, gate, own=own), services={}, acceptance=())
    permit(plan)
    require_sound_journeys(plan)
    return plan


def require_sound_journeys(plan: Plan) -> None:
    """DocumentError for a name nobody has in a journey that will be played."""
    mixes = (plan.mix, plan.audit.mix if plan.audit else None)
    under_load = (item for each in mixes if each for item in each.scenarios)
    played = {item.name: item for item in (*plan.acceptance, *under_load)}
    require_sound(Prepared(plan.workspace, plan.realm, tuple(played.values()), plan.overrides, Secrets()))


def beside(plan: Plan, canary: Canary) -> Plan:
    """The plan with a canary. Of what `alpha: {gate: ...}` allows in all, the canary of a service takes the part of
    one objective more."""
    return dataclasses.replace(
        plan, canary=canary, gate=shared(plan.gate, _promised(plan.services) + len(canary.addresses))
    )


def permit(plan: Plan) -> None:
    """Refuse what the realm does not allow, naming the line to change; nothing has been sent yet."""
    for scenario in filter(mutates, plan.acceptance):
        permit_mutations(plan.realm, scenario.name, scenario.tags)
    if plan.profile and plan.mix:
        permit_mix(plan.profile, plan.mix, plan.realm)
    if plan.audit:
        permit_mix(plan.audit.profile, plan.audit.mix, plan.realm)
        require_embedded(plan.realm)
    if plan.experiments or plan.audit:
        permit_chaos(plan.realm)


def rates_per_s(plan: Plan) -> dict[tuple[str, str, str], float]:
    """Requests per second the profile's peak sends to each (service, method, route); none for a closed model."""
    if plan.profile is None or plan.mix is None or plan.profile.model is not Model.OPEN:
        return {}
    rates: dict[tuple[str, str, str], float] = {}
    for scenario, weight in zip(plan.mix.scenarios, plan.mix.weights, strict=True):
        plays_per_s = plan.profile.peak * weight / sum(plan.mix.weights)
        for step in every_step(scenario):
            key = (step.service, step.method, step.route)
            rates[key] = rates.get(key, 0.0) + plays_per_s
    return rates


def until_hold_s(profile: Profile) -> float:
    """When the hold begins: after every stage before the first hold, and after the warm-up beside them."""
    before = itertools.takewhile(lambda item: item.phase is not Phase.HOLD, profile.stages)
    return max(profile.warm_up_s, sum(item.lasts_s for item in before))


def _read(documents: Documents, asked: Asked, gate: Gate, *, own: Profile | None = None) -> Plan:
    """Every document that gate comprises; `own` is the load where no document has it."""
    realm = choose_realm(documents.realms, asked.realm)
    documented, scenarios = documents.services, documents.scenarios
    require_placed(documented.values(), documents.realms)
    require_asked(documented.values(), scenarios)
    profile = own or _profile(documents, gate)
    services = _chosen(documented, asked.services)
    spread = here(asked.processes)
    if profile:
        require_places(profile, spread)
    load = mix(profile, scenarios) if profile else None
    experiments = _experiments(documents, gate, realm=realm, profile=profile)
    if profile and load:
        for checked in experiments:
            require_traffic(checked, load, profile=profile.name)
    return Plan(
        workspace=documents.workspace,
        realm=realm,
        gate=shared(gate, _promised(services)),
        services=services,
        documented=documented,
        acceptance=_acceptance(scenarios, gate),
        profile=profile,
        mix=load,
        experiments=experiments,
        overrides=asked.overrides,
        spread=spread,
        audit=_audit(gate, services=documented, scenarios=scenarios, profile=profile),
    )


def _audit(
    gate: Gate, *, services: Mapping[str, Service], scenarios: Sequence[Scenario], profile: Profile | None
) -> Auditing | None:
    """The audit that the gate asks for, under the journeys of its load; DocumentError for one of nothing."""
    if gate.audit is None:
        return None
    where = gate.place("audit", "only") if gate.audit.only else gate.place("audit")
    try:
        strains = battery.strains(services, gate.audit.only)
    except UsageError as error:
        raise DocumentError(where, str(error).removeprefix("--only: ")) from None
    if not strains:
        problem = "nothing to audit: no edge of the services has a strain that is left in"
        raise DocumentError(where, problem, "edges are what `depends_on` of slo/<service>.yaml names")
    return auditing(strains, scenarios, profile)


def _acceptance(scenarios: Sequence[Scenario], gate: Gate) -> tuple[Scenario, ...]:
    """The journeys of the gate's tags; DocumentError for a tag that none has, which would leave out what it means."""
    tags = frozenset[str]().union(*(scenario.tags for scenario in scenarios))
    for index, tag in enumerate(gate.acceptance_tags):
        if tag not in tags:
            hint = did_you_mean(tag, tags) or "no journey has a tag"
            raise DocumentError(gate.place("acceptance", "tags", index), f"no journey has the tag '{tag}'", hint)
    return select(scenarios, tags=gate.acceptance_tags)


def _promised(services: Mapping[str, Service]) -> int:
    return sum(len(service.promises) for service in services.values())


def _profile_of(experiment: Experiment, plays: Plays) -> Profile:
    """The load that plays of one journey are: a hold at their rate for as long as the experiment takes."""
    return Profile(
        name=f"{plays.scenario} every {show_duration(plays.every_s)}",
        model=Model.OPEN,
        scenarios={plays.scenario: None},
        stages=(Stage(Phase.HOLD, 1.0 / plays.every_s, experiment.takes_s),),
        where=plays.where,
        places={plays.scenario: plays.where} if plays.where else {},
    )


def _profile(documents: Documents, gate: Gate) -> Profile | None:
    if gate.profile is None:
        return None
    profiles = documents.profiles
    if gate.profile not in profiles:
        raise _unknown(gate.place("load", "profile"), f"unknown profile '{gate.profile}'", gate.profile, profiles)
    return profiles[gate.profile]


def _experiments(documents: Documents, gate: Gate, *, realm: Realm, profile: Profile | None) -> tuple[Checked, ...]:
    known = documents.experiments
    for index, name in enumerate(gate.experiments):
        if name not in known:
            raise _unknown(gate.place("chaos", index), f"unknown experiment '{name}'", name, known)
    if gate.experiments and gate.profile is None:
        raise _unknown(gate.place("chaos"), "experiments need traffic, and the gate names no load profile", "", ())
    if gate.experiments and profile and profile.probes:
        problem = f"profile '{profile.name}' is a breakpoint search, which ends in overload"
        raise DocumentError(gate.place("chaos"), problem, "experiments need a load that holds")
    chosen: Iterable[Experiment] = (known[name] for name in gate.experiments)
    return tuple(check(experiment, realm=realm, services=documents.services) for experiment in chosen)


def _chosen(services: Mapping[str, Service], names: Sequence[str]) -> Mapping[str, Service]:
    for name in names:
        if name not in services:
            raise UsageError(unknown("service", name, services))
    return {name: service for name, service in services.items() if not names or name in names}


def _unknown(where: Where, problem: str, name: str, known: Iterable[str]) -> DocumentError:
    return DocumentError(where, problem, did_you_mean(name, known) if name else "")
