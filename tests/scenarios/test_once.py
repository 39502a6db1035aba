"""A flow that is run once serves all further calls, of one worker, one scenario or the whole run."""

from __future__ import annotations

import threading

import pytest

from seatrial.scenarios.model import Once
from seatrial.scenarios.moves import Claim, Settle
from seatrial.scenarios.once import Onces, OnceStore, Outputs

LOGIN = """
    flow: login
    inputs: {user: null}
    steps:
      - name: log in
        request: {method: POST, url: /sessions, json: "{{ user }}"}
        capture: {token: {jsonpath: $.token, secret: true}, id: {jsonpath: $.id}}
    outputs: [token, id]
"""
USE = """
    - {use: login.yaml, with: {user: %s}, once: %s}
    - {request: {url: /me, auth: {bearer: "{{ token }}"}}, expect: {status: 200}}
"""


@pytest.fixture
def login(journey):
    """A journey that logs in once."""

    def of(once="run", user="ada"):
        return journey(USE % (user, once), login=LOGIN)

    return of


def asked(played):
    """The paths asked for."""
    return [sent.url.removeprefix("http://api.test") for sent in played.requests]


def test_the_second_play_takes_over_what_the_first_was_given(login, run, canned):
    onces, session = Onces(), canned.ok(200, {"token": "t0ken", "id": 7})
    first = run(login(), session, onces=onces)
    second = run(login(), canned.ok(), onces=onces)
    assert (asked(first), asked(second)) == (["/sessions", "/me"], ["/me"])
    assert dict(second.requests[0].headers)["Authorization"] == "Bearer t0ken"


def test_a_secret_output_is_masked_in_every_play_that_takes_it_over(login, run, canned):
    onces = Onces()
    run(login(), canned.ok(200, {"token": "t0ken", "id": 7}), onces=onces)
    second = run(login(), canned.ok(), onces=onces)
    assert second.context.secrets.redact("t0ken") == "***(token)"


def test_other_inputs_are_another_login(login, run, canned):
    onces, session = Onces(), canned.ok(200, {"token": "t0ken", "id": 7})
    run(login(user="ada"), session, onces=onces)
    assert asked(run(login(user="bob"), session, onces=onces)) == ["/sessions", "/me"]


@pytest.mark.parametrize(("once", "shared"), [("run", True), ("worker", False), ("scenario", True)])
def test_another_worker_shares_what_is_of_the_run(login, run, canned, once, shared):
    onces, session = Onces(), canned.ok(200, {"token": "t0ken", "id": 7})
    run(login(once), session, onces=onces)
    other = run(login(once), session, onces=onces.for_worker())
    assert asked(other) == (["/me"] if shared else ["/sessions", "/me"])


def test_a_login_that_failed_is_tried_again_by_the_next(login, run, canned):
    onces = Onces()
    failed = run(login(), canned.ok(500), onces=onces)
    assert [move.outputs for move in failed.moves if isinstance(move, Settle)] == [None]
    assert asked(run(login(), canned.ok(200, {"token": "t0ken", "id": 7}), onces=onces)) == ["/sessions", "/me"]


def test_without_once_every_play_logs_in(journey, run, canned):
    scenario = journey((USE % ("ada", "run")).replace(", once: run", ""), login=LOGIN)
    played = run(scenario, canned.ok(200, {"token": "t0ken", "id": 7}))
    assert not [move for move in played.moves if isinstance(move, Claim)]


class Watched(threading.Condition):
    """A condition that tells when someone waits for it: the lock is still his then, so he waits before it is free."""

    def __init__(self):
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout=None):
        self.waited_for.set()
        return super().wait(timeout)


@pytest.fixture
def settled():
    """What a second claim comes to, if it still waits when the first is settled with these outputs."""

    def of(outputs):
        changed, got = Watched(), []
        store = OnceStore(_changed=changed)
        assert store.claim("k", 0.0) is None
        waiting = threading.Thread(target=lambda: got.append(store.claim("k", 0.0)), daemon=True)
        waiting.start()
        assert changed.waited_for.wait(5)
        assert got == []
        store.settle("k", outputs)
        waiting.join(5)
        return got

    return of


def test_who_comes_while_another_is_at_it_waits_and_gets_the_same(settled):
    assert settled(Outputs({"a": 1})) == [Outputs({"a": 1})]


def test_who_waits_for_one_that_fails_does_it_himself(settled):
    assert settled(None) == [None]


def test_outputs_that_have_expired_are_fetched_anew():
    store = OnceStore()
    store.claim("k", 0.0)
    store.settle("k", Outputs({}, expires_at=10.0))
    assert store.claim("k", 9.0) is not None
    assert store.claim("k", 10.0) is None


def test_a_worker_of_one_run_keeps_its_own_store():
    onces = Onces()
    other = onces.for_worker()
    assert onces.store(Once.RUN) is other.store(Once.RUN)
    assert onces.store(Once.WORKER) is not other.store(Once.WORKER)
