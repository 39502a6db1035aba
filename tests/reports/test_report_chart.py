"""Pictures of a run: axes, scales, lines, and what stands at their edges."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.reports.axis import LogScale, TimeAxis, linear_scale, log_scale
from seatrial.reports.build import Series, build
from seatrial.reports.chart import (
    fault_shades,
    lane_rows,
    latency_plots,
    line_path,
    rate_plots,
    spread,
    waterfall,
)
from seatrial.reports.experiment.page import EdgeLane
from seatrial.reports.gauge import gauge, interval_text, is_unproven
from seatrial.reports.page import Band, Journey, JourneyStep, Page, RunFacts, ServiceLatency
from seatrial.reports.places import POINTS_MAX, thin
from seatrial.sample import FaultWindow, Outcome
from seatrial.verdict import Finding, Grade, Subject, Verdict

AXIS = TimeAxis(100.0, 110.0)
SCALE = linear_scale(87.0, 100.0)


def page_of(series: Series) -> Page:
    return build(RunFacts("run", "demo", 100.0, 110.0), Verdict(Grade.MET, None, ()), series=series)


def ratio(limit: float, *, measured: float, low: float, high: float, text: str = "2 %") -> Finding:
    return Finding(
        Subject.OBJECTIVE, "cards", "available", Grade.MET, "",
        limit=limit, measured=measured, low=low, high=high, limit_text=text,
    )  # fmt: skip


@given(st.floats(1, 1e6))
def test_an_axis_of_any_length_has_between_two_and_eleven_ticks_up_to_a_week(length_s: float) -> None:
    axis = TimeAxis(1e9, 1e9 + min(length_s, 600_000))

    ticks = axis.ticks()

    assert 2 <= len(ticks) <= 11
    assert ticks[0].at == 0.0
    assert all(0 <= tick.at <= 100 for tick in ticks)


def test_a_moment_outside_the_axis_is_drawn_at_its_edge() -> None:
    assert (AXIS.percent(90.0), AXIS.percent(105.0), AXIS.percent(200.0)) == (0.0, 50.0, 100.0)


def test_moments_are_told_in_minutes_and_seconds_also_before_the_start() -> None:
    assert (AXIS.clock(165.2), AXIS.moment(165.24), AXIS.moment(98.5)) == ("1:05", "1:05.2", "-0:01.5")


@given(st.floats(1e-5, 1.0), st.floats(1.0, 1e4))
def test_every_latency_between_the_ends_has_its_place_on_a_log_scale(low: float, factor: float) -> None:
    scale = log_scale(low, low * factor, 190.0)

    places = [scale.y(low), scale.y(low * math.sqrt(factor)), scale.y(low * factor)]

    assert places == sorted(places, reverse=True)
    assert all(0 <= place <= 190 for place in places)
    assert 1 <= len(scale.ticks()) <= 9


def test_a_log_scale_is_labelled_with_round_durations() -> None:
    assert [tick.label for tick in LogScale(0.002, 0.3, 190.0).ticks()] == [
        "2 ms", "5 ms", "10 ms", "20 ms", "50 ms", "100 ms", "200 ms",
    ]  # fmt: skip


def test_a_line_breaks_where_seconds_are_missing_or_without_a_value() -> None:
    points = ((100.0, 0.0), (101.0, 50.0), (102.0, None), (103.0, 50.0), (109.0, 50.0))

    assert line_path(points, AXIS, SCALE).count("M") == 3


def test_thinning_a_long_run_keeps_its_worst_second() -> None:
    points = [(float(second), 0.01) for second in range(5000)]
    points[3333] = (3333.0, 9.0)

    thinned = thin(points)

    assert len(thinned) <= POINTS_MAX
    assert max(value or 0 for _, value in thinned) == 9.0


def test_a_stretch_without_any_value_stays_a_gap_when_thinned() -> None:
    points = [(float(second), None if second < 1000 else 0.01) for second in range(5000)]

    assert thin(points)[0][1] is None


def test_labels_never_cover_each_other() -> None:
    moved = spread([50.0, 48.0, None, 120.0])

    assert moved == (61.0, 48.0, None, 120.0)
    assert spread([119.0, 118.0, 30.0], 120.0) == (120.0, 107.0, 30.0)


def test_all_services_share_one_latency_scale(page: Page) -> None:
    plots = latency_plots(page)

    assert [plot.title for plot in plots] == ["gateway", "cards", "ledger", "merchants"]
    assert len({plot.y_ticks for plot in plots}) == 1


def test_a_latency_limit_is_drawn_and_named(page: Page) -> None:
    cards = latency_plots(page)[1]

    assert [rule.label for rule in cards.rules] == ["fast: p95 <= 120 ms"]
    assert 0 < cards.rules[0].y < cards.height_px


def test_seconds_with_failures_stand_on_the_foot_of_the_chart() -> None:
    bands = (Band(100, 0.01, 0.02, 0.03, 10), Band(101, None, None, None, 0, failed=10))

    (plot,) = latency_plots(page_of(Series(latencies=(ServiceLatency("cards", bands),))))

    assert [bar.left for bar in plot.bars] == [50.0]


def test_without_load_there_are_no_charts() -> None:
    page = page_of(Series())

    assert latency_plots(page) == rate_plots(page) == lane_rows(page) == ()


def test_a_fault_that_was_not_healed_is_shaded_to_the_end_and_says_so() -> None:
    bands = tuple(Band(second, 0.01, 0.02, 0.03, 10) for second in range(100, 110))
    series = Series((ServiceLatency("cards", bands),), windows=(FaultWindow("x", "down", "a->b", 105.0),))

    (shade,) = fault_shades(page_of(series))

    assert (shade.left, shade.width) == (50.0, 50.0)
    assert "not healed" in shade.detail


def test_every_edge_has_a_row_with_its_breaker_and_calls(page: Page) -> None:
    fault, edge = lane_rows(page)

    assert fault.title == "fault on cards->ledger"
    assert [shade.kind for shade in edge.shades] == ["open", "half-open"]
    assert (edge.most_calls, len(edge.marks)) == (78, 3)
    open_from, open_to = edge.shades[0].left + 1, edge.shades[0].left + edge.shades[0].width
    assert not [bar for bar in edge.bars if open_from < bar.left < open_to]


def test_an_edge_that_saw_no_call_is_an_empty_row() -> None:
    (row,) = lane_rows(page_of(Series(lanes=(EdgeLane("cards->ledger"),))))

    assert (row.bars, row.most_calls) == ((), 0)


def test_a_waterfall_puts_steps_where_they_began() -> None:
    steps = (
        JourneyStep("a", outcome=Outcome.OK, started_at=10.0, latency_s=1.0),
        JourneyStep("b", outcome=Outcome.BROKEN, started_at=12.0, latency_s=2.0),
        JourneyStep("c", skipped="an earlier step failed"),
    )

    shades = waterfall(Journey("j", False, steps))

    assert [(shade.left, shade.width, shade.kind) for shade in shades] == [
        (0.0, 25.0, "ok"), (50.0, 50.0, "broken"), (100.0, 0.0, "skipped"),
    ]  # fmt: skip


def test_the_limit_stands_in_the_middle_and_the_interval_beside_it() -> None:
    picture = gauge(ratio(0.02, measured=0.001, low=0.0, high=0.01))

    assert picture is not None
    assert (picture.limit, picture.low, picture.high, picture.clipped) == (50.0, 0.0, 25.0, False)


def test_an_interval_far_beyond_the_limit_is_clipped_and_says_so() -> None:
    picture = gauge(ratio(0.01, measured=0.0, low=0.0, high=1.0))

    assert picture is not None
    assert (picture.limit, picture.high, picture.clipped) == (20.0, 100.0, True)


@pytest.mark.parametrize(("limit", "measured"), [(0.0, 0.0), (0.0, 14.0), (5.0, 0.0)])
def test_a_limit_or_measure_of_zero_still_has_a_picture(limit: float, measured: float) -> None:
    picture = gauge(ratio(limit, measured=measured, low=measured, high=measured))

    assert picture is not None
    assert 0 <= picture.measured <= 100


def test_a_finding_without_an_interval_has_no_picture() -> None:
    bare = Finding(Subject.EXPECTATION, "", "opens", Grade.MET, "", limit_text="within 5 s")

    assert (gauge(bare), interval_text(bare)) == (None, "")


def test_only_what_is_met_with_an_interval_on_both_sides_of_its_limit_is_unproven():
    across = ratio(0.05, measured=0.0, low=0.0, high=0.21)
    assert is_unproven(across)
    assert not is_unproven(replace(across, grade=Grade.UNDECIDED))
    assert not is_unproven(replace(across, high=None))
    assert not is_unproven(ratio(0.05, measured=0.01, low=0.002, high=0.05))
    assert not is_unproven(ratio(100, measured=150, low=100, high=math.inf, text="≥ 100/s"))


def test_an_interval_is_told_in_the_findings_own_unit() -> None:
    assert interval_text(ratio(0.02, measured=0.0, low=0.0, high=0.0123)) == "0 % – 1.23 %"
    assert interval_text(ratio(100, measured=150, low=143.94, high=math.inf, text="≥ 100/s")) == "143.9/s – ∞"


def test_the_interval_of_a_comparison_is_told_as_it_is_measured():
    compared = replace(
        ratio(1.1, measured=4.02, low=2.9, high=math.inf), measured_text="4 % against 1 %: x4.02 (2.9 or more)"
    )
    assert interval_text(compared) == interval_text(replace(compared, high=3.98e11)) == "x2.9 – ∞"
