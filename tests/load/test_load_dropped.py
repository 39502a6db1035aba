"""A target that drops its kept connections, under a load of two processes: whatever it logged is in the journal."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import struct
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import misbehaving as bad
from seatrial import journal
from seatrial.cli.load import run_load
from seatrial.sample import Interval
from seatrial.scenarios.load.spread import here

PLAYS = 80
JOURNEY = """\
scenario: shop
service: api
steps:
  - {name: look, continue: true, request: {url: /look}, expect: {status: 200}}
  - {name: buy, continue: true, request: {method: POST, url: /buy, json: {n: 1}}, expect: {status: 200}}
  - {name: see, continue: true, request: {url: /see}, expect: {status: 200}}
"""
PROFILE = "profile: p\nscenarios: [shop]\nstages: [{ramp_to: 40/s}, {hold: 2s}]\n"
GETS, POST = ("GET /look", "GET /see"), "POST /buy"
LIVES = (2, 3, 4, 5, 7)  # requests of a connection: no rhythm of the journey's three
IDLE_S = 0.02
ANSWERED, NOTHING, TRUNCATED, RESET = "answered", "nothing", "truncated", "reset"


class Dropping(bad.Server):
    """Ends each connection in one of `ways`, in turn: a way sees to the last request a connection is to have and says
    what became of it. `became` counts that by `METHOD path`; what comes afterwards is read, and gets nothing."""

    def __init__(self, *ways, idle_s=None):
        self.became = Counter()
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._ways, self._lives = itertools.cycle(ways), itertools.cycle(LIVES)
        super().__init__(Dropping.talk)

    def talk(self, connection):
        with self._lock:
            way, lives = next(self._ways), next(self._lives)
        ways = itertools.chain([answers] * (lives - 1), [way], itertools.repeat(nothing))
        while self.answered(connection, next(ways)) and connection.fileno() >= 0:
            if self._idle_s and not select.select([connection], [], [], self._idle_s)[0]:
                connection.shutdown(socket.SHUT_WR)
                ways = itertools.repeat(nothing)

    def answered(self, connection, way):
        """Whether a request came, and was seen to."""
        request = self.request(connection)
        if request:
            became = way(connection)
            with self._lock:
                self.became[b" ".join(request.split(b" ", 2)[:2]).decode(), became] += 1
        return bool(request)

    def logged(self, what):
        """How many of these requests came, by what became of them."""
        return Counter({became: count for (name, became), count in self.became.items() if name == what})


def answers(connection):
    connection.sendall(bad.OK)
    return ANSWERED


def nothing(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    return NOTHING


def ends(connection):
    """After its answer and at once: both go out together."""
    connection.sendall(bad.OK, socket.MSG_MORE)
    connection.shutdown(socket.SHUT_WR)
    return ANSWERED


def says_close(connection):
    """And means it: what comes afterwards gets nothing."""
    connection.sendall(bad.OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    return ANSWERED


def resets_without_answer(connection):
    reset(connection)
    return NOTHING


def ends_in_the_middle(connection):
    connection.sendall(bad.OK[:-1])
    connection.shutdown(socket.SHUT_WR)
    return TRUNCATED


def resets_in_the_middle(connection):
    connection.sendall(bad.OK[:-1])
    reset(connection)
    return RESET


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture
def load(tmp_path: Path, monkeypatch):
    """Plays the journey against a target on two processes; of each step all that the journal counts of it."""

    def run(target: Dropping) -> dict[str, Interval]:
        (tmp_path / "scenarios" / "profiles").mkdir(parents=True)
        realm = f"{{services: {{api: '{target.url.rstrip('/')}'}}, allows: {{load: {{max_rate: 200/s}}}}}}"
        (tmp_path / "realms.yaml").write_text(f"realms:\n  here: {realm}\n")
        (tmp_path / "scenarios" / "shop.yaml").write_text(JOURNEY)
        (tmp_path / "scenarios" / "profiles" / "p.yaml").write_text(PROFILE)
        monkeypatch.chdir(tmp_path)
        run_load("p", "here", spread=here(2))
        (kept,) = journal.list_runs(tmp_path)
        return counted(item for item in journal.read(kept.journal) if isinstance(item, Interval))

    return run


@dataclass
class Counted:
    """A step's requests in the journal."""

    ok: int = 0
    failed: int = 0
    polls: int = 0
    causes: Counter = field(default_factory=Counter)


def counted(intervals):
    steps = defaultdict(Counted)
    for item in intervals:
        step = steps[f"{item.method} {item.route}"]
        step.ok, step.failed, step.polls = step.ok + item.ok, step.failed + item.failed, step.polls + item.polls
        step.causes.update(item.causes)
    return steps


def require_all_accounted_for(steps, target):
    """Each request of the target's log is in the journal once, and each play's step ended once."""
    for what in (*GETS, POST):
        step, logged = steps[what], target.logged(what)
        assert step.ok + step.failed + step.polls == logged.total()
        assert step.ok == logged[ANSWERED]
        assert step.ok + step.failed == PLAYS
        assert set(step.causes) <= {RESET, TRUNCATED}
        assert step.causes[TRUNCATED] == logged[TRUNCATED]
        assert step.causes[RESET] + step.polls == logged[RESET] + logged[NOTHING]


def test_connections_that_end_after_an_answer_cost_no_request(load):
    with Dropping(ends, says_close) as target:
        steps = load(target)
    require_all_accounted_for(steps, target)
    assert target.accepted > PLAYS / 2
    assert {(step.failed, step.polls) for step in steps.values()} == {(0, 0)}


def test_requests_whose_kept_connection_had_ended_are_sent_again_unless_that_might_do_harm(load):
    with Dropping(nothing, resets_without_answer, idle_s=IDLE_S) as target:
        steps = load(target)
    require_all_accounted_for(steps, target)
    assert sum(steps[what].polls for what in GETS) > 0
    assert steps[POST].polls == 0
    assert steps[POST].failed == target.logged(POST)[NOTHING] > 0


def test_answers_that_break_off_are_failures_with_their_cause_and_are_not_asked_for_again(load):
    with Dropping(ends_in_the_middle, resets_in_the_middle) as target:
        steps = load(target)
    require_all_accounted_for(steps, target)
    assert {step.polls for step in steps.values()} == {0}
    assert all(target.logged(what)[cause] for what in (*GETS, POST) for cause in (TRUNCATED, RESET))
