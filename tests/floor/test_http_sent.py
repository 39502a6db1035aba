"""What is sent of a request, and what its answer tells."""

from __future__ import annotations

import base64
import re

import pytest
from http_parts import GENEROUS_S, V2, sent

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, Request, Response
from seatrial.sample import Cause


def target_of(request):
    return request.split(b" ")[1]


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
