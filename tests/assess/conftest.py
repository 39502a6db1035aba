"""A small workspace to plan from, records to judge, and a bridge whose recorder fills as a fake clock goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.assess.about import About
from seatrial.assess.conclude import Recorded
from seatrial.assess.plan import Asked, Plan, read_plan
from seatrial.assess.record import Recorder
from seatrial.journal import Journal
from seatrial.sample import (
    CallsLost,
    Cause,
    EdgeCall,
    Ending,
    Evidence,
    FaultWindow,
    Interval,
    Outcome,
    Pacing,
    Phase,
    Play,
    PlayedStep,
    Record,
    Sample,
)
from seatrial.slo.measure import measure

START = 1_700_000_000
LIMIT_US = 200_000

FILES = {
    "realms.yaml": """\
realms:
  here:
    services: {shop: "http://127.0.0.1:1", stock: "http://127.0.0.1:2"}
    allows: {load: {max_rate: 100/s}, chaos: true}
""",
    "scenarios/buy.yaml": """\
scenario: buy a rope
tags: [smoke]
service: shop
load: {weight: 3}
steps:
  - {name: look, request: {url: /goods}}
  - {name: count, request: {url: service://stock/goods}}
""",
    "scenarios/browse.yaml": """\
scenario: browse
service: shop
steps: [{name: look, request: {url: /goods}}]
""",
    "scenarios/profiles/some.yaml": """\
profile: some
scenarios: [buy a rope, browse]
stages: [{ramp_to: 20/s, over: 5s}, {hold: 40s}]
warm_up: 3s
stop_when: decided
abort_when: missed
""",
    "scenarios/profiles/crowd.yaml": """\
profile: crowd
model: closed
scenarios: [browse]
stages: [{ramp_to: 5}, {hold: 30s}]
""",
    "slo/shop.yaml": """\
service: shop
depends_on: [stock]
objectives:
  - {name: available, indicator: errors, limit: 10%}
  - {name: fast, indicator: latency, quantile: p90, limit: 200ms}
""",
    "slo/stock.yaml": "service: stock\nobjectives: [{name: available, indicator: errors, limit: 10%}]\n",
    "slo/gate.yaml": """\
gate: default
acceptance: {tags: [smoke]}
load: {profile: some, at_most: 90s}
chaos: [stock hangs]
min_hold: 20s
""",
    "slo/plain.yaml": "gate: plain\nacceptance: {tags: [smoke]}\nload: {profile: some}\n",
    "chaos/hang.yaml": """\
experiment: stock hangs
traffic: {profile: crowd}
steady_state: {baseline: 5s, objectives: [shop.available]}
method: [{at: 0s, inject: {edge: shop->stock, timeout: {timeout: 0}, for: 5s}}]
expect: {during: [{untouched: [shop.available]}], after: {recovered_within: 5s}}
""",
    "chaos/idle.yaml": """\
experiment: without traffic
method: [{at: 0s, inject: {edge: shop->stock, timeout: {timeout: 0}, for: 5s}}]
expect: {after: {recovered_within: 5s}}
""",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two services, two journeys, two profiles, two gates, two experiments."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def plan(workspace: Path) -> Plan:
    """What its default gate comprises."""
    return read_plan(workspace, Asked())


class Records:
    """Builders of records; every field has a plain default."""

    def interval(self, second: int, *, ok: int = 100, failed: int = 0, slow: int = 0, **fields: Any) -> Interval:
        usual = {
            "run": "r",
            "phase": Phase.HOLD,
            "scenario": "buy a rope",
            "step": "look",
            "service": "shop",
            "method": "GET",
            "route": "/goods",
            "causes": {"timeout": failed} if failed else {},
            "over_ok": {LIMIT_US: slow},
            "over_failed": {LIMIT_US: 0},
        }
        return Interval(second=START + second, ok=ok, failed=failed, **(usual | fields))

    def pacing(self, second: int, **fields: Any) -> Pacing:
        usual = {
            "run": "r",
            "phase": Phase.HOLD,
            "planned": 20,
            "started": 20,
            "dropped": 0,
            "in_flight": 1,
            "late_p99_s": 0.001,
            "cpu_ratio": 0.2,
        }
        return Pacing(second=START + second, **(usual | fields))

    def second(self, second: int, **fields: Any) -> list[Record]:
        """One even second of both services, and of the generator."""
        phase = {name: fields[name] for name in ("phase", "experiment") if name in fields}
        return [
            self.interval(second, **fields),
            self.interval(second, service="stock", step="count", **phase),
            self.pacing(second, **phase),
        ]

    def sample(self, step: str, cause: Cause | None = None, **fields: Any) -> Sample:
        usual = {
            "run": "r",
            "phase": Phase.ACCEPTANCE,
            "scenario": "buy a rope",
            "service": "shop",
            "method": "GET",
            "route": "/goods",
            "started_at": START - 10.0,
            "latency_s": 0.02,
            "outcome": cause.outcome if cause else Outcome.OK,
            "cause": cause,
            "status": 200,
        }
        return Sample(step=step, **(usual | fields))

    def play(self, *steps: str, ending: Ending = Ending.PASSED, skipped: tuple[str, ...] = (), **fields: Any) -> Play:
        """The end of a play; `steps` passed, as the play did, and `skipped` follow."""
        usual = {"run": "r", "phase": Phase.ACCEPTANCE, "scenario": "buy a rope", "started_at": START - 10.0}
        played = (PlayedStep(name, Ending.PASSED) for name in steps)
        left_out = (PlayedStep(name, Ending.SKIPPED, "not today") for name in skipped)
        return Play(ending=ending, steps=(*played, *left_out), **(usual | fields))

    def accepted(self) -> list[Record]:
        """The acceptance stage, passed."""
        return [self.sample("look"), self.sample("count", service="stock"), self.play("look", "count")]

    def about(self, **fields: Any) -> About:
        usual = {
            "run": "r",
            "realm": "here",
            "gate": "default",
            "started_at": START - 20.0,
            "version": "0.1.0",
            "ended_at": START + 100.0,
        }
        return About(**(usual | fields))

    def recorded(self, *records: Record, **about: Any) -> Recorded:
        """As if read back from a run's folder."""
        return Recorded(
            about=self.about(**about),
            measures=measure(records),
            calls=tuple(record for record in records if isinstance(record, EdgeCall)),
            windows=tuple(record for record in records if isinstance(record, FaultWindow)),
            evidence=tuple(record for record in records if isinstance(record, Evidence)),
            lost=tuple(record for record in records if isinstance(record, CallsLost)),
        )


@pytest.fixture(scope="session")
def records() -> Records:
    """Builders; they keep no state."""
    return Records()


@pytest.fixture
def recorder(tmp_path: Path, plan: Plan):
    """A recorder on a journal of its own, for a run of the plan."""
    journal = Journal(tmp_path / "journal.jsonl")
    yield Recorder(journal, plan.questions)
    journal.close()


class LivingClock:
    """A fake clock that tells of every whole second that has passed."""

    def __init__(self, tick: Callable[[int], None]) -> None:
        self.elapsed = 0.0
        self._tick = tick

    def now(self) -> float:
        return START + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        before, self.elapsed = int(self.elapsed), self.elapsed + seconds
        for second in range(before, int(self.elapsed)):
            self._tick(second)


@pytest.fixture(scope="session")
def living_clock() -> type[LivingClock]:
    """Its class: the tests say what happens in each second."""
    return LivingClock


@pytest.fixture
def plain(workspace):
    """A plan without experiments."""
    return read_plan(workspace, Asked(gate="plain"))


@pytest.fixture
def good(records):
    """A whole run: acceptance, then a minute's hold."""
    return (*records.accepted(), *(record for second in range(70) for record in records.second(second)))
