"""Plays side by side: they really overlap, come out in order, share what is run once, and end when told to."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from concurrent.futures import Future

import pytest

from seatrial.accept.held import Evidence, weight
from seatrial.accept.pace import PacedClient, Pacer
from seatrial.accept.pool import WINDOW
from seatrial.exchange import Request

OK = "- {name: look, request: {url: /ok}, expect: {status: 200}}"


def names(plays):
    return [one.result.scenario.name for one in plays]


def test_eight_journeys_that_wait_for_one_another_all_pass_with_eight_workers(workspace, played, service):
    for number in range(8):
        workspace.journey(f"j{number}", "- {request: {url: /meet/8}, timeout: 30s, expect: {status: 200}}")

    plays = list(played(jobs=8))

    assert [one.result.passed for one in plays] == [True] * 8
    assert service.most == 8


def test_one_worker_never_asks_twice_at_once(workspace, played, service):
    for number in range(4):
        workspace.journey(f"j{number}", OK)
    assert len(list(played())) == 4
    assert service.most == 1


def test_results_come_in_the_order_of_the_journeys_whoever_is_first(workspace, played, service):
    """The first journey ends only when the last one that may be begun with it has."""
    workspace.journey("a", "- {request: {url: /meet/2}, timeout: 30s, expect: {status: 200}}")
    workspace.journey("b", OK)
    workspace.journey("c", OK)
    workspace.journey("d", "- {request: {url: /meet/2}, timeout: 30s, expect: {status: 200}}")
    plays = list(played(jobs=2))
    assert names(plays) == ["a", "b", "c", "d"]
    assert all(one.result.passed for one in plays)


def test_steps_of_one_journey_stay_in_order(workspace, played):
    steps = "\n".join(
        f"- {{name: s{number}, request: {{url: /ok/{number}}}, expect: {{status: 200}}}}" for number in range(5)
    )
    for number in range(4):
        workspace.journey(f"j{number}", steps)
    for one in played(jobs=4):
        assert [step.step.name for step in one.result.steps] == ["s0", "s1", "s2", "s3", "s4"]
        starts = [exchange.sent_at for exchange in one.exchanges]
        assert starts == sorted(starts)


def test_rows_are_plays_and_are_made_as_they_are_taken(workspace, played):
    workspace.journey("many", OK, head="rows: [{user: ada}, {user: bob}]\n")
    plays = list(played(jobs=2))
    assert names(plays) == ["many [row 1: ada]", "many [row 2: bob]"]
    assert [one.journey.name for one in plays] == ["many", "many"]


def test_no_play_is_begun_far_ahead_of_the_slowest(workspace, plans, played, service):
    workspace.journey("a", "- {request: {url: /hang}, timeout: 60s, expect: {status: 200}}")
    workspace.journey("b", OK)
    slow, quick = plans()
    taken = []

    def many():
        yield slow
        for number in range(1000):
            taken.append(number)
            yield quick

    plays = played(many(), jobs=2)
    first = threading.Thread(target=lambda: next(plays))
    first.start()
    assert service.hanging.wait(20)
    service.over.set()
    first.join()
    assert len(taken) < 2 * WINDOW
    plays.close()


def test_once_it_is_enough_none_begins_and_those_under_way_are_told(workspace, played, service):
    for number in range(40):
        workspace.journey(f"j{number:02}", OK)
    seen = []
    for one in played(jobs=2, enough=lambda: len(seen) > 0):
        seen.append(one)
    assert 1 <= len(seen) < 40
    assert names(seen) == sorted(names(seen))
    assert service.asked["/ok"] == len(seen)


def test_a_flow_that_is_run_once_a_run_is_played_once_for_all_workers(workspace, played, service):
    flows = workspace.path / "scenarios" / "flows"
    flows.mkdir(parents=True)
    (flows / "login.yaml").write_text(
        "flow: login\nservice: api\nsteps:\n"
        "- {request: {url: /token/run}, expect: {status: 200}, capture: {token: {jsonpath: $.token, secret: true}}}\n"
        "outputs: [token]\n"
    )
    for number in range(8):
        workspace.journey(
            f"j{number}",
            '- {use: flows/login.yaml, once: run}\n- {request: {url: "/ok/{{ token }}"}, expect: {status: 200}}',
        )
    plays = list(played(jobs=4))
    assert all(one.result.passed for one in plays)
    assert service.asked["/token/run"] == 1
    assert service.asked["/ok/token-run-1"] == 8


def test_closing_it_ends_workers_that_wait(workspace, played, service):
    workspace.journey("a", OK)
    for number in range(4):
        poll = "retry: {max: 100, interval: 30s}"
        workspace.journey(f"b{number}", f"- {{request: {{url: /status/503}}, {poll}, expect: {{status: 200}}}}")
    plays = played(jobs=4)
    assert names([next(plays)]) == ["a"]
    plays.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("worker ")]


def test_what_a_play_raises_is_raised_in_its_place(workspace, played):
    class Defect(Exception):
        """Of ours."""

    def watch(scenario, move):
        if scenario.name == "b":
            raise Defect

    for name in ("a", "b", "c"):
        workspace.journey(name, OK)
    plays = played(jobs=2, watch=watch)
    assert names([next(plays)]) == ["a"]
    with pytest.raises(Defect):
        next(plays)


def test_a_hundred_further_rows_need_no_further_memory(workspace, played, monkeypatch):
    monkeypatch.setattr("seatrial.accept.prepare.CAPTURED_SECRETS", 10)
    workspace.journey(
        "many",
        "- {request: {url: /token/t}, expect: {status: 200}, capture: {token: {jsonpath: $.token, secret: true}}}",
        head=f"rows: [{', '.join(f'{{n: {number}}}' for number in range(200))}]\n",
    )
    plays = played()
    for _ in range(50):
        next(plays)
    tracemalloc.start()
    try:
        for _ in range(20):
            next(plays)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            next(plays)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    plays.close()
    assert after - before < 60_000


def test_a_play_that_ends_as_the_patience_for_it_does_is_no_timeout_of_its_own(workspace, played, monkeypatch):
    class Late(Future):
        def result(self, timeout=None):
            found = super().result(20)
            if timeout is not None:
                raise TimeoutError
            return found

    monkeypatch.setattr("seatrial.accept.pool.Future", Late)
    for number in range(4):
        workspace.journey(f"j{number}", OK)
    assert [one.result.passed for one in played(jobs=2)] == [True] * 4


def test_only_the_play_that_is_waited_for_begins_while_those_that_are_over_hold_too_much(
    workspace, played, service, monkeypatch
):
    monkeypatch.setattr("seatrial.accept.held.HELD_BYTES", -1)
    for number in range(12):
        workspace.journey(f"j{number:02}", OK)
    assert names(played(jobs=4)) == [f"j{number:02}" for number in range(12)]
    assert service.most == 1


def test_enough_ends_workers_that_may_not_begin(workspace, played, service, monkeypatch):
    monkeypatch.setattr("seatrial.accept.held.HELD_BYTES", -1)
    for number in range(12):
        workspace.journey(f"j{number:02}", OK)
    plays = played(jobs=4)
    next(plays)
    plays.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("worker ")]


POLLS = "- {request: {url: /large/1000}, retry: {max: 4, interval: 0ms}, expect: {status: 503}}"


def test_no_body_of_a_poll_is_held_where_no_report_needs_it(workspace, played):
    workspace.journey("a", POLLS)
    [one] = played()
    assert [(exchange.answer.body, exchange.left_out) for exchange in one.exchanges] == [(b"", 1002)] * 4
    assert len(one.result.steps[0].last.answer.body) == 1002


def test_of_bodies_that_are_kept_the_newest_are_kept(workspace, played, monkeypatch):
    monkeypatch.setattr("seatrial.accept.held.BODIES_BYTES", 2500)
    workspace.journey("a", POLLS)
    [one] = played(evidence=Evidence.BODIES)
    assert [exchange.left_out for exchange in one.exchanges] == [1002, 1002, 0, 0]
    assert weight(one) == 2 * 1002


class TestPacer:
    def test_turns_are_an_interval_apart_and_what_was_not_used_is_not_made_up_for(self, clock):
        pacer, at = Pacer(10.0), []
        for pause in (0.0, 0.0, 0.0, 5.0, 0.0):
            clock.advance(pause)
            pacer.wait(clock)
            at.append(round(clock.elapsed, 3))
        assert at == [0.0, 0.1, 0.2, 5.2, 5.3]

    def test_without_a_cap_nobody_waits(self, clock):
        pacer = Pacer(None)
        for _ in range(100):
            pacer.wait(clock)
        assert clock.elapsed == 0.0

    def test_two_clients_share_one_cap(self, clock, service):
        pacer = Pacer(2.0)
        request = Request("GET", f"http://127.0.0.1:{service.server_port}/ok")
        with PacedClient(pacer, clock) as one, PacedClient(pacer, clock) as other:
            for client in (one, other, one, other):
                assert client.send(request).status == 200
        assert clock.elapsed == 1.5

    def test_waiting_for_a_turn_is_no_latency_and_is_before_the_exchange(self, workspace, played, service):
        workspace.journey("a", OK)
        workspace.journey("b", OK)
        first, second = played(pacer=Pacer(0.5))
        assert second.exchanges[0].sent_at - first.exchanges[0].sent_at >= 1.9
        assert second.samples[0].latency_s < 1.9
