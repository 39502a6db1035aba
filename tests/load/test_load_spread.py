"""A load on several worker processes: a real master, real workers, a real server, and what all of them counted."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ports import free_port
from seatrial import __version__
from seatrial.errors import LoadFailed
from seatrial.sample import Interval, Pacing, Phase, Record
from seatrial.scenarios.load.order import LoadOrder, Then, decode_order
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
CUSTOMER = """\
scenario: customer
service: api
rows: [{n: 0}, {n: 1}, {n: 2}, {n: 3}, {n: 4}]
setup: [{use: login.yaml, once: worker, outputs: [id]}]
steps:
  - {name: own page, request: {url: "/pages/{{ row.n }}"}, expect: {status: 200}}
"""
LOGIN = """\
flow: login
steps: [{name: log in, request: {method: POST, url: /login}, capture: {id: {jsonpath: $.id}}}]
outputs: [id]
"""
SECRET = "s3cr3t-of-the-load"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "shop.yaml").write_text(JOURNEY)
    (tmp_path / "scenarios" / "customer.yaml").write_text(CUSTOMER)
    (tmp_path / "scenarios" / "login.yaml").write_text(LOGIN)
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


def test_every_request_of_an_open_load_on_two_workers_is_accounted_for_whatever_strangers_send(order, target):
    port, asked = free_port(), order(50, 2.0)
    stranger = subprocess.Popen([sys.executable, "-c", STRANGER, str(port)])  # it waits for the port
    with stranger, running(asked, Spread(2, own=2, port=port)) as load:
        told = [list(second) for second in load.seconds()]
    records = [record for second in told for record in second]
    assert stranger.returncode == 0
    log = (asked.workspace / "load.log").read_text()
    assert [log.count(why) for why in ("it names another sender", "none for a master: 'stats'")] == [1, 1]
    assert requests(records) == target.seen == {"GET /look": 100, "POST /buy": 100, "GET /see": 100}
    assert sum(pacing.planned for pacing in pacings(records)) == 100
    assert sum(pacing.started for pacing in pacings(records)) == 100
    assert pacings(records)[-1].in_flight == 0
    assert {(pacing.workers, len(pacing.lost)) for pacing in pacings(records)} == {(2, 0)}
    assert all(isinstance(second[-1], Pacing) for second in told)


def test_users_of_a_closed_load_are_shared_out_and_all_accounted_for(order, target, workspace):
    target.delay_s = 0.02
    with running(order(3, 1.0, model=Model.CLOSED)) as load:
        records = [record for second in load.seconds() for record in second]
    assert requests(records) == target.seen
    assert sum(target.seen.values()) > 20
    assert max(pacing.in_flight for pacing in pacings(records)) == 3
    assert SECRET not in (workspace / "load.log").read_text()


def test_phases_and_stop_reach_every_worker_and_plays_in_flight_are_counted(order, target):
    target.delay_s = 0.4
    with running(order(20, 0.5, then=Then.HOLD)) as load:
        records = []
        for number, second in enumerate(load.seconds()):
            records.extend(second)
            if number == 0:
                load.mark(Phase.DURING, "the ledger hangs")
            if number < 30 and sum(record.started for record in pacings(records) if record.experiment) > 10:
                load.stop()
        assert load.wait() == 0
    assert requests(records) == target.seen
    assert target.seen["GET /look"] == target.seen["GET /see"] > 20
    during = [record for record in records if isinstance(record, Pacing) and record.phase is Phase.DURING]
    assert {record.experiment for record in during} == {"the ledger hangs"}
    assert sum(record.started for record in during) > 10  # of two workers: one alone starts ten a second
    assert pacings(records)[-1].in_flight == 0


def test_a_worker_that_dies_makes_the_load_undecided_and_the_others_go_on(order):
    said = []
    with start_load(order(40, 3.0), log=order(1, 1).workspace / "load.log", spread=here(2), say=said.append) as load:
        records = []
        for number, second in enumerate(load.seconds()):
            records.extend(second)
            if number == 0:
                workers_of(load)[0].kill()
    lost = [pacing.lost for pacing in pacings(records) if pacing.lost]
    assert len(lost) > 1
    ((number, second),) = lost[-1].items()
    assert trouble(pacings(records), {}).split("; ")[-1] == f"worker {number} of 2 was lost at second {second}"
    assert any(text == f"worker {number} of 2 is lost" for text in said)
    assert sum(pacing.planned for pacing in pacings(records)) == 120
    assert 0 < sum(pacing.started for pacing in pacings(records)) < 120


def test_a_worker_that_stops_answering_is_lost_and_what_it_tells_later_is_added(order, target):
    said = []
    asked = order(20, 5.0, limits_us={"api": (1_000_000,)})
    with start_load(asked, log=asked.workspace / "load.log", spread=here(2), say=said.append) as load:
        records = []
        for number, second in enumerate(load.seconds()):
            records.extend(second)
            if number == 0:
                paused = workers_of(load)[0]
                paused.suspend()
            if paused and any(text.endswith("is lost") for text in said):  # seconds are given without it
                paused.resume()
                paused = None  # with the load it ends
    assert any(text.endswith("is lost") for text in said)
    assert any(text.endswith("is back") for text in said)
    assert requests(records) == target.seen
    assert sum(pacing.started for pacing in pacings(records)) == 100 == sum(p.planned for p in pacings(records))
    looks = [item for item in records if isinstance(item, Interval) and item.step == "look"]
    assert sum(item.over_ok[1_000_000] for item in looks) > 5  # from when they were due; the target was never slow
    assert "late" in trouble(pacings(records), {})
    assert "lost" not in trouble(pacings(records), {})


def test_workers_that_do_not_come_are_told_in_a_sentence(order):
    with (
        running(order(10, 1.0), Spread(2, port=free_port(), within_s=0.5)) as load,
        pytest.raises(LoadFailed, match=r"0 of 2 workers came to 127\.0\.0\.1:\d+ within 0\.5 s; start .*--worker"),
    ):
        list(load.seconds())


def test_a_master_that_dies_takes_its_workers_along(order):
    with running(order(10, 60.0)) as load:
        seconds = load.seconds()
        next(seconds)
        workers = workers_of(load)
        os.kill(load.pid, signal.SIGKILL)
        with pytest.raises(LoadFailed):
            list(seconds)
        assert len(workers) == 2
        assert psutil.wait_procs(workers, timeout=10)[1] == []


STRANGER = """
import sys, msgpack, zmq
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.setsockopt(zmq.IDENTITY, b"stranger")
socket.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
for message in (
    ("client_ready", "2.0", "stranger"),
    ("seatrial_hello", {"version": 1}, "stranger"),
    ("seatrial_hello", {"version": "0.1.0", "password": "", "pid": 1}, "stranger"),
    ("seatrial_done", {"lines": [b"x"]}, "stranger"),
    ("seatrial_failed", {"why": "a lie"}, "somebody else"),
    ("stats", {"seatrial": ["x"]}, "stranger"),
    ("heartbeat", None, "stranger"),
    ("exception", 7, "stranger"),
):
    socket.send(msgpack.dumps(message))
for raw in (b"", b"\\xc1", b"\\x93\\x01", b"\\x00" * 1000):
    socket.send(raw)
socket.close(linger=60_000)
context.term()  # waits until all of it was taken
"""


ASKING = """
import sys, msgpack, zmq
version = sys.argv[2]
socket = zmq.Context().socket(zmq.DEALER)
socket.setsockopt(zmq.IDENTITY, b"worker")
socket.setsockopt(zmq.RCVTIMEO, 20_000)
socket.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
for message in (
    ("client_ready", "2.0", "worker"),
    ("seatrial_hello", {"version": version, "password": ""}, "worker"),  # takes nobody's place
    ("seatrial_hello", {"version": version, "password": "", "pid": 1}, "worker"),
):
    socket.send(msgpack.dumps(message))
while (told := msgpack.loads(socket.recv()))[0] not in ("seatrial_order", "seatrial_refused"):
    pass
print(told[1].get("order") or told[1]["why"])
"""


def ask(port: int, version: str = __version__) -> str:
    """What a master tells a worker of that version: its order, or why it gets none."""
    return subprocess.run(
        [sys.executable, "-c", ASKING, str(port), version], timeout=30, check=False, capture_output=True, text=True
    ).stdout


def test_what_a_worker_is_told_holds_no_secret_and_nothing_that_its_own_machine_knows(order, target):
    port = free_port()
    asked = order(10, 1.0, variables={"limit": 51}, environment={"TOKEN": SECRET}, max_requests_per_s=37.5)
    with running(asked, Spread(1, port=port)) as load:
        said = ask(port)
        load.stop()
    told = decode_order(said.encode())
    assert told.profile == asked.profile
    assert SECRET not in said
    at_home = (told.addresses, told.variables, told.secret_values, told.environment, told.max_requests_per_s)
    assert at_home == ({}, {}, {}, {}, None)


def test_a_worker_of_another_version_is_refused_with_both_versions(order):
    port = free_port()
    with running(order(10, 1.0), Spread(1, port=port)) as load:
        said = ask(port, "0.0.7")
        load.stop()
    assert said.strip() == f"it is seatrial {__version__}, and this worker 0.0.7"


def test_rows_and_logins_are_those_of_one_user_on_however_many_workers(order, target):
    asked = order(4, 1.5, model=Model.CLOSED)
    asked = dataclasses.replace(asked, profile=dataclasses.replace(asked.profile, scenarios={"customer": None}))
    target.delay_s = 0.03
    with running(asked) as load:
        records = [record for second in load.seconds() for record in second]
    pages = {path: count for path, count in target.most_at_once.items() if "/pages/" in path}
    assert pages == {f"GET /pages/{number}": 1 for number in range(5)}
    assert target.seen["POST /login"] == 4
    assert sum(requests(records).values()) == sum(target.seen.values())
