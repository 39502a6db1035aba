"""HTTP-aware toxics on the wire: errors in place of answers, and what passes untouched. Ours alone."""

from __future__ import annotations

import socket
import threading

import pytest
from wire import GET, OK, POST, Wire, ends_of, line


def test_http_error_answers_and_the_upstream_never_sees_the_request(wire):
    wire.add("http_error", status=503, body='{"no": 1}', headers={"Content-Type": "application/json"}, retry_after=7)
    wire.ask(POST)
    status, headers, body = wire.answered()
    assert (status, body) == (503, b'{"no": 1}')
    assert (headers["retry-after"], headers["content-type"]) == ("7", "application/json")
    wire.nothing_arrives()


def test_http_error_leaves_the_connection_open_until_it_is_removed(wire):
    toxic = wire.add("http_error")
    for _ in range(3):
        wire.ask(POST + GET)
        assert [wire.answered()[0], wire.answered()[0]] == [503, 503]
    wire.proxy.remove(toxic)
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert wire.answered()[::2] == (200, b"ok")


def test_http_error_with_forward_lets_the_work_be_done_and_loses_the_answer(wire):
    wire.add("http_error", status=500, forward=True)
    for answer in (OK, b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"):
        wire.ask(POST)
        wire.arrives(POST)
        wire.callee.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        assert wire.answered()[0] == 103
        wire.callee.sendall(answer)
        assert wire.answered()[::2] == (500, b"injected by seatrial\n")


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\n\r\nall of it", b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"],
)
def test_http_error_in_place_of_an_answer_that_ends_the_connection_ends_it_too(wire, how_it_ended, answer):
    wire.add("http_error", forward=True)
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(answer)
    wire.callee.close()
    status, headers, _ = wire.answered()
    assert (status, headers["connection"]) == (503, "close")
    assert how_it_ended(wire.caller) == "end"


@pytest.mark.parametrize(
    ("request_bytes", "connection"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "close"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep-alive"),
    ],
)
def test_http_error_closes_the_connection_when_the_caller_would(wire, how_it_ended, request_bytes, connection):
    wire.add("http_error", status=404)
    wire.ask(request_bytes)
    status, headers, _ = wire.answered()
    assert (status, headers["connection"]) == (404, connection)
    if connection == "close":
        assert how_it_ended(wire.caller) == "end"
    else:
        wire.ask(request_bytes)
        assert wire.answered()[0] == 404


def test_http_error_to_head_has_no_body(wire):
    wire.add("http_error")
    wire.ask(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    assert wire.answered(to="HEAD")[1]["content-length"] == "21"
    assert wire.answered()[2] == b"injected by seatrial\n"


def test_a_request_whose_body_comes_in_pieces_is_answered_when_it_is_complete(wire, is_silent):
    wire.add("http_error")
    wire.ask(b"POST / HTTP/1.1\r\nHo")
    wire.ask(b"st: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbo")
    assert is_silent(wire.caller, for_s=0.1)
    wire.ask(b"dy\r\n0\r\n\r\n" + GET)
    assert [wire.answered()[0], wire.answered()[0]] == [503, 503]
    wire.nothing_arrives()


def test_a_caller_that_waits_to_be_told_to_go_on_is_told_no_and_the_connection_closed(wire, how_it_ended):
    wire.add("http_error", status=429)
    wire.ask(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    status, headers, _ = wire.answered()
    assert (status, headers["connection"]) == (429, "close")
    assert how_it_ended(wire.caller) == "end"


def test_a_body_that_is_not_http_in_a_withheld_request_ends_the_connection(wire, how_it_ended):
    wire.add("http_error")
    wire.ask(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n")
    assert wire.answered()[1]["connection"] == "close"
    assert how_it_ended(wire.caller) in ("end", "reset")
    assert wire.callee.recv(100) == b""


@pytest.mark.parametrize("asked", [b"\x16\x03\x01 not http at all", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_is_not_http_passes_untouched_and_is_counted(wire, read_exactly, asked):
    wire.add("http_error")
    wire.ask(asked)
    wire.arrives(asked)
    wire.callee.sendall(b"\x00\x01answer")
    assert read_exactly(wire.caller, 8) == b"\x00\x01answer"
    assert wire.proxy.server.counters(wire.proxy.name)["connections_opaque"] == 1


BROKEN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno chunk\r\n"


def test_an_error_in_place_of_an_answer_that_stops_being_http_is_given_at_once(wire, how_it_ended):
    wire.add("http_error", forward=True)
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(BROKEN)
    status, headers, _ = wire.answered()
    assert (status, headers["connection"]) == (503, "close")
    assert how_it_ended(wire.caller) == "end"


def test_an_answer_to_be_replaced_that_stops_being_http_passes_as_it_was(wire, read_exactly):
    wire.add("http_replace", json={"/a": 1})
    wire.ask(GET)
    wire.arrives(GET)
    for _ in range(2):
        wire.callee.sendall(BROKEN)
        assert read_exactly(wire.caller, len(BROKEN)) == BROKEN


def test_a_tunnel_passes_untouched(wire, read_exactly):
    wire.add("http_error")
    connect = b"CONNECT y:1 HTTP/1.1\r\nHost: y:1\r\n\r\n"
    wire.ask(connect)
    wire.arrives(connect)
    wire.callee.sendall(b"HTTP/1.1 200 OK\r\n\r\n\x00\x01")
    assert read_exactly(wire.caller, 21) == b"HTTP/1.1 200 OK\r\n\r\n\x00\x01"
    wire.ask(GET)
    wire.arrives(GET)


def test_an_upgraded_connection_passes_untouched(wire, read_exactly):
    upgrade = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi"
    wire.ask(upgrade)
    wire.arrives(upgrade)
    wire.add("http_error")
    wire.callee.sendall(switched)
    assert read_exactly(wire.caller, len(switched)) == switched
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert read_exactly(wire.caller, len(OK)) == OK


def test_a_toxic_that_comes_in_the_middle_of_a_message_begins_with_the_next(wire, read_exactly):
    wire.ask(POST[:-2])
    wire.arrives(POST[:-2])
    wire.add("http_error")
    wire.ask(POST[-2:] + GET[:9])
    wire.arrives(POST[-2:])
    wire.callee.sendall(OK[:-1])
    wire.ask(GET[9:])
    assert read_exactly(wire.caller, len(OK) - 1) == OK[:-1]
    wire.callee.sendall(OK[-1:])
    assert read_exactly(wire.caller, 1) == OK[-1:]
    assert wire.answered()[0] == 503
    wire.nothing_arrives()


def test_a_toxic_that_comes_in_the_middle_of_a_head_leaves_it_alone(wire):
    wire.ask(GET[:9])
    wire.arrives(GET[:9])
    wire.add("http_error")
    wire.ask(GET[9:] + GET)
    wire.arrives(GET[9:])
    wire.callee.sendall(OK[:5])
    wire.callee.sendall(OK[5:])
    assert [wire.answered()[0], wire.answered()[0]] == [200, 503]


def test_answers_keep_the_order_of_their_requests(wire):
    wire.ask(GET)
    wire.arrives(GET)
    wire.add("http_error")
    wire.ask(GET)
    wire.callee.sendall(OK)
    assert [wire.answered()[0], wire.answered()[0]] == [200, 503]


def test_a_network_toxic_hits_what_is_answered_here(wire, is_silent):
    wire.add("http_error")
    held = wire.add("bandwidth", rate=0)
    wire.ask(GET)
    assert is_silent(wire.caller)
    wire.proxy.remove(held)
    assert wire.answered()[0] == 503


def test_the_observer_sees_what_the_caller_sees(wire, wait_until):
    wire.add("http_error", status=429)
    wire.ask(POST + GET)
    assert [wire.answered()[0], wire.answered()[0]] == [429, 429]
    wire.proxy.remove("http_error_downstream")
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert wire.answered()[0] == 200
    counters = wire.proxy.server.counters(wire.proxy.name)
    assert (counters["by_status"], counters["requests_total"]) == ({"200": 1, "429": 2}, 3)
    wait_until(lambda: wire.proxy.server.counters(wire.proxy.name)["requests_open"] == 0)
    ended = ends_of(wire)
    assert [each["status"] for each in ended] == [429, 429, 200]
    assert [each["fate"] for each in ended] == ["done"] * 3
    assert [each["forwarded_s"] is None for each in ended] == [True, True, False]


def test_toxicity_spares_whole_connections(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port)
    wire = Wire(proxy, dial(proxy), upstream)
    wire.add("http_error", toxicity=0.0)
    wire.ask(GET)
    wire.arrives(GET)
    assert proxy.ask("PATCH", "/toxics/http_error_downstream", {"toxicity": 1.0}).status_code == 200
    wire.ask(GET)
    wire.callee.sendall(OK)
    assert [wire.answered()[0], wire.answered()[0]] == [200, 503]


def test_an_update_changes_what_is_answered(wire):
    wire.add("http_error", status=500, retry_after=3)
    answer = wire.proxy.ask("PATCH", "/toxics/http_error_downstream", {"attributes": {"status": 404}})
    assert answer.json()["attributes"] == {
        "route": "", "method": "", "request_headers": {}, "probability": 1.0, "first": None, "every": None,
        "status": 404, "body": "injected by seatrial\n", "headers": {}, "retry_after": 3, "forward": False,
    }  # fmt: skip
    wire.ask(GET)
    assert wire.answered()[0] == 404


def test_a_big_withheld_body_is_not_kept(wire):
    wire.add("http_error")
    size = 8 * 1024 * 1024
    wire.ask(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    assert wire.answered()[0] == 503
    wire.nothing_arrives()


def test_a_lease_that_runs_out_takes_the_toxic_off(wire, wait_until):
    body = {"type": "http_error", "lease": {"holder": "run-1", "ttl_s": 600}}
    assert wire.proxy.ask("POST", "/toxics", body).status_code == 200
    wire.ask(GET)
    assert wire.answered()[0] == 503
    wire.proxy.server.ask("POST", "/leases/run-1", {"ttl_s": 0.2})
    wait_until(lambda: wire.proxy.ask("GET", "/toxics").json() == [])
    wire.ask(GET)
    wire.arrives(GET)


def test_a_caller_that_does_not_read_the_errors_is_held_up(wire):
    wire.add("http_error", body="x" * 20_000)
    request = line("GET", "/", "X-Long: " + "y" * 16_000)
    sender = threading.Thread(target=wire.caller.sendall, args=(request * 2000,))
    sender.start()
    sender.join(1.0)
    held_up = sender.is_alive()
    assert [wire.answered()[0] for _ in range(2000)] == [503] * 2000
    sender.join()
    assert held_up
    wire.nothing_arrives()


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"status": 200}, "http_error has status 200; 400 to 599 is needed"),
        ({"status": "503"}, "status is"),
        ({"retry_after": -1}, "http_error has retry_after -1; 0 to 86400 is needed"),
        ({"headers": {"X": "a\r\nY: b"}}, "a name without spaces and a value of one line"),
        ({"headers": {"X": 1}}, "an object of strings is needed"),
        ({"headers": {"Content-Length": "3"}}, "no Content-Length: the proxy frames what it answers itself"),
        ({"body": "x" * 300_000}, "at most 262144 bytes"),
        ({"route": "cards"}, "a path, as /cards/*, or METHOD /cards/* is needed"),
        ({"method": "PO ST"}, "a method, as POST is needed"),
        ({"request_headers": {"a b": "c"}}, "a name is needed"),
        ({"probability": 1.5}, "http_error has probability 1.5; 0 to 1 is needed"),
        ({"first": 0}, "http_error has first 0; 1 to"),
        ({"every": 0}, "http_error has every 0; 1 to"),
    ],
)
def test_attributes_that_cannot_be_are_refused(our_server, echo, attributes, said):
    proxy = our_server.proxy(echo)
    answer = proxy.ask("POST", "/toxics", {"type": "http_error", "attributes": attributes})
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert proxy.ask("GET", "/toxics").json() == []


def test_http_error_acts_on_answers_only(our_server, echo):
    answer = our_server.proxy(echo).ask("POST", "/toxics", {"type": "http_error", "stream": "upstream"})
    assert answer.json()["error"] == "bad request body: http_error acts on answers; stream downstream is needed"


def test_a_caller_that_leaves_in_the_middle_of_a_withheld_request_leaves_nothing(wire, wait_until):
    wire.add("http_error")
    wire.ask(POST[:-2])
    wire.caller.shutdown(socket.SHUT_RDWR)
    wire.callee.close()
    wait_until(lambda: wire.proxy.server.counters(wire.proxy.name)["connections_open"] == 0)
