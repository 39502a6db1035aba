"""Who shares a connection, over HTTP/1.1 and HTTP/2, and what a request costs."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time

import pytest
from http_parts import GENEROUS_S, V2, sent

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request, Tls
from seatrial.http.engine import httpx
from seatrial.sample import Cause


def test_only_requests_with_equal_settings_share_a_connection():
    settings = (Connection(), Connection(), Connection(connect_timeout_s=9), Connection(proxy=""), Connection())
    with bad.Server(bad.keeps_saying(*[bad.OK] * 5)) as server, http.open_client() as client:
        answers = [client.send(Request("GET", server.url, timeout_s=GENEROUS_S, connection=one)) for one in settings]
    assert [answer.timings.connect_s is None for answer in answers] == [False, True, False, False, True]
    assert server.accepted == 3


def test_connection_the_server_has_ended_meanwhile_is_not_used():
    with bad.Server(bad.says(bad.OK)) as server, http.open_client() as client:
        for number in range(1, 4):
            assert client.send(Request("GET", server.url, timeout_s=GENEROUS_S)).body == b"hi"
            wait_for_end(client)
            assert server.accepted == number


def answers_once(server, connection):
    """One answer a connection; a second request on it is met with its end."""
    server.request(connection)
    connection.sendall(bad.OK)
    server.request(connection)


def test_kept_connection_closed_at_our_request_is_tried_afresh_once():
    with bad.Server(answers_once) as server, http.open_client() as client:
        ask = Request("PUT", server.url, body=b"{}", timeout_s=GENEROUS_S)
        assert [client.send(ask).status for _ in range(3)] == [200] * 3
    assert (server.accepted, len(server.requests)) == (3, 5)


def resets_the_second(server, connection):
    server.request(connection)
    connection.sendall(bad.OK)
    bad.resets(server, connection)


@pytest.mark.parametrize("script", [answers_once, resets_the_second])
@pytest.mark.parametrize("method", ["POST", "PATCH", "MAKE"])
def test_what_may_do_harm_twice_is_not_sent_twice(method, script):
    with bad.Server(script) as server, http.open_client() as client:
        ask = Request(method, server.url, body=b"{}", timeout_s=GENEROUS_S)
        first, second, third = (client.send(ask) for _ in range(3))
    assert (first.status, second.cause, third.status) == (200, Cause.RESET, 200)
    assert (
        second.detail == f"the kept connection was closed without an answer, and {method} is not sent twice unasked"
    )
    assert (server.accepted, len(server.requests)) == (2, 3)


@pytest.mark.parametrize("version", [HttpVersion.V1_1, V2])
def test_post_after_the_server_has_ended_an_idle_connection_goes_over_a_fresh_one(version):
    def answers_one(state, stream):
        bad.answers_over_http2(state, stream)
        state.close_connection()

    script = bad.Http2(answers_one) if version is V2 else bad.says(bad.OK)
    settings = Connection(http_version=version)
    with bad.Server(script) as server, http.open_client() as client:
        for _ in range(3):
            ask = Request("POST", server.url, body=b"{}", timeout_s=GENEROUS_S, connection=settings)
            assert client.send(ask).status == 200
            wait_for_end(client)
    assert len(server.requests) == 3


def test_kept_connection_that_ends_later_is_a_failure(monkeypatch):
    monkeypatch.setattr("seatrial.http.progress.STALE_WITHIN_S", 0.0)
    with bad.Server(answers_once) as server, http.open_client() as client:
        first, second = (client.send(Request("GET", server.url, timeout_s=GENEROUS_S)) for _ in range(2))
    assert (first.status, second.cause, server.accepted) == (200, Cause.RESET, 1)


def test_fresh_connection_closed_at_our_request_is_not_tried_again():
    with bad.Server(bad.closes_at_once) as server:
        assert sent(server.url).cause is Cause.RESET
    assert server.accepted == 1


def wait_for_end(client):
    """Until the server's end of the kept connection has come."""
    for idle in client._pool._idle.values():
        for carrier in idle:
            select.select([carrier.line._socket], [], [], GENEROUS_S)


def test_threads_of_one_client_do_not_wait_for_each_other():
    entered = threading.Barrier(3, timeout=GENEROUS_S)

    def meets(server, connection):
        server.request(connection)
        entered.wait()
        connection.sendall(bad.OK)

    answers = []
    with bad.Server(meets) as server, http.open_client() as client:
        ask = Request("GET", server.url, timeout_s=GENEROUS_S)
        threads = [threading.Thread(target=lambda: answers.append(client.send(ask))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=GENEROUS_S)
    assert [answer.status for answer in answers] == [200] * 3


def test_http2_is_spoken_at_once_over_plain_tcp_and_keeps_its_connection():
    script = bad.Http2(bad.answers_over_http2)
    with bad.Server(script) as server, http.open_client() as client:
        settings = Connection(http_version=V2)
        ask = Request("POST", f"{server.url}a?b", (("X-Mine", "1"),), b"{}", GENEROUS_S, settings)
        first, second = client.send(ask), client.send(ask)
    assert (first.status, first.body, first.http_version) == (200, b"two", "2")
    assert first.header("Content-Type") == "text/plain"
    assert first.timings.first_byte_s >= 0
    assert second.timings.connect_s is None
    assert server.requests[0][":path"] == "/a?b"
    assert server.requests[0]["x-mine"] == "1"


def test_http2_over_tls_is_agreed(authority):
    context = authority.context(alpn=("h2", "http/1.1"))
    settings = Connection(http_version=V2, tls=Tls(ca=authority.ca))
    with bad.Server(bad.Http2(bad.answers_over_http2), tls=context) as server:
        answer = sent(server.url, settings)
    assert (answer.body, answer.http_version) == (b"two", "2")


@pytest.mark.parametrize("offered", [(), ("http/1.1",)])
def test_server_that_does_not_agree_on_http2_is_spoken_to_in_http1(authority, offered):
    settings = Connection(http_version=V2, tls=Tls(ca=authority.ca))
    with bad.Server(bad.says(bad.OK), tls=authority.context(alpn=offered)) as server:
        answer = sent(server.url, settings)
    assert (answer.body, answer.http_version) == (b"hi", "1.1")


def test_request_the_server_has_not_begun_with_goes_over_another_connection():
    def leaves_after_one(state, stream):
        if stream > 1:
            state.close_connection(0, last_stream_id=1)
        else:
            bad.answers_over_http2(state, stream)

    with bad.Server(bad.Http2(leaves_after_one)) as server, http.open_client() as client:
        ask = Request("POST", server.url, body=b"{}", timeout_s=GENEROUS_S, connection=Connection(http_version=V2))
        assert [client.send(ask).status for _ in range(3)] == [200] * 3
    assert server.accepted == 3


def test_large_bodies_go_over_http2_both_ways():
    size = 3 << 20

    def echoes(state, stream):
        state.send_headers(stream, [(":status", "200")])
        for _ in range(8):
            state.send_data(stream, b"y" * 8000)
        state.end_stream(stream)

    with bad.Server(bad.Http2(echoes)) as server:
        answer = sent(server.url, Connection(http_version=V2), body=b"x" * size)
    assert len(answer.body) == 64000


def cpu_s(ask, count=100):
    """Of this thread, the least of several rounds."""
    rounds = []
    for _ in range(7):
        before = time.thread_time()
        for _ in range(count):
            ask()
        rounds.append(time.thread_time() - before)
    return min(rounds)


def test_exchange_costs_less_than_over_the_client_of_httpx():
    def answers(server, connection):
        while server.request(connection):
            connection.sendall(bad.OK)

    headers = {"Accept": "*/*", "User-Agent": "seatrial", "X-Request-Id": "1"}
    with bad.Server(answers) as server, http.open_client() as ours, httpx.Client(trust_env=False) as theirs:
        ask = Request("GET", server.url, tuple(headers.items()), timeout_s=GENEROUS_S)
        assert cpu_s(lambda: ours.send(ask)) < cpu_s(lambda: theirs.get(server.url, headers=headers))


HEAVY = ("click", "rich", "pygments", "h2", "wsproto", "cryptography")


def imported(code, *, engine="httpx"):
    """The heavy modules there are after this code, in a process of its own."""
    code += f"\nimport sys; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SEATRIAL_HTTPX": engine},
    )
    return ran.stdout.strip() or ran.stderr.strip().splitlines()[-1]


def test_door_is_opened_without_what_only_some_requests_need():
    assert imported("from seatrial import http\nhttp.get('http://127.0.0.1:1/', timeout_s=5)") == "[]"


def test_command_line_of_httpx_can_still_be_imported():
    pytest.importorskip("rich")
    assert "rich" in imported("from seatrial import http\nimport httpx._main")


def test_httpx2_is_used_where_the_environment_says_so():
    pytest.importorskip("httpx2", reason="httpx2 is not installed")
    code = "from seatrial import http; from seatrial.http import engine; assert engine.httpx.__name__ == 'httpx2'"
    assert imported(code, engine="httpx2").startswith("[")


def test_httpx_that_is_none_is_refused_by_name():
    assert "SEATRIAL_HTTPX=httpy: there is no such httpx" in imported("from seatrial import http", engine="httpy")
