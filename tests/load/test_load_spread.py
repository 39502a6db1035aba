"""A load on several worker processes: a real master, real workers, a real server, and what all of them counted."""

from __future__ import annotations

import contextlib
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seatrial.errors import LoadFailed
from seatrial.sample import Interval, Pacing, Phase, Record
from seatrial.scenarios.load.order import LoadOrder, Then
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import RunningLoad, start_load
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.spread import Spread, here
from seatrial.slo.generator import trouble

JOURNEY = """\
scenario: shop
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200, json: {items: [1, 2, 3]}}}
  - name: buy
    request: {method: POST, url: /buy, json: {token: "{{ secrets.token }}"}}
    expect: {status: 201}
  - {name: see, request: {url: /see}, expect: {status: 200}}
"""
SECRET = "s3cr3t-of-the-load"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "shop.yaml").write_text(JOURNEY)
    return tmp_path


@pytest.fixture
def order(workspace, target):
    """Makes orders; `level` is plays per second or users, reached at once and held."""

    def make(level: float, hold_s: float, *, model=Model.OPEN, **more) -> LoadOrder:
        stages = (Stage(Phase.RAMP, level, 0.0), Stage(Phase.HOLD, level, hold_s))
        profile = Profile("p", model, {"shop": None}, stages)
        known = {"run": "r", "workspace": workspace, "profile": profile, "realm": "test"}
        return LoadOrder(**known, addresses={"api": target.url}, secret_values={"token": SECRET}, **more)

    return make


@contextlib.contextmanager
def running(order: LoadOrder, spread: Spread | None = None) -> Iterator[RunningLoad]:
    with start_load(order, log=order.workspace / "load.log", spread=spread or here(2)) as load:
        yield load


def workers_of(load: RunningLoad) -> list[psutil.Process]:
    return psutil.Process(load.pid).children()


def pacings(records: list[Record]) -> list[Pacing]:
    return [record for record in records if isinstance(record, Pacing)]


def requests(records: list[Record]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Interval):
            counts[f"{record.method} {record.route}"] += record.ok + record.failed + record.polls
    return counts


def test_every_request_of_an_open_load_on_two_workers_is_accounted_for(order, target):
    with running(order(100, 2.0)) as load:
        seconds = [list(second) for second in load.seconds()]
    records = [record for second in seconds for record in second]
    assert requests(records) == target.seen == {"GET /look": 200, "POST /buy": 200, "GET /see": 200}
    assert sum(pacing.planned for pacing in pacings(records)) == 200
    assert sum(pacing.started for pacing in pacings(records)) == 200
    assert pacings(records)[-1].in_flight == 0
    assert {pacing.workers for pacing in pacings(records)} == {2}
    assert all(isinstance(second[-1], Pacing) for second in seconds)
    assert SECRET not in (load.log_path.read_text() if hasattr(load, "log_path") else "")
