"""Which earlier runs a run is held against, and that it stays held against them."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial import journal
from seatrial.assess import run as assess_run
from seatrial.assess import stage
from seatrial.assess.about import read_about, write_about
from seatrial.assess.baselines import name_baseline
from seatrial.assess.budget import budget
from seatrial.assess.canary import permit_canary, with_canary
from seatrial.assess.conclude import judge_run, plan_of, read_run
from seatrial.assess.page import page_of
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Telling, assess
from seatrial.assess.stage import Bridge
from seatrial.assess.versus import choose_baselines, count_unmet
from seatrial.clock import SystemClock
from seatrial.errors import DocumentError, Refused, UsageError
from seatrial.journal import Journal, Run
from seatrial.sample import BASE, CANARY
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.load.profile import StopWhen
from seatrial.scenarios.moves import Context
from seatrial.verdict import Grade

VERSUS = """\
service: shop
objectives:
  - {name: available, indicator: errors, limit: 10%}
  - {name: no more errors, indicator: errors, versus: WORD, at_most: +50%}
"""


@pytest.fixture
def planned(workspace):
    """Plans with an objective versus WORD, and a gate that says what `baseline` means."""

    def plan(word="baseline", gate_line="", **asked):
        (workspace / "slo" / "shop.yaml").write_text(VERSUS.replace("WORD", word))
        (workspace / "slo" / "plain.yaml").write_text(f"gate: plain\nload: {{profile: some}}\n{gate_line}\n")
        return read_plan(workspace, Asked(gate="plain", **asked))

    return plan


@pytest.fixture
def recorded(workspace, records):
    """Writes runs of 120 s with some failures a second, oldest first."""

    def record(name, *, failed=1, grade="MET", seconds=120, sides=("",), **about) -> Run:
        run = Run(workspace / "reports" / "out" / name)
        run.folder.mkdir(parents=True)
        usual = {"run": name, "gate": "plain", "profile": "some"}
        write_about(run, records.about(**(usual | about)))
        writer = Journal(run.journal)
        for second in range(seconds):
            for side in sides:
                bad = failed if side != BASE else 1
                writer.write(records.interval(second, ok=100 - bad, failed=bad, side=side))
            writer.write(records.pacing(second))
        writer.close()
        journal.write_json(run.verdict, {"grade": grade})
        return run

    return record


def _judged(run: Run, plan):
    verdict = judge_run(read_run(run), plan)
    return {finding.objective: finding for finding in verdict.findings}


def test_the_baseline_is_the_last_run_that_was_met(planned, recorded):
    for name, grade in (("1", "MET"), ("2", "MET"), ("3", "MISSED")):
        recorded(name, grade=grade, seconds=1)
    assert choose_baselines(planned()) == {"baseline": ("2",)}
    assert choose_baselines(planned(gate_line="versus: {last: 3}")) == {"baseline": ("1", "2")}


@pytest.mark.parametrize(
    "about",
    [
        {"realm": "there"},
        {"gate": "other"},
        {"profile": "crowd"},
        {"services": ("stock",)},
        {"experiment": "stock hangs"},
        {"canary": Canary({"shop": "http://127.0.0.1:3"}, 0.1)},
    ],
    ids=lambda about: next(iter(about)),
)
def test_a_run_of_another_kind_is_no_baseline(about, planned, recorded):
    recorded("1", seconds=1, **about)
    assert choose_baselines(planned()) == {"baseline": ()}


def test_a_run_that_judged_a_part_is_a_baseline_of_that_part(planned, recorded):
    recorded("1", seconds=1, services=("shop",))
    assert choose_baselines(planned(services=("shop",))) == {"baseline": ("1",)}


@pytest.mark.parametrize(("word", "line"), [("release-1", ""), ("baseline", "versus: release-1")])
def test_a_named_baseline_is_that_run_whatever_became_of_it(word, line, workspace, planned, recorded):
    name_baseline(workspace, "release-1", recorded("1", grade="MISSED", seconds=1))
    recorded("2", seconds=1)
    assert choose_baselines(planned(word, line)) == {word: ("1",)}


@pytest.mark.parametrize(
    ("word", "line", "file"), [("relase", "", "shop.yaml:4"), ("baseline", "versus: relase", "")]
)
def test_a_name_that_no_run_has_is_refused_before_anything_is_sent(word, line, file, workspace, planned, recorded):
    name_baseline(workspace, "release", recorded("1", seconds=1))
    with pytest.raises(DocumentError, match=f"{file}.*no run has the baseline name 'relase'; did you mean 'release'"):
        choose_baselines(planned(word, line))


def test_a_run_is_held_against_the_baselines_it_was_made_with_for_ever(workspace, planned, recorded):
    recorded("1")
    plan = planned()
    run = recorded("2", baselines=choose_baselines(plan))
    first = _judged(run, plan)["no more errors"]
    assert first.grade is Grade.MET
    recorded("3", failed=20)
    again = _judged(run, plan_of(workspace, read_about(run)))["no more errors"]
    assert again == first
    assert "versus 1" in again.limit_text


def test_more_errors_than_the_baseline_are_missed_with_both_counts(planned, recorded):
    recorded("1")
    finding = _judged(recorded("2", failed=5, baselines={"baseline": ("1",)}), planned())["no more errors"]
    assert finding.grade is Grade.MISSED
    assert "5 % (600 of 12,000) against 1 % (120 of 12,000)" in finding.measured_text


def test_the_first_run_of_all_can_be_met(planned, recorded, records):
    run = recorded("1", baselines={"baseline": ()})
    writer = Journal(run.journal)
    writer.write(*records.accepted())
    writer.close()
    plan = planned(services=("shop",))
    played = tuple(scenario for scenario in plan.acceptance if scenario.name == "buy a rope")
    verdict = judge_run(read_run(run), dataclasses.replace(plan, acceptance=played))
    assert verdict.grade is Grade.MET
    (finding,) = (finding for finding in verdict.findings if finding.objective == "no more errors")
    assert (finding.grade, finding.measured_text) == (Grade.UNDECIDED, "no baseline")
    assert not finding.counts


def test_a_changed_load_begins_without_a_baseline(planned, recorded):
    recorded("1", seconds=1, offered="half as much")
    assert choose_baselines(planned()) == {"baseline": ()}


def test_of_runs_taken_together_those_under_another_load_are_left_out(planned, recorded):
    plan = planned(gate_line="versus: {last: 2}")
    recorded("1", failed=9, offered="twice as much")
    recorded("2", offered=plan.offered)
    run = recorded("3", offered=plan.offered, baselines=choose_baselines(plan))
    assert read_about(run).baselines == {"baseline": ("2",)}
    finding = _judged(run, plan)["no more errors"]
    assert finding.grade is Grade.MET
    assert "against 1 % (120 of 12,000)" in finding.measured_text


@pytest.mark.parametrize("objective", ["no more errors", "slow"])
def test_a_gates_name_that_no_run_has_is_refused_whatever_is_held_against_it(objective, workspace, planned):
    """Relative criteria would hold for want of an earlier value."""
    plan = planned("baseline", "versus: relase")
    text = '{name: slow, indicator: latency, quantile: p90, criteria: {met: [["<=+10%"]]}}'
    if objective == "slow":
        (workspace / "slo" / "shop.yaml").write_text(f"service: shop\nobjectives: [{text}]\n")
        plan = read_plan(workspace, Asked(gate="plain"))
    with pytest.raises(DocumentError, match="no run has the baseline name 'relase'"):
        choose_baselines(plan)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"canary": Canary({"shop": "http://127.0.0.1:3"}, 0.5)}, "split with a canary"),
        ({"experiment": "stock hangs"}, "an experiment alone"),
        ({"command": "diff"}, "compared two realms"),
    ],
)
def test_a_named_run_that_is_not_of_one_version_under_load_decides_nothing(about, why, planned, recorded):
    recorded("1", seconds=1, **about)
    finding = _judged(recorded("2", seconds=1, baselines={"baseline": ("1",)}), planned())["no more errors"]
    assert (finding.grade, finding.counts) == (Grade.UNDECIDED, True)
    assert finding.reason.startswith("1 can be no baseline: ")
    assert why in finding.reason


def test_a_baseline_that_was_removed_since_is_undecided(planned, recorded):
    finding = _judged(recorded("2", seconds=1, baselines={"baseline": ("1",)}), planned())["no more errors"]
    assert (finding.grade, finding.counts) == (Grade.UNDECIDED, True)
    assert "the run it was held against, 1, is not there any more" in finding.reason


def test_a_named_run_of_another_realm_is_compared_only_when_the_gate_says_so(planned, recorded):
    recorded("1", realm="there")
    run = recorded("2", baselines={"baseline": ("1",)})
    refused = _judged(run, planned(gate_line="versus: release-1"))["no more errors"]
    assert refused.grade is Grade.UNDECIDED
    assert "this run is of realm here and 1 of realm there" in refused.reason
    allowed = planned(gate_line="versus: {name: release-1, across_realms: true}")
    assert _judged(run, allowed)["no more errors"].grade is Grade.MET


def test_a_worse_canary_is_missed_whatever_the_score(workspace, planned, recorded):
    canary = Canary({"shop": "http://127.0.0.1:3"}, 0.5)
    run = recorded("1", failed=9, sides=(BASE, CANARY), canary=canary)
    plan = planned(gate_line="score: {met: 10%, degraded: 5%}")
    found = _judged(run, plan)
    assert found["canary: errors"].grade is found["no more errors"].grade is Grade.MISSED
    assert "canary 9 % (1,080 of 12,000) against base 1 % (120 of 12,000)" in found["canary: errors"].measured_text
    assert judge_run(read_run(run), plan).grade is Grade.MISSED


def test_a_canary_of_a_service_that_nobody_documented_is_judged_too(workspace, recorded, planned):
    run = recorded("1", failed=9, sides=(BASE, CANARY), canary=Canary({"shop": "http://127.0.0.1:3"}, 0.5))
    plan = dataclasses.replace(planned(), services={}, acceptance=())
    verdict = judge_run(read_run(run), plan)
    assert {finding.objective for finding in verdict.findings} >= {"canary: errors", "canary: body"}
    assert verdict.grade is Grade.MISSED
    assert page_of(read_run(run), plan, verdict).verdict == verdict


def test_the_canaries_take_their_part_of_the_gates_alpha_whenever_they_are_judged(workspace, planned, recorded):
    plan = planned(gate_line="alpha: {gate: 6%}")
    assert plan.gate.alpha == pytest.approx(0.06 / 3)
    split = with_canary(plan, ["shop=http://127.0.0.1:9"], None)
    assert split.gate.alpha == pytest.approx(0.06 / 4)
    again = plan_of(workspace, read_about(recorded("1", seconds=1, canary=split.canary)))
    assert (again.gate.alpha, again.canary) == (split.gate.alpha, split.canary)


def test_an_unfit_generator_decides_no_comparison(planned, recorded, records):
    recorded("1")
    run = recorded("2", failed=5, baselines={"baseline": ("1",)})
    writer = Journal(run.journal)
    writer.write(records.pacing(121, dropped=7))
    writer.close()
    finding = _judged(run, planned())["no more errors"]
    assert finding.grade is Grade.UNDECIDED
    assert "it would have been MISSED" in finding.reason


@pytest.mark.parametrize("word", ["http://127.0.0.1:9/", "http://localhost:9", "shop=http://[::1]:9"])
def test_a_canary_may_be_on_the_host_of_its_service(word, planned):
    plan = planned()
    words = [word if "=" in word else f"shop={word}"]
    assert with_canary(plan, words, None).canary == Canary({"shop": words[0][5:].rstrip("/")}, 0.1)


def test_a_canarys_load_is_held_to_its_end(planned):
    assert planned().profile.stop_when is StopWhen.DECIDED
    assert with_canary(planned(), ["shop=http://127.0.0.1:9"], None).profile.stop_when is StopWhen.NEVER


def test_a_url_alone_is_the_canary_of_the_only_service_asked(workspace, planned):
    (workspace / "scenarios" / "buy.yaml").write_text(
        "scenario: buy a rope\nservice: shop\nsteps: [{name: look, request: {url: /goods}}]\n"
    )
    assert with_canary(planned(), ["http://127.0.0.1:9"], "25%").canary == Canary(
        {"shop": "http://127.0.0.1:9"}, 0.25
    )


@pytest.mark.parametrize(
    ("words", "share", "why"),
    [
        (["http://127.0.0.1:9"], None, "which of shop, stock is it"),
        (["shp=http://127.0.0.1:9"], None, "unknown service 'shp' in realm 'here'; did you mean 'shop'"),
        (["shop=127.0.0.1:9"], None, "is not an address"),
        (["shop=ftp://127.0.0.1"], None, "is not an address"),
        (["shop=http://127.0.0.1:x"], None, "is not an address"),
        (["shop=http://127.0.0.1:9"], "0%", "nothing is left to compare"),
        (["shop=http://127.0.0.1:9"], "100%", "nothing is left to compare"),
        (["shop=http://127.0.0.1:9"], "110%", "more than 100%"),
        (["shop=http://127.0.0.1:9"], "0.1", "is not a share"),
        ([], "10%", "add --canary URL"),
    ],
)
def test_what_is_no_canary_is_refused(words, share, why, planned):
    with pytest.raises(UsageError, match=why):
        with_canary(planned(), words, share)


def test_a_canary_is_not_compared_under_faults_or_without_load(workspace):
    with pytest.raises(UsageError, match="compared without faults"):
        with_canary(read_plan(workspace, Asked()), ["shop=http://127.0.0.1:9"], None)
    (workspace / "slo" / "idle.yaml").write_text("gate: idle\n")
    with pytest.raises(UsageError, match="gate 'idle' has none"):
        with_canary(read_plan(workspace, Asked(gate="idle")), ["shop=http://127.0.0.1:9"], None)


def test_a_canary_under_a_breakpoint_search_is_refused(workspace, planned):
    search = "shape: {kind: breakpoint, from: 20/s, by: 20/s, every: 10s, up_to: 60/s}\n"
    (workspace / "scenarios/profiles/some.yaml").write_text(f"profile: some\nscenarios: [browse]\n{search}")
    with pytest.raises(UsageError, match="profile 'some' is a breakpoint search"):
        with_canary(planned(), ["shop=http://127.0.0.1:9"], None)


@pytest.mark.parametrize(("left_out", "hint"), [("stock", "add --service stock"), ("shop", "leave --service out")])
def test_a_canary_of_a_service_that_is_left_out_is_refused(left_out, hint, workspace, planned):
    (kept,) = {"shop", "stock"} - {left_out}
    plan = planned(services=(kept,))
    if "leave" in hint:
        plan = dataclasses.replace(plan, documented={kept: plan.documented[kept], "other": plan.documented[kept]})
    with pytest.raises(UsageError, match=f"would not be judged; {hint}"):
        with_canary(plan, [f"{left_out}=http://127.0.0.1:9"], None)


@pytest.mark.parametrize(
    "address", ["http://bob:hunter2@127.0.0.1:9", "http://bob:hunter2@127.0.0.1:x", "bob:hunter2@127.0.0.1"]
)
def test_an_address_with_a_password_is_refused_without_showing_it(address, planned):
    with pytest.raises(UsageError, match="--canary") as refused:
        with_canary(planned(), [f"shop={address}"], None)
    assert "hunter2" not in str(refused.value)
    with_canary(planned(), ["shop=http://127.0.0.1:9/@scope"], None)


def test_an_address_the_realm_does_not_name_is_refused_with_the_line_to_add(planned):
    realm = planned().realm
    with pytest.raises(Refused, match=r"add `canaries: \[https://canary.example.com\]` under its `allows`"):
        permit_canary(realm, "shop", "https://canary.example.com/v2")
    allows = dataclasses.replace(realm.allows, canaries=("https://canary.example.com",))
    permit_canary(dataclasses.replace(realm, allows=allows), "shop", "https://canary.example.com:443/v2")
    with pytest.raises(Refused):
        permit_canary(dataclasses.replace(realm, allows=allows), "shop", "http://canary.example.com")


def test_beside_a_canary_the_base_is_asked_past_its_proxy_too(planned, recorder, tmp_path, clock, monkeypatch):
    """The detour through a proxy would be a difference between the two that is none of the versions'."""
    orders = []

    def start(order, **_):
        orders.append(order)
        raise RuntimeError("enough")

    monkeypatch.setattr("seatrial.assess.stage.start_load", start)
    plan = with_canary(planned(), ["shop=http://127.0.0.1:9"], None)
    through_proxies = Context("here", {"shop": "http://127.0.0.1:7001", "stock": "http://127.0.0.1:7002"})
    for each in (plan, planned()):
        within = budget(clock, None)
        bridge = Bridge(each, Run(tmp_path), recorder, through_proxies, None, clock, print, print, within)
        with pytest.raises(RuntimeError, match="enough"), stage.load(bridge, each.profile):
            pass
    beside, alone = orders
    assert beside.canary == plan.canary
    assert beside.addresses == {"shop": "http://127.0.0.1:1", "stock": "http://127.0.0.1:7002"}
    assert (alone.canary, alone.addresses) == (None, through_proxies.addresses)


def test_where_earlier_runs_were_not_met_it_says_how_many_there_were(planned, recorded):
    plan = planned()
    recorded("1", grade="MISSED", seconds=1)
    recorded("2", grade="UNDECIDED", seconds=1)
    recorded("3", grade="MISSED", seconds=1, realm="there")
    baselines = choose_baselines(plan)
    run = recorded("4", baselines=baselines, unmet=count_unmet(plan, baselines))
    assert _judged(run, plan)["no more errors"].reason == (
        "no baseline: no earlier MET run of this realm, gate and profile (2 runs, none MET); it does not count"
    )


def test_an_assessment_keeps_how_many_earlier_runs_were_not_met(planned, recorded, monkeypatch):
    recorded("1", grade="MISSED", seconds=1, profile="")
    monkeypatch.setattr(assess_run, "preflight", lambda *_, **__: None)
    monkeypatch.setattr(assess_run.stage, "accept", lambda _: ())
    idle = dataclasses.replace(planned(), profile=None)
    assessed = assess(idle, clock=SystemClock(), telling=Telling(lambda _: None, lambda _: None))
    assert read_about(assessed.run).unmet == 1
