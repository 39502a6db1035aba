"""What of a journey is left where nothing may be written."""

from __future__ import annotations

import pytest

from seatrial.accept.harmless import harmless
from seatrial.scenarios.model import Block
from seatrial.scenarios.read import read_scenario

LOOK = "- {name: look, request: {url: /ok}, expect: {status: 200}}"
WRITE = "- {name: write, request: {method: POST, url: /ok}, mutates: true, capture: {id: {jsonpath: $.id}}}"
NEEDS = '- {name: needs, request: {url: "/ok/{{ id }}"}, capture: {next: {jsonpath: $.n}}}'


@pytest.fixture
def left(workspace):
    def left_(steps, head=""):
        workspace.journey("j", steps, head=head)
        scenario, out = harmless(read_scenario(workspace.path / "scenarios" / "j.yaml"))
        names = None if scenario is None else [part.name for part in (*scenario.setup, *scenario.steps)]
        return scenario, names, [(each.step, each.reason) for each in out]

    return left_


def test_a_journey_that_only_reads_is_left_as_it_is(left):
    scenario, names, out = left(LOOK)
    assert (names, out, scenario.lenient) == (["look"], [], False)


def test_a_step_that_writes_is_left_out_with_those_that_need_what_it_gives(left):
    later = '- {name: later, request: {url: "/{{ next }}"}}'
    scenario, names, out = left("\n".join((LOOK, WRITE, NEEDS, later)))
    assert names == ["look"]
    assert scenario.lenient
    assert out == [
        ("write", "it mutates"),
        ("needs", "it needs 'id', which 'write' would have given"),
        ("later", "it needs 'next', which 'needs' would have given"),
    ]


def test_what_another_step_gives_too_is_not_missed(left):
    again = "- {name: again, request: {url: /ok}, capture: {id: {jsonpath: $.id}}}"
    _, names, _ = left("\n".join((WRITE, again, NEEDS)))
    assert names == ["again", "needs"]


def test_what_the_scenario_gives_too_is_not_missed(left):
    _, names, _ = left("\n".join((WRITE, NEEDS)), head="vars: {id: 7}\n")
    assert names == ["needs"]


def test_a_name_is_missed_in_conditions_loops_and_expectations_too(left):
    steps = (
        WRITE,
        '- {name: when, request: {url: /ok}, when: "id is defined"}',
        '- {name: loop, request: {url: /ok}, for_each: {as: x, in: "{{ id }}"}}',
        '- {name: want, request: {url: /ok}, expect: {checks: [{jsonpath: $.id, eq: "{{ id }}"}]}}',
        '- {name: refresh, request: {url: "/{{ id }}"}, capture: {id: {jsonpath: $.id}}}',
        '- {name: fresh, request: {url: /ok}, capture: {id: {jsonpath: $.id}}, expect: {json: {id: "{{ id }}"}}}',
    )
    assert left("\n".join(steps))[1] == ["fresh"]


def test_a_journey_of_which_no_step_is_left_is_none(left):
    scenario, _, out = left("\n".join((WRITE, NEEDS)))
    assert scenario is None
    assert out[-1] == ("", "no step of it is left")


def test_of_a_block_the_parts_that_read_are_left(left):
    block = """
    - name: both
      parallel:
      - {name: one, request: {url: /ok}}
      - {name: two, request: {method: POST, url: /ok}, mutates: true}
    """
    scenario, names, out = left(block)
    assert names == ["both"]
    [part] = scenario.steps
    assert isinstance(part, Block)
    assert [inner.name for inner in part.parts] == ["one"]
    assert out == [("two", "it mutates")]


def test_a_flow_that_writes_is_left_out_whole(left, workspace):
    flows = workspace.path / "scenarios" / "flows"
    flows.mkdir(parents=True)
    (flows / "buy.yaml").write_text(f"flow: buy\noutputs: [id]\nsteps:\n{LOOK}\n{WRITE}\n")
    _, names, out = left("\n".join(("- {name: buy, use: flows/buy.yaml}", LOOK, NEEDS)))
    assert names == ["look"]
    assert out == [("buy", "it mutates"), ("needs", "it needs 'id', which 'buy' would have given")]
