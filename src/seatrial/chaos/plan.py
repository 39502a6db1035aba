"""Finds the real targets of an experiment, and refuses it before anything is broken.

Takes an experiment, the service documents and the realm; gives a `Plan`: faults with their targets, objectives by
their promises. `check` needs no realm that is up; `plan_experiment` does. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Site
from seatrial.chaos.inject import LEASE_S, Resolved
from seatrial.chaos.model import BreakerExpectation, EdgeFault, Experiment, Fault, Injection, Named
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.realm import CLIENT, Realm, permit_chaos
from seatrial.runtime.state import load_state
from seatrial.sample import Phase
from seatrial.service import BreakerPromise, Edge, Mechanisms, Objective, Service, edges


@dataclass(frozen=True, slots=True)
class PhaseObjective:
    """An objective of a service, to be judged over one phase of an experiment."""

    service: str
    objective: Objective
    phase: Phase


@dataclass(frozen=True, slots=True)
class PlannedInjection:
    """An injection with its target found."""

    injection: Injection
    resolved: Resolved

    @property
    def sight(self) -> str:
        """What happens when, in one line."""
        injection = self.injection
        return (
            f"{injection.at_s:g} s to {injection.until_s:g} s: {injection.fault.kind} on {injection.fault.target}: "
            f"{self.resolved.injectable.sight}"
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """An experiment whose names are all known. `promises` are those of the edges whose breakers are judged;
    `hit` maps each fault's target to the edges it is felt on."""

    experiment: Experiment
    steady: tuple[PhaseObjective, ...]
    during: tuple[PhaseObjective, ...]
    promises: Mapping[Edge, Mechanisms]
    hit: Mapping[str, tuple[Edge, ...]]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will be done, its targets found."""

    checked: Checked
    injections: tuple[PlannedInjection, ...]


def check(experiment: Experiment, *, realm: Realm, services: Mapping[str, Service]) -> Checked:
    """Hold an experiment against the realm and the promises; DocumentError for a name nobody knows."""
    known = _known_edges(realm, services)
    for injection in experiment.method:
        _refuse_unknown(injection.fault, realm, known)
    return Checked(
        experiment=experiment,
        steady=tuple(_objective(name, services, Phase.HOLD) for name in experiment.steady_state),
        during=(
            *(_limit(item.service, item.objective, services) for item in experiment.expectations.limits),
            *(_objective(name, services, Phase.DURING) for name in experiment.expectations.untouched),
        ),
        promises={item.edge: _promise(item, services, known) for item in experiment.expectations.breakers},
        hit={injection.fault.target: _hit(injection.fault, known) for injection in experiment.method},
    )


def plan_experiment(checked: Checked, *, realm: Realm, resolve: Callable[[Fault], Resolved]) -> Plan:
    """Find every target; Refused when the realm allows no chaos, CannotRun for a target that is not there."""
    permit_chaos(realm)
    method = checked.experiment.method
    return Plan(checked, tuple(PlannedInjection(item, resolve(item.fault)) for item in method))


def resolver(workspace: Path, realm: Realm, *, holder: str, lease_s: float = LEASE_S) -> Callable[[Fault], Resolved]:
    """What finds a fault's target at the moment it is needed: a service that was restarted has another process."""

    def resolve(fault: Fault) -> Resolved:
        site = Site(workspace, realm, load_state(workspace, realm.name), holder, lease_s)
        return Resolved(fault, *faults.resolve(fault, site))

    return resolve


def limits_of(checked: Iterable[Checked]) -> tuple[PhaseObjective, ...]:
    """Every objective written in experiments: the load must count over their limits from the start."""
    return tuple(item for each in checked for item in each.during)


def _known_edges(realm: Realm, services: Mapping[str, Service]) -> tuple[Edge, ...]:
    fronts = [Edge(CLIENT, name) for name in realm.places]
    named = [Edge.parse(text) for text in realm.edges]
    return tuple(dict.fromkeys((*edges(services.values()), *named, *fronts)))


def _refuse_unknown(fault: Fault, realm: Realm, known: tuple[Edge, ...]) -> None:
    if isinstance(fault, EdgeFault):
        _refuse_edge(fault.edge, fault.where, known)
    elif fault.service not in realm.places:
        hint = did_you_mean(fault.service, realm.places)
        raise _error(fault.where, f"unknown service '{fault.service}' in realm '{realm.name}'", hint)


def _refuse_edge(edge: Edge, where: Where | None, known: tuple[Edge, ...]) -> None:
    if edge not in known:
        raise _error(where, f"unknown edge '{edge}'", did_you_mean(str(edge), map(str, known)))


def _objective(name: Named, services: Mapping[str, Service], phase: Phase) -> PhaseObjective:
    service = _service(name.service, name.where, services)
    for objective in service.objectives:
        if objective.name == name.objective:
            return PhaseObjective(service.name, objective, phase)
    hint = did_you_mean(name.objective, (objective.name for objective in service.objectives))
    raise _error(name.where, f"'{name.service}' promises no '{name.objective}'", hint)


def _limit(name: str, objective: Objective, services: Mapping[str, Service]) -> PhaseObjective:
    return PhaseObjective(_service(name, objective.where, services).name, objective, Phase.DURING)


def _service(name: str, where: Where | None, services: Mapping[str, Service]) -> Service:
    if name not in services:
        raise _error(where, f"unknown service '{name}'", did_you_mean(name, services))
    return services[name]


def _promise(item: BreakerExpectation, services: Mapping[str, Service], known: tuple[Edge, ...]) -> Mechanisms:
    """What the caller promises about the edge; the breaker is held to it."""
    _refuse_edge(item.edge, item.where, known)
    caller = services.get(item.edge.caller)
    promised = caller.mechanisms.get(item.edge.callee) if caller else None
    if promised is None or promised.breaker is None:
        raise _error(
            item.where,
            f"no breaker is promised for {item.edge}",
            f"promise one in slo/{item.edge.caller}.yaml: "
            f"mechanisms: {{{item.edge.callee}: {{breaker: {{open_for: 2s}}}}}}",
        )
    return promised


def breaker_of(promised: Mechanisms) -> BreakerPromise:
    """The promised breaker of an edge that `check` has passed."""
    return promised.breaker or BreakerPromise()


def _hit(fault: Fault, known: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """The edges a fault is felt on: its own, or every one that leads to the service."""
    if isinstance(fault, EdgeFault):
        return (fault.edge,)
    return tuple(edge for edge in known if edge.callee == fault.service)


def _error(where: Where | None, problem: str, hint: str) -> DocumentError:
    return DocumentError(where or Where("?", 1, 1), problem, hint)
