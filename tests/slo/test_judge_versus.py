"""Objectives held versus another run: worse is missed, and what cannot be compared is never met."""

from __future__ import annotations

import dataclasses

import pytest
from sides import counted, hold, pacings, run

from seatrial.sample import BASE, CANARY
from seatrial.service import Indicator, Objective, Service
from seatrial.slo.conclude import conclude
from seatrial.slo.contrast import Asked, Pair, What, contrast
from seatrial.slo.counted import Counted
from seatrial.slo.gate import Gate
from seatrial.slo.judge_versus import Baseline, judge_canary, judge_versus
from seatrial.verdict import Finding, Grade

SLOWER = Objective("no slower", Indicator.LATENCY, 0.1, quantile=0.95, versus="baseline", weight=2.0)
ERRORS = Objective("no more errors", Indicator.ERRORS, 0.5, versus="baseline")
SHOP = Service("shop")
ROOMY = Objective("as roomy", Indicator.THROUGHPUT, -0.05, versus="baseline")


def judged(new: Counted, base: Counted | None, objective: Objective, **more) -> Finding:
    service = Service("shop", comparisons=(objective,))
    (finding,) = judge_versus(new, {"baseline": Baseline(base, **more)}, [service], alpha=0.05)
    return finding


@pytest.fixture(scope="module")
def base() -> Counted:
    return run("run 1", seed=1, failing=0.02)


@pytest.fixture(scope="module")
def same() -> Counted:
    return run("this run", seed=2, failing=0.02)


@pytest.mark.parametrize("objective", [SLOWER, ERRORS, ROOMY])
def test_a_run_like_its_baseline_is_no_worse(objective, base, same):
    finding = judged(same, base, objective)
    assert finding.grade is Grade.MET
    assert finding.low < 1 < finding.high


@pytest.mark.parametrize(
    ("objective", "worse"),
    [(SLOWER, {"slower": 1.5}), (ERRORS, {"failing": 0.1}), (ROOMY, {"per_s": 80})],
    ids=["latency", "errors", "throughput"],
)
def test_a_run_worse_than_allowed_is_missed_and_both_sides_are_shown(objective, worse, base):
    finding = judged(run("this run", seed=3, **({"failing": 0.02} | worse)), base, objective)
    assert finding.grade is Grade.MISSED
    assert " against " in finding.measured_text
    assert (finding.weight, finding.service) == (objective.weight, "shop")
    assert finding.limit_text.endswith("versus run 1")


def test_a_miss_within_the_degraded_limit_is_degraded(base):
    softened = dataclasses.replace(SLOWER, degraded_limit=1.0)
    finding = judged(run("this run", seed=3, slower=1.5, failing=0.02), base, softened)
    assert finding.grade is Grade.DEGRADED
    assert "of the degraded limit, +100 %" in finding.reason


def test_without_a_baseline_a_finding_is_shown_and_does_not_count(same):
    finding = judged(same, None, SLOWER)
    assert (finding.grade, finding.counts, finding.measured_text) == (Grade.UNDECIDED, False, "no baseline")
    assert finding.reason == "no baseline: no earlier run to compare with; it does not count"
    met = Finding(finding.subject, "shop", "available", Grade.MET, "because")
    assert conclude([finding, met], Gate()).grade is Grade.MET
    assert conclude([finding], Gate()).grade is Grade.UNDECIDED


def test_what_was_not_held_against_anything_when_the_run_began_says_so_and_does_not_count(same):
    (finding,) = judge_versus(same, {}, [Service("shop", comparisons=(SLOWER,))], alpha=0.05)
    assert (finding.grade, finding.counts) == (Grade.UNDECIDED, False)
    assert "chosen when a run begins, and this was not asked for then" in finding.reason


@pytest.mark.parametrize(
    ("baseline", "why"),
    [
        (run("run 1", seed=1, seconds=5, realm="prod"), "this run is of realm here and run 1 of realm prod"),
        (run("run 1", seed=1, seconds=5, realm=""), "run 1 of realm an unknown realm"),
        (run("run 1", seed=1, seconds=5, offered="twice as much"), "not under the same load"),
        (run("run 1", seed=1, seconds=5, route="/other"), "GET /goods only in this run; GET /other only in run 1"),
        (
            counted("run 1", hold(seed=1, seconds=5), pacings(5, dropped=3)),
            "in run 1: generator: 15 of 500 arrivals were dropped",
        ),
        (counted("run 1", pacings(5)), "no data"),
    ],
    ids=["realm", "unknown realm", "load", "routes", "generator", "nothing"],
)
def test_what_differs_in_more_than_the_version_is_undecided(baseline, why, same):
    finding = judged(same, baseline, SLOWER)
    assert (finding.grade, finding.counts) == (Grade.UNDECIDED, True)
    assert why in finding.reason


def test_runs_of_different_realms_are_compared_when_that_is_asked_for(same):
    baseline = run("run 1", seed=1, realm="prod", failing=0.02)
    assert judged(same, baseline, SLOWER, across_realms=True).grade is Grade.MET


def test_a_run_without_traffic_is_never_met(base):
    finding = judged(counted("this run"), base, SLOWER)
    assert finding.grade is Grade.UNDECIDED
    assert "no data" in finding.reason


def test_timeouts_that_leave_the_histograms_do_not_make_a_run_fast(base):
    """What times out is in no histogram: the rest looks as fast as ever."""
    finding = judged(run("this run", seed=2, failing=0.3), base, SLOWER)
    assert finding.grade is Grade.UNDECIDED
    assert "failed requests have no latency" in finding.reason


def test_several_runs_are_taken_together(base, same):
    three = dataclasses.replace(base, runs=(*base.runs, *run("run 2", seed=5, failing=0.02).runs))
    assert sum(total for _, total in three.errors("shop")) == 24_000
    assert judged(same, three, SLOWER).grade is Grade.MET


def _split(**canary) -> tuple[Counted, Counted]:
    records = [
        *hold(seed=1, side=BASE, failing=0.01),
        *hold(**({"seed": 2, "side": CANARY, "failing": 0.01} | canary)),
        *pacings(),
    ]
    return counted(BASE, iter(records), side=BASE), counted(CANARY, iter(records), side=CANARY)


def _canary(**canary) -> dict[str, Grade]:
    base, new = _split(**canary)
    findings = judge_canary(base, new, Service("shop"), alpha=0.05)
    return {finding.objective: finding.grade for finding in findings}


def test_a_canary_like_its_base_is_no_worse_in_any_way():
    wanted = ("errors", "p50", "p95", "p99", "body")
    assert _canary() == {f"canary: {what}": Grade.MET for what in wanted}


def test_a_slow_canary_is_missed_whatever_the_score():
    grades = _canary(slower=1.2)
    assert grades["canary: body"] is grades["canary: p50"] is Grade.MISSED
    assert grades["canary: errors"] is Grade.MET
    assert all(finding.key for finding in judge_canary(*_split(seconds=1), SHOP, alpha=0.05))


def test_the_five_questions_about_a_canary_share_one_alpha():
    base, new = _split(seconds=20)
    found = {finding.objective: (finding.low, finding.high) for finding in judge_canary(base, new, SHOP, alpha=0.05)}
    alone = contrast(Pair(base, new, "shop"), Asked(What.QUANTILE, 0.01, 0.0, 0.5)).comparison.interval
    assert len(found) == 5
    assert found["canary: p50"] == (alone.low, alone.high)


def test_a_canarys_throughput_is_its_share_and_decides_nothing():
    base, new = _split(per_s=50)
    finding = judged(new, base, ROOMY)
    assert (finding.grade, finding.counts, finding.measured_text) == (Grade.UNDECIDED, False, "not compared")


def test_each_side_counts_its_own_alone():
    base, new = _split(per_s=50)
    assert (len(base.errors("shop")), sum(total for _, total in base.errors("shop"))) == (120, 12_000)
    assert sum(total for _, total in new.errors("shop")) == 6_000
