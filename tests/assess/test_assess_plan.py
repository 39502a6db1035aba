"""The plan holds all that a run comprises, and a mistake in any document shows before anything is sent."""

from __future__ import annotations

import pytest

from seatrial.assess.plan import DEFAULT_AT_MOST_S, Asked, Documents, experiment_plan, rates_per_s, read_plan
from seatrial.errors import DocumentError, Refused, UsageError
from seatrial.scenarios.load.profile import Model


def _rewrite(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_plan_holds_what_the_gate_names(plan):
    assert [scenario.name for scenario in plan.acceptance] == ["buy a rope"]
    assert plan.profile.name == "some"
    assert [scenario.name for scenario in plan.mix.scenarios] == ["buy a rope", "browse"]
    assert [checked.experiment.name for checked in plan.experiments] == ["stock hangs"]
    assert plan.services.keys() == plan.documented.keys() == {"shop", "stock"}


def test_services_that_are_not_chosen_are_documented_and_not_judged(workspace):
    plan = read_plan(workspace, Asked(services=("stock",)))
    assert set(plan.services) == {"stock"}
    assert set(plan.documented) == {"shop", "stock"}


def test_the_time_of_the_hold_is_the_gates_else_the_profiles_else_a_default(workspace, plan):
    assert plan.hold_at_most_s == 90.0
    assert read_plan(workspace, Asked(gate="plain")).hold_at_most_s == 40.0  # of 45 s, 5 are a ramp
    (workspace / "slo" / "quiet.yaml").write_text("gate: quiet\n")
    assert read_plan(workspace, Asked(gate="quiet")).hold_at_most_s == DEFAULT_AT_MOST_S


def test_rates_are_the_peak_shared_out_by_weight_and_summed_over_journeys(plan):
    assert rates_per_s(plan) == pytest.approx(
        {("shop", "GET", "/goods"): 20.0, ("stock", "GET", "/goods"): 15.0},  # weights 3 and 1
    )


def test_nobody_knows_the_rates_of_a_closed_model_or_of_no_load(workspace):
    assert rates_per_s(experiment_plan(Documents(workspace), Asked(), "stock hangs")) == {}
    (workspace / "slo" / "quiet.yaml").write_text("gate: quiet\n")
    assert rates_per_s(read_plan(workspace, Asked(gate="quiet"))) == {}


def test_an_experiment_alone_has_its_own_traffic_and_judges_no_objective(workspace):
    plan = experiment_plan(Documents(workspace), Asked(), "stock hangs")
    assert (plan.profile.name, plan.acceptance, dict(plan.services)) == ("crowd", (), {})
    assert plan.hold_at_most_s == 5.0  # its baseline: there is nothing else to hold for
    assert [checked.experiment.name for checked in plan.experiments] == ["stock hangs"]


def test_one_journey_is_traffic_at_its_own_rate_for_as_long_as_the_experiment_takes(workspace):
    _rewrite(workspace / "chaos" / "hang.yaml", "{profile: crowd}", "{scenario: browse, every: 250ms}")
    plan = experiment_plan(Documents(workspace), Asked(), "stock hangs")
    assert [scenario.name for scenario in plan.mix.scenarios] == ["browse"]
    assert (plan.profile.name, plan.profile.model, plan.profile.peak) == ("browse every 250 ms", Model.OPEN, 4.0)
    assert (plan.profile.lasts_s, plan.hold_at_most_s) == (plan.experiments[0].experiment.takes_s, 5.0)


def test_an_unknown_journey_as_traffic_is_named_at_its_place(workspace):
    _rewrite(workspace / "chaos" / "hang.yaml", "{profile: crowd}", "{scenario: browze, every: 250ms}")
    with pytest.raises(DocumentError, match=r"chaos/hang\.yaml:2:.*browze.*did you mean 'browse'"):
        experiment_plan(Documents(workspace), Asked(), "stock hangs")


def test_an_experiment_alone_needs_no_gate(workspace):
    (workspace / "slo" / "gate.yaml").unlink()
    assert experiment_plan(Documents(workspace), Asked(), "stock hangs").gate.experiments == ("stock hangs",)


def test_an_experiment_alone_needs_no_leave_for_the_gates_journeys(workspace):
    _rewrite(workspace / "scenarios" / "buy.yaml", "{name: look,", "{name: look, mutates: true,")
    assert experiment_plan(Documents(workspace), Asked(), "stock hangs").mix.scenarios[0].name == "browse"


def test_the_traffic_of_an_experiment_alone_needs_the_realms_leave(workspace):
    _rewrite(workspace / "realms.yaml", "load: {max_rate: 100/s}, ", "")
    with pytest.raises(Refused, match="does not allow load"):
        experiment_plan(Documents(workspace), Asked(), "stock hangs")


def test_an_unknown_profile_of_an_experiment_is_a_mistake_in_its_document(workspace):
    _rewrite(workspace / "chaos" / "hang.yaml", "profile: crowd", "profile: crwd")
    with pytest.raises(DocumentError, match=r"chaos/hang\.yaml:\d+:\d+: .*'crwd'; did you mean 'crowd'"):
        experiment_plan(Documents(workspace), Asked(), "stock hangs")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "5s, objectives: [shop.available]",
            "5s, objectives: [stock.available]",
            r"3:43: .* 'stock', so 'stock.available'",
        ),
        ("untouched: [shop.available]", "untouched: [stock.available]", r"5:32: .* 'stock', so 'stock.available'"),
        (
            "untouched: [shop.available]",
            "latency: stock, p95_at_most: 1s",
            r"5:\d+: .* 'stock', so 'stock.p95 at most 1 s'",
        ),
        (
            "expect: {",
            "abort_on: {objectives: [stock.available]}\nexpect: {",
            r"5:25: .* 'stock', so 'stock.available'",
        ),
    ],
)
def test_an_objective_that_an_experiments_traffic_never_speaks_to_is_refused_at_its_place(old, new, told, workspace):
    _rewrite(workspace / "chaos" / "hang.yaml", old, new)
    with pytest.raises(DocumentError, match=rf"hang\.yaml:{told} would have no data; it asks shop$"):
        experiment_plan(Documents(workspace), Asked(), "stock hangs")
    assert read_plan(workspace, Asked()).experiments  # the gate's load asks it


def test_an_objective_of_routes_that_an_experiments_traffic_does_not_ask_is_refused(workspace):
    routed = "  - {name: counted, indicator: errors, limit: 1%, routes: [GET /count]}\n"
    (workspace / "slo" / "shop.yaml").write_text((workspace / "slo" / "shop.yaml").read_text() + routed)
    _rewrite(workspace / "scenarios" / "buy.yaml", "service://stock/goods", "/count")
    _rewrite(workspace / "chaos" / "hang.yaml", "5s, objectives: [shop.available]", "5s, objectives: [shop.counted]")
    with pytest.raises(
        DocumentError, match=r"no journey of 'crowd' asks 'shop' for GET /count, so 'shop.counted' would"
    ):
        experiment_plan(Documents(workspace), Asked(), "stock hangs")


def test_an_experiment_is_planned_by_its_file_under_its_name(workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    plan = experiment_plan(Documents(workspace), Asked(), "chaos/hang.yaml")
    assert plan.gate.experiments == ("stock hangs",)
    assert [checked.experiment.name for checked in plan.experiments] == ["stock hangs"]


def test_an_experiment_without_traffic_cannot_run_alone(workspace):
    with pytest.raises(UsageError, match=r"chaos/idle\.yaml:1:.*'without traffic' names no traffic"):
        experiment_plan(Documents(workspace), Asked(), "without traffic")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("profile: some", "profile: sume", "unknown profile 'sume'; did you mean 'some'"),
        ("[stock hangs]", "[stock hungs]", "unknown experiment 'stock hungs'; did you mean 'stock hangs'"),
        ("load: {profile: some, at_most: 90s}\n", "", "experiments need traffic"),
    ],
)
def test_a_name_the_gate_has_wrong_is_a_mistake_in_its_document(old, new, told, workspace):
    _rewrite(workspace / "slo" / "gate.yaml", old, new)
    with pytest.raises(DocumentError, match=rf"slo/gate\.yaml:\d+:\d+: {told}"):
        read_plan(workspace, Asked())


def test_an_unknown_service_is_named_with_the_near_one(workspace):
    with pytest.raises(UsageError, match="unknown service 'stok'; did you mean 'stock'"):
        read_plan(workspace, Asked(services=("stok",)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("load: {max_rate: 100/s}, ", "", "does not allow load"),
        ("100/s", "30/s", r"35 requests/s \(its limit is 30/s\)"),
        (", chaos: true", "", "does not allow chaos"),
    ],
)
def test_what_the_realm_does_not_allow_is_refused(old, new, told, workspace):
    _rewrite(workspace / "realms.yaml", old, new)
    with pytest.raises(Refused, match=told):
        read_plan(workspace, Asked())


def test_mutations_of_acceptance_need_the_realms_leave(workspace):
    _rewrite(workspace / "scenarios" / "buy.yaml", "{name: look,", "{name: look, mutates: true,")
    with pytest.raises(Refused, match="'buy a rope' has a step that mutates"):
        read_plan(workspace, Asked())


def test_an_alpha_of_the_whole_gate_is_split_evenly_over_the_objectives_that_are_judged(workspace):
    (workspace / "slo" / "whole.yaml").write_text("gate: whole\nload: {profile: some}\nalpha: {gate: 6%}\n")
    assert read_plan(workspace, Asked(gate="whole")).gate.alpha == pytest.approx(0.02)
    assert read_plan(workspace, Asked(gate="whole", services=("shop",))).gate.alpha == pytest.approx(0.03)
    assert read_plan(workspace, Asked(gate="plain")).gate.alpha == 0.05


def test_a_name_nobody_has_in_a_journey_is_a_mistake_before_anything_is_sent(workspace):
    _rewrite(workspace / "scenarios" / "browse.yaml", "/goods", "'/{{ gods }}'")
    with pytest.raises(DocumentError, match="'gods' is not defined"):
        read_plan(workspace, Asked())


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("slo/gate.yaml", "[smoke]", "[smok]", r"2:21: no journey has the tag 'smok'; did you mean 'smoke'"),
        ("slo/gate.yaml", "profile: some", "profile: sume", "3:17: unknown profile 'sume'; did you mean 'some'"),
        (
            "slo/gate.yaml",
            "[stock hangs]",
            "[idle]",
            "4:9: unknown experiment 'idle'; known: stock hangs, without tr",
        ),
        ("scenarios/profiles/some.yaml", ", browse]", ", brows]", r"2:25: .*plays 'brows'.*did you mean 'browse'"),
    ],
)
def test_a_wrong_name_is_told_at_its_own_place(file, old, new, told, workspace):
    _rewrite(workspace / file, old, new)
    with pytest.raises(DocumentError, match=rf"{file}:{told}"):
        read_plan(workspace, Asked())


@pytest.mark.parametrize(
    ("stop_when", "at_most", "held_s"), [("decided", "90s", 90.0), ("never", "90s", 40.0), ("never", "30s", 30.0)]
)
def test_only_a_hold_until_decided_may_last_longer_than_the_profiles(stop_when, at_most, held_s, workspace):
    _rewrite(workspace / "scenarios" / "profiles" / "some.yaml", "stop_when: decided", f"stop_when: {stop_when}")
    _rewrite(workspace / "slo" / "gate.yaml", "at_most: 90s", f"at_most: {at_most}")
    assert read_plan(workspace, Asked()).hold_at_most_s == held_s


def test_a_warm_up_takes_from_the_hold_it_reaches_into(workspace):
    _rewrite(workspace / "scenarios" / "profiles" / "some.yaml", "warm_up: 3s", "warm_up: 15s")
    assert read_plan(workspace, Asked(gate="plain")).hold_at_most_s == 30.0
