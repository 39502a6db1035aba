"""A harness that plays experiments without end, to be killed at any moment: `python doomed.py WORKSPACE SEED`.

Of each experiment the seed decides what is broken, and when: every proxy, process and container of the realm has its
turn. One follows the other at once, so that hardly ever nothing is on.
"""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

from seatrial.chaos.expectations import Expectations
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import realm_lock, require_healed
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import (
    Down,
    EdgeFault,
    Experiment,
    Injection,
    Kill,
    Latency,
    Limits,
    ServiceFault,
    Stop,
    Timeout,
)
from seatrial.chaos.plan import Checked, PhaseObjective, resolver
from seatrial.clock import SystemClock
from seatrial.realm import Realm
from seatrial.runtime.read import read_realms
from seatrial.runtime.state import load_state
from seatrial.service import Edge
from seatrial.verdict import Finding

REALM = "doomed"


def main(folder: str, seed: str) -> None:
    """Break the realm again and again."""
    workspace, clock = Path(folder), SystemClock()
    realm = read_realms(workspace)[REALM]
    rng = random.Random(int(seed))
    ledger = Ledger(workspace / "reports" / "out" / f"run-{seed}" / "faults.jsonl")
    print("ready", flush=True)
    with realm_lock(workspace, REALM):
        require_healed(workspace, REALM, clock=clock, say=print)
        with Injector(ledger, REALM, clock=clock, say=print) as injector:
            around = Surroundings(
                injector=injector,
                resolve=resolver(workspace, realm, holder=f"run-{seed}"),
                observe=lambda: None,
                judge=_no_objective,
                mark=lambda phase, experiment: None,
                clock=clock,
                say=print,
            )
            for number in itertools.count():
                run_experiment(_experiment(number, workspace, realm, rng), around)


def _experiment(number: int, workspace: Path, realm: Realm, rng: random.Random) -> Checked:
    """Four faults at a time, on targets of their own."""
    state = load_state(workspace, REALM)
    assert state is not None
    edges = [Edge.parse(edge) for edge in state.edges]
    faults = [
        *(_on_edge(edge, rng) for edge in rng.sample(edges, 2)),
        *(_on_service(service, rng) for service in rng.sample(list(realm.places), 2)),
    ]
    method = tuple(Injection(rng.uniform(0.0, 0.5), rng.uniform(0.2, 1.0), fault) for fault in faults)
    experiment = Experiment(
        f"experiment {number}",
        method,
        expectations=Expectations(
            recovered_within_s=-1.0
        ),  # nothing is watched afterwards, not even the usual second
        steady_state=(),
        baseline_s=0.0,
        limits=Limits(targets=len(method)),
    )
    return Checked(experiment, steady=(), during=(), promises={}, hit={})


def _on_edge(edge: Edge, rng: random.Random) -> EdgeFault:
    return EdgeFault(edge, rng.choice([Timeout(0.0), Latency(0.1), Down()]))


def _on_service(service: str, rng: random.Random) -> ServiceFault:
    return ServiceFault(service, rng.choice([Kill("KILL"), Kill("TERM"), Stop()]))


def _no_objective(item: PhaseObjective) -> Finding:
    raise AssertionError(f"there is no objective, and {item} was asked for")


if __name__ == "__main__":
    main(*sys.argv[1:])
