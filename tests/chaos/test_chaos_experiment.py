"""The straight line of an experiment, with fakes at the fault, the traffic, the judgement and the clock."""

from __future__ import annotations

import dataclasses

import pytest
from experiment_bench import EDGE, HANG, Bench, by_name, checked

from seatrial.chaos.experiment import run_experiment
from seatrial.chaos.model import (
    EdgeFault,
    Experiment,
    HttpError,
    Injection,
    Kill,
    Selection,
    ServiceFault,
)
from seatrial.chaos.plan import Checked
from seatrial.chaos.verify import Seen, apart, judge_experiment, timeline_of
from seatrial.sample import CallsLost, EdgeCall, FaultWindow, Phase
from seatrial.verdict import Grade

KILL = Injection(25.0, 5.0, ServiceFault("ledger", Kill()))


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
