"""HTTP-aware toxics on answers that come from the upstream: cut off, held back, replaced."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest
from wire import GET, OK, POST, Series, ends_of, line

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
