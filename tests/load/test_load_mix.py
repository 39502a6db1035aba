"""How many requests a play stands for, which is what a realm's rate is held against."""

from __future__ import annotations

import textwrap

import pytest

from seatrial.scenarios.load.mix import Mix
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
