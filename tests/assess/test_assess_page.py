"""The page shows what was recorded: every request counted once, failures with their text, phases in their places."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.assess.conclude import judge_run
from seatrial.assess.page import page_of
from seatrial.assess.plan import Asked, read_plan
from seatrial.chaos.seen.parts import Part
from seatrial.chaos.seen.states import State
from seatrial.sample import Cause, EdgeCall, Ending, Evidence, FaultWindow, Phase
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.verdict import Grade

START = 1_700_000_000
HANGS = "stock hangs"


@pytest.fixture
def page(plan, records):
    """The page of a run with these records."""

    def build(*kept, **about):
        recorded = records.recorded(*kept, **about)
        return page_of(recorded, plan, judge_run(recorded, plan))

    return build


def _seconds(records, numbers, **fields):
    return [record for number in numbers for record in records.second(number, **fields)]


def test_the_facts_are_those_of_the_run(page, records):
    facts = page(*records.accepted(), revisions={"shop": "1a2b"}, overrides={"name": "Ada"}).facts
    assert (facts.run, facts.realm, facts.ended_at) == ("r", "here", START + 100.0)
    notes = [(note.label, note.text) for note in facts.facts]
    assert ("gate", "default") in notes
    assert ("load profile", "some (open model)") in notes
    assert ("deployed", "shop 1a2b") in notes
    assert ("variable", "name=Ada") in notes


def test_stages_are_what_was_run_in_its_order(page, records):
    window = FaultWindow(HANGS, "timeout", "shop->stock", START + 10.0, START + 15.0, "healed")
    during = _seconds(records, range(10, 15), phase=Phase.DURING, experiment=HANGS)
    shown = page(*records.accepted(), *_seconds(records, range(10)), *during, window).facts.stages
    assert [stage.name for stage in shown] == ["acceptance", "load", HANGS]
    assert [(stage.started_at, stage.ended_at) for stage in shown[1:]] == [
        (START, START + 10),
        (START + 10.0, START + 15.0),
    ]
    assert "timeout on shop->stock" in shown[2].text
    assert shown[0].text == "1 journey, 0 failed"


def test_a_stage_that_was_not_run_is_not_shown(page, records):
    assert [stage.name for stage in page(*records.accepted()).facts.stages] == ["acceptance"]


def test_a_phase_that_comes_back_is_two_stretches(page, records):
    phases = page(
        *_seconds(records, range(5)),
        *_seconds(records, range(5, 10), phase=Phase.DURING, experiment=HANGS),
        *_seconds(records, range(10, 15)),
    ).phases
    held = [(span.started_at - START, span.ended_at - START) for span in phases if span.phase is Phase.HOLD]
    assert held == [(0, 5), (10, 15)]
    assert [(span.started_at - START, span.experiment) for span in phases if span.experiment] == [(5, HANGS)]


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        (range(3, 5), [("ramp", 3, 5)]),
        (range(10, 12), [("last plays", 10, 12)]),
        (range(8, 12), [("ramp", 8, 10), ("last plays", 10, 12)]),
    ],
)
def test_what_comes_after_the_last_planned_play_is_no_ramp(page, records, numbers, named):
    paced = [records.pacing(number) for number in range(10)]
    late = [records.interval(number, phase=Phase.RAMP) for number in numbers]
    phases = [span for span in page(*paced, *late).phases if span.phase is Phase.RAMP]
    assert [(span.label, span.started_at - START, span.ended_at - START) for span in phases] == named


def test_rates_are_those_of_all_services_with_the_generators_plan(page, records):
    (point,) = page(
        records.interval(0, ok=7, failed=2), records.interval(0, service="stock", ok=3), records.pacing(0)
    ).rates
    assert (point.planned, point.started, point.ok, point.failed, point.in_flight) == (20, 20, 10, 2, 1)


def test_the_hold_is_shown_from_the_due_time_and_from_the_sending(page, records):
    stalled = {"histogram": encode_histogram({2_000_000: 5, 10_000: 95})}
    sent = {"service_histogram": encode_histogram({10_000: 100})}
    (latency,) = page(records.interval(1, **stalled, **sent)).latencies
    due, sending = latency.whole
    assert (due.since, sending.since) == ("the due time", "the sending")
    assert (due.p99_s, sending.p99_s) == (pytest.approx(2.0, rel=0.001), pytest.approx(0.01, rel=0.001))
    (warm,) = page(records.interval(1, phase=Phase.WARM_UP, **stalled, **sent)).latencies
    assert warm.whole == ()


def test_a_second_in_which_all_failed_is_shown_without_quantiles(page, records):
    (latency,) = page(records.interval(0, ok=0, failed=4)).latencies
    (band,) = latency.bands
    assert (band.p95_s, band.n, band.failed) == (None, 0, 4)
    assert [(limit.objective, limit.quantile, limit.limit_s) for limit in latency.limits] == [("fast", 0.9, 0.2)]


def test_failures_are_counted_by_service_and_cause_over_load_and_acceptance(page, records):
    errors = page(
        records.sample("look", Cause.CHECK),
        records.interval(0, ok=1, failed=4),
        records.interval(1, ok=1, failed=1, service="stock"),
    ).errors
    assert errors.total == 6
    rows = {row.service: dict(zip(errors.causes, row.counts, strict=True)) for row in errors.rows}
    assert rows["shop"] == {Cause.TIMEOUT: 4, Cause.CHECK: 1}
    assert rows["stock"] == {Cause.TIMEOUT: 1, Cause.CHECK: 0}


def test_a_poll_that_was_retried_is_no_failure(page, records):
    polls = [records.sample("look", Cause.CHECK, final=False), records.sample("look", attempt=2)]
    kept = [*polls, records.play("look")]
    shown = page(*kept)
    assert shown.errors.total == 0
    (journey,) = shown.journeys
    assert journey.passed
    assert [step.attempts for step in journey.steps] == [2]


def test_a_failed_step_is_shown_with_its_evidence_in_full(page, records):
    (journey,) = page(
        records.sample("look"),
        records.sample("count", Cause.CHECK, detail="short"),
        Evidence("r", "buy a rope", "count", "the whole story"),
    ).journeys
    assert not journey.passed
    assert [step.text for step in journey.steps] == ["", "the whole story"]


def test_a_failed_step_without_evidence_is_shown_with_its_detail(page, records):
    (journey,) = page(records.sample("count", Cause.CHECK, detail="short")).journeys
    assert [step.text for step in journey.steps] == ["short"]


def test_a_play_that_failed_outside_its_steps_has_not_passed(page, records):
    text = Evidence("r", "buy a rope", "", "a variable is missing")
    (journey,) = page(records.sample("look"), text, records.play("look", ending=Ending.FAILED)).journeys
    assert (journey.passed, journey.failed, journey.text) == (False, True, "a variable is missing")


def test_a_skipped_step_is_shown_with_its_reason(page, records):
    (journey,) = page(records.sample("look"), records.play("look", skipped=("count",))).journeys
    assert [(step.name, step.skipped) for step in journey.steps] == [("look", ""), ("count", "not today")]
    assert journey.passed


def test_a_skipped_journey_is_shown_as_skipped(page, records):
    play = records.play(ending=Ending.SKIPPED, skipped=("look", "count"), reason="not today")
    shown = page(*records.accepted(), dataclasses.replace(play, scenario="sell", trace_id="t"))
    journey = shown.journeys[1]
    assert (journey.skipped, journey.passed, journey.failed) == ("not today", False, False)
    assert shown.facts.stages[0].text == "2 journeys, 0 failed, 1 skipped"


def test_a_journey_that_was_cut_short_is_neither_passed_nor_failed(page, records):
    (journey,) = page(records.sample("look")).journeys
    assert (journey.passed, journey.failed) == (False, False)
    assert "cut short" in journey.undecided


def test_an_edge_whose_breaker_nobody_judges_has_no_lane(page, records):
    window = FaultWindow(HANGS, "timeout", "shop->stock", START + 1.0, START + 5.0, "healed")
    assert page(EdgeCall("r", "shop->stock", START + 2.0, "GET", "/"), window).lanes == ()


@pytest.fixture
def promising(workspace):
    """The plan of the workspace with a breaker promised on the edge, and expected."""
    shop, hang = workspace / "slo" / "shop.yaml", workspace / "chaos" / "hang.yaml"
    shop.write_text(f"{shop.read_text()}mechanisms: {{stock: {{breaker: {{open_for: 2s, min_calls: 5}}}}}}\n")
    during = "during: [{breaker: shop->stock, opens_within: 5s, calls_while_open: 0}]"
    hang.write_text(hang.read_text().replace("during: [{untouched: [shop.available]}]", during))
    return read_plan(workspace, Asked())


def _call(edge, at_s, *, took_s=0.01, status=200, fate="done"):
    trace = f"trace {at_s}"
    return EdgeCall("r", edge, START + at_s, "GET", "/", duration_s=took_s, status=status, trace_id=trace, fate=fate)


def _well(at_s):
    return _call("client->shop", at_s, took_s=0.02), _call("shop->stock", at_s)


def _hanging(at_s):
    hung = _call("shop->stock", at_s, took_s=0.3, status=None, fate="client_gone")
    return _call("client->shop", at_s, took_s=0.31, status=503), hung


def _refused(at_s):
    return (_call("client->shop", at_s, took_s=0.001, status=503),)


def _hung(window):
    """20 seconds: well, then hanging from 10 on, refused from 12 on, well from 16 on."""
    times = [window.started_at - START - 10 + n / 5 for n in range(100)]
    since = window.started_at - START
    kinds = [
        _well if at_s < since or at_s >= since + 6 else _hanging if at_s < since + 2 else _refused for at_s in times
    ]
    return [call for kind, at_s in zip(kinds, times, strict=True) for call in kind(at_s)]


def test_two_experiments_on_one_edge_are_judged_and_shown_each_by_its_own_calls(records, promising, workspace):
    again = workspace / "chaos" / "hang.yaml"
    (workspace / "chaos" / "again.yaml").write_text(again.read_text().replace(HANGS, "stock hangs again"))
    gate = workspace / "slo" / "gate.yaml"
    gate.write_text(gate.read_text().replace(f"[{HANGS}]", f"[{HANGS}, stock hangs again]"))
    plan = read_plan(workspace, Asked())
    windows = [
        FaultWindow(name, "timeout", "shop->stock", START + at_s, START + at_s + 5.0, "healed")
        for name, at_s in ((HANGS, 10.0), ("stock hangs again", 32.0))
    ]
    recorded = records.recorded(*(call for window in windows for call in _hung(window)), *windows)
    verdict = judge_run(recorded, plan)
    opened = [finding for finding in verdict.findings if "opens within" in finding.name]
    assert [(finding.experiment, finding.grade) for finding in opened] == [
        (HANGS, Grade.MET),
        ("stock hangs again", Grade.MET),
    ]
    assert [finding.measured for finding in opened] == [pytest.approx(2.0, abs=0.01)] * 2
    (lane,) = page_of(recorded, plan, verdict).lanes
    opened_at = [spell.started_at for spell in lane.spells if spell.state is State.OPEN]
    assert [moment - START for moment in opened_at] == pytest.approx([12.0, 34.0], abs=0.01)


def test_a_breaker_that_opened_is_a_lane_with_its_open_time_and_its_calls(records, promising):
    window = FaultWindow(HANGS, "timeout", "shop->stock", START + 10.0, START + 15.0, "healed")
    calls = _hung(window)
    recorded = records.recorded(*calls, window)
    (lane,) = page_of(recorded, promising, judge_run(recorded, promising)).lanes
    assert lane.edge == "shop->stock"
    assert "breaker opened after 10 calls" in [event.label for event in lane.events]
    assert [spell.state for spell in lane.spells] == [State.CLOSED, State.OPEN, State.HALF_OPEN, State.CLOSED]
    spell = lane.spells[1]
    assert spell.leaked == 0
    assert (spell.started_at, spell.ended_at) == (pytest.approx(START + 12.0), pytest.approx(START + 16.0))
    assert sum(second.calls for second in lane.calls) == 80
    assert sum(second.failed for second in lane.calls) == 10


def test_a_breaker_that_is_promised_and_was_never_seen_has_its_calls_and_no_states(records, promising):
    window = FaultWindow(HANGS, "timeout", "shop->stock", START + 10.0, START + 15.0, "healed")
    calls = [call for at_s in range(20) for call in (_hanging if 10 <= at_s < 15 else _well)(at_s)]
    recorded = records.recorded(*calls, window)
    page = page_of(recorded, promising, judge_run(recorded, promising))
    for (lane,) in (page.lanes, page.experiments[0].lanes):
        assert lane.spells == ()
        assert sum(second.calls for second in lane.calls) == 20
    assert page.experiments[0].lanes[0].told == "no breaker seen; 5 calls went into the fault"


def test_an_experiment_is_shown_with_its_edge_and_who_felt_it_before_during_and_after(records, promising):
    window = FaultWindow(HANGS, "timeout", "shop->stock", START + 10.0, START + 15.0, "healed")
    recorded = records.recorded(*_hung(window), window)
    (shown,) = page_of(recorded, promising, judge_run(recorded, promising)).experiments
    (lane,) = shown.lanes
    assert (shown.name, lane.edge) == (HANGS, "shop->stock")
    assert lane.told.startswith(
        "breaker opened 2 s after the fault began, after 10 calls; 1 trial call, 0 others came through"
    )
    assert [each.title for each in shown.compared] == ["calls shop->stock", "requests to shop"]
    calls, requests = (each.parts for each in shown.compared)
    assert [part.part for part in calls] == list(Part)
    assert (calls[1].calls, calls[1].failed, calls[0].failed) == (10, 10, 0)
    assert requests[1].calls > calls[1].calls  # the breaker refused the rest


def test_an_experiment_that_injected_nothing_is_not_shown(records, promising):
    recorded = records.recorded(*records.accepted())
    assert page_of(recorded, promising, judge_run(recorded, promising)).experiments == ()
