"""The experiments of a recorded run, begun or not, whole or not, when it is judged again."""

from __future__ import annotations

from assess_parts import by_name

from seatrial.assess.about import write_about
from seatrial.assess.conclude import judge_run, plan_of, read_run
from seatrial.chaos.verify import UNSTEADY
from seatrial.journal import Journal, Run
from seatrial.sample import CallsLost, EdgeCall, FaultWindow, Phase
from seatrial.verdict import Grade, Subject


def test_an_experiment_that_was_not_begun_says_why(plan, records, good):
    reason = "not run: shop.fast was missed before"
    verdict = judge_run(records.recorded(*good, aborted={"stock hangs": reason}), plan)
    expectations = [finding for finding in verdict.findings if finding.experiment]
    assert expectations
    assert {finding.grade for finding in expectations} == {Grade.UNDECIDED}
    assert all(reason in finding.reason for finding in expectations)


def test_an_experiment_that_a_killed_run_had_not_ended_says_so(plan, records, good):
    verdict = judge_run(records.recorded(*good, ended_at=None), plan)
    assert all("cut short" in finding.reason for finding in verdict.findings if finding.experiment)


def test_an_experiment_that_was_recorded_is_judged(plan, records, good):
    window = FaultWindow("stock hangs", "timeout", "shop->stock", 1_700_000_070.0, 1_700_000_075.0, "healed")
    during = [
        record
        for second in range(70, 75)
        for record in records.second(second, phase=Phase.DURING, experiment="stock hangs")
    ]
    verdict = judge_run(records.recorded(*good, *during, window), plan)
    assert by_name(verdict)["stock hangs > shop.available during"].grade is Grade.MET
    assert by_name(verdict)["stock hangs > shop.available before"].subject is Subject.STEADY_STATE


def test_a_steady_state_that_did_not_hold_is_missed_though_nothing_was_injected(plan, records, good):
    baseline = [
        record
        for second in range(70, 75)
        for record in records.second(second, ok=0, failed=100, experiment="stock hangs")
    ]
    aborted = {"stock hangs": UNSTEADY}
    named = by_name(judge_run(records.recorded(*good, *baseline, aborted=aborted), plan))
    assert named["stock hangs > shop.available before"].grade is Grade.MISSED
    assert named["shop.available"].grade is Grade.MET  # the load's own hold is judged by itself
    others = {finding.grade for name, finding in named.items() if "stock hangs" in name and "before" not in name}
    assert others == {Grade.UNDECIDED}


def test_a_steady_state_before_the_first_experiment_is_that_of_the_load(plan, records):
    failing = [record for second in range(30) for record in records.second(second, ok=0, failed=100)]
    recorded = records.recorded(*records.accepted(), *failing, aborted={"stock hangs": UNSTEADY})
    assert by_name(judge_run(recorded, plan))["stock hangs > shop.available before"].grade is Grade.MISSED


def test_calls_that_nobody_could_read_leave_the_recovery_undecided_when_judged_again(plan, records, good, tmp_path):
    writer = Journal(tmp_path / "journal.jsonl")
    front = [
        EdgeCall("r", edge, 1_700_000_060.0 + at / 10, "GET", "/", 0.01, None, 200, f"t{at}", "done")
        for at in range(200)
        for edge in ("client->shop", "shop->stock")
    ]
    window = FaultWindow("stock hangs", "timeout", "shop->stock", 1_700_000_070.0, 1_700_000_075.0, "healed")
    writer.write(*good, *front, window)
    write_about(Run(tmp_path), records.about())
    name = "stock hangs > recovered within 5 s"
    assert by_name(judge_run(read_run(Run(tmp_path)), plan))[name].grade is Grade.MET
    writer.write(CallsLost("r", 1_700_000_071.0, 7))
    writer.close()
    finding = by_name(judge_run(read_run(Run(tmp_path)), plan))[name]
    assert finding.grade is Grade.UNDECIDED
    assert "7 events of the proxies were lost" in finding.reason


def test_a_run_of_one_experiment_has_no_acceptance_to_miss(workspace, records, good):
    about = records.about(experiment="stock hangs")
    verdict = judge_run(records.recorded(*good, experiment="stock hangs"), plan_of(workspace, about))
    assert {finding.experiment for finding in verdict.findings} == {"stock hangs"}


def test_a_recorded_run_is_judged_by_the_gate_and_services_it_was_asked_for(workspace, records):
    plan = plan_of(workspace, records.about(gate="plain", services=("stock",), overrides={"name": "Ada"}))
    assert (plan.gate.name, set(plan.services), dict(plan.overrides)) == ("plain", {"stock"}, {"name": "Ada"})
