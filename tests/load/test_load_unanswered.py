"""Requests that get no answer: told of while they have none, and counted as failed when the load ends."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter

import pytest

from seatrial.cli.load_screen import progress_line
from seatrial.sample import OVERDUE_S, Interval, Pacing, Phase
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.parent import start_load
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.spread import here
from seatrial.scenarios.load.summary import Summary

FINISH_WITHIN_S = 1.3
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
BODY = b'{"access_token": "t", "expires_in": 3600}'
JOURNEYS = {
    "one": "steps: [{name: ask, timeout: 40s, request: {url: /hang}, expect: {status: 200}}]\n",
    "tidy": "setup: [{name: take, request: {url: /take}}]\n"
    "steps: [{name: ask, timeout: 40s, request: {url: /hang}, expect: {status: 200}}]\n"
    "teardown: [{name: give back, request: {url: /give}}]\n",
    "stuck": "steps: [{name: ask, timeout: 40s, request: {url: /stuck}, expect: {status: 200}}]\n"
    "teardown: [{name: give back, timeout: 40s, request: {url: /stuck}}]\n",
    "last": "steps: [{name: ask, delay: 2500ms, timeout: 40s, request: {url: /stuck}, expect: {status: 200}}]\n",
    "beside": "steps:\n  - parallel:\n"
    "      - {name: ask, timeout: 40s, request: {url: /hang}, expect: {status: 200}}\n"
    "      - {name: look, request: {url: /look}, expect: {status: 200}}\n",
    "plain": "steps: [{name: look, request: {url: /look}, expect: {status: 200}}]\n",
    "later": "steps: [{name: look, delay: 700ms, request: {url: /look}, expect: {status: 200}}]\n",
    "signed": "steps:\n  - name: look\n    request:\n      url: /look\n"
    '      auth: {oauth2: {token_url: "{{ addresses.api }}/slow", client_id: a, client_secret: b}}\n'
    "    expect: {status: 200}\n",
}


@pytest.fixture
def hanging(raw_server):
    """Every third request to `/hang` gets no answer, from the first on, until the test is over; none to `/stuck`."""
    released, numbers = threading.Event(), itertools.count()

    def answer(client, path):
        if path == "/stuck" or (path == "/hang" and next(numbers) % 3 == 0):
            released.wait(60.0)
            return False
        time.sleep(0.6 if path == "/slow" else 0.0)
        client.sendall(ANSWER % (len(BODY), BODY))
        return True

    yield raw_server(answer)
    released.set()


@pytest.fixture
def play(tmp_path, hanging):
    """Plays a load to its end; its seconds, each with its records."""

    def run(scenario, *, level=20, hold_s=1.5, model=Model.OPEN, spread=None, then=(), **more):
        (tmp_path / "scenarios").mkdir()
        text = f"scenario: {scenario}\nservice: api\n{JOURNEYS[scenario]}"
        (tmp_path / "scenarios" / f"{scenario}.yaml").write_text(text)
        stages = (Stage(Phase.RAMP, level, 0.0), Stage(Phase.HOLD, level, hold_s), *then)
        profile = Profile("p", model, {scenario: None}, stages)
        order = LoadOrder("r", tmp_path, profile, "test", {"api": hanging.url}, **more)
        spreading = {"spread": spread} if spread else {}
        with start_load(order, log=tmp_path / "load.log", **spreading) as load:
            seconds = list(load.seconds())
            assert load.wait() == 0
        return seconds

    return run


def _intervals(seconds):
    return [record for second in seconds for record in second if isinstance(record, Interval)]


def _counted(seconds):
    counts = Counter()
    for item in _intervals(seconds):
        counts[item.route] += item.ok + item.failed
    return counts


def _failed(seconds, phase=Phase.HOLD):
    return sum(item.failed for item in _intervals(seconds) if item.phase is phase)


def _last_pacing(seconds):
    return [record for second in seconds for record in second if isinstance(record, Pacing)][-1]


@pytest.mark.parametrize(("model", "level"), [(Model.OPEN, 20), (Model.CLOSED, 5)])
def test_what_a_hanging_target_got_is_what_is_counted(play, hanging, tmp_path, model, level):
    limits = {"api": (500_000,)}
    seconds = play("one", model=model, level=level, finish_within_s=FINISH_WITHIN_S, limits_us=limits)
    seen, hung = len(hanging.paths), -(-len(hanging.paths) // 3)
    assert hung >= 3
    assert _counted(seconds) == {"/hang": seen}
    assert sum(item.causes.get("timeout", 0) for item in _intervals(seconds)) == hung
    assert _failed(seconds) == sum(item.over_failed.get(500_000, 0) for item in _intervals(seconds)) == hung
    assert _last_pacing(seconds).in_flight == 0
    log = (tmp_path / "load.log").read_text()
    assert "no answer when the load ended, " in log
    assert "Traceback" not in log


def test_what_has_no_answer_is_told_at_the_end_of_each_second_and_shown(play, hanging):
    seconds = play("one", finish_within_s=FINISH_WITHIN_S)
    standing = [sum(item.overdue for item in second if isinstance(item, Interval)) for second in seconds]
    hung = -(-len(hanging.paths) // 3)
    assert hung / 2 < max(standing) <= hung  # the last of them are given up before a second's end finds them
    assert standing[-1] == 0
    summary = Summary()
    for second in seconds[: standing.index(max(standing)) + 1]:
        summary.add(second)
    shown = f" ({max(standing)} without an answer for more than {OVERDUE_S:g} s)"
    assert shown in progress_line(summary.pace())


def test_workers_count_what_a_hanging_target_got_too(play, hanging):
    seconds = play("one", spread=here(2), finish_within_s=FINISH_WITHIN_S)
    assert _counted(seconds) == {"/hang": len(hanging.paths)}
    assert _failed(seconds) == -(-len(hanging.paths) // 3)
    assert max(sum(item.overdue for item in second if isinstance(item, Interval)) for second in seconds) >= 3
    assert _last_pacing(seconds).in_flight == 0


@pytest.mark.parametrize("model", Model)
def test_plays_that_do_not_end_give_up_and_their_teardown_is_run(play, hanging, model):
    seconds = play("tidy", level=6, hold_s=1.0, model=model, finish_within_s=0.5)
    seen = Counter(hanging.paths)
    assert seen["/hang"] == seen["/take"] == seen["/give"] >= 3
    assert _counted(seconds) == seen


def test_a_teardown_that_hangs_is_cut_and_counted(play, hanging):
    seconds = play("stuck", level=3, hold_s=1.0, finish_within_s=0.5)
    assert _counted(seconds) == Counter(hanging.paths) == {"/stuck": 2 * 3}
    assert _failed(seconds, Phase.RAMP) >= 3
    assert _last_pacing(seconds).in_flight == 0


def test_what_was_not_given_the_time_of_a_hold_when_its_user_left_is_counted_in_none(play, hanging):
    leaving = (Stage(Phase.RAMP, 1, 0.0), Stage(Phase.HOLD, 1, 2.0))
    seconds = play("last", level=2, hold_s=1.0, model=Model.CLOSED, then=leaving, spread=here(2), finish_within_s=3.0)
    assert hanging.paths == ["/stuck", "/stuck"]
    assert (_failed(seconds, Phase.RAMP), _failed(seconds)) == (1, 1)


def test_a_request_that_hangs_beside_others_is_counted(play, hanging):
    seconds = play("beside", level=6, hold_s=1.0, finish_within_s=0.5)
    assert _counted(seconds) == Counter(hanging.paths)
    assert _failed(seconds) == 2


def _slower(seconds, route):
    return sum(sum(item.over_ok.values()) for item in _intervals(seconds) if item.route == route)


def test_the_wait_under_a_ceiling_is_no_latency_of_a_closed_load(play, hanging):
    limits = {"api": (1_000_000,)}  # twenty users under ten requests a second wait for two seconds
    seconds = play("plain", level=20, hold_s=2.5, model=Model.CLOSED, max_requests_per_s=10.0, limits_us=limits)
    assert len(hanging.paths) >= 10
    assert _slower(seconds, "/look") == 0


def test_a_delay_before_the_first_request_is_no_latency(play, hanging):
    seconds = play("later", level=4, limits_us={"api": (650_000,)})
    assert _counted(seconds) == {"/look": 6}
    assert _slower(seconds, "/look") == 0


def test_a_token_is_waited_for_once(play, hanging):
    seconds = play("signed", level=2, hold_s=0.5, limits_us={"api": (400_000, 1_150_000)})
    assert Counter(hanging.paths) == {"/slow": 1, "/look": 1}
    (told,) = _intervals(seconds)
    assert told.over_ok == {400_000: 1, 1_150_000: 0}
