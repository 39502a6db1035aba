"""Connecting and TLS handshakes that fail or hang have their word, and end in time."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
from misbehaviour_parts import DEADLINE_S, GENEROUS_S, HEAD, sent

import misbehaving as bad
from ports import free_port
from seatrial.exchange import Connection, HttpVersion, Tls
from seatrial.sample import Cause


def test_nobody_listening_is_refused():
    assert sent(f"http://127.0.0.1:{free_port()}/", timeout_s=GENEROUS_S).cause is Cause.REFUSED


@pytest.fixture
def full_port():
    """A port whose queue of connections is full: one more is neither accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def test_connecting_that_hangs_ends_at_the_deadline(full_port):
    answer = sent(f"http://127.0.0.1:{full_port}/")
    assert (answer.cause, answer.detail) == (Cause.CONNECT, "no connection within 600 ms")


def test_connecting_has_a_time_of_its_own(full_port):
    answer = sent(
        f"http://127.0.0.1:{full_port}/", timeout_s=GENEROUS_S, connection=Connection(connect_timeout_s=0.2)
    )
    assert (answer.cause, answer.detail) == (Cause.CONNECT, "no connection within 200 ms")
    assert answer.latency_s < GENEROUS_S / 2


def test_time_to_connect_is_no_time_to_answer():
    with bad.Server(bad.accepts_and_waits) as server:
        answer = sent(server.url, connection=Connection(connect_timeout_s=0.3))
    assert answer.cause is Cause.TIMEOUT
    assert answer.latency_s >= DEADLINE_S * 0.9


def test_resolution_that_hangs_ends_at_the_deadline(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [][: over.wait(GENEROUS_S)])
    answer = sent("http://slow.invalid/")
    over.set()
    assert (answer.cause, answer.detail) == (Cause.DNS, "no address within 600 ms")


def test_name_that_cannot_be_one_is_a_dns_error():
    assert sent(f"http://{'a' * 70}.invalid/", timeout_s=GENEROUS_S).cause in (Cause.DNS, Cause.PROTOCOL)


def tls_misbehaviours(authority, folder):
    stranger = bad.Authority(folder, "Stranger")
    old = authority.context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    return {
        "expired": (bad.says(bad.OK), authority.context(from_day=-9, to_day=-2), "expired"),
        "not yet": (bad.says(bad.OK), authority.context(from_day=2, to_day=9), "not yet valid"),
        "another host": (bad.says(bad.OK), authority.context(hosts=("other.invalid",)), "not valid for"),
        "unknown authority": (bad.says(bad.OK), stranger.context(), "certificate does not hold"),
        "no certificate of ours": (
            bad.says(bad.OK),
            authority.context(client_ca=authority.ca),
            "certificate required",
        ),
        "no TLS": (bad.says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None, "is this a TLS port?"),
        "noise": (bad.says(bytes(range(256))), None, "TLS"),
        "end in the handshake": (lambda server, connection: None, None, ""),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "expired",
        "not yet",
        "another host",
        "unknown authority",
        "no certificate of ours",
        "no TLS",
        "noise",
        "end in the handshake",
    ],
)
def test_each_failure_of_tls_is_told(authority, tmp_path, kind):
    script, context, words = tls_misbehaviours(authority, tmp_path)[kind]
    with bad.Server(raw(script) if context is None else script, tls=context) as server:
        url = server.url.replace("http:", "https:")
        answer = sent(url, timeout_s=GENEROUS_S, connection=Connection(tls=Tls(ca=authority.ca)))
    assert answer.cause in (Cause.TLS, Cause.RESET if kind == "end in the handshake" else Cause.TLS), answer
    assert words in answer.detail


def raw(script):
    """The script, after any bytes have come: a hello of TLS is no request."""

    def run(server, connection):
        connection.recv(65536)
        server.request = lambda _: b""
        script(server, connection)

    return run


def test_no_common_version_of_tls_is_told(authority):
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with bad.Server(bad.says(bad.OK), tls=context) as server, pytest.MonkeyPatch.context() as patch:
        from seatrial.http import tls

        old = tls.context_of(Tls(ca=authority.ca), HttpVersion.V1_1)
        patch.setattr(old, "maximum_version", ssl.TLSVersion.TLSv1_2)
        answer = sent(server.url, timeout_s=GENEROUS_S, connection=Connection(tls=Tls(ca=authority.ca)))
    assert answer.cause is Cause.TLS
    assert "version" in answer.detail


@pytest.mark.parametrize("script", [bad.accepts_and_waits, bad.drips_a_tls_record], ids=["silent", "dripping"])
def test_handshake_that_hangs_ends_at_the_deadline(script):
    with bad.Server(script) as server:
        answer = sent(server.url.replace("http:", "https:"))
    assert answer.cause is Cause.CONNECT


TLS_DRIPS = {
    "slow head": bad.drips(HEAD + b"X: "),
    "slow body": bad.drips(HEAD + b"Content-Length: 100000\r\n\r\n"),
}


@pytest.mark.parametrize("kind", TLS_DRIPS)
def test_drip_over_tls_ends_at_the_deadline(authority, kind):
    with bad.Server(TLS_DRIPS[kind], tls=authority.context()) as server:
        answer = sent(server.url, timeout_s=2.0, connection=Connection(tls=Tls(ca=authority.ca)))
    assert answer.cause is Cause.DRIP
