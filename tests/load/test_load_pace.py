"""The stage curve: due times, counts and phases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Stage, curve, without_end
from seatrial.scenarios.load.timeline import Timeline

levels = st.integers(0, 500).map(lambda tenths: tenths / 10)
durations = st.integers(0, 300).map(lambda tenths: tenths / 10)


@st.composite
def stage_lists(draw):
    stages, level = [], 0.0
    for ramp in draw(st.lists(st.booleans(), min_size=1, max_size=5)):
        level = draw(levels) if ramp or not stages else level
        stages.append(Stage(Phase.RAMP if ramp or not stages else Phase.HOLD, level, draw(durations)))
    return tuple(stages)


def integral(stages: tuple[Stage, ...], moment_s: float) -> float:
    """Trapezoids, the plain way, as an oracle."""
    area = level = start = 0.0
    for stage in stages:
        lasts = min(stage.lasts_s, max(0.0, moment_s - start))
        if stage.lasts_s > 0:
            reached = (
                level + (stage.level - level) * lasts / stage.lasts_s if stage.phase is Phase.RAMP else stage.level
            )
            first = level if stage.phase is Phase.RAMP else stage.level
            area += (first + reached) / 2 * lasts
        start, level = start + stage.lasts_s, stage.level
    return area


def ramp_and_hold(warm_up_s: float = 0.0):
    return curve((Stage(Phase.RAMP, 200.0, 30.0), Stage(Phase.HOLD, 200.0, 120.0)), warm_up_s=warm_up_s)


@given(stage_lists(), st.floats(0, 200))
def test_arrivals_until_a_moment_are_the_floor_of_the_integral(stages, moment_s):
    expected = integral(stages, moment_s)
    counted = curve(stages).arrivals_until(moment_s)
    assert math.floor(expected - 1e-6) <= counted <= math.floor(expected + 1e-6)


@given(stage_lists())
def test_due_times_never_decrease_and_lie_inside_the_stages(stages):
    pace = curve(stages)
    total = pace.arrivals_until(pace.lasts_s)
    dues = [pace.due_s(number) for number in range(1, min(total, 300) + 1)]
    assert None not in dues
    assert dues == sorted(dues)
    assert all(0 <= due <= pace.lasts_s for due in dues)
    assert pace.due_s(total + 1) is None


@given(stage_lists(), st.integers(1, 2000))
def test_the_integral_has_reached_k_when_arrival_k_is_due(stages, number):
    due = curve(stages).due_s(number)
    if due is not None:
        assert integral(stages, due) == pytest.approx(number, rel=1e-6, abs=1e-6)


def test_a_ramp_and_a_hold_give_the_triangle_and_the_rectangle():
    pace = ramp_and_hold()
    assert pace.arrivals_until(30.0) == 3000
    assert pace.arrivals_until(pace.lasts_s) == 27_000
    assert pace.due_s(3000) == pytest.approx(30.0)
    assert pace.due_s(3001) == pytest.approx(30.005)
    assert pace.due_s(750) == pytest.approx(15.0)
    assert pace.due_s(27_001) is None


def test_a_ramp_down_to_nothing_gives_its_triangle_too():
    pace = curve((Stage(Phase.RAMP, 10.0, 0.0), Stage(Phase.RAMP, 0.0, 10.0)))
    assert pace.arrivals_until(10.0) == 50
    assert pace.due_s(50) == pytest.approx(10.0, abs=1e-3)


def test_a_slow_rate_loses_no_arrival_to_rounding():
    assert curve((Stage(Phase.RAMP, 0.1, 0.0), Stage(Phase.HOLD, 0.1, 30.0))).arrivals_until(30.0) == 3


def test_without_end_the_last_level_goes_on():
    stages = without_end((Stage(Phase.RAMP, 50.0, 0.0), Stage(Phase.HOLD, 50.0, 10.0)))
    pace = curve(stages)
    assert pace.lasts_s == math.inf
    assert pace.due_s(50 * 3600) == pytest.approx(3600.0)
    assert pace.phase_at(1e6) is Phase.HOLD


def test_a_level_of_nothing_without_end_has_no_arrival_due():
    pace = curve(without_end((Stage(Phase.RAMP, 10.0, 1.0), Stage(Phase.RAMP, 0.0, 1.0))))
    assert pace.arrivals_until(1e9) == 10
    assert pace.due_s(11) is None


def test_warm_up_covers_whatever_stage_it_falls_on():
    pace = ramp_and_hold(warm_up_s=40.0)
    moments = {0.0: Phase.WARM_UP, 39.9: Phase.WARM_UP, 40.0: Phase.HOLD, 149.9: Phase.HOLD, 150.0: Phase.RAMP}
    assert {moment: pace.phase_at(moment) for moment in moments} == moments
    assert ramp_and_hold().phase_at(0.0) is Phase.RAMP


def test_the_level_follows_the_line_and_is_nothing_outside():
    pace = ramp_and_hold()
    assert [pace.level_at(moment) for moment in (-1.0, 15.0, 30.0, 149.0, 150.0)] == [0.0, 100.0, 200.0, 200.0, 0.0]
    assert pace.peak == 200.0


@given(stage_lists(), st.floats(0, 30), st.lists(st.floats(-1, 250), max_size=20))
def test_a_mark_worked_out_before_is_the_one_of_every_moment_it_is_given_for(stages, warm_up_s, moments):
    whole = curve(stages, warm_up_s=warm_up_s)
    timeline = Timeline(whole)
    edges = [segment.starts_s for segment in whole.segments] + [warm_up_s, whole.lasts_s]
    for moment in sorted(moments + edges) + moments:
        assert timeline.mark_at(moment) == Timeline(whole).mark_at(moment)
        assert timeline.mark_at(moment).phase is whole.phase_at(moment)
