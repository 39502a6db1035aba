"""HTTP faults on a proxy that read no HTTP before: on open connections, whatever is under way there."""

from __future__ import annotations

import socket
import threading

import pytest
from wire import GET, OK, POST, Wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
CHUNKED_POST = b"POST /cards HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
EXPECTING = b"POST /cards HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Live(Wire):
    """A connection that has carried an exchange unread, and on which whole messages pass as they are."""

    def passes(self, request):
        self.ask(request)
        self.arrives(request)

    def comes_back(self, answer):
        self.callee.sendall(answer)
        found = self._unread
        while len(found) < len(answer) and (more := self.caller.recv(len(answer) - len(found))):
            found += more
        assert found == answer
        self._unread = b""

    def next_is_hit(self):
        self.ask(GET)
        assert self.answered()[0] == 503
        self.nothing_arrives(for_s=0.05)

    def is_left_alone(self):
        for _ in range(2):
            self.passes(GET)
            self.comes_back(OK)
        counters = self.proxy.server.counters(self.proxy.name)
        assert (counters["connections_opaque"], counters["requests_total"]) == (1, 0)


@pytest.fixture
def live(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port, observe=False)
    connected = Live(proxy, dial(proxy), upstream)
    connected.passes(POST)
    connected.comes_back(CHUNKED)
    return connected


def test_idle_connection_is_hit_at_its_next_request(live):
    live.add("http_error")
    live.next_is_hit()


def test_each_connection_of_a_pool_is_hit_at_its_next_request(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port, observe=False)
    pool = [Live(proxy, dial(proxy), upstream) for _ in range(20)]
    for connected in pool:
        connected.passes(GET)
        connected.comes_back(OK)
    pool[0].add("http_error", every=2)
    for connected in pool:
        connected.ask(GET)
    for connected in pool[::2]:
        connected.arrives(GET)
        connected.comes_back(OK)
    assert [connected.answered()[0] for connected in pool[1::2]] == [503] * 10
    assert our_server.counters(proxy.name)["toxics"] == {"http_error_downstream": {"matched": 20, "hit": 10}}


def test_next_answer_is_replaced(live):
    live.add("http_replace", body="else")
    live.passes(GET)
    live.callee.sendall(OK)
    assert live.answered()[::2] == (200, b"else")


def test_next_answer_is_truncated(live, read_exactly):
    live.add("http_truncate", bytes=1)
    live.passes(GET)
    live.callee.sendall(OK)
    assert read_exactly(live.caller, len(OK)) == OK[:-1]


def test_next_answer_is_delayed(live, is_silent):
    toxic = live.add("http_delay", delay=60_000)
    live.passes(GET)
    live.callee.sendall(OK)
    assert is_silent(live.caller, for_s=0.1)
    live.proxy.remove(toxic)
    assert live.answered()[0] == 200


@pytest.mark.parametrize("request_bytes", [POST, CHUNKED_POST, GET])
@pytest.mark.parametrize("cut", [4, 17, -9, -2])
def test_request_under_way_goes_on_untouched_and_the_next_one_is_hit(live, request_bytes, cut):
    live.passes(request_bytes[:cut])
    live.add("http_error")
    live.passes(request_bytes[cut:])
    live.comes_back(OK)
    live.next_is_hit()


@pytest.mark.parametrize("answer", [OK, CHUNKED, GO_ON + OK, b"HTTP/1.1 103 Early Hints\r\n\r\n" + CHUNKED])
@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_answer_under_way_goes_on_untouched_and_the_next_one_is_hit(live, answer, cut):
    live.passes(POST)
    live.comes_back(answer[:cut])
    live.add("http_error")
    live.comes_back(answer[cut:])
    live.next_is_hit()


def test_megabytes_under_way_both_ways_arrive_as_they_are(live, read_exactly):
    size = 4_000_000
    body = bytes(range(256)) * (size // 256)
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    for sends, reads, message in ((live.caller, live.callee, head + body), (live.callee, live.caller, answer)):
        sender = threading.Thread(target=sends.sendall, args=(message,))
        sender.start()
        found = read_exactly(reads, 100_000)
        toxic = live.add("http_error")
        found += read_exactly(reads, len(message) - len(found))
        sender.join()
        live.proxy.remove(toxic)
        assert found == message
    live.add("http_error")
    live.next_is_hit()


def test_head_request_under_way_has_no_body_and_the_next_one_is_hit(live):
    live.passes(GET.replace(b"GET", b"HEAD"))
    live.add("http_error")
    live.comes_back(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    live.next_is_hit()


def test_body_that_was_waited_for_is_none_of_the_requests_though_it_may_look_so(live):
    live.passes(EXPECTING.replace(b"4", b"%d" % len(GET)))
    live.add("http_error")
    live.comes_back(GO_ON)
    live.passes(GET)
    live.comes_back(OK)
    live.is_left_alone()


def test_body_that_was_waited_for_passes_and_the_next_request_is_hit(live):
    live.passes(EXPECTING)
    live.add("http_error")
    live.comes_back(GO_ON)
    live.passes(b"body")
    live.comes_back(OK)
    live.next_is_hit()


@pytest.mark.parametrize("before", [GET, POST[:-2], GET[:9], GET + GET])
def test_answers_of_pipelined_requests_keep_their_order_and_the_connection_is_left_alone(live, before):
    every = POST + GET if before == POST[:-2] else GET + GET + GET
    live.passes(before)
    live.add("http_error")
    live.passes(every[len(before) :])
    answers = OK + CHUNKED
    live.comes_back(answers[:-3])
    live.passes(GET)
    live.comes_back(answers[-3:] + OK)
    live.is_left_alone()


def test_connection_that_is_upgraded_passes_untouched(live):
    live.passes(b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    live.add("http_error")
    live.comes_back(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
    live.is_left_alone()


def test_frames_of_a_connection_that_was_upgraded_before_pass_untouched(live):
    live.passes(b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    live.comes_back(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    live.add("http_error")
    for _ in range(3):
        live.passes(b"\x81\x85\x00\x00\x00\x00hello")
        live.comes_back(b"\x81\x05hello")


def test_fault_that_comes_again_hits_the_next_request_though_the_last_was_answered_by_the_proxy(live):
    for _ in range(3):
        toxic = live.add("http_error")
        live.next_is_hit()
        live.proxy.remove(toxic)
    live.passes(GET)
    live.comes_back(OK)


def test_fault_whose_share_is_updated_spares_and_hits_the_connection_as_it_says(live):
    toxic = live.add("http_error")
    live.next_is_hit()
    for share in (0, 1):
        assert live.proxy.ask("PATCH", f"/toxics/{toxic}", {"toxicity": share}).status_code == 200
        if share:
            live.next_is_hit()
        else:
            live.passes(GET)
            live.comes_back(OK)


def test_fault_that_comes_and_goes_in_the_middle_of_messages_changes_nothing(live):
    for cut in range(1, len(POST)):
        live.passes(POST[:cut])
        toxic = live.add("http_error")
        live.passes(POST[cut:])
        live.proxy.remove(toxic)
        live.comes_back(CHUNKED[:cut])
        toxic = live.add("http_delay", delay=60_000)
        live.comes_back(CHUNKED[cut:])
        live.proxy.remove(toxic)


def test_end_of_a_connection_under_way_passes(live, how_it_ended):
    live.passes(GET)
    live.add("http_error")
    live.callee.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil the close")
    live.callee.shutdown(socket.SHUT_WR)
    assert live.caller.recv(100, socket.MSG_WAITALL).endswith(b"until the close")
    assert how_it_ended(live.caller) == "end"


@pytest.mark.parametrize("piece", [GET[:9], b"hello", b"POST / HTTP/1.1\r\nHost"])
def test_beginning_of_a_request_that_the_caller_ends_behind_is_not_lost(live, piece):
    live.add("http_error")
    live.ask(piece)
    live.caller.shutdown(socket.SHUT_WR)
    live.arrives(piece)
    assert live.callee.recv(1) == b""


def test_beginning_of_an_answer_that_the_upstream_ends_behind_is_not_lost(live, read_exactly):
    live.add("http_truncate", bytes=5)
    live.passes(GET + GET)
    live.callee.sendall(OK + CHUNKED[:40])
    live.callee.shutdown(socket.SHUT_WR)
    assert read_exactly(live.caller, len(OK) + 40) == OK + CHUNKED[:40]


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_delay_that_held_so_much_that_reading_stopped_lets_all_of_it_go_when_it_is_removed(
    live, read_exactly, stream
):
    body = bytes(20_000_000)
    message = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    sends, reads = live.callee, live.caller
    toxic = live.add("http_delay", stream=stream, delay=60_000)
    if stream == "upstream":
        message = message.replace(b"HTTP/1.1 200 OK", b"POST / HTTP/1.1")
        sends, reads = reads, sends
    else:
        live.passes(GET)
    sender = threading.Thread(target=sends.sendall, args=(message,))
    sender.start()
    sender.join(0.3)
    assert sender.is_alive()
    live.proxy.remove(toxic)
    assert read_exactly(reads, len(message)) == message
    sender.join()


def test_answer_that_was_to_be_lost_is_lost_though_its_fault_is_removed_before_it_comes(live):
    toxic = live.add("http_error", forward=True)
    live.passes(GET)
    live.proxy.remove(toxic)
    live.callee.sendall(OK)
    assert live.answered()[0] == 503
    live.passes(GET)
    live.comes_back(OK)


def test_fault_that_was_removed_does_not_come_back_with_another(live):
    live.proxy.remove(live.add("http_error"))
    live.add("http_delay", delay=1)
    live.passes(GET)
    live.callee.sendall(OK)
    assert live.answered()[0] == 200


def test_what_is_no_http_comes_behind_the_answer_that_is_still_held(live, read_exactly, is_silent):
    toxic = live.add("http_delay", delay=60_000)
    live.passes(GET)
    pieces = [OK, b"\x00 no http\r\n\r\n", b"nor this"]
    for piece in pieces:
        live.callee.sendall(piece)
        assert is_silent(live.caller, for_s=0.1)
    live.proxy.remove(toxic)
    assert read_exactly(live.caller, len(b"".join(pieces))) == b"".join(pieces)


def test_caller_that_would_wait_with_no_body_is_answered_and_stays(live):
    live.add("http_error")
    for _ in range(2):
        live.ask(b"GET /cards/7 HTTP/1.1\r\nExpect: 100-continue\r\n\r\n")
        status, headers, _ = live.answered()
        assert (status, headers.get("connection")) == (503, None)


def test_error_waits_for_the_end_of_the_answer_before_it(our_server, upstream, dial, read_exactly, is_silent):
    proxy = our_server.proxy(upstream.port)
    wire = Wire(proxy, dial(proxy), upstream)
    wire.add("http_error", route="/b")
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK[:-1])
    assert read_exactly(wire.caller, len(OK) - 1) == OK[:-1]
    wire.ask(GET.replace(b"/cards/7", b"/b"))
    assert is_silent(wire.caller, for_s=0.1)
    wire.callee.sendall(OK[-1:])
    assert read_exactly(wire.caller, 1) == OK[-1:]
    assert wire.answered()[0] == 503
