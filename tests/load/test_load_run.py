"""The whole generator: a real child process against a real server, and what the two of them counted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hdrh.histogram import HdrHistogram

from seatrial import journal
from seatrial.errors import LoadFailed
from seatrial.sample import Interval, Pacing, Phase, Record
from seatrial.scenarios.load.order import LoadOrder, Then, encode_order
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import RunningLoad, start_load
from seatrial.scenarios.load.profile import Model, Profile
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
FAILING = """\
scenario: fails
service: api
steps:
  - {name: wrong, request: {url: /wrong}, expect: {json: {path: /right}}}
  - {name: never, request: {url: /never}}
"""
BROKEN = """\
scenario: breaks
service: api
steps:
  - {name: down, request: {url: /broken}, expect: {status: 200}}
"""
POLLING = """\
scenario: polls
service: api
steps:
  - name: wait for it
    request: {url: /feed}
    retry: {until: expect, max: 3, interval: 10ms}
    expect: {json: {path: /other}}
"""
PONDERING = """\
scenario: ponders
service: api
steps:
  - {name: one, request: {url: /one}}
  - {name: two, request: {url: /two}}
load: {think_time: 400ms}
"""
WHOLE = """\
scenario: whole
service: api
rows: [{user: ada}, {user: bob}]
steps:
  - {use: login.yaml, once: worker, outputs: [id]}
  - parallel:
      - {name: left, request: {url: "/left/{{ row.user }}"}, expect: {status: 200}}
      - {name: right, request: {url: "/right/{{ id }}"}, expect: {status: 200}}
  - {name: both, request: {url: /both}, repeat: 2, expect: {status: 200}}
load: {rows: shared}
"""
CUSTOMER = """\
scenario: customer
service: api
rows: [{n: 0}, {n: 1}, {n: 2}, {n: 3}, {n: 4}, {n: 5}]
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
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "shop.yaml").write_text(JOURNEY)
    (folder / "fails.yaml").write_text(FAILING)
    (folder / "breaks.yaml").write_text(BROKEN)
    (folder / "polls.yaml").write_text(POLLING)
    (folder / "ponders.yaml").write_text(PONDERING)
    (folder / "whole.yaml").write_text(WHOLE)
    (folder / "login.yaml").write_text(LOGIN)
    (folder / "customer.yaml").write_text(CUSTOMER)
    return tmp_path


@pytest.fixture
def order(workspace, target):
    """Makes orders; `level` is plays per second or users, reached at once and held."""

    def make(level: float, hold_s: float, *, model=Model.OPEN, scenario="shop", warm_up_s=0.0, **more) -> LoadOrder:
        stages = (Stage(Phase.RAMP, level, more.pop("ramp_s", 0.0)), Stage(Phase.HOLD, level, hold_s))
        in_flight = more.pop("max_in_flight", 500)
        profile = Profile("p", model, {scenario: None}, stages, warm_up_s=warm_up_s, max_in_flight=in_flight)
        known = {"run": "r", "workspace": workspace, "profile": profile, "realm": "test"}
        secrets = {"token": SECRET}
        return LoadOrder(**known, addresses={"api": target.url}, secret_values=secrets, **more)

    return make


@contextlib.contextmanager
def running(order: LoadOrder, workspace: Path) -> Iterator[RunningLoad]:
    with start_load(order, log=workspace / "load.log") as load:
        yield load


def play(order: LoadOrder, workspace: Path) -> list[Record]:
    with running(order, workspace) as load:
        records = [record for second in load.seconds() for record in second]
        assert load.wait() == 0
    return records


def intervals(records: list[Record]) -> list[Interval]:
    return [record for record in records if isinstance(record, Interval)]


def pacings(records: list[Record]) -> list[Pacing]:
    return [record for record in records if isinstance(record, Pacing)]


def requests(records: list[Record]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for record in intervals(records):
        counts[f"{record.method} {record.route}"] += record.ok + record.failed + record.polls
    return counts


def latency_s(records: list[Record], percentile: float) -> float:
    """From the due time, over all steps."""
    whole = HdrHistogram(1, 60_000_000, 3)
    for record in intervals(records):
        if record.histogram:
            whole.decode_and_add(record.histogram)
    return whole.get_value_at_percentile(percentile) / 1e6


def test_every_request_of_an_open_load_is_accounted_for(order, workspace, target):
    records = play(order(100, 1.0), workspace)
    assert requests(records) == target.seen == {"GET /look": 100, "POST /buy": 100, "GET /see": 100}
    assert sum(record.failed for record in intervals(records)) == 0
    assert sum(pacing.planned for pacing in pacings(records)) == 100
    assert sum(pacing.started for pacing in pacings(records)) == 100
    assert pacings(records)[-1].in_flight == 0
    assert SECRET not in repr(records)
    assert target.connections < 50


def test_rows_blocks_loops_and_flows_run_once_are_played_in_bulk_too(order, workspace, target):
    records = play(order(20, 1.0, scenario="whole"), workspace)
    assert target.seen == {
        "POST /login": 1,
        "GET /left/ada": 10,
        "GET /left/bob": 10,
        "GET /right/abc": 20,
        "GET /both": 40,
    }
    assert sum(record.failed for record in intervals(records)) == 0
    counted = requests(records)
    assert (counted["GET /left/*"], counted["GET /right/*"], counted["GET /both"]) == (20, 20, 40)


def test_users_log_in_once_each_and_no_two_of_them_ever_have_one_row(order, workspace, target):
    target.delay_s = 0.03
    records = play(order(3, 1.2, model=Model.CLOSED, scenario="customer"), workspace)
    pages = {f"GET /pages/{number}": 1 for number in range(6)}
    assert target.most_at_once == {**pages, "POST /login": target.most_at_once["POST /login"]}
    assert target.seen["POST /login"] == 3
    assert requests(records)["GET /pages/*"] + 3 == sum(target.seen.values()) > 15
    assert sum(record.failed for record in intervals(records)) == 0


def test_an_arrival_that_finds_every_row_in_use_is_dropped_and_says_so(order, workspace, target):
    target.delay_s = 0.4
    records = play(order(40, 1.0, scenario="customer"), workspace)
    told = pacings(records)
    dropped, without_row = (sum(getattr(pacing, name) for pacing in told) for name in ("dropped", "without_row"))
    assert dropped == without_row == 40 - sum(pacing.started for pacing in told) > 15
    assert max(target.most_at_once.values()) == target.seen["POST /login"] == 1
    assert "every row of 'customer' was in use" in (workspace / "load.log").read_text()
    assert f"{dropped} of them because every row of their journey was in use" in trouble(told, {})


def test_every_request_of_a_closed_load_is_accounted_for(order, workspace, target):
    target.delay_s = 0.02
    records = play(order(3, 1.0, model=Model.CLOSED), workspace)
    assert requests(records) == target.seen
    assert sum(requests(records).values()) > 20
    assert max(pacing.in_flight for pacing in pacings(records)) <= 3


def test_a_stall_shows_in_the_latency_from_due_and_hides_in_a_closed_load(order, workspace, target):
    open_load = stalled(order(100, 3.0), workspace, target)
    assert latency_s(open_load, 99) > 1.5
    closed_load = stalled(order(2, 3.0, model=Model.CLOSED, scenario="shop"), workspace, target)
    assert latency_s(closed_load, 95) < 0.5  # only one request of each user met the stall


def stalled(order: LoadOrder, workspace: Path, target) -> list[Record]:
    """Play, with the server silent for 2 s once the first second is over."""
    records: list[Record] = []
    with running(order, workspace) as load:
        for number, second in enumerate(load.seconds()):
            records.extend(second)
            if number == 0:
                target.stall(2.0)
    return records


def test_arrivals_beyond_max_in_flight_are_dropped_and_counted(order, workspace, target):
    target.delay_s = 0.5
    records = play(order(80, 1.0, max_in_flight=4), workspace)
    told = pacings(records)
    dropped, started = (sum(getattr(pacing, name) for pacing in told) for name in ("dropped", "started"))
    assert dropped > 20
    assert started + dropped == 80 == sum(pacing.planned for pacing in told)
    assert target.seen["GET /look"] == started
    assert max(pacing.in_flight for pacing in told) <= 4


def test_the_generator_tells_how_much_of_a_core_it_used(order, workspace):
    with running(order(120, 4.0), workspace) as load:
        child, told = psutil.Process(load.pid), []
        for second in load.seconds():
            used = child.cpu_times()
            told.append((used.user + used.system, second[-1].cpu_ratio))
    spent_s = told[-2][0] - told[0][0]  # the last second is told by a process that ends
    told_s = sum(ratio for _, ratio in told[1:-1])
    assert 0.0 < told_s / 3 < spent_s < told_s * 3  # a busy machine reads late


def test_phases_follow_the_stages_and_then_what_the_parent_says(order, workspace):
    phases = []
    with running(order(20, 1.0, ramp_s=1.0, warm_up_s=0.5, then=Then.HOLD), workspace) as load:
        for number, second in enumerate(load.seconds()):
            phases.extend((record.phase, record.experiment) for record in second if isinstance(record, Interval))
            if number == 2:
                load.mark(Phase.DURING, "the ledger hangs")
            if number == 3:
                load.mark(Phase.HOLD)
            if number == 4:
                load.stop()
    seen = list(dict.fromkeys(phases))
    assert seen[:4] == [
        (Phase.WARM_UP, None),
        (Phase.RAMP, None),
        (Phase.HOLD, None),
        (Phase.DURING, "the ledger hangs"),
    ]
    assert phases.index((Phase.DURING, "the ledger hangs")) < len(phases) - 1 - phases[::-1].index((Phase.HOLD, None))


def test_a_failing_expectation_is_counted_with_its_cause_and_the_rest_is_skipped(order, workspace, target):
    records = play(order(20, 0.5, scenario="fails"), workspace)
    causes = sum((Counter(record.causes) for record in intervals(records)), Counter())
    assert causes == {"check": 10}
    assert target.seen == {"GET /wrong": 10}
    assert sum(record.ok for record in intervals(records)) == 0
    assert "first 'check' of fails > wrong" in (workspace / "load.log").read_text()


def test_a_wrong_status_is_counted_as_such_and_over_its_limit(order, workspace, target):
    target.delay_s = 0.05
    records = play(order(20, 0.5, scenario="breaks", limits_us={"api": (10_000, 30_000_000)}), workspace)
    causes = sum((Counter(record.causes) for record in intervals(records)), Counter())
    assert causes == {"status": 10}
    assert sum((Counter(record.over_failed) for record in intervals(records)), Counter()) == {10_000: 10}


def test_polls_are_neither_success_nor_error_only_the_last_attempt_is(order, workspace, target):
    records = intervals(play(order(10, 0.5, scenario="polls"), workspace))
    assert (sum(record.polls for record in records), sum(record.failed for record in records)) == (10, 5)
    assert target.seen == {"GET /feed": 15}


def test_users_think_between_steps_and_plays(order, workspace, target):
    play(order(1, 1.5, model=Model.CLOSED, scenario="ponders"), workspace)
    assert 2 <= sum(target.seen.values()) <= 5


def test_users_of_a_closed_load_stay_under_the_rate_a_realm_allows(order, workspace, target):
    play(order(3, 1.0, model=Model.CLOSED, max_requests_per_s=20.0), workspace)
    assert 3 <= sum(target.seen.values()) <= 30


def test_polls_of_an_open_load_stay_under_the_rate_a_realm_allows(order, workspace, target):
    records = intervals(play(order(20, 1.0, scenario="polls", max_requests_per_s=20.0), workspace))
    assert target.seen == {"GET /feed": 60}
    assert len({record.second for record in records}) >= 3  # unbounded, all would be sent within the load's one


def test_plays_in_flight_finish_after_stop_and_stop_may_be_said_twice(order, workspace, target):
    target.delay_s = 0.7
    with running(order(10, 60.0), workspace) as load:
        seconds = load.seconds()
        records = []
        while not target.seen:  # its first second may be a small part of one
            records += next(seconds)
        load.stop()
        load.stop()
        records += [record for second in seconds for record in second]
        assert load.wait() == 0
    assert requests(records) == target.seen
    assert target.seen["GET /look"] == target.seen["GET /see"] > 0


def test_a_killed_child_is_a_load_failure_that_shows_its_log(order, workspace):
    with running(order(10, 60.0), workspace) as load:
        seconds = load.seconds()
        next(seconds)
        os.kill(load.pid, signal.SIGKILL)
        with pytest.raises(LoadFailed, match=r"load\.log: .*status -9.*\n.*profile '.*' begins"):
            list(seconds)


def test_an_unknown_journey_is_a_load_failure_that_names_it(order, workspace):
    with (
        running(order(10, 1.0, scenario="shpo"), workspace) as load,
        pytest.raises(LoadFailed, match="did you mean 'shop'"),
    ):
        list(load.seconds())


def test_sigterm_ends_a_load_in_order(order, workspace, target):
    with running(order(20, 60.0), workspace) as load:
        seconds = load.seconds()
        records = list(next(seconds))
        os.kill(load.pid, signal.SIGTERM)
        records += [record for second in seconds for record in second]
        assert load.returncode == 0
    assert requests(records) == target.seen


def test_a_child_whose_parent_is_gone_ends_at_once(order, workspace):
    child = subprocess.Popen(
        [sys.executable, "-m", "seatrial.scenarios.load.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with child:
        child.stdin.write(encode_order(order(10, 600.0)))
        child.stdin.flush()
        journal.decode(child.stdout.readline())
        child.stdin.close()
        assert child.wait(60) == 1  # its order was for 600 s


def test_the_child_writes_nothing_to_the_workspace_and_no_secret_to_its_log(order, workspace):
    before = sorted(path.name for path in workspace.rglob("*"))
    play(order(10, 0.5), workspace)
    assert sorted(path.name for path in workspace.rglob("*")) == sorted([*before, "load.log"])
    assert SECRET not in (workspace / "load.log").read_text()
