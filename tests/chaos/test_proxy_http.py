"""HTTP-aware toxics on the wire. Ours alone."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress

import pytest
from wire import GET, OK, POST, Wire


@pytest.fixture
def wire(our_server, upstream, dial):
    proxy = our_server.proxy(upstream.port)
    return Wire(proxy, dial(proxy), upstream)


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


def ends_of(wire):
    page = wire.proxy.server.ask("GET", "/exchanges?limit=10000").json()
    mine = [each for each in page["exchanges"] if each["edge"] == wire.proxy.name and each["event"] == "end"]
    return mine[-3:]


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


def line(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("attributes", "hit", "missed"),
    [
        ({"route": "/cards/*"}, line("GET", "/cards/7?a=1"), line("GET", "/cards/")),
        ({"route": "/cards/*/charges"}, line("POST", "/cards/7/x/charges"), line("POST", "/cards/7/charges/2")),
        ({"route": "/cards/{id}/charges"}, line("POST", "/cards/7/charges"), line("POST", "/cards/7/8/charges")),
        ({"route": "*/charges"}, line("POST", "http://y/cards/charges"), line("POST", "/charges")),
        ({"route": "POST /cards/7.a"}, line("POST", "/cards/7.a"), line("POST", "/cards/7xa")),
        ({"route": "POST /cards/7"}, line("POST", "/cards/7"), line("GET", "/cards/7")),
        ({"method": "delete"}, line("DELETE", "/"), line("GET", "/")),
        ({"request_headers": {"x-tenant": "Blue*"}}, line("GET", "/", "X-Tenant: Blue1"), line("GET", "/")),
        (
            {"request_headers": {"X-A": "1", "X-B": "2"}},
            line("GET", "/", "X-B: 2", "X-A: 1"),
            line("GET", "/", "X-A: 1", "X-B: 3"),
        ),
    ],
)
def test_only_the_selected_requests_are_hit(wire, attributes, hit, missed):
    wire.add("http_error", **attributes)
    wire.ask(missed + hit)
    wire.arrives(missed)
    wire.callee.sendall(OK)
    assert [wire.answered()[0], wire.answered()[0]] == [200, 503]
    counted = wire.proxy.server.counters(wire.proxy.name)["toxics"]
    assert counted == {"http_error_downstream": {"matched": 1, "hit": 1}}


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    size = re.search(rb"Content-Length: (\d+)", head)
    return end and len(body) == (int(size[1]) if size else 0)


class Series:
    """Sends requests over fresh connections to an upstream that always answers, and tells which got an error."""

    def __init__(self, proxy, dial):
        self._proxy, self._dial = proxy, dial

    def statuses(self, requests, *, connections=1):
        found = []
        for part in range(connections):
            with self._dial(self._proxy) as caller:
                for request in requests[part::connections]:
                    caller.sendall(request)
                    answer = b""
                    while not is_whole(answer):
                        answer += caller.recv(65_536)
                    found.append(int(answer.split()[1]))
        return found


@pytest.fixture
def answering():
    """The port of an upstream that answers every request without a body by 204."""
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer_all, args=(listening,), daemon=True).start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def _answer_all(listening):
    with suppress(OSError):
        while True:
            connected, _ = listening.accept()
            threading.Thread(target=_answer_one, args=(connected,), daemon=True).start()


def _answer_one(connected):
    with suppress(OSError), connected:
        while data := connected.recv(65_536):
            connected.sendall(b"HTTP/1.1 204 No Content\r\n\r\n" * data.count(b"\r\n\r\n"))


def add(proxy, **attributes):
    body = {"type": "http_error", "name": attributes.pop("name", ""), "attributes": attributes}
    assert proxy.ask("POST", "/toxics", body).status_code == 200


def test_the_first_so_many_are_hit_over_all_connections(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, first=3, method="POST", retry_after=1)
    series = Series(proxy, dial)
    assert series.statuses([line("GET", "/")] * 2) == [204] * 2
    assert series.statuses([line("POST", "/")] * 6, connections=3) == [503] * 3 + [204] * 3


def test_every_so_manieth_is_hit_and_two_toxics_make_a_pattern(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, name="third", every=3)
    series = Series(proxy, dial)
    assert series.statuses([GET] * 6) == [204, 204, 503] * 2
    add(proxy, name="half", every=2, status=500)
    assert series.statuses([GET] * 6) == [204, 500, 503] * 2


def test_an_update_keeps_the_counts(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, first=2)
    series = Series(proxy, dial)
    assert series.statuses([GET] * 1) == [503]
    assert proxy.ask("PATCH", "/toxics/http_error_downstream", {"attributes": {"status": 500}}).status_code == 200
    assert series.statuses([GET] * 2) == [500, 204]


def test_probability_is_drawn_for_each_request_and_the_seed_draws_the_same(start_ours, answering, dial):
    def hits(seed):
        proxy = start_ours("--seed", seed).proxy(answering, name="p")
        add(proxy, probability=0.5)
        return Series(proxy, dial).statuses([GET] * 60)

    first, same, other = hits("7"), hits("7"), hits("8")
    assert first == same != other
    assert 15 <= first.count(503) <= 45


def test_a_probability_of_zero_hits_none(our_server, answering, dial):
    proxy = our_server.proxy(answering)
    add(proxy, probability=0)
    assert Series(proxy, dial).statuses([GET] * 20) == [204] * 20


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"


def everything(caller):
    found = b""
    while more := caller.recv(65_536):
        found += more
    return found


@pytest.mark.parametrize(
    ("answer", "size", "passed"),
    [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi",
            4,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi",
            0,
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        ),
        (CHUNKED, 5, CHUNKED[:52]),
        (b"HTTP/1.1 200 OK\r\n\r\nno length at all", 9, b"HTTP/1.1 200 OK\r\n\r\nno length"),
    ],
)
@pytest.mark.parametrize("piece", [1000, 3])
def test_http_truncate_breaks_off_in_the_body_and_closes(wire, answer, size, passed, piece):
    wire.add("http_truncate", bytes=size)
    wire.ask(GET)
    wire.arrives(GET)
    with suppress(OSError):  # the proxy may close before all of it is sent
        for start in range(0, len(answer), piece):
            wire.callee.sendall(answer[start : start + piece])
    assert everything(wire.caller) == passed


def test_http_truncate_spares_bodies_that_are_not_longer_and_answers_without(wire):
    wire.add("http_truncate", bytes=2)
    for request, answer in ((GET, OK), (line("HEAD", "/"), b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")):
        wire.ask(request)
        wire.arrives(request)
        wire.callee.sendall(answer)
        assert wire.answered(to=request.split()[0].decode())[0] == 200


def test_http_truncate_cuts_an_injected_error_that_was_added_behind_it(wire):
    wire.add("http_truncate", bytes=3)
    wire.add("http_error", body="no way")
    wire.ask(GET)
    assert everything(wire.caller).endswith(b"Content-Length: 6\r\n\r\nno ")


class Watch:
    """Milliseconds since it was made."""

    def __init__(self):
        self._start = time.monotonic()

    def read_ms(self):
        return (time.monotonic() - self._start) * 1000


def test_http_delay_holds_single_answers_and_those_behind_wait(wire):
    wire.add("http_delay", delay=3000, route="/slow")
    watch = Watch()
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert wire.answered()[0] == 200
    quick_ms = watch.read_ms()
    slow, watch = line("GET", "/slow"), Watch()
    wire.ask(slow + GET)
    wire.arrives(slow + GET)
    wire.callee.sendall(CHUNKED.replace(b"200", b"201") + OK)
    assert wire.answered()[0] == 201
    assert quick_ms < 3000 <= watch.read_ms()
    assert everything_up_to(wire, b"0\r\n\r\n" + OK)


def everything_up_to(wire, end):
    while not wire._unread.endswith(end):
        wire._unread += wire.caller.recv(65_536)
    return True


def test_http_delay_upstream_holds_the_request_itself(wire):
    wire.add("http_delay", stream="upstream", delay=300)
    watch = Watch()
    wire.ask(POST + GET)
    wire.nothing_arrives(for_s=0.1)
    wire.arrives(POST + GET)
    assert watch.read_ms() >= 300


def test_http_delay_delays_an_injected_error_that_was_added_behind_it(wire):
    wire.add("http_delay", delay=200)
    wire.add("http_error")
    watch = Watch()
    wire.ask(b"GET / HTTP/1.0\r\n\r\n")
    assert everything(wire.caller).startswith(b"HTTP/1.1 503")
    assert watch.read_ms() >= 200


def test_http_delay_lets_go_when_it_is_removed(wire, is_silent):
    toxics = [wire.add("http_delay", delay=60_000), wire.add("http_delay", stream="upstream", delay=60_000)]
    wire.ask(GET)
    wire.nothing_arrives(for_s=0.1)
    wire.proxy.remove(toxics[1])
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert is_silent(wire.caller, for_s=0.1)
    wire.proxy.remove(toxics[0])
    assert wire.answered()[0] == 200


def test_a_delayed_answer_that_the_upstream_closes_behind_is_done(wire, wait_until):
    wire.add("http_delay", delay=100)
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(b"HTTP/1.1 200 OK\r\n\r\nuntil close")
    wire.callee.close()
    assert everything(wire.caller) == b"HTTP/1.1 200 OK\r\n\r\nuntil close"
    wire.caller.close()
    wait_until(lambda: ends_of(wire))
    assert ends_of(wire)[0]["fate"] == "done"


def test_jitter_draws_for_each_answer(start_ours, answering, dial):
    def took_ms():
        proxy = start_ours("--seed", "3").proxy(answering, name="p")
        body = {"type": "http_delay", "attributes": {"delay": 30, "jitter": 30}}
        assert proxy.ask("POST", "/toxics", body).status_code == 200
        series, found = Series(proxy, dial), []
        for _ in range(8):
            watch = Watch()
            series.statuses([GET])
            found.append(watch.read_ms())
        return found

    found = took_ms()
    assert max(found) - min(found) > 5


JSON = b'{"balance": 100, "owner": {"name": "Ada"}, "items": [1, 2]}'


def answer_of(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunks_of(body):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    return (
        head + b"5;a=b\r\n" + body[:5] + b"\r\n" + b"%x\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\nX-T: 1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("attributes", "status", "body"),
    [
        ({"status": 500}, 500, JSON),
        ({"body": "else"}, 200, b"else"),
        ({"body": ""}, 200, b""),
        ({"json": {"/balance": None}}, 200, b'{"balance":null,"owner":{"name":"Ada"},"items":[1,2]}'),
        ({"json": {"/owner/name": "Bob", "/items/1": {"x": "\u00fc"}}}, 200,
         '{"balance":100,"owner":{"name":"Bob"},"items":[1,{"x":"\u00fc"}]}'.encode()),
        ({"json": {"/new": True}, "status": 201}, 201,
         b'{"balance":100,"owner":{"name":"Ada"},"items":[1,2],"new":true}'),
        ({"json": {"": [1]}}, 200, b"[1]"),
        ({"json": {"/nowhere/at": 1}}, 200, JSON),
        ({"json": {"/items/9": 1}}, 200, JSON),
        ({"json": {"/items/-1": 1}}, 200, JSON),
        ({"json": {"/balance/x": 1}}, 200, JSON),
    ],
)  # fmt: skip
@pytest.mark.parametrize("framed", [answer_of, chunks_of])
def test_http_replace_changes_what_is_answered(wire, attributes, status, body, framed):
    wire.add("http_replace", headers={"X-New": "1"}, **attributes)
    for _ in range(2):
        wire.ask(GET)
        wire.arrives(GET)
        sent = framed(JSON)
        wire.callee.sendall(sent[:30])
        wire.callee.sendall(sent[30:])
        found, headers, read = wire.answered()
        assert (found, headers["x-new"]) == (status, "1")
        if "transfer-encoding" in headers:
            assert everything_up_to(wire, b"X-T: 1\r\n\r\n")
            assert read + wire._unread == sent.partition(b"\r\n\r\n")[2]
            wire._unread = b""
        else:
            assert read == body


@pytest.mark.parametrize(
    "answer",
    [
        answer_of(b"no json"),
        answer_of(JSON, "Content-Encoding: gzip"),
        answer_of(b'{"balance": "' + b"x" * 2_000_000 + b'"}'),
        answer_of(b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=["no json", "encoded", "long", "deep"],
)
def test_http_replace_leaves_a_body_it_cannot_read(wire, read_exactly, answer):
    wire.add("http_replace", json={"/balance": 1})
    wire.ask(GET)
    wire.arrives(GET)
    sender = threading.Thread(target=wire.callee.sendall, args=(answer,))
    sender.start()
    assert read_exactly(wire.caller, len(answer)) == answer
    sender.join()


def test_http_replace_takes_the_place_of_a_body_of_any_length_and_of_none(wire):
    wire.add("http_replace", body="short", status=502, headers={"Content-Type": "text/plain"})
    big = answer_of(bytes(3_000_000), "Content-Encoding: br", "Content-Type: image/png")
    for answer in (big, b"HTTP/1.1 204 No Content\r\n\r\n"):
        wire.ask(GET)
        wire.arrives(GET)
        wire.callee.sendall(answer)
        status, headers, body = wire.answered()
        assert (status, body, headers["content-type"]) == (502, b"short", "text/plain")
        assert "content-encoding" not in headers


def test_http_replace_of_an_answer_that_ends_with_the_connection(wire):
    wire.add("http_replace", json={"/balance": 0})
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + JSON)
    wire.callee.close()
    assert wire.answered()[2] == b'{"balance":0,"owner":{"name":"Ada"},"items":[1,2]}'


def test_http_replace_of_an_answer_that_breaks_off_breaks_it_off(wire):
    wire.add("http_replace", json={"/balance": 0})
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(answer_of(JSON)[:-5])
    wire.callee.close()
    assert everything(wire.caller) == answer_of(JSON)[:-5]


def test_http_replace_has_no_body_to_change_for_head(wire):
    wire.add("http_replace", body="else")
    head = line("HEAD", "/")
    wire.ask(head + GET)
    wire.arrives(head + GET)
    wire.callee.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + OK)
    assert wire.answered(to="HEAD")[1]["content-length"] == "4"
    assert wire.answered()[2] == b"else"


def test_two_replacements_follow_one_another(wire):
    wire.add("http_replace", name="one", body='{"a": 1}', status=400)
    wire.add("http_replace", name="two", json={"/b": 2})
    wire.ask(GET)
    wire.arrives(GET)
    wire.callee.sendall(OK)
    assert wire.answered()[::2] == (400, b'{"a":1,"b":2}')


@pytest.mark.parametrize(
    ("kind", "attributes", "said"),
    [
        ("http_replace", {}, "http_replace: nothing is replaced; status, headers, body or json is needed"),
        ("http_replace", {"status": 204}, "http_replace: status 204 has no body; take another"),
        ("http_replace", {"json": {"a": 1}}, "a JSON Pointer, as /items/0/price is needed"),
        ("http_replace", {"json": [1]}, "json is [1]; an object is needed"),
        ("http_truncate", {"bytes": -1}, "http_truncate has bytes -1; 0 to"),
        ("http_delay", {"delay": -1}, "http_delay has delay -1; 0 to"),
    ],
)
def test_settings_of_the_others_that_cannot_be_are_refused(our_server, echo, kind, attributes, said):
    answer = our_server.proxy(echo).ask("POST", "/toxics", {"type": kind, "attributes": attributes})
    assert answer.status_code == 400
    assert said in answer.json()["error"]
