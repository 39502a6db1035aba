"""How many requests a play stands for, which is what a realm's rate is held against."""

from __future__ import annotations

import dataclasses
import random
import textwrap
from collections import Counter

import pytest

from seatrial.errors import UsageError
from seatrial.sample import Phase
from seatrial.scenarios.load.mix import Mix, mix
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.read import read_scenario

FLOW = "flow: f\nsteps: [{request: {url: service://a/}}, {request: {url: service://a/}, repeat: 2}]\n"


@pytest.mark.parametrize(
    ("steps", "requests"),
    [
        ("- {request: {url: /}}", 1),
        ("- {request: {url: /}, repeat: 5}", 5),
        ("- {request: {url: /}, repeat: '{{ n }}'}", 1),
        ("- {request: {url: /}, for_each: {as: x, in: [1, 2, 3]}}", 3),
        ("- {request: {url: /}, until: {condition: a, max: 9}}", 1),
        ("- {use: f.yaml, repeat: 2}", 6),
        ("- {parallel: [{request: {url: /}}, {use: f.yaml}], repeat: 10}", 40),
    ],
)
def test_loops_flows_and_blocks_count_with_all_they_send(tmp_path, steps, requests):
    (tmp_path / "f.yaml").write_text(FLOW)
    path = tmp_path / "s.yaml"
    path.write_text("scenario: s\nservice: a\nsteps:\n" + textwrap.indent(steps, "  "))
    assert Mix((read_scenario(path),), (1.0,)).requests_per_play == requests


def test_journeys_are_drawn_by_their_weights(tmp_path):
    paths = [tmp_path / f"{name}.yaml" for name in "ab"]
    for path, weight in zip(paths, ("3", "1"), strict=True):
        path.write_text(
            f"scenario: {path.stem}\nservice: a\nsteps: [{{request: {{url: /}}}}]\nload: {{weight: {weight}}}\n"
        )
    scenarios = [read_scenario(path) for path in paths]
    stages = (Stage(Phase.HOLD, 1.0, 1.0),)
    for weights, share in (({"a": None, "b": None}, 0.75), ({"a": 1.0, "b": 4.0}, 0.2)):
        chosen, dice = mix(Profile("p", Model.OPEN, weights, stages), scenarios), random.Random(7)
        drawn = Counter(chosen.pick(dice).name for _ in range(4000))
        assert drawn["a"] / 4000 == pytest.approx(share, abs=0.02)


def test_weights_whose_sum_is_not_finite_are_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("scenario: a\nservice: a\nsteps: [{request: {url: /}}]\n")
    again = dataclasses.replace(read_scenario(path), name="b")
    profile = Profile("p", Model.OPEN, {"a": 1e308, "b": 1e308}, (Stage(Phase.HOLD, 1.0, 1.0),))
    with pytest.raises(UsageError, match="the weights of profile 'p' have no finite sum; write smaller ones"):
        mix(profile, [read_scenario(path), again])
