"""When HTTP is read: asked for, followed, or needed by a fault; on a live connection from its next request on."""

from __future__ import annotations

import socket

import pytest

from seatrial import http
from seatrial.chaos.seen.observe import EdgeWatch
from seatrial.clock import SystemClock

REQUEST = b"GET /cards/7 HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Unobserved:
    """A caller and a callee with a proxy between them that does not read HTTP."""

    def __init__(self, proxy, *, caller, callee, read_exactly):
        self.proxy, self.caller, self.callee = proxy, caller, callee
        self._read_exactly = read_exactly

    def ask(self, data=REQUEST):
        self.caller.sendall(data)
        assert self._read_exactly(self.callee, len(data)) == data

    def answer(self, data=ANSWER):
        self.callee.sendall(data)
        assert self._read_exactly(self.caller, len(data)) == data

    def exchange(self):
        self.ask()
        self.answer()

    def observe(self, wanted):
        assert self.proxy.ask("PATCH", body={"observe": wanted}).status_code == 200

    def counters(self):
        return self.proxy.server.counters(self.proxy.name)

    def requests(self):
        """How many were seen, and how many of them are open."""
        counters = self.counters()
        return counters["requests_total"], counters["requests_open"]


@pytest.fixture
def talk(our_server, upstream, dial, read_exactly):
    proxy = our_server.proxy(upstream.port, observe=False)
    return Unobserved(proxy, caller=dial(proxy), callee=upstream.accept(), read_exactly=read_exactly)


def test_proxy_that_does_not_read_http_counts_bytes_and_connections_alone(talk):
    talk.exchange()
    counters = talk.counters()
    assert (counters["observed"], counters["requests_total"], counters["by_status"]) == (False, 0, {})
    assert (counters["bytes_up"], counters["bytes_passed_up"]) == (len(REQUEST), len(REQUEST))
    assert (counters["bytes_down"], counters["bytes_passed_down"]) == (len(ANSWER), len(ANSWER))
    assert (counters["connections_total"], counters["connections_opaque"]) == (1, 0)
    assert "observe" not in talk.proxy.ask("GET").json()


def test_process_reads_no_http_unless_told_to(start_ours, echo):
    server = start_ours()
    server.proxy(echo, name="quiet")
    server.proxy(echo, name="told", observe=True)
    assert server.ask("GET", "/exchanges").json()["observed"] == ["told"]
    assert server.ask("GET", "/proxies/told").json()["observe"] is True


def test_live_connection_is_read_from_its_next_request_on(talk):
    talk.exchange()
    talk.observe(True)
    talk.exchange()
    assert talk.requests() == (1, 0)
    assert talk.counters()["by_route"][0]["count"] == 1


def test_connection_on_which_nothing_was_said_is_read_from_its_first_byte_on(talk):
    talk.observe(True)
    talk.ask(REQUEST[:5])
    talk.ask(REQUEST[5:])
    talk.answer()
    assert talk.requests() == (1, 0)


def test_exchange_under_way_is_left_out_and_the_next_one_is_seen(talk):
    talk.ask()
    talk.observe(True)
    talk.answer()
    assert talk.requests() == (0, 0)
    talk.exchange()
    assert (talk.requests(), talk.counters()["connections_opaque"]) == ((1, 0), 0)


def test_body_that_looks_like_a_request_is_none_and_its_connection_is_left_alone(talk):
    talk.ask(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(REQUEST))
    talk.observe(True)
    talk.ask(REQUEST)
    talk.answer()
    talk.exchange()
    assert (talk.requests(), talk.counters()["connections_opaque"]) == ((0, 0), 1)


def test_request_that_goes_on_after_its_answer_is_followed_to_its_end(talk):
    talk.observe(True)
    talk.ask(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na")
    talk.answer()
    talk.observe(False)
    talk.ask(b"bc")
    talk.exchange()
    talk.observe(True)
    talk.exchange()
    assert (talk.requests(), talk.counters()["connections_opaque"]) == ((2, 0), 0)


def test_answer_that_was_held_before_is_not_taken_for_the_first_that_is_seen(talk, read_exactly, wait_until):
    talk.proxy.add("latency", name="slow", latency=60_000)
    talk.ask()
    talk.callee.sendall(ANSWER)
    talk.observe(True)
    wait_until(lambda: talk.counters()["bytes_down"] == len(ANSWER))
    talk.ask()
    talk.proxy.remove("slow")
    assert read_exactly(talk.caller, len(ANSWER)) == ANSWER
    assert talk.requests() == (1, 1)
    talk.answer()
    assert talk.requests() == (1, 0)


def test_answer_is_done_when_its_own_last_byte_has_passed_whatever_was_held_before_it(talk, read_exactly, wait_until):
    talk.proxy.add("latency", name="slow", latency=60_000)
    talk.ask()
    talk.callee.sendall(ANSWER)
    talk.observe(True)
    wait_until(lambda: talk.counters()["bytes_down"] == len(ANSWER))
    talk.ask()
    talk.proxy.remove("slow")
    assert read_exactly(talk.caller, len(ANSWER)) == ANSWER
    talk.proxy.add("slicer", name="slow", average_size=10, delay=60_000_000)
    talk.callee.sendall(ANSWER)
    assert talk.caller.recv(1) == ANSWER[:1]
    assert (talk.requests(), talk.counters()["by_status"]) == ((1, 1), {"200": 1})
    talk.proxy.remove("slow")
    assert read_exactly(talk.caller, len(ANSWER) - 1) == ANSWER[1:]
    assert talk.requests() == (1, 0)


def test_exchange_that_is_open_is_seen_to_its_end_and_no_other_after(talk):
    talk.observe(True)
    talk.ask()
    talk.observe(False)
    assert talk.requests() == (1, 1)
    talk.answer()
    talk.exchange()
    assert talk.requests() == (1, 0)
    talk.observe(True)
    talk.exchange()
    assert talk.requests() == (2, 0)


def test_fault_of_http_reads_for_itself_while_it_acts(talk):
    talk.exchange()
    talk.proxy.add("http_error", name="e", status=503)
    assert talk.counters()["observed"]
    talk.caller.sendall(REQUEST)
    assert talk.caller.recv(65_536).startswith(b"HTTP/1.1 503 ")
    talk.proxy.remove("e")
    talk.exchange()
    counters = talk.counters()
    assert (counters["observed"], counters["requests_total"], counters["by_status"]) == (False, 1, {"503": 1})


def test_reading_ends_with_the_exchange_that_a_fault_still_had_to_do_with(talk):
    talk.proxy.add("http_delay", name="d", delay=0)
    talk.ask()
    talk.proxy.remove("d")
    talk.answer()
    talk.exchange()
    assert talk.requests() == (1, 0)


def test_every_proxy_reads_while_somebody_follows(talk, wait_until):
    host, _, port = talk.proxy.server.api.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as follower:
        follower.sendall(b"GET /exchanges HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n")
        wait_until(lambda: talk.counters()["observed"])
        talk.exchange()
        told = b""
        while b"event: end" not in told:
            told += follower.recv(65_536)
    wait_until(lambda: (talk.exchange(), not talk.counters()["observed"])[1])


def test_what_is_not_http_passes_and_is_counted_once(talk):
    talk.observe(True)
    for _ in range(3):
        talk.ask(b"\x16\x03\x01 not http \r\n\r\n")
        talk.answer(b"\x16\x03\x01 nor this")
    talk.observe(False)
    talk.observe(True)
    talk.exchange()
    assert (talk.requests(), talk.counters()["connections_opaque"]) == ((0, 0), 1)


def test_request_to_a_dead_upstream_is_refused_unread(our_server, upstream, dial, how_it_ended):
    upstream.close()
    proxy = our_server.proxy(upstream.port, observe=False)
    caller = dial(proxy)
    caller.sendall(REQUEST)
    assert how_it_ended(caller) == "reset"
    assert our_server.counters(proxy.name)["bytes_up"] == len(REQUEST)


def test_watch_of_calls_has_the_proxy_read_http(talk):
    watching = EdgeWatch(talk.proxy.server.api, "run", edges={talk.proxy.name: "a->b"}, clock=SystemClock())
    watching.start()
    talk.exchange()
    assert [call.path for call in watching.poll()] == ["/cards/7"]


def test_watch_of_a_proxy_that_is_gone_begins_all_the_same(our_server):
    EdgeWatch(our_server.api, "run", edges={"gone": "a->b"}, clock=SystemClock()).start()
    answer = http.get(f"{our_server.api}/proxies/gone", timeout_s=5.0)
    assert getattr(answer, "status", None) == 404
