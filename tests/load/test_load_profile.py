"""Profiles as users write them, and what is said about the ones that are wrong."""

from __future__ import annotations

import pytest

from seatrial import documents
from seatrial.errors import DocumentError, UsageError
from seatrial.sample import Phase
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import AbortWhen, Model, StopWhen, choose_profile, read_profiles, to_profile

STEADY = """\
profile: steady
model: open
scenarios: [pay with a card, browse]
stages:
  - {ramp_to: 200/s, over: 30s}
  - {hold: 2m}
warm_up: 10s
max_in_flight: 50
stop_when: decided
abort_when: missed
"""


def read(text: str):
    return to_profile(documents.loads(text, "p.yaml"))


def problem(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        read(text)
    return str(caught.value)


def test_an_open_profile_is_read_with_its_rates_per_second():
    profile = read(STEADY)
    assert profile.model is Model.OPEN
    assert profile.scenarios == {"pay with a card": None, "browse": None}
    assert profile.stages == (Stage(Phase.RAMP, 200.0, 30.0), Stage(Phase.HOLD, 200.0, 120.0))
    assert (profile.warm_up_s, profile.max_in_flight, profile.peak, profile.lasts_s) == (10.0, 50, 200.0, 150.0)
    assert (profile.stop_when, profile.abort_when) == (StopWhen.DECIDED, AbortWhen.MISSED)


def test_a_ramp_without_over_is_a_step():
    profile = read(STEADY.replace("{ramp_to: 200/s, over: 30s}", "{ramp_to: 200/s}"))
    assert profile.stages[0] == Stage(Phase.RAMP, 200.0, 0.0)


def test_a_closed_profile_ramps_to_users():
    profile = read(
        "profile: p\nmodel: closed\nscenarios: {a: 3, b: 1}\nstages: [{ramp_to: 20, over: 5s}, {hold: 1m}]\n"
    )
    assert profile.model is Model.CLOSED
    assert profile.scenarios == {"a": 3.0, "b": 1.0}
    assert profile.stages[0] == Stage(Phase.RAMP, 20.0, 5.0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ramp_to: 200/s", "ramp_to: 200", "'200' is not a rate"),
        ("{hold: 2m}", "{hold: 120}", "'120' is not a duration"),
        ("{hold: 2m}", "{hold: 2m, over: 3s}", "'over' belongs to ramp_to"),
        ("{hold: 2m}", "{}", "a stage is either a ramp or a hold"),
        ("stages:\n  - {ramp_to: 200/s, over: 30s}\n", "stages:\n", "nothing to hold yet"),
        ("[pay with a card, browse]", "{browse: 0}", "weight 0 of 'browse'"),
        ("[pay with a card, browse]", "[]", "no scenario to play"),
        ("[pay with a card, browse]", "[browse, browse]", "'browse' a second time; to play it more often, write"),
        ("warm_up: 10s", "warm_up: 150s", "a warm-up of 2 m 30 s in a profile of 2 m 30 s"),
        ("max_in_flight: 50", "max_in_flight: 0", "max_in_flight 0"),
        ("warm_up", "warmup", "unknown key 'warmup'; did you mean 'warm_up'?"),
        ("stop_when: decided", "stop_when: later", "'later'"),
        ("200/s", "0/s", "stages that never leave 0"),
    ],
)
def test_a_mistake_is_named_with_its_place(old, new, said):
    text = problem(STEADY.replace(old, new))
    assert said in text
    assert text.startswith("p.yaml:")


def test_users_bound_a_closed_model_already():
    text = problem("profile: p\nmodel: closed\nscenarios: [a]\nstages: [{ramp_to: 5}]\nmax_in_flight: 5\n")
    assert text.startswith("p.yaml:5:16: max_in_flight in a closed model")


def test_a_rate_in_a_closed_model_is_a_mistake_that_says_how():
    text = problem("profile: p\nmodel: closed\nscenarios: [a]\nstages: [{ramp_to: 5/s}]\n")
    assert "'5/s' is not a number of users" in text


def test_profiles_are_found_by_name_and_a_second_one_of_a_name_is_an_error(tmp_path):
    (tmp_path / "one.yaml").write_text(STEADY)
    profiles = read_profiles(tmp_path)
    assert choose_profile(profiles, "steady").peak == 200.0
    with pytest.raises(UsageError, match=r"no profile 'stedy'.*did you mean 'steady'"):
        choose_profile(profiles, "stedy")
    for path in ("scenarios/profiles/steady.yaml", "one.yaml"):
        with pytest.raises(UsageError, match=rf"no profile '{path}'.*did you mean 'steady'"):
            choose_profile(profiles, path)
    (tmp_path / "two.yaml").write_text(STEADY)
    with pytest.raises(DocumentError, match="a second profile 'steady'"):
        read_profiles(tmp_path)
