"""The crowd of an audit: as many plays on top of its traffic as the realm has room for, and seen when it is gone."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from seatrial.assess import stage
from seatrial.assess.audit.crowd import LEAST_PER_S, CrowdFailed, crowd, crowd_per_s
from seatrial.assess.audit.crowd import RATE_PER_S as CROWD_PER_S
from seatrial.assess.audit.plan import RATE_PER_S
from seatrial.assess.audit.run import AuditAsked, audit_plan
from seatrial.assess.budget import budget
from seatrial.assess.plan import Plan
from seatrial.assess.stage import Bridge, Loading
from seatrial.chaos.experiment import Surroundings
from seatrial.errors import LoadFailed
from seatrial.journal import Run
from seatrial.sample import Phase
from seatrial.scenarios.load.parent import LAST_SAID

PATIENCE_S = 20.0


def _plan(root: Path, *, allowed_plays_per_s: float | None) -> Plan:
    """The bank's own documents, in a realm that allows the requests of so many plays a second."""
    plan = audit_plan(root, AuditAsked("demo"))
    assert plan.audit is not None
    rate = None if allowed_plays_per_s is None else allowed_plays_per_s * plan.audit.mix.requests_per_play
    allows = dataclasses.replace(plan.realm.allows, max_rate_per_s=rate)
    return dataclasses.replace(plan, realm=dataclasses.replace(plan.realm, allows=allows))


@pytest.mark.parametrize(
    ("allowed_plays_per_s", "crowd"),
    [
        (1000.0, CROWD_PER_S),
        (RATE_PER_S + CROWD_PER_S, CROWD_PER_S),
        (RATE_PER_S + LEAST_PER_S + 1.0, LEAST_PER_S + 1.0),
        (RATE_PER_S + LEAST_PER_S - 1.0, 0.0),
        (None, 0.0),
    ],
)
def test_traffic_and_crowd_together_send_no_more_than_the_realm_allows(root, allowed_plays_per_s, crowd):
    assert crowd_per_s(_plan(root, allowed_plays_per_s=allowed_plays_per_s)) == pytest.approx(crowd)


class FakeRunning:
    """A load child that sends for a second, and then goes on until it is ended, by whoever that is."""

    def __init__(self, second, error: Exception | None = None) -> None:
        self._second = second
        self._error = error
        self._end = threading.Event()

    def seconds(self):
        yield self._second
        assert self._end.wait(PATIENCE_S)
        if self._error:
            raise self._error

    def stop(self) -> None:
        self._end.set()

    die = stop


@dataclass
class Crowded:
    """An audit whose second load is made up; `seen` is what its experiment looked at and was told."""

    bridge: Bridge
    around: Surroundings
    seen: list[object]
    running: FakeRunning


@pytest.fixture
def crowded(root, recorder, records, clock, tmp_path, monkeypatch) -> Callable[..., Crowded]:
    """An audit with room for a crowd, that ends with an error where one is given."""

    def make(error: Exception | None = None, *, allowed_plays_per_s: float = 1000.0) -> Crowded:
        plan = _plan(root, allowed_plays_per_s=allowed_plays_per_s)
        running, seen = FakeRunning(tuple(records.second(0)), error), []
        monkeypatch.setattr(stage, "load", lambda bridge, profile: Loading(running, bridge))
        monkeypatch.setattr(clock, "sleep", lambda _: time.sleep(0.001))  # its reader is a real thread
        bridge = Bridge(plan, Run(tmp_path), recorder, None, None, clock, lambda _: None, None, budget(clock, None))
        around = Surroundings(
            None, None, lambda: seen.append("look"), None, lambda *told: seen.append(told), clock, lambda _: None
        )
        return Crowded(bridge, around, seen, running)

    return make


def die_while_looked_at(made: Crowded, around: Surroundings) -> None:
    """Look as an experiment does, first at a crowd that is there; it ends by what is raised."""
    around.observe()
    assert made.seen == ["look"]
    made.running.die()
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        around.observe()
        time.sleep(0.001)
    raise AssertionError("nobody saw that it is gone")


def test_a_crowd_that_dies_is_seen_by_the_next_look(crowded):
    made = crowded(LoadFailed(f"load.log: killed{LAST_SAID}\n  a line"))
    with (
        pytest.raises(CrowdFailed, match=r"^the crowd is gone: load\.log: killed$"),
        crowd(made.bridge, made.around) as there,
    ):
        die_while_looked_at(made, there)


def test_a_crowd_that_ends_by_itself_is_gone_too(crowded):
    made = crowded()
    with pytest.raises(CrowdFailed, match="ended before it was told to"), crowd(made.bridge, made.around) as there:
        die_while_looked_at(made, there)


def test_a_crowd_goes_when_all_is_healed_and_is_missed_no_more(crowded):
    made = crowded()
    with crowd(made.bridge, made.around) as there:
        there.mark(Phase.AFTER, "x")
        for _ in range(100):
            there.observe()
            time.sleep(0.001)
    assert made.seen == [(Phase.AFTER, "x"), *["look"] * 100]


def test_a_crowd_whose_last_records_are_lost_has_failed(crowded):
    made = crowded(LoadFailed("its pipe broke"))
    with (
        pytest.raises(CrowdFailed, match="the crowd is gone: its pipe broke"),
        crowd(made.bridge, made.around) as there,
    ):
        there.mark(Phase.AFTER, "x")


def test_what_else_goes_wrong_beside_a_crowd_is_not_taken_for_it(crowded):
    made = crowded()
    with pytest.raises(LoadFailed) as failed, crowd(made.bridge, made.around):
        raise LoadFailed("the audit's own load died")
    assert not isinstance(failed.value, CrowdFailed)


def test_a_realm_without_room_for_a_crowd_is_told_so(crowded):
    made = crowded(allowed_plays_per_s=RATE_PER_S)
    with (
        pytest.raises(CrowdFailed, match="realm 'demo' leaves no room for a crowd beside an audit's traffic"),
        crowd(made.bridge, made.around),
    ):
        raise AssertionError("there is none")
