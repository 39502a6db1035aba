"""The load child's client, in a process of its own as it always runs: what a server does, and the cause it gets."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import subprocess
import sys
import threading
import time

import brotli
import pytest

import misbehaving as bad
from ports import free_port
from seatrial import http
from seatrial.exchange import Request
from seatrial.http.destination import destination_of

PROBE = """
import json, sys
from seatrial.exchange import Connection, Request, Response, Tls
from seatrial.scenarios.load import child_http
client, STALE_WITHIN_S = child_http.LoadClient(), child_http._STALE_WITHIN_S
print(json.dumps([child_http.MAX_BODY_BYTES, child_http.KEEP_ALIVE_S]), flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    body = wanted["body"].encode() if wanted["body"] else None
    headers = tuple(map(tuple, wanted["headers"]))
    connection = Connection(tls=Tls(**wanted.pop("tls", {})))
    child_http._STALE_WITHIN_S = wanted.get("stale_within_s", STALE_WITHIN_S)
    rest = {name: wanted[name] for name in ("max_body_bytes", "path_as_is") if name in wanted}
    sent = (wanted["method"], wanted["url"], headers, body, wanted["timeout_s"], connection)
    repeats = []
    answer = client.send(Request(*sent, **rest), lambda: repeats.append(1))
    if isinstance(answer, Response):
        told = [answer.status, answer.body[:100].decode(), dict(answer.headers), answer.latency_s]
    else:
        told = [answer.cause, answer.detail, {}, answer.latency_s]
    print(json.dumps([*told, len(repeats)] if wanted.get("count_repeats") else told), flush=True)
client.close()
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PATIENT_S = 4.0  # a busy machine sees an end later than it was


class Probe:
    """The client at the other end of two pipes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.constants = json.loads(process.stdout.readline())

    def send(self, url, *, method="GET", headers=(), body=None, timeout_s=5.0, **rest):
        wanted = {"method": method, "url": url, "headers": headers, "body": body, "timeout_s": timeout_s, **rest}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture(scope="module")
def probe():
    process = subprocess.Popen(
        [sys.executable, "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Probe(process)
        process.stdin.close()
        assert process.wait(10) == 0


def says(*pieces: bytes, pause_s: float = 0.0, keep: bool = False):
    """A server that sends the pieces, one pause apart, then closes or keeps the connection."""

    def answer(connection, path):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        return keep

    return answer


def resets(connection, path):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


PACKED = gzip.compress(b"unpacked")
BOMB = gzip.compress(b"\0" * (11 << 20))
VALID = {
    "length": (OK, "hi"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\nall of it", "all of it"),
    "two answers": (OK + OK, "hi"),
    "after 100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "hi"),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
        "unpacked",
    ),
    "br over gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n\r\n" + brotli.compress(PACKED),
        "unpacked",
    ),
}
BROKEN = {
    "nothing": (b"", "reset"),
    "half a head": (b"HTTP/1.1 200 O", "truncated"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "truncated"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "truncated"),
    "not HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
    "half a gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + PACKED[:20],
        "truncated",
    ),
    "no gzip": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "protocol"),
    "unknown encoding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: sdch\r\nContent-Length: 3\r\n\r\nabc", "protocol"),
    "too large": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (11 << 20), "too_large"),
    "bomb": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
        "too_large",
    ),
}


@pytest.mark.parametrize("kind", VALID)
def test_a_valid_answer_comes_with_its_whole_decoded_body(probe, raw_server, kind):
    wire, body = VALID[kind]
    status, text, _, _ = probe.send(raw_server(says(wire)).url)
    assert (status, text) == (200, body)


@pytest.mark.parametrize("kind", BROKEN)
def test_an_invalid_answer_has_its_cause(probe, raw_server, kind):
    wire, cause = BROKEN[kind]
    assert probe.send(raw_server(says(wire)).url)[0] == cause


def test_a_reset_is_a_reset(probe, raw_server):
    assert probe.send(raw_server(resets).url)[0] == "reset"


def test_nobody_listening_is_refused(probe):
    assert probe.send(f"http://127.0.0.1:{free_port()}/")[0] == "refused"


def test_a_name_nobody_knows_is_dns(probe):
    assert probe.send("http://no.such.host.invalid/")[0] == "dns"


def test_a_plain_server_asked_for_tls_is_tls(probe, raw_server):
    url = raw_server(says(b"not TLS at all\r\n")).url.replace("http:", "https:")
    assert probe.send(url)[0] == "tls"


def test_silence_is_a_timeout_and_a_drip_is_a_drip_within_one_total_deadline(probe, raw_server):
    silent = raw_server(says(pause_s=0.0, keep=True)).url
    cause, detail, _, latency_s = probe.send(silent, timeout_s=0.3)
    assert (cause, detail) == ("timeout", "no byte of an answer within 300 ms")
    assert latency_s >= 0.3
    drip = raw_server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", *[b"x"] * 30, pause_s=0.1)).url
    cause, _, _, latency_s = probe.send(drip, timeout_s=0.5)
    assert cause == "drip"
    assert latency_s < 2.5


NO_PORTS = ("http://127.0.0.1:0/", "http://127.0.0.1:99999/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a b", "ftp://127.0.0.1/", "http://127.0.0.1:port/", "nowhere", *NO_PORTS]
)
def test_what_http_cannot_say_is_never_sent(probe, url):
    assert probe.send(url)[0] == "protocol"


def test_a_line_break_in_a_header_is_never_sent(probe, target):
    assert probe.send(target.url, headers=[["X-Note", "a\r\nX-Evil: 1"]])[0] == "protocol"
    assert not target.seen


def test_one_connection_serves_many_requests(probe, target):
    for _ in range(5):
        assert probe.send(f"{target.url}/a", method="POST", body="{}")[0] == 201
    assert (target.connections, target.seen["POST /a"]) == (1, 5)


def test_a_kept_connection_closed_meanwhile_makes_no_failure(probe, raw_server):
    server = raw_server(says(OK))  # closes after each answer without saying so
    for _ in range(20):
        assert probe.send(server.url, stale_within_s=PATIENT_S)[0] == 200
    assert len(server.paths) == 20


def closes_the_kept(after_s: float):
    """A server that answers the first request of a connection, and ends it that long after it has the second."""
    seen = set()

    def answer(connection, path):
        if connection in seen:
            time.sleep(after_s)
            return False
        seen.add(connection)
        connection.sendall(OK)
        return True

    return answer


def test_a_kept_connection_closed_at_our_request_is_tried_afresh_once_and_told(probe, raw_server):
    server = raw_server(closes_the_kept(0.0))
    asked = {"count_repeats": True, "stale_within_s": PATIENT_S}
    told = [probe.send(f"{server.url}{path}", **asked) for path in ("/first", "/again")]
    assert [(each[0], each[-1]) for each in told] == [(200, 0), (200, 1)]
    assert server.paths == ["/first", "/again", "/again"]


def test_a_kept_connection_closed_while_our_request_is_worked_on_is_a_failure(probe, raw_server):
    server = raw_server(closes_the_kept(0.15))
    assert [probe.send(f"{server.url}{path}")[0] for path in ("/first", "/again")] == [200, "reset"]
    assert server.paths == ["/first", "/again"]


def test_what_may_do_harm_twice_is_not_sent_twice_by_either_door(probe, raw_server):
    seen = set()

    def answer(connection, path):
        if connection in seen:
            return False
        seen.add(connection)
        connection.sendall(OK)
        return True

    server = raw_server(answer)
    assert probe.send(f"{server.url}/first")[0] == 200
    found = probe.send(f"{server.url}/again", method="POST")[:2]
    with http.open_client() as client:
        theirs = [client.send(Request(method, f"{server.url}/theirs")) for method in ("GET", "POST")][1]
    assert found == ["reset", theirs.detail]
    assert server.paths == ["/first", "/again", "/theirs", "/theirs"]


def test_a_fresh_connection_closed_at_our_request_is_not_tried_again(probe, raw_server):
    server = raw_server(says())
    assert probe.send(server.url)[0] == "reset"
    assert len(server.paths) == 1


def test_it_agrees_with_the_httpx_door_on_what_it_takes(probe):
    assert probe.constants == [http.MAX_BODY_BYTES, http.KEEP_ALIVE_S]


@pytest.mark.parametrize("kind", [*VALID, *BROKEN])
def test_it_finds_the_same_as_the_httpx_door(probe, raw_server, kind):
    url = raw_server(says((VALID | BROKEN)[kind][0])).url
    theirs = http.get(url, timeout_s=5.0)
    found = probe.send(url)[0]
    assert found == (theirs.cause if hasattr(theirs, "cause") else theirs.status)


def test_it_finds_the_same_limit_as_the_request_says(probe, raw_server):
    url = raw_server(says(OK)).url
    assert probe.send(url, max_body_bytes=2)[0] == 200
    assert probe.send(url, max_body_bytes=1)[0] == "too_large"


@pytest.mark.parametrize("user", ["ada:p%40w@", "ada@", ":pw@", "@", ""])
def test_user_of_a_url_is_told_as_by_the_httpx_door(probe, user):
    with bad.Server(bad.says(bad.OK)) as server:
        url = server.url.replace("//", f"//{user}")
        probe.send(url)
        http.get(url, timeout_s=5.0)
    ours, theirs = (
        [line for line in head.split(b"\r\n") if line.startswith(b"Authorization:")] for head in server.requests
    )
    assert ours == theirs
    assert len(ours) == (len(user) > 1)


def test_headers_are_the_requests_own(probe):
    with bad.Server(bad.says(bad.OK)) as server:
        probe.send(server.url, headers=[["X-b", "1"], ["x-A", "2"]])
    lines = server.requests[0].split(b"\r\n")[1:-2]
    assert lines == [b"Host: 127.0.0.1:%d" % server.port, b"X-b: 1", b"x-A: 2"]


@pytest.mark.parametrize("path", ["/a/../b", "/../../b", "/a/./b/.", "/a/b/..", "/a//../b", "/..", "/a?x=/../y"])
def test_path_is_resolved_as_the_httpx_door_does_unless_it_is_to_be_sent_as_it_is(probe, path):
    with bad.Server(bad.says(bad.OK)) as server:
        for as_is in (False, True):
            probe.send(f"http://127.0.0.1:{server.port}{path}", path_as_is=as_is)
            wanted = destination_of(f"http://127.0.0.1{path}", path_as_is=as_is).url.target
            assert server.requests[-1].split(b" ")[1] == wanted


def test_tls_is_checked_or_not_as_the_request_says(probe, authority):
    certificate, key = authority.issue("load", password="open sesame")
    with bad.Server(bad.says(bad.OK), tls=authority.context(client_ca=authority.ca)) as server:
        ours = {"certificate": certificate, "key": key, "password": "open sesame"}
        assert probe.send(server.url, tls={"ca": authority.ca, **ours})[0] == 200
        assert probe.send(server.url, tls={"verify": False, **ours})[0] == 200
        assert probe.send(server.url, tls=ours)[0] == "tls"
        assert probe.send(server.url, tls={"ca": authority.ca})[0] == "tls"
        assert probe.send(server.url, tls={"ca": authority.ca, "certificate": "/no/such", "key": key})[0] == "tls"


def test_connections_of_different_tls_are_not_shared(probe, authority):
    with bad.Server(bad.keeps_saying(bad.OK, bad.OK), tls=authority.context()) as server:
        for tls in ({"verify": False}, {"ca": authority.ca}, {"verify": False}):
            assert probe.send(server.url, tls=tls)[0] == 200
    assert server.accepted == 2


def test_a_kept_connection_that_speaks_unasked_is_of_no_more_use(probe, raw_server):
    unasked = threading.Semaphore(0)

    def answer(connection, path):
        connection.sendall(OK)
        time.sleep(0.05)
        connection.sendall(OK.replace(b"hi", b"no"))
        unasked.release()
        return True

    server = raw_server(answer)
    for path in ("/a", "/b"):
        assert probe.send(f"{server.url}{path}")[:2] == [200, "hi"]
        assert unasked.acquire(timeout=20)
    assert server.paths == ["/a", "/b"]


MANY = """
import sys, time
import gevent
from seatrial.exchange import Request
from seatrial.scenarios.load.child_http import LoadClient
client = LoadClient()
def late(timeout_s):
    answer = client.send(Request("GET", sys.argv[1], timeout_s=timeout_s))
    return answer.cause, 0 <= answer.latency_s - timeout_s < 1.0
waits = (2.0, 0.3, 0.301, 1.0, 0.2)
began = time.monotonic()
greenlets = [gevent.spawn(late, timeout_s) for timeout_s in waits]
gevent.joinall(greenlets, raise_error=True)
assert [greenlet.value for greenlet in greenlets] == [("timeout", True)] * len(waits), [g.value for g in greenlets]
"""


def test_each_of_many_exchanges_under_way_has_its_own_deadline(raw_server):
    silent = raw_server(says(keep=True)).url
    subprocess.run([sys.executable, "-c", MANY, silent], check=True, timeout=30)
