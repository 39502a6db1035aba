"""The gate's time bounds all of an assessment: what does not fit is undecided, and says so."""

from __future__ import annotations

import dataclasses

import pytest

from misbehaving import Server, keeps_saying
from seatrial.assess import preflight
from seatrial.assess.budget import budget
from seatrial.assess.headroom import Headroom
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Telling, assess
from seatrial.assess.stage import Bridge, accept
from seatrial.clock import SystemClock
from seatrial.realm import Place
from seatrial.scenarios.moves import Context
from seatrial.verdict import Grade

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def shop():
    with Server(keeps_saying(*[OK] * 20)) as server:
        yield server


def test_without_a_limit_nothing_is_ever_over(clock):
    within = budget(clock, None)
    clock.advance(1e9)
    assert not within.is_over
    assert within.lacking(1e9) == ""


def test_what_takes_longer_than_is_left_is_lacking(clock):
    within = budget(clock, 60.0)
    clock.advance(20.0)
    assert within.lacking(40.0) == ""
    assert within.lacking(41.0) == "not run: of the gate's 60 s there were 40 s left, and it takes 41 s"
    clock.advance(40.0)
    assert within.is_over
    assert within.over == "the gate's time of 60 s was over"


def _bridge(plan, recorder, clock, shop, *, told):
    addresses = dict.fromkeys(("shop", "stock"), shop.url.rstrip("/"))
    run = type("Run", (), {"name": "r"})()
    context = Context(realm="here", addresses=addresses)
    return Bridge(plan, run, recorder, context, None, clock, told.append, lambda moment: None, budget(clock, 5.0))


def test_a_play_that_is_out_of_time_ends_before_its_next_step_and_no_other_begins(plan, recorder, clock, shop):
    told = []
    twice = dataclasses.replace(plan, acceptance=(*plan.acceptance, *plan.acceptance))
    bridge = _bridge(twice, recorder, clock, shop, told=told)
    write = recorder.write

    def late(*records):
        write(*records)
        clock.advance(10.0)

    recorder.write = late
    assert accept(bridge) == ()
    (journey,) = recorder.measures().journeys()
    assert (journey.play, [sample.step for sample in journey.samples]) == (None, ["look"])
    assert told == ["acceptance: buy a rope: not played to its end, the gate's time of 5 s was over"]
    assert len(shop.requests) == 1


def test_plays_in_time_are_played_whole(plan, recorder, clock, shop):
    (result,) = accept(_bridge(plan, recorder, clock, shop, told=[]))
    assert [step.step.name for step in result.steps] == ["look", "count"]
    (journey,) = recorder.measures().journeys()
    assert journey.play is not None
    assert len(shop.requests) == 2


def test_an_assessment_without_any_time_is_undecided_in_every_part_and_says_why(workspace, shop, monkeypatch):
    monkeypatch.setattr(preflight, "measure_headroom", lambda: Headroom(2.0, 2, 0.0))
    (workspace / "slo" / "brief.yaml").write_text(
        "gate: brief\nacceptance: {tags: [smoke]}\nload: {profile: some}\nat_most: 1us\n"
    )
    plan = read_plan(workspace, Asked(gate="brief"))
    places = {name: Place(name, shop.url.rstrip("/")) for name in ("shop", "stock")}
    plan = dataclasses.replace(plan, realm=dataclasses.replace(plan.realm, places=places))
    assessed = assess(plan, clock=SystemClock(), telling=Telling(lambda text: None, lambda moment: None))
    assert {finding.grade for finding in assessed.verdict.findings} == {Grade.UNDECIDED}
    reasons = {finding.name: finding.reason for finding in assessed.verdict.findings}
    assert reasons["buy a rope"].endswith("; the gate's time of 0.001 ms was over")
    assert reasons["shop.available"].endswith("; not run: the gate's time of 0.001 ms was over")
    assert not [asked for asked in shop.requests if b"/goods" in asked]
