"""A verdict is redone from what was recorded, by the documents as they are now; half a run is never MET."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil

import pytest

from seatrial import journal
from seatrial.assess.about import read_about, write_about
from seatrial.assess.conclude import judge_run, plan_of, read_run
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import conclude_run
from seatrial.assess.runs import run_lines
from seatrial.assess.terms import terms_of
from seatrial.chaos.model import ResetPeer, Timeout
from seatrial.chaos.verify import UNSTEADY
from seatrial.clock import SystemClock
from seatrial.errors import ExitCode, UsageError
from seatrial.journal import Journal, Run
from seatrial.redact import Secrets
from seatrial.sample import CallsLost, Cause, EdgeCall, Ending, FaultWindow, Phase
from seatrial.slo.remedy import Room
from seatrial.verdict import Grade, Subject


@pytest.fixture
def plain(workspace):
    """A plan without experiments."""
    return read_plan(workspace, Asked(gate="plain"))


@pytest.fixture
def good(records):
    """A whole run: acceptance, then a minute's hold."""
    return (*records.accepted(), *(record for second in range(70) for record in records.second(second)))


def _named(verdict):
    return {finding.name: finding for finding in verdict.findings}


def test_what_run_json_says_is_read_back_as_it_was(tmp_path, records):
    about = records.about(
        revisions={"shop": "1a2b"}, services=("shop",), aborted={"load": "not run"}, room=Room(0.5, 2)
    )
    write_about(Run(tmp_path), about)
    assert read_about(Run(tmp_path)) == about


def test_a_run_that_is_no_assessment_cannot_be_judged(tmp_path):
    journal.write_json(Run(tmp_path).about, {"command": "load"})
    with pytest.raises(UsageError, match=r"run\.json: not of a run that can be judged.*`seatrial report RUN` shows"):
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
    assert set(_named(verdict)) == {"buy a rope", "shop.available", "shop.fast", "stock.available"}


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
    assert "no data to judge the load by" in _named(verdict)["the load is judged"].reason


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
    assert told in _named(judge_run(records.recorded(*warm), plain))["shop.available"].reason
    held = [records.interval(9, service="stock"), records.pacing(9)]  # a hold in which nobody asked the shop
    finding = _named(judge_run(records.recorded(*warm, *held), plain))["shop.available"]
    assert finding.n == 0
    assert told not in finding.reason


def test_the_same_run_without_its_end_is_not_met(plain, records, good):
    verdict = judge_run(records.recorded(*good, ended_at=None), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert "interrupted or killed" in _named(verdict)["the run was cut short"].reason
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
    assert "price is 251" in _named(verdict)["buy a rope"].reason


def test_a_journey_of_the_gate_that_left_no_trace_is_undecided(plain, records, good):
    verdict = judge_run(records.recorded(*good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert _named(verdict)["buy a rope"].reason.startswith("no data")


@pytest.mark.parametrize("why", ["the scenario evaluated no check", "'nobody' is not defined"])
def test_a_play_that_failed_outside_its_steps_is_missed_though_every_step_passed(plain, records, good, why):
    failed = records.play("look", "count", ending=Ending.FAILED, reason=why)
    verdict = judge_run(records.recorded(*good[:2], failed, *good[3:]), plain)
    assert verdict.grade is Grade.MISSED
    assert _named(verdict)["buy a rope"].reason == why


def test_a_play_that_has_no_end_is_not_met(plain, records, good):
    verdict = judge_run(records.recorded(*good[:2], *good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert "it was cut short" in _named(verdict)["buy a rope"].reason


def test_a_skipped_journey_neither_passes_nor_blocks(plain, records, good):
    skipped = records.play(ending=Ending.SKIPPED, scenario="sell a rope", skipped=("show",), reason="not today")
    both = dataclasses.replace(plain, acceptance=(*plain.acceptance, _renamed(plain.acceptance[0], "sell a rope")))
    verdict = judge_run(records.recorded(*good, skipped), both)
    assert verdict.grade is Grade.MET
    assert "sell a rope" not in _named(verdict)


def _renamed(scenario, name):
    return dataclasses.replace(scenario, name=name)


def test_an_acceptance_of_skipped_journeys_alone_decides_nothing(plain, records, good):
    skipped = records.play(ending=Ending.SKIPPED, skipped=("look", "count"), reason="not today")
    verdict = judge_run(records.recorded(skipped, *good[3:]), plain)
    assert verdict.grade is Grade.UNDECIDED
    assert _named(verdict)["acceptance"].reason == "no data: not one journey was played (1 skipped)"


def test_without_any_record_nothing_is_met(plan, records):
    verdict = judge_run(records.recorded(), plan)
    assert {finding.grade for finding in verdict.findings} == {Grade.UNDECIDED}


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
    assert _named(verdict)["stock hangs > shop.available during"].grade is Grade.MET
    assert _named(verdict)["stock hangs > shop.available before"].subject is Subject.STEADY_STATE


def test_a_steady_state_that_did_not_hold_is_missed_though_nothing_was_injected(plan, records, good):
    baseline = [
        record
        for second in range(70, 75)
        for record in records.second(second, ok=0, failed=100, experiment="stock hangs")
    ]
    aborted = {"stock hangs": UNSTEADY}
    named = _named(judge_run(records.recorded(*good, *baseline, aborted=aborted), plan))
    assert named["stock hangs > shop.available before"].grade is Grade.MISSED
    assert named["shop.available"].grade is Grade.MET  # the load's own hold is judged by itself
    others = {finding.grade for name, finding in named.items() if "stock hangs" in name and "before" not in name}
    assert others == {Grade.UNDECIDED}


def test_a_steady_state_before_the_first_experiment_is_that_of_the_load(plan, records):
    failing = [record for second in range(30) for record in records.second(second, ok=0, failed=100)]
    recorded = records.recorded(*records.accepted(), *failing, aborted={"stock hangs": UNSTEADY})
    assert _named(judge_run(recorded, plan))["stock hangs > shop.available before"].grade is Grade.MISSED


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
    assert _named(judge_run(read_run(Run(tmp_path)), plan))[name].grade is Grade.MET
    writer.write(CallsLost("r", 1_700_000_071.0, 7))
    writer.close()
    finding = _named(judge_run(read_run(Run(tmp_path)), plan))[name]
    assert finding.grade is Grade.UNDECIDED
    assert "7 events of the proxies were lost" in finding.reason


def test_a_run_of_one_experiment_has_no_acceptance_to_miss(workspace, records, good):
    about = records.about(experiment="stock hangs")
    verdict = judge_run(records.recorded(*good, experiment="stock hangs"), plan_of(workspace, about))
    assert {finding.experiment for finding in verdict.findings} == {"stock hangs"}


def test_a_recorded_run_is_judged_by_the_gate_and_services_it_was_asked_for(workspace, records):
    plan = plan_of(workspace, records.about(gate="plain", services=("stock",), overrides={"name": "Ada"}))
    assert (plan.gate.name, set(plan.services), dict(plan.overrides)) == ("plain", {"stock"}, {"name": "Ada"})


def test_what_a_stage_that_was_cut_short_left_undecided_says_why(plain, records):
    over = "the gate's time of 10 m was over"
    aborted = {"acceptance": over, "load": f"not run: {over}"}
    named = _named(judge_run(records.recorded(aborted=aborted), plain))
    assert named["buy a rope"].reason == f"no data: not one of its steps was played to its end; {over}"
    assert named["shop.available"].reason == f"failed requests: no data: not one request was counted; not run: {over}"


def test_a_finding_knows_the_place_of_what_was_promised(plan, records, good):
    named = _named(judge_run(records.recorded(*good, aborted={"stock hangs": "it was late"}), plan))
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
    assert _named(verdict).keys() >= set(plays)
    assert _named(verdict)[plays[0]].where == plan.acceptance[0].where
    half = judge_run(records.recorded(*rows[:2], *good[3:]), plan)
    assert _named(half)[plays[1]].grade is Grade.UNDECIDED


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


def test_a_verdict_on_other_terms_is_a_what_if_and_makes_the_run_no_baseline(workspace, records):
    """The documents are loosened, the run is judged by them, and they are put back."""
    run = journal.create_run(workspace, "here", clock=SystemClock())
    plain = read_plan(workspace, Asked(gate="plain"))
    profile = plain.profile.name
    write_about(run, records.about(gate="plain", profile=profile, offered=plain.offered, terms=terms_of(plain)))
    with contextlib.closing(Journal(run.journal)) as writer:
        writer.write(*(record for second in range(70) for record in records.second(second, ok=70, failed=30)))
    assert conclude_run(run, plain, Secrets()).what_if == ""
    before = run.verdict.read_bytes()
    shop, stock = (workspace / "slo" / name for name in ("shop.yaml", "stock.yaml"))
    own = [file.read_text() for file in (shop, stock)]
    for file in (shop, stock):
        file.write_text("# any failures will do\n" + file.read_text().replace("limit: 10%", "limit: 90%"))
    loosened = conclude_run(run, read_plan(workspace, Asked(gate="plain")), Secrets())
    named = {finding.name: finding.grade for finding in loosened.verdict.findings}
    assert named["shop.available"] is Grade.MET
    assert loosened.what_if.endswith("its own verdict stays: MISSED")
    assert "its own verdict stays: MISSED" in loosened.files.report.read_text()
    assert run.verdict.read_bytes() == before
    for file, text in zip((shop, stock), own, strict=True):
        file.write_text("# as before\n" + text)
    again = read_plan(workspace, Asked(gate="plain"))
    assert [line.verdict for line in run_lines(workspace)] == ["MISSED"]
    assert conclude_run(run, again, Secrets()).what_if == ""


def test_a_run_of_which_nobody_noted_the_terms_is_judged_on_its_own(workspace, records, plain):
    run = journal.create_run(workspace, "here", clock=SystemClock())
    write_about(run, records.about(gate="plain"))
    assert conclude_run(run, plain, Secrets()).what_if == ""


def test_the_terms_of_a_plan_are_the_same_wherever_they_are_read(workspace, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(workspace, elsewhere)
    assert terms_of(read_plan(workspace, Asked())) == terms_of(read_plan(elsewhere, Asked()))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("slo/shop.yaml", "limit: 10%", "limit: 11%"),
        ("slo/gate.yaml", "min_hold: 20s", "min_hold: 21s"),
        ("chaos/hang.yaml", "recovered_within: 5s", "recovered_within: 6s"),
        ("scenarios/buy.yaml", "buy a rope", "buy ropes"),
        ("scenarios/profiles/some.yaml", "hold: 40s", "hold: 41s"),
    ],
)
def test_whatever_a_run_is_held_to_is_of_its_terms(file, old, new, workspace):
    before = terms_of(read_plan(workspace, Asked()))
    for document in workspace.rglob("*.yaml") if file.startswith("scenarios/buy") else [workspace / file]:
        document.write_text(document.read_text().replace(old, new))
    assert terms_of(read_plan(workspace, Asked())) != before


def test_what_a_later_version_could_say_besides_is_not_of_the_terms_of_older_documents(workspace):
    """Each type of the plan gets one more field, with a default of its own."""
    plan = read_plan(workspace, Asked())
    more = [
        ("more", object, dataclasses.field(default=None)),
        ("most", list, dataclasses.field(default_factory=list)),
    ]

    def later(value, **said):
        fields = [(one.name, one.type, one) for one in dataclasses.fields(value)]
        kind = dataclasses.make_dataclass(type(value).__name__, [*fields, *more], frozen=True, kw_only=True)
        return kind(**{name: getattr(value, name) for name, _, _ in fields}, **said)

    grown = dataclasses.replace(plan, gate=later(plan.gate), profile=later(plan.profile))
    assert terms_of(grown) == terms_of(plan)
    assert terms_of(dataclasses.replace(grown, gate=later(plan.gate, more="said"))) != terms_of(plan)


def test_faults_of_two_kinds_are_not_the_same_terms(workspace, plan):
    checked = plan.experiments[0]
    digests = set()
    for settings in (Timeout(1.0), ResetPeer(1.0)):
        injection = checked.experiment.method[0]
        fault = dataclasses.replace(injection.fault, settings=settings)
        method = (dataclasses.replace(injection, fault=fault),)
        experiment = dataclasses.replace(checked.experiment, method=method)
        changed = dataclasses.replace(checked, experiment=experiment)
        digests.add(terms_of(dataclasses.replace(plan, experiments=(changed,))))
    assert len(digests) == 2


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
