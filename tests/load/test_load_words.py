"""The load's small pure parts: its order, its commands, its timeline, its own health."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from seatrial.errors import Where
from seatrial.sample import Phase
from seatrial.scenarios.load.health import Health
from seatrial.scenarios.load.order import LoadOrder, Then, decode_mark, decode_order, encode_mark, encode_order
from seatrial.scenarios.load.pace import Stage, curve
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.recorder import Ended, Mark, Recorder, Series
from seatrial.scenarios.load.timeline import Timeline, charge
from seatrial.slo.measure import LOAD, Traffic, measure

HOLD, DURING, AFTER = Mark(Phase.HOLD), Mark(Phase.DURING, "the ledger hangs"), Mark(Phase.AFTER, "the ledger hangs")
STAGES = (Stage(Phase.RAMP, 10.0, 5.0), Stage(Phase.HOLD, 10.0, 20.0))


def order() -> LoadOrder:
    profile = Profile("steady", Model.OPEN, {"pay": 2.0, "browse": None}, STAGES, where=Where("p.yaml", 1, 1))
    return LoadOrder(
        run="r",
        workspace=Path("/w"),
        profile=profile,
        realm="demo",
        addresses={"cards": "http://127.0.0.1:1"},
        variables={"limit": 5, "nested": {"a": [1, None]}},
        secret_values={"token": "s3cr3t-token"},
        limits_us={"cards": (300_000,)},
        then=Then.HOLD,
    )


def test_an_order_arrives_as_it_was_sent_and_on_one_line():
    line = encode_order(order())
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_order(line) == order()


def test_an_order_never_shows_its_secrets():
    assert "s3cr3t-token" not in repr(order())


def test_a_broken_order_is_refused_without_quoting_it():
    line = encode_order(order()).replace(b'"open"', b'"ajar"')
    with pytest.raises(ValueError, match=r"not an order: profile\.model: ") as caught:
        decode_order(line)
    assert "s3cr3t-token" not in str(caught.value)


@pytest.mark.parametrize("mark", [HOLD, DURING, Mark(Phase.AFTER, "x")])
def test_a_phase_arrives_as_it_was_said(mark):
    assert decode_mark(encode_mark(mark)) == mark


@pytest.mark.parametrize("line", [b"dance", b"phase lunch", b""])
def test_an_unknown_command_is_refused(line):
    with pytest.raises(ValueError, match=r"dance|lunch|''"):
        decode_mark(line)


@pytest.mark.parametrize(
    ("sent", "ended", "charged"),
    [(HOLD, HOLD, HOLD), (HOLD, DURING, DURING), (DURING, AFTER, DURING), (AFTER, HOLD, AFTER)],
)
def test_what_a_fault_touches_is_charged_to_the_fault(sent, ended, charged):
    assert charge(sent, ended) == charged


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_step_of_the_wall_clock_forth_and_back_moves_no_record(step_s, monkeypatch):
    """A load of 20 s of hold, its wall clock an hour off in the middle: measured, it is one second after another."""
    elapsed_s = 0.0
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.25 + elapsed_s + step_s * (8.0 < elapsed_s < 15.0))
    line, recorder, health, records = Timeline(curve(STAGES)), Recorder("r", {}), Health("r"), []
    line.begin(100.0, time.time())
    while elapsed_s < 25.0:
        now = 100.0 + elapsed_s
        mark, second = line.mark_at(now), line.second(now)
        recorder.ended(mark, Series("s", "look", "shop", "GET", "/"), second=second, end=Ended(None, 1_000, 1_000))
        planned = line.planned_until(now)
        records += [
            *recorder.drain(second),
            health.line(mark, second=second, planned_until=planned, in_flight=0, cpu_ratio=0.0),
        ]
        assert 0.0 < line.next_second_in_s(now) <= 1.0
        elapsed_s += 0.5
    measures = measure(records)
    seconds = measures.seconds_of(LOAD)
    assert seconds == tuple(range(1_700_000_005, 1_700_000_025))
    assert sum(tally.ok for tally in measures.tallies(Traffic("shop"))) == pytest.approx(40, abs=2)


def timeline() -> Timeline:
    line = Timeline(curve(STAGES, warm_up_s=2.0))
    line.begin(100.0, 5000.25)
    return line


def test_the_timeline_follows_the_curve_until_a_phase_is_told():
    line = timeline()
    assert [line.mark_at(100.0 + t).phase for t in (0, 3, 10)] == [Phase.WARM_UP, Phase.RAMP, Phase.HOLD]
    line.told = DURING
    assert line.mark_at(110.0) == DURING


def test_after_the_end_nothing_is_planned_and_nothing_is_a_hold():
    line = timeline()
    line.told = HOLD
    line.ended_at = 115.0
    assert line.mark_at(116.0) == Mark(Phase.RAMP)
    assert line.planned_until(120.0) == line.planned_until(115.0) == 125


def test_seconds_are_those_of_the_epoch():
    line = timeline()
    assert (line.second(100.0), line.second(100.75), line.second(101.0)) == (5000, 5001, 5001)
    assert line.next_second_in_s(100.5) == pytest.approx(0.25)


def test_health_tells_planned_started_dropped_and_lateness_of_each_second():
    health = Health("r")
    for late_ms in range(1, 101):
        health.started(late_ms / 1000)
    health.dropped()
    first = health.line(HOLD, second=1, planned_until=102, in_flight=7, cpu_ratio=0.5)
    assert (first.planned, first.started, first.dropped, first.in_flight) == (102, 100, 1, 7)
    assert first.late_p99_s == pytest.approx(0.099)
    assert (first.late_over_ms[1], first.late_over_ms[50], first.late_over_ms[100]) == (99, 50, 0)
    second = health.line(HOLD, second=2, planned_until=103, in_flight=0, cpu_ratio=0.5)
    assert (second.planned, second.started, second.dropped, second.late_p99_s) == (1, 0, 0, 0.0)


def test_where_nothing_is_planned_ahead_the_plan_is_what_started():
    health = Health("r")
    health.started(0.0)
    line = health.line(HOLD, second=1, planned_until=health.started_until, in_flight=1, cpu_ratio=math.nan)
    assert (line.planned, line.started) == (1, 1)
