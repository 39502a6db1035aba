"""What ends an experiment before its time, and what is refused before it begins."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import pytest
from experiment_bench import FAST, HANG, Bench, NotedFault, by_name, checked

from seatrial.chaos import inject
from seatrial.chaos.expectations import Named
from seatrial.chaos.faults import rolling
from seatrial.chaos.faults.injectable import Lease, Means, Undone
from seatrial.chaos.faults.rolling import InTurn
from seatrial.chaos.inject import Resolved
from seatrial.chaos.model import (
    AbortOn,
    ExperimentRecord,
    Fault,
    Injection,
    Kill,
    Limits,
    RollingRestart,
    ServiceFault,
)
from seatrial.chaos.plan import PhaseObjective
from seatrial.chaos.verify import UNSTEADY
from seatrial.errors import CannotRun, DocumentError, FaultFailed
from seatrial.sample import Phase
from seatrial.verdict import Finding, Grade, Subject

PATIENCE_S = 20.0


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
