"""Relative criteria are held against earlier runs' verdicts, and the run keeps what it was held against."""

from __future__ import annotations

import json

import pytest
from hdrh.histogram import HdrHistogram

from seatrial.assess.about import write_about
from seatrial.assess.conclude import judge_run
from seatrial.assess.earlier import earlier_values
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import conclude_run
from seatrial.journal import OUT, Journal, Run
from seatrial.redact import Secrets
from seatrial.verdict import Grade

SLO = """\
service: shop
objectives:
  - {name: slow, indicator: latency, quantile: p90, criteria: {met: [["<=+10%"]]}}
  - {name: up, indicator: errors, criteria: {met: [["<=0.5"]]}}
"""


def _recorded(workspace, name, grade, value, *, realm="here", service="shop", **fields):
    """The folder of an earlier run, as far as it is read."""
    folder = workspace / OUT / name
    folder.mkdir(parents=True)
    about = {"realm": realm, "gate": "default", "profile": "some", "started_at": 1.0, "ended_at": 2.0}
    about |= {key: fields.pop(key) for key in ("canary", "experiment", "offered") if key in fields}
    (folder / "run.json").write_text(json.dumps(about))
    finding = {"service": service, "objective": "slow", "measured": value, "low": None, "experiment": None}
    (folder / "verdict.json").write_text(json.dumps({"grade": grade, "findings": [finding | fields]}))


@pytest.fixture
def planned(workspace):
    def run(versus="", slo=SLO):
        (workspace / "slo" / "shop.yaml").write_text(slo)
        (workspace / "slo" / "gate.yaml").write_text(f"gate: default\nload: {{profile: some}}\n{versus}")
        return read_plan(workspace, Asked())

    return run


def _found(plan, workspace):
    return [(item.objective, item.runs, item.values) for item in earlier_values(plan, Run(workspace / OUT / "now"))]


def test_the_last_run_that_was_met_is_what_counts_unless_the_gate_says_otherwise(planned, workspace):
    for name, grade, value in (
        ("1", "MET", 10.0),
        ("2", "MET", 20.0),
        ("3", "DEGRADED", 30.0),
        ("4", "MISSED", 40.0),
    ):
        _recorded(workspace, name, grade, value)
    assert _found(planned(), workspace) == [("slow", ("2",), (20.0,))]
    two = "versus: {last: 2, of: met_or_degraded}\n"
    assert _found(planned(two), workspace) == [("slow", ("3", "2"), (30.0, 20.0))]
    assert _found(planned("versus: {last: 9, of: all}\n"), workspace)[0][2] == (40.0, 30.0, 20.0, 10.0)


def test_runs_of_another_realm_or_service_or_kind_of_value_do_not_count(planned, workspace):
    _recorded(workspace, "1", "MET", 10.0)
    _recorded(workspace, "2", "MET", 20.0, realm="there")
    _recorded(workspace, "3", "MET", 30.0, service="stock")
    assert _found(planned(), workspace) == [("slow", ("1",), (10.0,))]
    _recorded(workspace, "4", "MET", 0.01, low=0.0)  # a share of requests, under the same name
    assert _found(planned(), workspace) == [("slow", (), ())]


def test_a_run_that_cannot_be_read_is_left_out(planned, workspace):
    _recorded(workspace, "1", "MET", 10.0)
    for name, text in (("2", "{"), ("3", "{}"), ("4", '{"grade": "MET", "findings": [7]}'), ("5", '{"grade": "X"}')):
        _recorded(workspace, name, "MET", 1.0)
        (workspace / OUT / name / "verdict.json").write_text(text)
    assert _found(planned(), workspace) == [("slow", ("1",), (10.0,))]


@pytest.mark.parametrize("value", ["9" * 400, "inf", True])
def test_a_run_whose_value_was_damaged_is_left_out(value, planned, workspace):
    _recorded(workspace, "1", "MET", 10.0)
    _recorded(workspace, "2", "MET", value)
    assert _found(planned(), workspace) == [("slow", ("1",), (10.0,))]


def test_a_named_run_is_what_counts_where_the_gate_names_it(planned, workspace):
    for name, value in (("1", 10.0), ("2", 20.0)):
        _recorded(workspace, name, "MET", value)
    (workspace / OUT / "baselines.json").write_text('{"version": 1, "baselines": {"release": "1"}}')
    assert _found(planned("versus: release\n"), workspace) == [("slow", ("1",), (10.0,))]


def _named(workspace, name):
    (workspace / OUT / "baselines.json").write_text(json.dumps({"version": 1, "baselines": {"release": name}}))


@pytest.mark.parametrize("about", [{"canary": {"share_ratio": 0.5}}, {"experiment": "stock hangs"}], ids=str)
def test_a_run_of_two_versions_or_of_an_experiment_gives_no_value(about, planned, workspace):
    _recorded(workspace, "1", "MET", 10.0)
    _recorded(workspace, "2", "MET", 20.0, **about)
    assert _found(planned(), workspace) == [("slow", ("1",), (10.0,))]


@pytest.mark.parametrize("grade", ["MISSED", "UNDECIDED", "DEGRADED"])
def test_a_named_run_gives_its_value_whatever_its_verdict_was(grade, planned, workspace):
    _recorded(workspace, "1", grade, 10.0)
    _named(workspace, "1")
    assert _found(planned("versus: release\n"), workspace) == [("slow", ("1",), (10.0,))]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"realm": "there"}, "this run is of realm here and 1 of realm there"),
        ({"offered": "twice as much"}, "not under the same load"),
        ({"canary": {"share_ratio": 0.5}}, "split with a canary"),
        ({"service": "stock"}, "1, which the gate's `versus` names, has no value of it"),
    ],
    ids=["realm", "load", "canary", "service"],
)
def test_what_cannot_be_held_against_a_named_run_is_undecided(fields, why, planned, workspace, records):
    _recorded(workspace, "1", "MET", 1000.0, **fields)
    _named(workspace, "1")
    assert why in _slow(planned("versus: release\n"), workspace, records, Grade.UNDECIDED).reason


def test_a_named_run_whose_generator_was_unfit_decides_nothing(planned, workspace, records):
    _recorded(workspace, "1", "MET", 1000.0)
    _named(workspace, "1")
    writer = Journal(Run(workspace / OUT / "1").journal)
    writer.write(records.interval(0), records.pacing(0, dropped=7))
    writer.close()
    reason = _slow(planned("versus: release\n"), workspace, records, Grade.UNDECIDED).reason
    assert "in 1: generator: 7 of 20 arrivals were dropped" in reason


def test_a_named_run_that_is_gone_decides_nothing(planned, workspace, records):
    (workspace / OUT).mkdir(parents=True)
    _named(workspace, "1")
    assert (
        "1, is not there any more" in _slow(planned("versus: release\n"), workspace, records, Grade.UNDECIDED).reason
    )


def test_a_named_run_of_another_realm_counts_where_the_gate_says_so(planned, workspace, records):
    _recorded(workspace, "1", "MET", 1000.0, realm="there")
    _named(workspace, "1")
    _slow(planned("versus: {name: release, across_realms: true}\n"), workspace, records, Grade.MET)


def _slow(plan, workspace, records, grade):
    """The finding of a run at 320 ms, which must have that grade."""
    kept = earlier_values(plan, Run(workspace / OUT / "now"))
    held = records.interval(0, histogram=_histogram(320)), records.pacing(0)
    verdict = judge_run(records.recorded(*records.accepted(), *held, *kept), plan)
    (finding,) = (finding for finding in verdict.findings if finding.objective == "slow")
    assert finding.grade is grade
    return finding


def test_nothing_is_looked_for_where_nothing_is_relative(planned, workspace):
    _recorded(workspace, "1", "MET", 10.0)
    assert _found(planned(slo=SLO.replace("<=+10%", "<=10")), workspace) == []


def _histogram(milliseconds):
    histogram = HdrHistogram(1, 60_000_000, 3)
    histogram.record_value(milliseconds * 1000, 100)
    return histogram.encode().decode("ascii")


@pytest.mark.parametrize(("aggregate", "grade"), [("avg", Grade.MISSED), ("p95", Grade.MET)])
def test_a_run_is_judged_by_the_earlier_values_it_kept(planned, workspace, records, aggregate, grade):
    for name, value in (("1", 100.0), ("2", 300.0)):
        _recorded(workspace, name, "MET", value)
    plan = planned(f"versus: {{last: 2, aggregate: {aggregate}}}\n")
    kept = earlier_values(plan, Run(workspace / OUT / "now"))
    held = records.interval(0, histogram=_histogram(320)), records.pacing(0)
    verdict = judge_run(records.recorded(*records.accepted(), *held, *kept), plan)
    grades = {finding.objective: finding.grade for finding in verdict.findings if finding.service == "shop"}
    assert grades == {"slow": grade, "up": Grade.MET}


def test_what_one_run_concluded_is_what_the_next_is_held_against(planned, workspace, records):
    plan = planned("versus: {last: 1, of: all}\n")
    run = Run(workspace / OUT / "1")
    run.folder.mkdir(parents=True)
    write_about(run, records.about(run="1", profile="some"))
    journal = Journal(run.journal)
    journal.write(*records.accepted(), records.interval(0, histogram=_histogram(200)), records.pacing(0))
    journal.close()
    findings = conclude_run(run, plan, Secrets()).verdict.findings
    assert [finding.grade for finding in findings if finding.objective == "slow"] == [
        Grade.MET
    ]  # nothing came before
    ((objective, runs, values),) = _found(plan, workspace)
    assert (objective, runs) == ("slow", ("1",))
    assert values == (pytest.approx(200.0, rel=0.001),)
