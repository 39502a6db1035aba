"""Finds the real targets of an experiment, and refuses it before anything is broken.

Takes an experiment, the service documents and the realm; gives a `Plan`: faults with their targets, objectives by
their promises. `check` and `require_able` need no realm that is up; `plan_experiment` does. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos import faults
from seatrial.chaos.active import Resolved
from seatrial.chaos.expectations import Expectations, Named
from seatrial.chaos.faults.injectable import Site
from seatrial.chaos.inject import LEASE_S
from seatrial.chaos.model import EdgeFault, Experiment, Fault, Injection
from seatrial.errors import DocumentError, Where, did_you_mean
from seatrial.quantity import show_duration
from seatrial.realm import CLIENT, Realm, permit_chaos
from seatrial.runtime.state import load_state
from seatrial.runtime.up import edges_of
from seatrial.sample import Phase
from seatrial.service import BreakerPromise, Edge, Mechanisms, Objective, Service, edge_hint, edges


@dataclass(frozen=True, slots=True)
class PhaseObjective:
    """An objective of a service, to be judged over one phase of an experiment; of that, what came `since` then (UTC
    seconds)."""

    service: str
    objective: Objective
    phase: Phase
    since: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedInjection:
    """An injection with its target found."""

    injection: Injection
    resolved: Resolved

    @property
    def sight(self) -> str:
        """What happens when, in one line."""
        return f"{self.injection.sight}: {self.resolved.injectable.sight}"


@dataclass(frozen=True, slots=True)
class Checked:
    """An experiment whose names are all known. `promises` are those of the edges whose mechanisms are judged;
    a miss of an `abort` objective ends it; `hit` maps each fault's target to the edges it is felt on."""

    experiment: Experiment
    steady: tuple[PhaseObjective, ...]
    during: tuple[PhaseObjective, ...]
    promises: Mapping[Edge, Mechanisms]
    hit: Mapping[str, tuple[Edge, ...]]
    abort: tuple[PhaseObjective, ...] = ()

    @property
    def breakers(self) -> tuple[Edge, ...]:
        """The edges whose breakers are judged."""
        return tuple(item.edge for item in self.experiment.expectations.breakers)


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
        promises=_promises(experiment.expectations, services, known),
        hit={injection.fault.target: _hit(injection.fault, known) for injection in experiment.method},
        abort=tuple(_objective(name, services, Phase.DURING) for name in _aborting(experiment)),
    )


def _aborting(experiment: Experiment) -> tuple[Named, ...]:
    return experiment.abort_on.objectives if experiment.abort_on else ()


def plan_experiment(checked: Checked, *, realm: Realm, resolve: Callable[[Fault], Resolved]) -> Plan:
    """Find every target; Refused when the realm allows no chaos, CannotRun for a target that is not there."""
    permit_chaos(realm)
    experiment = checked.experiment
    planned = tuple(PlannedInjection(item, resolve(item.fault)) for item in experiment.method)
    for item in planned:
        refuse_longer(item.injection, item.resolved, limit_s=experiment.limits.duration_s)
    return Plan(checked, planned)


def require_able(checked: Checked, *, realm: Realm) -> None:
    """What `plan_experiment` refuses without a look for targets: Refused when the realm allows no chaos, Unsupported
    for a fault that nothing there can do."""
    permit_chaos(realm)
    for injection in checked.experiment.method:
        faults.find(injection.fault, realm)


def refuse_longer(injection: Injection, resolved: Resolved, *, limit_s: float) -> None:
    """Refuse a fault whose target, as it was found, makes injecting it alone go beyond the limit: many replicas."""
    ends_s = injection.at_s + resolved.injectable.takes_s
    if ends_s <= limit_s:
        return
    problem = f"{resolved.injectable.sight}: this goes on until {show_duration(ends_s)} at the earliest"
    hint = f"the method's limit is {show_duration(limit_s)}: shorten the pause, or raise limits: {{duration: ...}}"
    raise _error(injection.fault.where, problem, hint)


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
    return tuple(dict.fromkeys((*edges(services.values()), *named, *edges_of(realm), *fronts)))


def _refuse_unknown(fault: Fault, realm: Realm, known: tuple[Edge, ...]) -> None:
    if isinstance(fault, EdgeFault):
        _refuse_edge(fault.edge, fault.where, known)
        return
    for name in fault.services:
        if name not in realm.places:
            hint = did_you_mean(name, realm.places)
            raise _error(fault.where, f"unknown service '{name}' in realm '{realm.name}'", hint)


def _refuse_edge(edge: Edge, where: Where | None, known: tuple[Edge, ...]) -> None:
    if edge not in known:
        raise _error(where, f"unknown edge '{edge}'", edge_hint(edge, known))


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


def _promises(
    expected: Expectations, services: Mapping[str, Service], known: tuple[Edge, ...]
) -> Mapping[Edge, Mechanisms]:
    """What the callers promise about the edges whose mechanisms are judged; they are held to it."""
    found: dict[Edge, Mechanisms] = {}
    places = [(item.edge, item.where) for item in expected.breakers]
    places += [(item.edge, item.where) for item in expected.amplifications]
    places += [(item.edge, item.where) for item in expected.timeouts]
    places += [(item.edge, item.where) for item in expected.fallbacks]
    places += [(item.edge, item.where) for item in expected.bulkheads]
    places += [(edge, item.where) for item in expected.hedgings for edge in (item.edge, item.replica)]
    places += [(item.edge, item.where) for item in expected.isolations]
    for edge, where in places:
        _refuse_edge(edge, where, known)
        caller = services.get(edge.caller)
        found[edge] = (caller.mechanisms.get(edge.callee) if caller else None) or Mechanisms()
    for breaker in expected.breakers:
        if found[breaker.edge].breaker is None:
            raise _unpromised(breaker.edge, breaker.where, "breaker", "breaker: {open_for: 2s}")
    for retries in expected.amplifications:
        _refuse_front(retries.edge, retries.where)
        if retries.at_most is None and found[retries.edge].retries_max is None:
            raise _unpromised(retries.edge, retries.where, "number of retries", "retries: {max: 1}")
    for edge, where in _inner(expected):
        _refuse_front(edge, where)
    for timeout in expected.timeouts:
        if timeout.bounded_by_s is None and found[timeout.edge].timeout_s is None:
            raise _unpromised(timeout.edge, timeout.where, "timeout", "timeout: 250ms")
    return found


def _inner(expected: Expectations) -> Iterator[tuple[Edge, Where | None]]:
    """The edges whose callers' requests must be seen, so that none may be the traffic's own."""
    yield from ((item.edge, item.where) for item in expected.fallbacks)
    yield from ((item.edge, item.where) for item in expected.bulkheads)
    yield from ((item.edge, item.where) for item in expected.hedgings)
    yield from ((item.edge, item.where) for item in expected.isolations)


def _unpromised(edge: Edge, where: Where | None, what: str, example: str) -> DocumentError:
    hint = f"promise one in slo/{edge.caller}.yaml: mechanisms: {{{edge.callee}: {{{example}}}}}"
    return _error(where, f"no {what} is promised for {edge}", hint)


def _refuse_front(edge: Edge, where: Where | None) -> None:
    if edge.caller == CLIENT:
        problem = f"nobody sees what leads to a call on {edge}: its caller is the traffic itself"
        raise _error(where, problem, "name an edge between two services")


def breaker_of(promised: Mechanisms) -> BreakerPromise:
    """The promised breaker of an edge that `check` has passed."""
    return promised.breaker or BreakerPromise()


def _hit(fault: Fault, known: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """The edges a fault is felt on: its own, or every one that leads to the service."""
    if isinstance(fault, EdgeFault):
        return (fault.edge,)
    return tuple(edge for edge in known if edge.callee in fault.services)


def _error(where: Where | None, problem: str, hint: str) -> DocumentError:
    return DocumentError(where or Where("?", 1, 1), problem, hint)
