"""The monitor plays real requests, and its deadline stops a run whatever the scenario would wait for."""

import time

import pytest

from seatrial.clock import SystemClock
from seatrial.errors import CannotRun
from seatrial.scenarios.moves import Context
from seatrial.scenarios.read import read_scenarios
from seatrial.synthetic.player import Player

JOURNEY = """\
scenario: look around
service: bank
steps:
  - name: say hello
    request: {url: /hello}
    expect: {status: 200}
  - name: see the list
    request: {url: /list}
    expect: {status: 200}
"""


@pytest.fixture
def player_of(tmp_path, bank):
    def player_of(text):
        (tmp_path / "journey.yaml").write_text(text)
        scenarios = {scenario.name: scenario for scenario in read_scenarios(tmp_path)}
        context = Context("test", {"bank": f"http://127.0.0.1:{bank.server_port}"})
        return Player(scenarios, context, SystemClock())

    return player_of


def test_a_journey_that_works_passes(player_of, bank):
    outcome = player_of(JOURNEY)("look around", 60.0)
    assert (outcome.passed, outcome.step, outcome.detail) == (True, "", "")
    assert bank.asked == ["/hello", "/list"]
    assert len(outcome.trace_id) == 32
    assert outcome.latency_s > 0.0


def test_the_failing_step_is_named_with_what_was_expected_and_seen(player_of, bank):
    bank.answers["/hello"] = 503
    outcome = player_of(JOURNEY)("look around", 60.0)
    assert (outcome.passed, outcome.step) == (False, "say hello")
    assert "503" in outcome.detail
    assert "200" in outcome.detail


def test_a_journey_with_rows_is_played_for_each_and_ends_at_the_first_that_fails(player_of, bank):
    rows = "service: bank\nrows: [{path: a}, {path: b}, {path: c}]"
    journey = JOURNEY.replace("service: bank", rows).replace("/hello", "'/{{ row.path }}'").replace("/list", "/x")
    assert player_of(journey)("look around", 60.0).passed
    assert bank.asked == ["/a", "/x", "/b", "/x", "/c", "/x"]
    bank.asked.clear()
    bank.answers["/b"] = 503
    outcome = player_of(journey)("look around", 60.0)
    assert (outcome.passed, outcome.step) == (False, "say hello")
    assert bank.asked == ["/a", "/x", "/b"]


def test_a_hanging_answer_ends_at_the_deadline_and_nothing_more_is_sent(player_of, bank):
    bank.hangs.add("/hello")
    started = time.monotonic()
    outcome = player_of(JOURNEY)("look around", 0.5)
    assert time.monotonic() - started < 9.0  # the step's own timeout is 10 s
    assert (outcome.passed, outcome.step, "/list" in bank.asked) == (False, "say hello", False)


def test_a_wait_between_polls_ends_at_the_deadline(player_of, bank):
    bank.answers["/hello"] = 404
    journey = JOURNEY.replace(
        "expect: {status: 200}\n  -", "expect: {status: 200}\n    retry: {until: expect, max: 3, interval: 60s}\n  -"
    )
    started = time.monotonic()
    outcome = player_of(journey)("look around", 0.5)
    assert time.monotonic() - started < 30.0
    assert (outcome.passed, outcome.step, len(bank.asked) <= 1) == (False, "say hello", True)
    assert "the monitor's deadline of 500 ms has passed" in outcome.detail


def test_a_journey_that_says_skip_is_not_taken_for_a_failure(player_of):
    with pytest.raises(CannotRun, match="'look around' is skipped: not yet"):
        player_of(JOURNEY.replace("service: bank", "service: bank\nskip: not yet"))("look around", 60.0)
