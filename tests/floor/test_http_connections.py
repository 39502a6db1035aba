"""What decides over a connection: the version of HTTP, TLS, the proxy; and what an answer tells of its connection."""

from __future__ import annotations

import base64
import os
import re
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request, Response, Tls
from seatrial.http.engine import httpx
from seatrial.http.tls import PIN_PREFIX, certificate_of, public_key_digest
from seatrial.sample import Cause

GENEROUS_S = 20.0
V2 = HttpVersion.V2


def sent(url, connection=Connection(), **fields):
    with http.open_client() as client:
        return client.send(Request("GET", url, timeout_s=GENEROUS_S, connection=connection, **fields))


def target_of(request):
    return request.split(b" ")[1]


def answer_of(server):
    """Of a plain exchange with this server, and what the server was sent."""
    answer = sent(server.url)
    assert isinstance(answer, Response)
    return answer, server.requests[0]


# What is sent


def test_headers_are_sent_in_their_order_and_case_and_no_other():
    headers = (("X-b", "1"), ("x-A", "2"), ("X-b", "3"), ("accept", "*/*"))
    with bad.Server(bad.says(bad.OK)) as server:
        sent(server.url, headers=headers)
        lines = server.requests[0].split(b"\r\n")[1:-2]
    assert lines == [b"Host: 127.0.0.1:%d" % server.port, b"X-b: 1", b"x-A: 2", b"X-b: 3", b"accept: */*"]


def test_host_of_the_caller_replaces_ours():
    with bad.Server(bad.says(bad.OK)) as server:
        sent(server.url, headers=(("host", "shop.invalid"),))
    assert re.findall(rb"(?im)^host: (.*)\r$", server.requests[0]) == [b"shop.invalid"]


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", None, None), ("GET", b"ab", b"2"), ("POST", None, b"0"), ("PUT", b"", b"0")],
)
def test_length_is_told_where_http_needs_it(method, body, length):
    with bad.Server(bad.says(bad.OK)) as server:
        http.request(method, server.url, timeout_s=GENEROUS_S, body=body)
    found = re.findall(rb"(?im)^content-length: (.*)\r$", server.requests[0])
    assert found == ([] if length is None else [length])


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("/a/../b", b"/b"),
        ("/./x?y=../z", b"/x?y=../z"),
        ("/%7Ea//b", b"/%7Ea//b"),
        ("/a/%41/./b/..?%41", b"/a/%41/?%41"),
        ("/a/.", b"/a/"),
        ("", b"/"),
        ("?a=1", b"/?a=1"),
    ],
)
def test_path_is_resolved_unless_it_is_to_be_sent_as_it_is(path, resolved):
    for as_is, wanted in ((False, resolved), (True, (path if path.startswith("/") else f"/{path}").encode())):
        with bad.Server(bad.says(bad.OK)) as server:
            answer = sent(f"{server.url.rstrip('/')}{path}#part", path_as_is=as_is)
        assert isinstance(answer, Response)
        assert target_of(server.requests[0]) == wanted


def test_path_that_breaks_the_request_line_is_never_sent():
    with bad.Server(bad.says(bad.OK)) as server:
        for connection in (Connection(), Connection(http_version=V2)):
            answer = sent(f"{server.url}a b\r\nEvil: yes", connection, path_as_is=True)
            assert answer.cause is Cause.PROTOCOL
    assert server.requests == []


@pytest.mark.parametrize("port", ["0", "65536", "99999", "99999999999999999999", "-1"])
@pytest.mark.parametrize("path_as_is", [False, True])
def test_port_that_is_none_is_a_url_that_is_none(port, path_as_is):
    answer = sent(f"http://127.0.0.1:{port}/", path_as_is=path_as_is)
    assert (answer.cause, "is not a URL" in answer.detail) == (Cause.PROTOCOL, True)


@pytest.mark.parametrize(
    ("user", "headers", "authorization"),
    [
        ("ada:p%40w@", (), b"Basic " + base64.b64encode(b"ada:p@w")),
        ("ada@", (), b"Basic " + base64.b64encode(b"ada:")),
        (":pw@", (), b"Basic " + base64.b64encode(b":pw")),
        ("\u00e9:\u00fc@", (), b"Basic " + base64.b64encode("\u00e9:\u00fc".encode())),
        ("ada:pw@", (("authorization", "Bearer t"),), b"Bearer t"),
        ("", (), None),
        ("@", (), None),
    ],
)
def test_user_of_a_url_is_told_by_basic_unless_the_request_says_otherwise(user, headers, authorization):
    with bad.Server(bad.says(bad.OK)) as server:
        sent(server.url.replace("//", f"//{user}"), headers=headers)
    head = server.requests[0]
    found = re.findall(rb"(?im)^authorization: (.*)\r$", head)
    assert found == ([] if authorization is None else [authorization])
    assert re.findall(rb"(?im)^host: (.*)\r$", head) == [b"127.0.0.1:%d" % server.port]


# What an answer tells


def test_answer_tells_its_url_and_the_peers_address():
    with bad.Server(bad.says(bad.OK)) as server:
        answer = sent(f"{server.url}x")
    assert (answer.url, answer.ip, answer.certificate) == (f"{server.url}x", "127.0.0.1", None)


def test_raw_body_is_told_only_where_it_differs():
    packed = base64.b64decode("H4sIAAAAAAAAA8vIBACsKpPYAgAAAA==")  # gzip of b"hi"
    wire = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
    with bad.Server(bad.keeps_saying(wire, bad.OK)) as server, http.open_client() as client:
        first, second = (client.send(Request("GET", server.url, timeout_s=GENEROUS_S)) for _ in range(2))
    assert (first.body, first.raw) == (b"hi", packed)
    assert (second.body, second.raw) == (b"hi", None)


def test_limit_of_a_body_is_the_requests_own():
    with bad.Server(bad.keeps_saying(bad.OK, bad.OK)) as server:
        assert sent(server.url, max_body_bytes=2).body == b"hi"
        answer = sent(server.url, max_body_bytes=1)
    assert (answer.cause, answer.detail) == (Cause.TOO_LARGE, "the body is larger than 1 bytes once decoded")


# Who shares a connection


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


# HTTP/2


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


# TLS


def test_certificate_is_told_also_of_a_reused_connection(authority):
    settings = Connection(tls=Tls(ca=authority.ca))
    with (
        bad.Server(bad.keeps_saying(bad.OK, bad.OK), tls=authority.context()) as server,
        http.open_client() as client,
    ):
        first, second = (
            client.send(Request("GET", server.url, timeout_s=GENEROUS_S, connection=settings)) for _ in range(2)
        )
    shown = first.certificate
    assert (shown.subject, shown.issuer) == ("CN=server", r"CN=Sea Trial CA,O=Trials\, Inc.")
    assert re.fullmatch("AB..", shown.serial)
    assert shown.not_after - shown.not_before == 2 * 86400
    assert second.timings.tls_s is None
    assert second.certificate is shown


def test_certificate_that_is_not_verified_is_told_the_same(authority):
    with bad.Server(bad.says(bad.OK), tls=authority.context()) as server:
        verified = sent(server.url, Connection(tls=Tls(ca=authority.ca)))
        unverified = sent(server.url, Connection(tls=Tls(verify=False)))
    assert verified.certificate == unverified.certificate


def test_unknown_authority_is_passed_over_with_verify_off_only(authority):
    with bad.Server(bad.says(bad.OK), tls=authority.context(hosts=("other.invalid",), to_day=-0.5)) as server:
        assert sent(server.url, Connection(tls=Tls(verify=False))).body == b"hi"
        assert sent(server.url).cause is Cause.TLS


def test_client_certificate_is_shown(authority):
    certificate, key = authority.issue("client", password="open sesame")
    tls = Tls(ca=authority.ca, certificate=certificate, key=key, password="open sesame")
    seen = []

    def looks(server, connection):
        seen.append(connection.getpeercert()["subject"])
        bad.says(bad.OK)(server, connection)

    with bad.Server(looks, tls=authority.context(client_ca=authority.ca)) as server:
        assert sent(server.url, Connection(tls=tls)).body == b"hi"
    assert seen == [((("commonName", "client"),),)]


def pin_of(path):
    read = x509.load_pem_x509_certificate(Path(path).read_bytes())
    return public_key_digest(read.public_bytes(Encoding.DER))


def test_pinned_key_is_the_servers_or_nothing_is_sent(authority):
    certificate, key = authority.issue("pinned")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    other = pin_of(authority.issue("another")[0])
    with bad.Server(bad.says(bad.OK), tls=context) as server:
        for pin in (pin_of(certificate), PIN_PREFIX + pin_of(certificate)):
            assert sent(server.url, Connection(tls=Tls(verify=False, pin=pin))).body == b"hi"
        answer = sent(server.url, Connection(tls=Tls(ca=authority.ca, pin=other)))
    assert answer.cause is Cause.TLS
    assert answer.detail == f"the server's public key is sha256//{pin_of(certificate)}, not the pinned one"
    assert len(server.requests) == 2


@pytest.fixture
def faulty(authority, tmp_path):
    """Settings that cannot be used, each with a word of the sentence that says so."""
    certificate, key = authority.issue("good")
    locked, locked_key = authority.issue("locked", password="secret")
    _, other_key = authority.issue("other")
    empty = tmp_path / "empty.pem"
    empty.write_text("no PEM\n")
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    return {
        "no ca": (Tls(ca="/no/such.pem"), "'/no/such.pem' cannot be read: no such file or directory"),
        "a pipe": (Tls(ca=str(pipe)), "it is no file"),
        "a folder": (Tls(ca=str(tmp_path)), "cannot be read"),
        "empty ca": (Tls(ca=str(empty)), "holds no PEM certificate to trust"),
        "no certificate": (Tls(certificate="/no/such.crt", key=key), "'/no/such.crt' cannot be read"),
        "empty certificate": (Tls(certificate=str(empty), key=key), "holds no PEM certificate"),
        "empty key": (Tls(certificate=certificate, key=str(empty)), "holds no PEM private key"),
        "no key at all": (Tls(certificate=certificate), "holds no PEM private key"),
        "another key": (Tls(certificate=certificate, key=other_key), "does not belong to the certificate"),
        "no password": (Tls(certificate=locked, key=locked_key), "is encrypted"),
        "wrong password": (Tls(certificate=locked, key=locked_key, password="x"), "is encrypted"),
        "a short pin": (Tls(pin="YWJj"), "the pin 'YWJj' is no base64 of a SHA-256"),
        "no base64": (Tls(pin="*" * 44), "is no base64"),
    }


FAULTY = (
    *("no ca", "a pipe", "a folder", "empty ca", "no certificate", "empty certificate", "empty key", "no key at all"),
    *("another key", "no password", "wrong password", "a short pin", "no base64"),
)


@pytest.mark.parametrize("kind", FAULTY)
def test_what_is_wrong_with_tls_settings_is_told_before_and_while_sending(faulty, kind):
    tls, words = faulty[kind]
    assert words in http.check_tls(tls)
    answer = sent("https://127.0.0.1:1/", Connection(tls=tls))
    assert (answer.cause, answer.detail) == (Cause.TLS, http.check_tls(tls))


def test_nothing_is_wrong_with_good_tls_settings(authority):
    certificate, key = authority.issue("good")
    assert http.check_tls(Tls(ca=authority.ca, certificate=certificate, key=key, pin=pin_of(certificate))) == ""


def test_changed_file_is_read_anew(authority, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Path(bad.Authority(tmp_path, "Old").ca).read_bytes())
    with bad.Server(bad.says(bad.OK), tls=authority.context()) as server:
        assert sent(server.url, Connection(tls=Tls(ca=str(ca)))).cause is Cause.TLS
        ca.write_bytes(Path(authority.ca).read_bytes() + b"\n")
        assert sent(server.url, Connection(tls=Tls(ca=str(ca)))).body == b"hi"


class Shown:
    """An `ssl` socket that shows one certificate."""

    def __init__(self, told):
        self._told = told

    def getpeercert(self, binary_form=False):
        return self._told


def test_names_are_told_as_rfc_4514_says():
    odd = ((("countryName", "DE"),), (("organizationName", " a+b,c"), ("userId", "#1 ")), (("serialNumber", "7"),))
    told = {
        "subject": odd,
        "issuer": (),
        "serialNumber": "0A",
        "notBefore": "Jan  1 00:00:00 1970 GMT",
        "notAfter": "Jan  2 00:00:00 1970 GMT",
    }
    found = certificate_of(Shown(told))
    assert found.subject == r"serialNumber=7,O=\ a\+b\,c+UID=\#1\ ,C=DE"
    assert (found.issuer, found.not_before, found.not_after) == ("", 0.0, 86400.0)


# Proxies


def test_chosen_proxy_is_asked_with_its_credentials_for_loopback_too():
    with bad.Server(bad.says(bad.OK)) as proxy:
        answer = sent("http://127.0.0.1:1/x", Connection(proxy=f"http://me:p%40ss@127.0.0.1:{proxy.port}"))
    assert answer.body == b"hi"
    assert proxy.requests[0].startswith(b"GET http://127.0.0.1:1/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") in proxy.requests[0]


def test_empty_proxy_is_none_whatever_the_environment_says(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", 0))])
    with bad.Server(bad.says(bad.OK)) as server:
        answer = sent(f"http://shop.invalid:{server.port}/", Connection(proxy=""))
    assert answer.body == b"hi"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("version", [HttpVersion.V1_1, V2])
def test_https_goes_through_a_tunnel_and_its_certificate_is_the_servers(authority, scheme, version):
    tls = Tls(ca=authority.ca)
    script = bad.Http2(bad.answers_over_http2) if version is V2 else bad.says(bad.OK)
    proxy_tls = authority.context(name="proxy") if scheme == "https" else None
    context = authority.context(name="behind", alpn=("h2",) if version is V2 else ())
    with bad.Server(script, tls=context) as server, bad.Server(bad.tunnels, tls=proxy_tls) as proxy:
        answer = sent(server.url, Connection(version, tls, proxy=f"{scheme}://127.0.0.1:{proxy.port}"))
    assert isinstance(answer, Response), answer
    assert answer.http_version == version
    assert answer.certificate.subject == "CN=behind"
    assert len(proxy.requests) == 1


def test_certificate_of_a_proxy_is_not_the_servers(authority):
    with bad.Server(bad.says(bad.OK), tls=authority.context()) as proxy:
        settings = Connection(tls=Tls(ca=authority.ca), proxy=proxy.url)
        answer = sent("http://127.0.0.1:1/", settings)
    assert (answer.body, answer.certificate) == (b"hi", None)


def test_pin_is_checked_inside_the_tunnel(authority):
    pinned, key = authority.issue("inside")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pinned, key)
    with (
        bad.Server(bad.says(bad.OK), tls=context) as server,
        bad.Server(bad.tunnels, tls=authority.context(name="proxy")) as proxy,
    ):
        tls = Tls(ca=authority.ca, pin=pin_of(pinned))
        assert sent(server.url, Connection(tls=tls, proxy=proxy.url)).body == b"hi"


@pytest.mark.parametrize("secured", [False, True])
def test_tunnel_that_drips_ends_at_the_deadline(authority, secured):
    with (
        bad.Server(bad.drips_a_tls_record) as server,
        bad.Server(bad.tunnels, tls=authority.context(name="proxy") if secured else None) as proxy,
        http.open_client() as client,
    ):
        settings = Connection(tls=Tls(ca=authority.ca), proxy=proxy.url)
        url = server.url.replace("http:", "https:")
        answer = client.send(Request("GET", url, timeout_s=0.6, connection=settings))
    assert answer.cause is Cause.CONNECT
    assert answer.latency_s < GENEROUS_S / 2


def test_large_bodies_go_through_tls_inside_tls(authority):
    def echoes(server, connection):
        request = server.request(connection)
        body = request.partition(b"\r\n\r\n")[2]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    body = os.urandom(2 << 20)
    with (
        bad.Server(echoes, tls=authority.context()) as server,
        bad.Server(bad.tunnels, tls=authority.context(name="proxy")) as proxy,
    ):
        settings = Connection(tls=Tls(ca=authority.ca), proxy=proxy.url)
        answer = sent(server.url, settings, body=body)
    assert answer.body == body


def test_refusal_of_a_proxy_is_told():
    with bad.Server(bad.says(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        answer = sent("https://shop.invalid/", Connection(proxy=proxy.url))
    assert answer.cause is Cause.CONNECT
    assert answer.detail == "the proxy refused: 407 Proxy Authentication Required"


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("ftp://user:secret@127.0.0.1:1", "no proxy"),
        ("127.0.0.1:1", "no proxy"),
        ("socks5://127.0.0.1:1", "socksio"),
    ],
)
def test_what_is_no_proxy_is_refused_by_name(monkeypatch, proxy, words):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = sent("http://127.0.0.1:1/", Connection(proxy=proxy))
    assert answer.cause in (Cause.CONNECT, Cause.PROTOCOL)
    assert words in answer.detail
    assert "secret" not in answer.detail


# What it costs


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


# What is imported, and when

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
