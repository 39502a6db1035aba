"""What each play or user of a real child process has for itself while it lasts: its trace, its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.sample import Interval, Pacing, Phase, Record
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import start_load
from seatrial.scenarios.load.profile import Model, Profile

ROWS = 6
CUSTOMER = f"""\
scenario: customer
service: api
rows: [{", ".join(f"{{n: {number}}}" for number in range(ROWS))}]
steps: [{{name: own page, request: {{url: "/pages/{{{{ row.n }}}}"}}, expect: {{status: 200}}}}]
"""
BROWSER = """\
scenario: browser
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: buy, request: {method: POST, url: /buy, json: {n: 1}}, expect: {status: 201}}
  - {name: see, request: {url: /see}, expect: {status: 200}}
"""


@pytest.fixture
def play(tmp_path: Path, target):
    """Plays levels one after the other, each reached at once and held that long; gives the records."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "customer.yaml").write_text(CUSTOMER)
    (tmp_path / "scenarios" / "browser.yaml").write_text(BROWSER)

    def run(levels, hold_s, model, scenario="customer") -> list[Record]:
        stages = [
            stage for level in levels for stage in (Stage(Phase.RAMP, level, 0.0), Stage(Phase.HOLD, level, hold_s))
        ]
        profile = Profile("p", model, {scenario: None}, tuple(stages))
        order = LoadOrder("r", tmp_path, profile, "test", addresses={"api": target.url})
        with start_load(order, log=tmp_path / "load.log") as load:
            return [record for second in load.seconds() for record in second]

    return run


def test_every_play_is_one_trace_that_the_target_sees(play, target):
    play([20.0], 1.0, Model.OPEN, "browser")
    assert sum(target.seen.values()) == 60
    assert "" not in target.traces
    assert sorted(target.traces.values()) == [3] * 20


def test_the_row_of_a_play_that_has_ended_is_anothers_in_the_open_model(play, target):
    records = play([10.0], 2.0, Model.OPEN)
    started = sum(record.started for record in records if isinstance(record, Pacing))
    assert sum(target.seen.values()) == started > ROWS
    assert len(target.seen) == ROWS
    assert set(target.most_at_once.values()) == {1}


def test_users_that_come_when_others_have_left_share_no_row_with_those_that_stayed(play, target):
    target.delay_s = 0.03
    records = play([6.0, 1.0, 6.0, 1.0, 6.0], 1.3, Model.CLOSED)  # Locust looks once a second how many there shall be
    in_flight = [record.in_flight for record in records if isinstance(record, Pacing)]
    assert max(in_flight) > 1
    assert set(target.most_at_once.values()) == {1}
    assert len(target.seen) == ROWS
    assert sum(record.failed for record in records if isinstance(record, Interval)) == 0
