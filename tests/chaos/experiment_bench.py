"""A system under a fake clock that experiments are played on."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from seatrial.chaos.expectations import BreakerExpectation, Expectations, Named
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.faults.injectable import AtOnce, Lease, Means, Undone
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector, Resolved
from seatrial.chaos.model import (
    AbortOn,
    EdgeFault,
    Experiment,
    ExperimentRecord,
    Fault,
    Injection,
    Limits,
    Timeout,
)
from seatrial.chaos.plan import Checked, PhaseObjective
from seatrial.chaos.verify import apart, judge_experiment
from seatrial.sample import EdgeCall, Phase
from seatrial.service import BreakerPromise, Edge, Indicator, Mechanisms, Objective
from seatrial.verdict import Finding, Grade, Subject

EDGE = Edge("cards", "ledger")
HANG = Injection(0.0, 20.0, EdgeFault(EDGE, Timeout(0.0)))
FAST = Objective("fast", Indicator.LATENCY, 0.3, quantile=0.99)
PROMISED = Mechanisms(0.25, BreakerPromise(10, 0.5, 5.0, 2.0, 1))


@dataclass(frozen=True, slots=True)
class NotedFault(AtOnce):
    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 5.0
    lease: ClassVar[Lease | None] = None
    sight: ClassVar[str] = "noted"

    target: str

    def inject(self) -> None:
        Bench.now.note(f"inject {self.target}")
        Bench.now.on.add(self.target)

    def heal(self) -> Undone:
        Bench.now.note(f"heal {self.target}")
        Bench.now.on.discard(self.target)
        return Undone(not Bench.now.expired, "done")


class Bench:
    """A system under a fake clock: 20 requests a second, each leading to a call while the breaker lets it."""

    now: ClassVar[Bench]

    def __init__(self, clock, tmp_path: Path) -> None:
        Bench.now = self
        self.clock = clock
        self.begin = clock.now()
        self.notes: list[tuple[float, str]] = []
        self.on: set[str] = set()
        self.opened = False
        self.breaks = True
        self.expired = False
        self.steady = Grade.MET
        self.share: float | None = 0.0
        self.well = threading.Event()
        self._told = clock.now()
        self._number = 0
        self.calls: list[EdgeCall] = []
        ledger = Ledger(tmp_path / "faults.jsonl")
        self.injector = Injector(
            ledger,
            "demo",
            clock=clock,
            say=lambda _: None,
            renew_every_s=60.0,
            start_watchdog=lambda ledger: None,
        )

    def note(self, text: str) -> None:
        self.notes.append((round(self.clock.now() - self.begin, 1), text))

    def observe(self) -> None:
        while self._told < self.clock.now():
            self.calls += self._request(self._told)
            self._told += 0.05

    def findings(self, checked: Checked, record: ExperimentRecord) -> tuple[Finding, ...]:
        (seen,) = apart((checked,), calls=self.calls, windows=record.windows)
        return judge_experiment(seen, judge=self.judge, aborted=record.aborted)

    def _request(self, at: float) -> list[EdgeCall]:
        self._number += 1
        trace = f"t{self._number}"
        open_now = self.opened and self.breaks and self.on
        self.opened = bool(self.on)
        if open_now:
            return [EdgeCall("r", "client->cards", at, "POST", "/charges", 0.003, None, 503, trace, "done")]
        good = not self.on
        took, status = (0.004, 200) if good else (0.25, 504)
        fate = "done" if good else "client_closed"
        return [
            EdgeCall("r", "client->cards", at, "POST", "/charges", took + 0.002, None, status, trace, "done"),
            EdgeCall("r", str(EDGE), at, "POST", "/entries", took, None, 201 if good else None, trace, fate),
        ]

    def judge(self, item: PhaseObjective) -> Finding:
        grade = self.steady if item.phase is Phase.HOLD else Grade.MET
        return Finding(Subject.OBJECTIVE, item.service, item.objective.name, grade, "as told")

    def around(self, **changes) -> Surroundings:
        given = {
            "injector": self.injector,
            "resolve": find_noted,
            "observe": self.observe,
            "judge": self.judge,
            "mark": lambda phase, experiment: self.note(f"{phase} {experiment}"),
            "clock": self.clock,
            "say": lambda _: None,
        }
        return Surroundings(**{**given, **changes})

    def run(self, checked: Checked, **changes):
        with self.injector:
            return run_experiment(checked, self.around(**changes))


def find_noted(fault: Fault) -> Resolved:
    return Resolved(fault, Means.PROXY, NotedFault(fault.target))


def checked(*method: Injection, abort_on: AbortOn | None = None) -> Checked:
    expected = BreakerExpectation(EDGE, opens_within_s=5.0, calls_while_open=None, closes_within_s=5.0)
    experiment = Experiment(
        "the ledger hangs",
        method,
        expectations=Expectations(breakers=(expected,), untouched=(Named("cards", "fast"),), recovered_within_s=10.0),
        steady_state=(Named("cards", "fast"),),
        baseline_s=10.0,
        abort_on=abort_on,
        limits=Limits(),
    )
    return Checked(
        experiment,
        steady=(PhaseObjective("cards", FAST, Phase.HOLD),),
        during=(PhaseObjective("cards", FAST, Phase.DURING),),
        promises={EDGE: PROMISED},
        hit={"cards->ledger": (EDGE,), "ledger": (EDGE, Edge("client", "ledger"))},
    )


def by_name(findings) -> dict[str, Grade]:
    return {finding.objective: finding.grade for finding in findings}
