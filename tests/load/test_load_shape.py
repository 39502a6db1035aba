"""Presets: what stages they stand for, and what is said about those that contradict themselves."""

from __future__ import annotations

import pytest

from seatrial import documents
from seatrial.errors import DocumentError
from seatrial.sample import Phase
from seatrial.scenarios.load.pace import curve, without_end
from seatrial.scenarios.load.profile import Profile, to_profile


def read(shape: str, model: str = "open", more: str = "") -> Profile:
    text = f"profile: p\nmodel: {model}\nscenarios: [a]\nshape: {shape}\n{more}"
    return to_profile(documents.loads(text, "p.yaml"))


def stages(shape: str, model: str = "open") -> list[tuple[str, float, float]]:
    return [(stage.phase.value, stage.level, stage.lasts_s) for stage in read(shape, model).stages]


def problem(shape: str, model: str = "open", more: str = "") -> str:
    with pytest.raises(DocumentError) as caught:
        read(shape, model, more)
    return str(caught.value)


def test_a_ramp_rises_in_a_line_and_may_hold():
    assert stages("{kind: ramp, to: 200/s, over: 30s}") == [("ramp", 200, 30)]
    expected = [("ramp", 20, 0), ("ramp", 200, 30), ("hold", 200, 60)]
    assert stages("{kind: ramp, from: 20/s, to: 200/s, over: 30s, hold: 1m}") == expected


def test_a_spike_leaves_its_base_at_once_and_comes_back_every_time():
    base, peak = [("ramp", 20, 0), ("hold", 20, 60)], [("ramp", 200, 0), ("hold", 200, 10)]
    assert stages("{kind: spike, base: 20/s, peak: 200/s, after: 1m, lasts: 10s}") == [*base, *peak, *base]
    three = stages("{kind: spike, base: 20/s, peak: 200/s, after: 1m, lasts: 10s, times: 3}")
    assert three == [*base, *(peak + base) * 3]


def test_a_soak_holds_one_level_of_either_model():
    assert stages("{kind: soak, rate: 50/s, for: 8h}") == [("ramp", 50, 0), ("hold", 50, 28800)]
    assert stages("{kind: soak, users: 50, for: 1h, over: 5s}", "closed") == [("ramp", 50, 5), ("hold", 50, 3600)]


@pytest.mark.parametrize("end", ["times: 3", "up_to: 350/s", "up_to: 300/s"])
def test_a_step_goes_up_to_its_last_level_and_not_above_it(end):
    found = stages(f"{{kind: step, from: 100/s, by: 100/s, every: 20s, {end}}}")
    assert [item for item in found if item[0] == "hold"] == [("hold", level, 20) for level in (100, 200, 300)]


def test_steps_of_a_tenth_reach_their_last_level():
    levels = [stage.level for stage in read("{kind: step, from: 0.1/s, by: 0.1/s, every: 1s, up_to: 0.3/s}").stages]
    assert levels[-1] == 0.3


def test_every_rate_of_a_breakpoint_is_a_probe_of_its_own():
    profile = read("{kind: breakpoint, from: 10, by: 5, every: 30s, up_to: 20}", "closed")
    assert [(stage.level, stage.lasts_s) for stage in profile.probes] == [(10, 30), (15, 30), (20, 30)]
    line = curve(profile.stages)
    assert [line.phase_at(moment) for moment in (0.0, 29.9, 30.0)] == [Phase.PROBE] * 3
    assert [line.level_at(moment) for moment in (0.0, 29.9, 30.0, 89.9)] == [10, 10, 15, 20]
    assert without_end(profile.stages)[-1].phase is Phase.PROBE


def test_no_other_shape_has_probes():
    assert read("{kind: step, from: 1/s, by: 1/s, every: 1s, times: 2}").probes == ()


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("{kind: spiky}", "4:15: 'spiky' is no shape of a load; did you mean 'spike'?"),
        ("{kind: ramp, to: 5/s}", "4:8: a ramp needs 'over'"),
        ("{kind: ramp, to: 5/s, over: 5s, every: 3s}", "4:40: a ramp has no 'every'; it has to, over, from, hold"),
        ("{kind: ramp, to: 5/s, ovr: 5s}", "4:30: unknown key 'ovr'; did you mean 'over'?"),
        ("{kind: ramp, to: 5, over: 5s}", "4:25: '5' is not a rate"),
        ("{kind: ramp, to: 5/s, over: 0s}", "4:36: 'over' lasts no time"),
        ("{kind: ramp, to: 0/s, over: 5s}", "4:25: 'to' is 0"),
        ("{kind: spike, base: 5/s, peak: 5/s, after: 1s, lasts: 1s}", "a peak that is not above the base"),
        ("{kind: spike, base: 1/s, peak: 5/s, after: 1s, lasts: 1s, times: 0}", "times 0; it is 1 to 1,000"),
        ("{kind: soak, for: 5s}", "a soak has either a rate or users"),
        ("{kind: soak, users: 5, for: 5s}", "'5' is not a rate"),
        ("{kind: step, from: 1/s, by: 1/s, every: 1s}", "a step ends by either times or up_to"),
        ("{kind: step, from: 1/s, by: 1/s, every: 1s, times: 1}", "times 1; it is 2 to 1,000"),
        ("{kind: step, from: 9/s, by: 1/s, every: 1s, up_to: 5/s}", "'up_to' is below 'from'"),
        ("{kind: step, from: 1/s, by: 1/s, every: 1s, up_to: 5000/s}", "5,000 steps; at most 1,000 are read"),
        ("{kind: breakpoint, from: 1/s, by: 0/s, every: 1s, up_to: 5/s}", "'by' is 0"),
    ],
)
def test_a_shape_that_contradicts_itself_is_refused_at_its_place(shape, said):
    text = problem(shape)
    assert said in text
    assert text.startswith("p.yaml:4:")


def test_a_profile_has_stages_or_a_shape():
    text = problem("{kind: soak, rate: 5/s, for: 5s}", more="stages: [{ramp_to: 5/s}]\n")
    assert text.startswith("p.yaml:4:1: a profile has either stages or a shape")


@pytest.mark.parametrize("key", ["stop_when: decided", "abort_when: missed"])
def test_a_breakpoint_ends_by_itself(key):
    text = problem("{kind: breakpoint, from: 1/s, by: 1/s, every: 9s, up_to: 5/s}", more=f"{key}\n")
    assert text.startswith(f"p.yaml:5:1: '{key.split(':')[0]}' with a breakpoint; it ends at the first level")


def test_a_warm_up_comes_before_the_first_probe_and_takes_none_of_its_time():
    profile = read("{kind: breakpoint, from: 5/s, by: 5/s, every: 9s, up_to: 10/s}", more="warm_up: 4s\n")
    line = curve(profile.stages, warm_up_s=profile.warm_up_s)
    assert [line.phase_at(moment) for moment in (0.0, 3.9, 4.0, 12.9, 13.0)] == [
        *[Phase.WARM_UP] * 2,
        *[Phase.PROBE] * 3,
    ]
    assert [line.level_at(moment) for moment in (3.9, 4.0, 12.9, 13.0)] == [5, 5, 5, 10]


def test_a_rate_in_a_closed_shape_is_a_mistake_that_says_how():
    text = problem("{kind: soak, rate: 5/s, for: 5s}", "closed")
    assert "'5/s' is not a number of users; in a closed model it is a number of users, as 20" in text


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("{kind: soak, fro: 3s}", "unknown key 'fro'; did you mean 'for'?"),
        ("{kind: soak, rate: 5/s, for: 5s, from: 1/s}", "a soak has no 'from'; it has for, rate, users, over"),
        ("{kind: step, fro: 3/s}", "unknown key 'fro'; did you mean 'from'?"),
    ],
)
def test_only_keys_of_its_own_kind_are_offered_for_one_a_shape_does_not_have(shape, said):
    assert problem(shape).endswith(said)


def test_a_misspelt_model_is_told_the_nearest_and_once_what_there_is():
    assert problem("{kind: soak, rate: 5/s, for: 5s}", "clsoed").endswith(
        "'clsoed': input should be 'open' or 'closed'; did you mean 'closed'?"
    )
