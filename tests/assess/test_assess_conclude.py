"""A verdict is redone from what was recorded, by the documents as they are now; half a run is never MET."""

from __future__ import annotations

import dataclasses

import pytest
from assess_parts import by_name

from seatrial import journal
from seatrial.assess.about import read_about, write_about
from seatrial.assess.conclude import judge_run, read_run
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import conclude_run
from seatrial.errors import ExitCode, UsageError
from seatrial.journal import Journal, Run
from seatrial.redact import Secrets
from seatrial.sample import Cause, Ending, FaultWindow, Phase
from seatrial.slo.remedy import Room
from seatrial.verdict import Grade


def test_what_run_json_says_is_read_back_as_it_was(tmp_path, records):
    about = records.about(
        revisions={"shop": "1a2b"}, services=("shop",), aborted={"load": "not run"}, room=Room(0.5, 2)
    )
    write_about(Run(tmp_path), about)
    assert read_about(Run(tmp_path)) == about


def test_a_run_that_is_no_assessment_cannot_be_judged(tmp_path):
    journal.write_json(Run(tmp_path).about, {"command": "load"})
    with pytest.raises(UsageError, match=r"is none that can be judged.*`seatrial report RUN` shows"):
        read_about(Run(tmp_path))


def test_a_run_read_back_is_what_was_written(tmp_path, records, good):
    run = Run(tmp_path)
    window = FaultWindow("stock hangs", "timeout", "shop->stock", 1.0, 2.0, "healed")
    write_about(run, records.about())
    writer = Journal(run.journal)
    writer.write(*good, window)
    writer.close()
    assert read_run(run) == records.recorded(*good, window)


def test_a_whole_run_that_went_well_is_met(plain, records, good):
    verdict = judge_run(records.recorded(*good), plain)
    assert verdict.grade is Grade.MET
    assert set(by_name(verdict)) == {"buy a rope", "shop.available", "shop.fast", "stock.available"}


def _without_objectives(workspace, gate):
    (workspace / "slo" / "gate.yaml").write_text(gate)
    for name in ("shop", "stock"):
        (workspace / "slo" / f"{name}.yaml").unlink()
    return read_plan(workspace, Asked(gate="bare"))


@pytest.mark.parametrize("score", ["", "score: {met: 0%}\n"])
def test_a_load_that_nothing_is_held_against_is_not_met(workspace, records, good, score):
    bare = _without_objectives(
        workspace, f"gate: bare\nacceptance: {{tags: [smoke]}}\nload: {{profile: some}}\n{score}"
    )
    verdict = judge_run(records.recorded(*good, gate="bare"), bare)
    assert verdict.grade is Grade.UNDECIDED
    assert {finding.name for finding in verdict.findings if finding.grade is not Grade.MET} == {"the load is judged"}
    assert "no data to judge the load by" in by_name(verdict)["the load is judged"].reason


def test_a_gate_without_load_needs_no_objectives(workspace, records):
    bare = _without_objectives(workspace, "gate: bare\nacceptance: {tags: [smoke]}\n")
    assert judge_run(records.recorded(*records.accepted(), gate="bare"), bare).grade is Grade.MET


def test_information_alone_is_enough_for_a_score_as_in_keptn(workspace, records, good):
    (workspace / "slo" / "stock.yaml").unlink()
    (workspace / "slo" / "shop.yaml").write_text(
        "service: shop\nobjectives: [{name: a, indicator: errors, information: true}]\n"
    )
    (workspace / "slo" / "gate.yaml").write_text(
        "gate: bare\nacceptance: {tags: [smoke]}\nload: {profile: some}\nscore: {met: 90%}\n"
    )
    verdict = judge_run(records.recorded(*good, gate="bare"), read_plan(workspace, Asked(gate="bare")))
    assert (verdict.grade, verdict.score) == (Grade.MET, 100.0)


def test_requests_before_the_hold_are_told_of_only_where_there_was_no_hold(plain, records):
    warm = [record for second in range(5) for record in records.second(second, phase=Phase.WARM_UP)]
    told = "requests came before the hold"
    assert told in by_name(judge_run(records.recorded(*warm), plain))["shop.available"].reason
    held = [records.interval(9, service="stock"), records.pacing(9)]  # a hold in which nobody asked the shop
    finding = by_name(judge_run(records.recorded(*warm, *held), plain))["shop.available"]
    assert finding.n == 0
    assert told not in finding.reason


def test_the_same_run_without_its_end_is_not_met(plain, records, good):
    verdict = judge_run(records.recorded(*good, ended_at=None), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert "interrupted or killed" in by_name(verdict)["the run was cut short"].reason
    assert verdict.reason.endswith("the run was cut short")


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (Room(0.2, 2), "to decide it: free cores (0.2 of 2 cores were free, a process of the generator used 20 %"),
        (None, "to decide it: free cores (a process of the generator used 20 % of one)"),
    ],
)
def test_a_late_generator_leaves_the_run_undecided_and_says_first_what_would_decide_it(plain, records, room, said):
    late = [records.pacing(second, late_over_ms={10: 9}) for second in range(70)]
    steps = [{}, {"step": "count", "service": "stock"}]
    held = [records.interval(second, **step) for second in range(70) for step in steps]
    verdict = judge_run(records.recorded(*records.accepted(), *held, *late, room=room), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert verdict.reason.startswith("the load generator was unfit, and 3 findings undecided: 45 % of the starts")
    assert said in verdict.reason
    assert "UNDECIDED" not in verdict.reason


def test_a_late_closed_load_is_told_to_use_fewer_users(workspace, records):
    (workspace / "slo" / "crowd.yaml").write_text("gate: crowd\nload: {profile: crowd}\n")
    plan = read_plan(workspace, Asked(gate="crowd"))
    busy = [records.pacing(second, cpu_ratio=0.97) for second in range(70)]
    held = [records.interval(second) for second in range(70)]
    verdict = judge_run(records.recorded(*records.accepted(), *held, *busy), plan)
    assert "use fewer users" in verdict.reason
    assert "lower the rate" not in verdict.reason


def test_a_miss_stays_one_in_a_run_without_its_end(plain, records):
    failed = records.sample("look", Cause.CHECK, detail="price is 251")
    verdict = judge_run(records.recorded(failed, ended_at=None), plain)
    assert verdict.grade is Grade.MISSED
    assert "price is 251" in by_name(verdict)["buy a rope"].reason


def test_a_journey_of_the_gate_that_left_no_trace_is_undecided(plain, records, good):
    verdict = judge_run(records.recorded(*good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert by_name(verdict)["buy a rope"].reason.startswith("no data")


@pytest.mark.parametrize("why", ["the scenario evaluated no check", "'nobody' is not defined"])
def test_a_play_that_failed_outside_its_steps_is_missed_though_every_step_passed(plain, records, good, why):
    failed = records.play("look", "count", ending=Ending.FAILED, reason=why)
    verdict = judge_run(records.recorded(*good[:2], failed, *good[3:]), plain)
    assert verdict.grade is Grade.MISSED
    assert by_name(verdict)["buy a rope"].reason == why


def test_a_play_that_has_no_end_is_not_met(plain, records, good):
    verdict = judge_run(records.recorded(*good[:2], *good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert "it was cut short" in by_name(verdict)["buy a rope"].reason


def test_a_skipped_journey_neither_passes_nor_blocks(plain, records, good):
    skipped = records.play(ending=Ending.SKIPPED, scenario="sell a rope", skipped=("show",), reason="not today")
    both = dataclasses.replace(plain, acceptance=(*plain.acceptance, _renamed(plain.acceptance[0], "sell a rope")))
    verdict = judge_run(records.recorded(*good, skipped), both)
    assert verdict.grade is Grade.MET
    assert "sell a rope" not in by_name(verdict)


def _renamed(scenario, name):
    return dataclasses.replace(scenario, name=name)


def test_an_acceptance_of_skipped_journeys_alone_decides_nothing(plain, records, good):
    skipped = records.play(ending=Ending.SKIPPED, skipped=("look", "count"), reason="not today")
    verdict = judge_run(records.recorded(skipped, *good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert by_name(verdict)["acceptance"].reason == "no data: not one journey was played (1 skipped)"


def test_without_any_record_nothing_is_met(plan, records):
    verdict = judge_run(records.recorded(), plan)
    assert {finding.grade for finding in verdict.findings} == {Grade.UNDECIDED}


def test_what_a_stage_that_was_cut_short_left_undecided_says_why(plain, records):
    over = "the gate's time of 10 m was over"
    aborted = {"acceptance": over, "load": f"not run: {over}"}
    named = by_name(judge_run(records.recorded(aborted=aborted), plain))
    assert named["buy a rope"].reason == f"no data: not one of its steps was played to its end; {over}"
    assert named["shop.available"].reason == f"failed requests: no data: not one request was counted; not run: {over}"


def test_a_finding_knows_the_place_of_what_was_promised(plan, records, good):
    named = by_name(judge_run(records.recorded(*good, aborted={"stock hangs": "it was late"}), plan))
    placed = {
        name: f"{finding.where.file.rpartition('/')[2]}:{finding.where.line}" for name, finding in named.items()
    }
    assert placed["shop.available"] == "shop.yaml:4"
    assert placed["shop.fast"] == "shop.yaml:5"
    assert placed["buy a rope"] == "buy.yaml:1"
    assert placed["stock hangs > recovered within 5 s"] == "hang.yaml:1"


def test_a_journey_with_rows_is_met_by_the_plays_of_all_its_rows(workspace, records, good):
    file = workspace / "scenarios" / "buy.yaml"
    file.write_text(file.read_text().replace("load:", "rows: [{user: ada}, {user: bob}]\nload:"))
    plan = read_plan(workspace, Asked(gate="plain"))
    plays = [f"buy a rope [row {number}: {user}]" for number, user in ((1, "ada"), (2, "bob"))]
    rows = [
        record
        for name in plays
        for record in (records.sample("look", scenario=name), records.play("look", scenario=name))
    ]
    verdict = judge_run(records.recorded(*rows, *good[3:]), plan)
    assert verdict.grade is Grade.MET
    assert by_name(verdict).keys() >= set(plays)
    assert by_name(verdict)[plays[0]].where == plan.acceptance[0].where
    half = judge_run(records.recorded(*rows[:2], *good[3:]), plan)
    assert by_name(half)[plays[1]].grade is Grade.UNDECIDED


@pytest.mark.parametrize(
    ("gate", "strict", "code"),
    [("on_undecided: pass\n", False, ExitCode.MET), ("", False, ExitCode.UNDECIDED), ("", True, ExitCode.UNDECIDED)],
)
def test_the_exit_code_in_verdict_json_is_the_commands(gate, strict, code, workspace, records):
    (workspace / "slo" / "bare.yaml").write_text(f"gate: bare\nload: {{profile: some}}\n{gate}")
    run = Run(workspace / "run")
    run.folder.mkdir()
    write_about(run, records.about(gate="bare"))
    run.journal.touch()
    assessed = conclude_run(run, read_plan(workspace, Asked(gate="bare")), Secrets(), strict=strict)
    assert assessed.code is code
    assert journal.read_json(run.verdict)["exit_code"] == code


def test_a_degraded_verdict_is_a_miss_where_the_command_is_strict(workspace, records, plain, good):
    degraded = [*good[2:], dataclasses.replace(records.sample("look"), degraded=True)]
    run = Run(workspace / "run")
    run.folder.mkdir()
    write_about(run, records.about(gate="plain"))
    writer = Journal(run.journal)
    writer.write(*good[:1], *degraded)
    writer.close()
    for strict, code in ((False, ExitCode.MET), (True, ExitCode.MISSED)):
        assessed = conclude_run(run, plain, Secrets(), strict=strict)
        assert (assessed.verdict.grade, assessed.code) == (Grade.DEGRADED, code)
        assert journal.read_json(run.verdict)["exit_code"] == code
