"""The straight line of an experiment, with fakes at the fault, the traffic, the judgement and the clock."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from seatrial.chaos import inject
from seatrial.chaos.expectations import BreakerExpectation, Expectations, Named
from seatrial.chaos.experiment import Surroundings, run_experiment
from seatrial.chaos.faults import rolling
from seatrial.chaos.faults.injectable import AtOnce, Lease, Means, Undone
from seatrial.chaos.faults.rolling import InTurn
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector, Resolved
from seatrial.chaos.model import (
    AbortOn,
    EdgeFault,
    Experiment,
    ExperimentRecord,
    Fault,
    HttpError,
    Injection,
    Kill,
    Limits,
    RollingRestart,
    Selection,
    ServiceFault,
    Timeout,
)
from seatrial.chaos.plan import Checked, PhaseObjective
from seatrial.chaos.verify import UNSTEADY, Seen, apart, judge_experiment, timeline_of
from seatrial.errors import CannotRun, DocumentError, FaultFailed
from seatrial.sample import CallsLost, EdgeCall, FaultWindow, Phase
from seatrial.service import BreakerPromise, Edge, Indicator, Mechanisms, Objective
from seatrial.verdict import Finding, Grade, Subject

PATIENCE_S = 20.0
EDGE = Edge("cards", "ledger")
HANG = Injection(0.0, 20.0, EdgeFault(EDGE, Timeout(0.0)))
KILL = Injection(25.0, 5.0, ServiceFault("ledger", Kill()))
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
            "resolve": _resolve,
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


def _resolve(fault: Fault) -> Resolved:
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


@pytest.fixture
def bench(clock, tmp_path: Path) -> Bench:
    return Bench(clock, tmp_path)


def by_name(findings) -> dict[str, Grade]:
    return {finding.objective: finding.grade for finding in findings}


def test_the_phases_follow_each_other_and_faults_end_on_time(bench: Bench):
    bench.run(checked(HANG, KILL))
    assert bench.notes == [
        (0.0, "hold the ledger hangs"),
        (10.0, "during the ledger hangs"),
        (10.0, "inject cards->ledger"),
        (30.0, "heal cards->ledger"),
        (35.0, "inject ledger"),
        (40.0, "heal ledger"),
        (40.0, "after the ledger hangs"),
    ]
    assert bench.clock.now() - bench.begin == pytest.approx(51.0, abs=0.6)


def test_progress_says_which_requests_a_fault_is_meant_for(bench: Bench):
    said: list[str] = []
    chosen = HttpError(selection=Selection(route="POST /entries", first=3))
    bench.run(checked(Injection(0.0, 5.0, EdgeFault(EDGE, chosen)), HANG), say=said.append)
    assert "the ledger hangs: http_error on cards->ledger (route POST /entries, first 3)" in said
    assert "the ledger hangs: timeout on cards->ledger" in said


def test_a_proxy_that_is_gone_ends_the_experiment_and_names_what_was_on(bench: Bench):
    @dataclass(frozen=True, slots=True)
    class AtAProxy(NotedFault):
        api: str = "http://127.0.0.1:1"  # where nobody listens

    def observe() -> None:
        raise CannotRun("the proxy does not answer")

    with pytest.raises(FaultFailed, match="is gone, and with it what was on: cards->ledger"):
        bench.run(
            dataclasses.replace(
                checked(HANG), experiment=dataclasses.replace(checked(HANG).experiment, baseline_s=0)
            ),
            observe=observe,
            resolve=lambda fault: Resolved(fault, Means.PROXY, AtAProxy(fault.target)),
        )
    assert bench.on == set()


def test_a_healthy_system_meets_every_expectation(bench: Bench):
    record = bench.run(checked(HANG))
    findings = bench.findings(checked(HANG), record)
    assert by_name(findings) == {
        "fast": Grade.MET,
        "breaker cards->ledger opens within 5 s": Grade.MET,
        "breaker cards->ledger closes within 5 s": Grade.MET,
        "recovered within 10 s": Grade.MET,
    }
    assert record.aborted == ""
    assert {finding.experiment for finding in findings} == {"the ledger hangs"}


def test_windows_tell_when_each_fault_acted(bench: Bench):
    record = bench.run(checked(HANG, KILL))
    assert [(window.kind, window.target, window.ended) for window in record.windows] == [
        ("timeout", "cards->ledger", "healed"),
        ("kill", "ledger", "healed"),
    ]
    assert [round(window.started_at - bench.begin) for window in record.windows] == [10, 35]


def test_a_system_without_a_breaker_misses_its_expectation_with_numbers(bench: Bench):
    bench.breaks = False
    record = bench.run(checked(HANG))
    missed = [finding for finding in bench.findings(checked(HANG), record) if finding.grade is Grade.MISSED]
    assert [finding.objective for finding in missed] == ["breaker cards->ledger opens within 5 s"]
    assert missed[0].reason.startswith("cards->ledger never opened: 40")
    assert missed[0].reason.endswith("in 20 s went through, each answered after 250 ms (median)")


def test_without_a_steady_state_nothing_is_injected(bench: Bench):
    bench.steady = Grade.MISSED
    record = bench.run(checked(HANG))
    assert [text for _, text in bench.notes] == ["hold the ledger hangs"]
    assert (record.aborted, record.windows) == (UNSTEADY, ())


def test_an_undecided_steady_state_does_not_keep_from_injecting(bench: Bench):
    bench.steady = Grade.UNDECIDED
    bench.run(checked(HANG))
    assert (10.0, "inject cards->ledger") in bench.notes


def test_too_many_errors_abort_and_heal_at_once(bench: Bench):
    aborting = checked(HANG, abort_on=AbortOn(0.5, 5.0))
    record = bench.run(aborting, failing=lambda: 0.9 if bench.on else 0.0)
    assert "more than 50 % errors for 5 s" in record.aborted
    healed = next(at for at, text in bench.notes if text == "heal cards->ledger")
    assert healed == pytest.approx(15.5, abs=0.6)
    assert by_name(bench.findings(aborting, record))["not aborted"] is Grade.MISSED


def test_a_promise_that_is_missed_under_the_fault_aborts_and_heals_at_once(bench: Bench):
    promised = PhaseObjective("cards", FAST, Phase.DURING)
    watched = dataclasses.replace(
        checked(HANG, abort_on=AbortOn(objectives=(Named("cards", "fast"),))), abort=(promised,)
    )

    def judge(item: PhaseObjective) -> Finding:
        late = bench.clock.now() - bench.begin >= 12.0
        grade = Grade.MISSED if late and item is promised else Grade.MET
        return Finding(Subject.OBJECTIVE, item.service, item.objective.name, grade, "9 of 10 were slow")

    record = bench.run(watched, judge=judge)
    assert record.aborted == "cards.fast was missed: 9 of 10 were slow"
    (window,) = record.windows
    assert window.ended_at - bench.begin == pytest.approx(12.0, abs=0.6)
    assert bench.run(watched, judge=bench.judge).aborted == ""


@dataclass(frozen=True, slots=True)
class LongFault(NotedFault):
    """One that waits by itself while it is injected."""

    takes_s: ClassVar[float] = 56.0


@pytest.mark.parametrize(("at_s", "is_refused"), [(5.0, True), (4.0, False)])
def test_a_fault_that_goes_on_beyond_the_limit_by_itself_is_refused_before_anything(bench: Bench, at_s, is_refused):
    alike = checked(Injection(at_s, 1.0, ServiceFault("ledger", Kill())))
    experiment = dataclasses.replace(alike.experiment, limits=Limits(duration_s=60.0))

    def resolve(fault: Fault) -> Resolved:
        return Resolved(fault, Means.PROCESS, LongFault(fault.target))

    def play() -> ExperimentRecord:
        return bench.run(dataclasses.replace(alike, experiment=experiment), resolve=resolve)

    if not is_refused:
        assert play().aborted == ""
        return
    with pytest.raises(DocumentError, match="noted: this goes on until 61 s at the earliest"):
        play()
    assert bench.notes == []


@dataclass(frozen=True, slots=True)
class SlowPart:
    """A replica whose restart is over when the bench says that it is well."""

    heal_deadline_s: ClassVar[float] = 5.0
    is_up: ClassVar[bool] = True
    is_former: ClassVar[bool] = False

    label: str

    def inject(self) -> None:
        Bench.now.note(f"restart {self.label}")
        Bench.now.on.add(self.label)
        assert Bench.now.well.wait(PATIENCE_S)

    def wait_well(self) -> None:
        Bench.now.note(f"wait for {self.label}")


@dataclass(frozen=True, slots=True)
class SlowParts(InTurn):
    """A rolling restart of them."""

    means: ClassVar[Means] = Means.PROCESS
    noun: ClassVar[str] = "processes"
    part: ClassVar[type[SlowPart]] = SlowPart


def roll(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, first_takes_s: float, abort_on: AbortOn | None = None
) -> ExperimentRecord:
    """Play a rolling restart of two replicas for a minute at most; errors begin with it."""
    monkeypatch.setattr(inject, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(rolling, "pause", lambda stop, _: stop.wait(PATIENCE_S))
    fault = ServiceFault("ledger", RollingRestart(("ledger2",), 1.0))
    alike = checked(Injection(0.0, 60.0, fault), abort_on=abort_on)
    limited = dataclasses.replace(alike.experiment, limits=Limits(duration_s=60.0))
    parts = SlowParts.of([SlowPart("ledger"), SlowPart("ledger2")], 1.0, where=None)
    begun_at = bench.begin + limited.baseline_s

    def observe() -> None:
        if bench.on and bench.injector.active:
            bench.clock.sleep(0.5)  # nobody else does while it is injected
            if bench.clock.now() - begun_at > first_takes_s:
                bench.well.set()
        bench.observe()

    return bench.run(
        dataclasses.replace(alike, experiment=limited),
        resolve=lambda fault: Resolved(fault, Means.PROCESS, parts),
        observe=observe,
        failing=lambda: 0.9 if bench.on else 0.0,
    )


def test_a_rolling_restart_whose_replicas_come_slowly_is_ended_by_the_limit_of_its_method(bench: Bench, monkeypatch):
    record = roll(bench, monkeypatch, first_takes_s=60.0)
    assert record.aborted == "rolling_restart on ledger was not over within the limit, 60 s"
    assert [text for _, text in bench.notes if text.endswith("ledger")] == ["restart ledger", "wait for ledger"]
    assert [(each.ended, round(each.ended_at - each.started_at)) for each in record.windows] == [("healed", 60)]


def test_errors_in_the_middle_of_a_rolling_restart_abort_it(bench: Bench, monkeypatch):
    record = roll(bench, monkeypatch, first_takes_s=3.0, abort_on=AbortOn(0.5, 5.0))
    assert record.aborted == "more than 50 % errors for 5 s"
    assert "restart ledger2" not in [text for _, text in bench.notes]
    assert [(each.ended, round(each.ended_at - each.started_at)) for each in record.windows] == [("healed", 6)]


def test_errors_that_go_on_from_one_fault_to_the_next_abort(bench: Bench):
    one_after_the_other = [dataclasses.replace(HANG, at_s=at_s, for_s=3.0) for at_s in (0.0, 3.0, 6.0, 9.0)]
    alike = checked(*one_after_the_other, abort_on=AbortOn(0.5, 5.0))
    record = bench.run(alike, failing=lambda: 0.9)
    assert record.aborted == "more than 50 % errors for 5 s"
    assert [round(each.ended_at - bench.begin) for each in record.windows] == [13, 16]


def test_errors_that_pause_do_not_abort(bench: Bench):
    shares = iter([0.9] * 8 + [0.1] + [0.9] * 8 + [0.1] * 100)
    record = bench.run(checked(HANG, abort_on=AbortOn(0.5, 5.0)), failing=lambda: next(shares))
    assert record.aborted == ""


def test_a_lease_that_ran_out_makes_the_experiment_undecided(bench: Bench):
    @dataclass(frozen=True, slots=True)
    class Expired(NotedFault):
        lease: ClassVar[Lease] = Lease("http://x", "run")

        def heal(self) -> Undone:
            NotedFault.heal(self)
            return Undone(False, "nothing to do: the toxic is gone")

    record = bench.run(checked(HANG), resolve=lambda fault: Resolved(fault, Means.PROXY, Expired(fault.target)))
    findings = bench.findings(checked(HANG), record)
    grades = {finding.grade for finding in findings if finding.subject is Subject.EXPECTATION}
    assert grades == {Grade.UNDECIDED}
    assert "ran out by itself" in record.aborted
    assert record.windows[0].ended == "expired"


def test_a_failing_injection_heals_and_is_raised(bench: Bench):
    @dataclass(frozen=True, slots=True)
    class Refusing(NotedFault):
        def inject(self) -> None:
            raise FaultFailed("it does not take")

    with pytest.raises(FaultFailed, match="it does not take"):
        bench.run(checked(HANG), resolve=lambda fault: Resolved(fault, Means.PROXY, Refusing(fault.target)))
    assert bench.notes[-1] == (10.0, "heal cards->ledger")


def test_time_held_before_counts_as_baseline(bench: Bench):
    bench.clock.advance(60.0)
    with bench.injector:
        run_experiment(checked(HANG), bench.around(), held_s=60.0)
    assert bench.notes[0] == (60.0, "hold None")
    assert (60.0, "inject cards->ledger") in bench.notes


def test_a_fault_and_a_recovery_end_as_soon_as_they_have_shown_enough(bench: Bench):
    lasts_s = {Phase.DURING: 3.0, Phase.AFTER: 2.0}
    began_at: dict[Phase, float] = {}

    def mark(phase: Phase, experiment: str | None) -> None:
        began_at[phase] = bench.clock.now()

    def enough(phase: Phase) -> bool:
        return bench.clock.now() - began_at[phase] >= lasts_s[phase]

    record = bench.run(checked(HANG), mark=mark, enough=enough)
    (window,) = record.windows
    assert window.ended_at - window.started_at == pytest.approx(3.0)
    assert record.ended_at - window.ended_at == pytest.approx(2.0)
    assert not bench.on


def test_what_is_usual_is_learned_from_when_all_was_seen_to_be_well(bench: Bench):
    first = dataclasses.replace(checked(HANG), experiment=dataclasses.replace(checked(HANG).experiment, name="first"))
    second = checked(HANG)
    (window,), (other,) = (bench.run(item).windows for item in (first, second))
    calm = dataclasses.replace(window, calm_at=window.ended_at + 1.0)
    _, alone = apart((first, second), calls=bench.calls, windows=(calm, other))
    assert min(call.started_at for call in alone.calls) == pytest.approx(window.ended_at + 1.0, abs=0.06)


def test_a_second_experiment_is_judged_on_its_own_calls_alone(bench: Bench):
    first = dataclasses.replace(checked(HANG), experiment=dataclasses.replace(checked(HANG).experiment, name="first"))
    second = checked(HANG)
    windows = [window for item in (first, second) for window in bench.run(item).windows]
    alone = apart((first, second), calls=bench.calls, windows=windows)
    assert alone[0].calls[0] == bench.calls[0]
    assert alone[1].calls[-1] == bench.calls[-1]
    healed, injected = windows[0].ended_at, windows[1].started_at
    assert max(call.started_at for call in alone[0].calls) < injected
    assert healed + 11.0 <= min(call.started_at for call in alone[1].calls) < injected
    for item in alone:
        timeline = timeline_of(item, EDGE)
        assert timeline.opened_after_s == pytest.approx(0.1, abs=0.1)
        assert set(by_name(judge_experiment(item, judge=bench.judge)).values()) == {Grade.MET}


def test_a_request_still_under_way_when_the_next_fault_begins_is_not_taken_for_a_refused_one():
    first, second = checked(HANG), Checked(Experiment("second", ()), (), (), {}, {})
    windows = (
        FaultWindow(first.experiment.name, "timeout", "cards->ledger", 100.0, 115.0, "healed"),
        FaultWindow("second", "kill", "ledger", 136.0, 140.0, "healed"),
    )
    before = EdgeCall("r", "gateway->cards", 135.9, "GET", "/a", duration_s=0.05, status=200)
    across = EdgeCall("r", "gateway->cards", 135.99, "GET", "/a", duration_s=0.05, status=503)
    led_to = EdgeCall("r", "cards->ledger", 136.01, "GET", "/b", duration_s=0.01)
    for_ever = EdgeCall("r", "cards->ledger", 101.0, "GET", "/b")
    seen, _ = apart((first, second), calls=(for_ever, before, across, led_to), windows=windows)
    assert seen.calls == (for_ever, before)


def test_what_another_experiment_showed_would_have_hidden_the_open_breaker(bench: Bench):
    first = dataclasses.replace(checked(HANG), experiment=dataclasses.replace(checked(HANG).experiment, name="first"))
    bench.run(first)
    record = bench.run(checked(HANG))
    uncut = Seen(checked(HANG), tuple(bench.calls), record.windows)
    assert timeline_of(uncut, EDGE).opened_at is None  # the first one's refusals are taken for usual


def test_calls_that_nobody_could_read_leave_breaker_and_recovery_undecided(bench: Bench):
    record = bench.run(checked(HANG))
    lost = CallsLost("r", record.windows[0].started_at + 1.0, 7)
    (seen,) = apart((checked(HANG),), calls=bench.calls, windows=record.windows, lost=[lost])
    findings = judge_experiment(seen, judge=bench.judge)
    doubted = [finding for finding in findings if finding.grade is Grade.UNDECIDED]
    assert {finding.objective.split()[0] for finding in doubted} == {"breaker", "recovered"}
    assert all("7 events of the proxies were lost" in finding.reason for finding in doubted)
    assert by_name(findings)["fast"] is Grade.MET


def test_calls_lost_outside_an_experiments_time_do_not_concern_it(bench: Bench):
    bench.clock.advance(60.0)
    bench.calls.clear()
    record = bench.run(checked(HANG))
    early = CallsLost("r", bench.begin - 30.0, 7)
    (seen,) = apart((checked(HANG),), calls=bench.calls, windows=record.windows, lost=[early])
    assert seen.lost == 0
