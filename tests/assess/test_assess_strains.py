"""The strains of an audit under way: what ends one of them by itself ends no other."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.assess.audit import strains
from seatrial.assess.audit.crowd import CrowdFailed
from seatrial.assess.audit.run import AuditAsked, audit_plan
from seatrial.assess.audit.strains import Straining
from seatrial.assess.budget import budget
from seatrial.assess.stage import Bridge
from seatrial.chaos.audit import battery
from seatrial.chaos.audit.model import Kind, Sign, Strain
from seatrial.chaos.audit.signatures import read
from seatrial.chaos.verify import apart
from seatrial.errors import LoadFailed
from seatrial.journal import Run
from seatrial.sample import EdgeCall, FaultWindow, Phase

GONE = "the crowd is gone: its process was killed"


class Bench:
    """An audit whose experiments are made up: each has its fault on for a second, then ends as it is told to."""

    def __init__(self, root: Path, recorder, clock, tmp_path: Path, monkeypatch) -> None:
        plan = audit_plan(root, AuditAsked("demo", only=("gateway->cards", "gateway->merchants")))
        assert plan.audit is not None
        self.known = {(str(strain.edge), strain.kind): strain for strain in plan.audit.strains}
        self.strains = [self.known["gateway->cards", kind] for kind in (Kind.SLOW, Kind.CROWD)]
        self.coming: list[EdgeCall] = []
        self.failing_at_s: float | None = None
        self.began: dict[str, float] = {}
        self.flushed_before: list[float] = []
        self.clock = clock
        self.said: list[str] = []
        self.marked: list[tuple[Phase, str | None]] = []
        self.written: list[object] = []
        self.fails: Exception | None = None
        self.injector = SimpleNamespace(windows=[], active=(), require=lambda: None)
        self.recorder = SimpleNamespace(write=lambda *records: self.written.extend(records))
        monkeypatch.setattr(strains, "run_experiment", self._run)
        monkeypatch.setattr(strains, "crowd", lambda bridge, around: contextlib.nullcontext(around))
        run = Run(tmp_path)
        self.bridge = Bridge(
            plan, run, self.recorder, None, None, clock, self.said.append, lambda _: None, budget(clock, None)
        )

    def play(self) -> dict[str, str]:
        watch = SimpleNamespace(poll=self._poll, losses=tuple, flush=self._flush, connections=tuple)
        running = SimpleNamespace(mark=lambda *told: self.marked.append(told))
        loading = SimpleNamespace(running=running, require=lambda: None, newest=())
        return Straining(self.bridge, loading, watch, injector=self.injector, usual=()).play(self.strains)

    def _poll(self) -> list[EdgeCall]:
        coming, self.coming = self.coming, []
        return coming

    def _flush(self, *, before: float) -> tuple[EdgeCall, ...]:
        self.flushed_before.append(before)
        return ()

    def _run(self, checked, around, *, held_s: float = 0.0) -> None:
        name = checked.experiment.name
        around.mark(Phase.DURING, name)
        began = self.began[name] = self.clock.now()
        if self.failing_at_s is not None:
            self.coming = [_failed("gateway->cards", began + self.failing_at_s)]
            self.failing_at_s = None
        around.observe()
        self.clock.sleep(1.0)
        window = FaultWindow(name, "latency", "gateway->cards", began, self.clock.now(), "healed")
        self.injector.windows.append(window)
        if self.fails and Kind.CROWD in name:
            raise self.fails
        around.mark(Phase.AFTER, name)


def _failed(edge: str, at: float) -> EdgeCall:
    return EdgeCall("r", edge, at, "GET", "/", 0.1, None, 503, trace_id="t", fate="done")


@pytest.fixture
def bench(root, recorder, clock, tmp_path, monkeypatch) -> Bench:
    return Bench(root, recorder, clock, tmp_path, monkeypatch)


def test_a_strain_whose_crowd_is_gone_is_not_judged_and_the_others_are_played(bench: Bench):
    bench.strains.sort(key=lambda strain: strain.kind is not Kind.CROWD)
    crowded, slow = bench.strains
    bench.fails = CrowdFailed(GONE)
    assert bench.play() == {crowded.name: GONE}
    assert f"{crowded.name}: {GONE}" in bench.said
    windows = [each for each in bench.written if isinstance(each, FaultWindow)]
    assert {window.experiment for window in windows} == {crowded.name, slow.name}
    assert (Phase.AFTER, crowded.name) in bench.marked
    [seen] = apart((battery.checked_of(crowded),), calls=(), windows=windows)
    readings = read(battery.observe(crowded, seen, why_not=GONE))
    assert {(ruling.reading.sign, ruling.reading.text) for ruling in readings} == {(Sign.NOT_JUDGED, GONE)}


def test_a_crowd_that_stays_leaves_its_strain_to_be_judged(bench: Bench):
    assert bench.play() == {}


def test_the_audits_own_load_that_dies_beside_a_crowd_ends_the_audit(bench: Bench):
    bench.fails = LoadFailed("its process was killed")
    with pytest.raises(LoadFailed, match="its process was killed"):
        bench.play()


def _gap_s(bench: Bench, *strains: Strain) -> float:
    """From the beginning of the first of two to that of the second."""
    bench.strains = list(strains)
    bench.play()
    first, second = (bench.began[strain.name] for strain in strains)
    return second - first


def test_an_edge_rests_until_the_failed_calls_of_its_last_strain_have_left_its_breakers_window(bench: Bench):
    """Each fault lasts a second here. No edge rests for longer than a whole recovery and control phase."""
    slow, errors = (bench.known["gateway->cards", kind] for kind in (Kind.SLOW, Kind.SERVER_ERROR))
    window_s, recovery_s = slow.breaker.window_s, battery.experiment_of(slow).recovery_s
    bench.failing_at_s = 0.1
    longest_s = 1.0 + recovery_s + battery.CONTROL_S
    assert _gap_s(bench, slow, errors) == pytest.approx(min(0.2 + window_s, longest_s))
    bench.failing_at_s = window_s  # it was under way for long
    assert _gap_s(bench, errors, slow) == pytest.approx(longest_s)


def test_an_edge_that_need_not_rest_is_strained_as_soon_as_all_was_well_for_a_control_phase(bench: Bench):
    bench.failing_at_s = 0.1
    slow, beside = (bench.known[edge, Kind.SLOW] for edge in ("gateway->cards", "gateway->merchants"))
    assert _gap_s(bench, slow, beside) == pytest.approx(1.0 + battery.CONTROL_S)
