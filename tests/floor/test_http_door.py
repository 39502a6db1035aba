"""The door to httpx against servers that misbehave in every way a target can."""

from __future__ import annotations

import gzip
import inspect
import itertools
import json
import socket
import struct
import threading
import time
import zlib

import pytest

from ports import free_port
from seatrial import http
from seatrial.exchange import Broken, Request, Response
from seatrial.http.engine import httpcore
from seatrial.http.failure import CAUSES
from seatrial.sample import Cause, Outcome

DEADLINE_S = 1.0
GENEROUS_S = 20.0


def say(data):
    return lambda connection: connection.sendall(data)


def whole(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_answer_carries_status_headers_body_and_timings(serve):
    server = serve(say(whole(b"hello", "X-One: 1", "X-One: 2")))
    answer = http.get(server.url, timeout_s=GENEROUS_S)
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.http_version) == (200, b"hello", "1.1")
    assert [value for name, value in answer.headers if name == "X-One"] == ["1", "2"]
    assert answer.timings.connect_s is not None
    assert answer.timings.first_byte_s is not None
    assert answer.latency_s >= answer.timings.first_byte_s


def test_only_the_headers_given_are_sent_besides_what_http_needs(serve):
    server = serve(say(whole(b"")))
    http.request("GET", server.url, timeout_s=GENEROUS_S, headers=[("X-Mine", "yes")])
    names = [line.split(b":")[0].lower() for line in server.requests[0].split(b"\r\n")[1:] if line]
    assert sorted(names) == [b"host", b"x-mine"]


def test_json_is_posted_with_its_content_type(serve):
    server = serve(say(whole(b"")))
    http.post_json(server.url, {"a": [1]}, timeout_s=GENEROUS_S, headers=[("X-Mine", "yes")])
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {"a": [1]}


def test_connection_is_reused_and_says_so():
    def serve_two(connection):
        for _ in range(2):
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65536)
            connection.sendall(whole(b"again"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def run():
            connection, _ = listener.accept()
            with connection:
                serve_two(connection)

        thread = threading.Thread(target=run)
        thread.start()
        with http.open_client() as client:
            first, second = (
                client.send(Request("GET", f"http://127.0.0.1:{port}/", timeout_s=GENEROUS_S)) for _ in range(2)
            )
        thread.join(timeout=GENEROUS_S)
    assert first.timings.connect_s is not None
    assert second.timings.connect_s is None


def test_silence_until_the_deadline_is_a_timeout(serve):
    server = serve(lambda connection: server_waits(connection))
    answer = http.get(server.url, timeout_s=DEADLINE_S)
    assert answer.cause is Cause.TIMEOUT
    assert "no byte" in answer.detail


def server_waits(connection):
    connection.settimeout(GENEROUS_S)
    connection.recv(1)  # ends when the client hangs up


def drip_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"x")
        time.sleep(0.02)


def drip_head(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        connection.sendall(f"X-{number}: ".encode())
        time.sleep(0.02)


def endless_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\nx\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("script", [drip_body, drip_head, endless_body])
def test_drip_is_ended_by_the_total_deadline(serve, script):
    server = serve(script)
    started = time.monotonic()
    answer = http.get(server.url, timeout_s=DEADLINE_S)
    assert isinstance(answer, Broken)
    assert answer.cause is Cause.DRIP
    assert answer.latency_s >= DEADLINE_S * 0.9
    assert time.monotonic() - started < GENEROUS_S / 2, "a read was given more than the time that was left"


def test_drip_says_how_much_came(serve):
    answer = http.get(serve(drip_body).url, timeout_s=DEADLINE_S)
    assert " bytes in 1 s, but no whole answer" in answer.detail


def test_body_beyond_the_limit_is_too_large(serve):
    def flood(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(http.MAX_BODY_BYTES // 65536 + 10):
            connection.sendall(b"x" * 65536)

    answer = http.get(serve(flood).url, timeout_s=GENEROUS_S)
    assert answer.cause is Cause.TOO_LARGE
    assert "10 MiB" in answer.detail


def test_body_of_just_the_limit_is_taken(serve):
    answer = http.get(serve(say(whole(b"x" * http.MAX_BODY_BYTES))).url, timeout_s=GENEROUS_S)
    assert len(answer.body) == http.MAX_BODY_BYTES


def test_bomb_is_refused_before_it_is_unpacked(serve):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(200)) + packer.flush()
    answer = http.get(serve(say(whole(bomb, "Content-Encoding: gzip"))).url, timeout_s=GENEROUS_S)
    assert answer.cause is Cause.TOO_LARGE


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_encoded_body_is_decoded(serve, encoding, pack):
    answer = http.get(serve(say(whole(pack(b"hello"), f"Content-Encoding: {encoding}"))).url, timeout_s=GENEROUS_S)
    assert answer.body == b"hello"


def test_encoded_body_cut_short_is_truncated(serve):
    half = gzip.compress(bytes(range(256)) * 40)[:-20]
    answer = http.get(serve(say(whole(half, "Content-Encoding: gzip"))).url, timeout_s=GENEROUS_S)
    assert answer.cause is Cause.TRUNCATED


def test_encoded_body_that_is_not_what_it_says_is_a_protocol_error(serve):
    answer = http.get(serve(say(whole(b"plain", "Content-Encoding: gzip"))).url, timeout_s=GENEROUS_S)
    assert answer.cause is Cause.PROTOCOL


def test_empty_answer_may_claim_an_encoding(serve):
    head = b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"
    answer = http.get(serve(say(head)).url, timeout_s=GENEROUS_S)
    assert (answer.status, answer.body) == (204, b"")


def test_head_has_no_body_whatever_its_headers_say(serve):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nContent-Encoding: gzip\r\n\r\n"
    answer = http.request("HEAD", serve(say(head)).url, timeout_s=GENEROUS_S)
    assert (answer.status, answer.body) == (200, b"")


def test_close_in_the_middle_of_a_body_is_truncated(serve):
    server = serve(say(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"))
    assert http.get(server.url, timeout_s=GENEROUS_S).cause is Cause.TRUNCATED


def test_close_without_a_word_is_a_reset(serve):
    server = serve(lambda connection: None)
    assert http.get(server.url, timeout_s=GENEROUS_S).cause is Cause.RESET


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_tcp_reset_is_a_reset(serve):
    assert http.get(serve(reset).url, timeout_s=GENEROUS_S).cause is Cause.RESET


def test_refused_connection_is_refused():
    answer = http.get(f"http://127.0.0.1:{free_port()}/", timeout_s=GENEROUS_S)
    assert (answer.cause, answer.detail) == (Cause.REFUSED, "connection refused")


def test_answer_that_is_no_http_is_a_protocol_error(serve):
    assert http.get(serve(say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")).url, timeout_s=GENEROUS_S).cause is Cause.PROTOCOL


def test_server_without_tls_is_a_tls_error(serve):
    def speak_http(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                speak_http(connection)

        thread = threading.Thread(target=run)
        thread.start()
        answer = http.get(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout_s=GENEROUS_S)
        thread.join(timeout=GENEROUS_S)
    assert answer.cause is Cause.TLS


def test_name_that_does_not_resolve_is_a_dns_error(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert http.get("http://nobody.invalid/", timeout_s=GENEROUS_S).cause is Cause.DNS


def test_slow_name_resolution_ends_at_the_deadline(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [][: over.wait(GENEROUS_S)])
    answer = http.get("http://slow.invalid/", timeout_s=DEADLINE_S)
    over.set()
    assert answer.cause is Cause.DNS
    assert answer.latency_s < GENEROUS_S / 2


def test_second_address_is_tried_when_the_first_refuses(serve, monkeypatch):
    server = serve(say(whole(b"here")))
    port = int(server.url.rstrip("/").rpartition(":")[2])
    resolve = socket.getaddrinfo

    def resolve_both(host, *rest, **options):
        names = ("127.0.0.2", "127.0.0.1") if host == "two.invalid" else (host,)
        return [entry for name in names for entry in resolve(name, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_both)
    answer = http.get(f"http://two.invalid:{port}/", timeout_s=GENEROUS_S)
    assert answer.body == b"here"
    assert answer.timings.dns_s is not None


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "http://127.0.0.1:80a/"),
        Request("GET", "/no/host"),
        Request("GET", "gopher://127.0.0.1/"),
    ],
    ids=["bad port", "no host", "unknown scheme"],
)
def test_what_cannot_be_sent_is_broken_not_raised(request_):
    with http.open_client() as client:
        assert client.send(request_).cause is Cause.PROTOCOL


def test_header_that_http_forbids_is_broken_not_raised(serve):
    server = serve(say(whole(b"")))
    answer = http.request("GET", server.url, timeout_s=GENEROUS_S, headers=[("X", "a\r\nEvil: yes")])
    assert answer.cause is Cause.PROTOCOL
    assert not any(b"Evil" in request for request in server.requests)


def test_redirects_are_not_followed(serve):
    server = serve(say(whole(b"", "Location: /elsewhere", status="302 Found")))
    assert http.get(server.url, timeout_s=GENEROUS_S).status == 302
    assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_proxies_of_the_environment_are_never_used_for_loopback(serve, monkeypatch, host):
    server = serve(say(whole(b"direct")))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answer = http.get(server.url.replace("127.0.0.1", host), timeout_s=GENEROUS_S)
    assert answer.body == b"direct"


def test_proxy_of_the_environment_is_used_for_other_hosts(serve, monkeypatch):
    proxy = serve(say(whole(b"by proxy")))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    answer = http.get("http://shop.invalid/x", timeout_s=GENEROUS_S)
    assert answer.body == b"by proxy"
    assert proxy.requests[0].startswith(b"GET http://shop.invalid/x ")


def test_no_proxy_of_the_environment_is_honoured(serve, monkeypatch):
    proxy = serve(say(whole(b"by proxy")))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "shop.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(1, "none")))
    assert http.get("http://shop.invalid/x", timeout_s=GENEROUS_S).cause is Cause.DNS


def _exceptions_of_the_engine():
    return sorted(
        {kind for _, kind in inspect.getmembers(httpcore, inspect.isclass) if issubclass(kind, Exception)},
        key=lambda kind: kind.__name__,
    )


@pytest.mark.parametrize("kind", _exceptions_of_the_engine(), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_engine_has_a_cause_of_its_own(kind):
    assert CAUSES[kind].outcome is Outcome.BROKEN
