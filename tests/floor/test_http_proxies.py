"""Requests through a proxy: who is asked, and whose certificate is told."""

from __future__ import annotations

import base64
import os
import socket
import ssl

import pytest
from http_parts import GENEROUS_S, V2, pin_of, sent

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request, Response, Tls
from seatrial.sample import Cause


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
