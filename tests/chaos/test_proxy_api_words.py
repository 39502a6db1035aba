"""What our API says to requests that cannot be read: a sentence each, in the shape of every other error."""

from __future__ import annotations

import socket

import pytest

CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def said(our_server):
    """Sends bytes as they are and gives all that comes back, until the connection ends."""

    def send(data):
        host, port = our_server.api.removeprefix("http://").split(":")
        found = b""
        with socket.create_connection((host, int(port)), timeout=20) as caller:
            caller.sendall(data)
            while more := caller.recv(65_536):
                found += more
        return found

    return send


def error(text, status):
    return b'{"error":"%b","status":%d}\n' % (text.encode(), status)


@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        (b"nonsense\r\n\r\n", 400, "bad request: the first line is not METHOD /path HTTP/1.1"),
        (b"GET /version HTTP/3\r\n\r\n", 400, "bad request: the first line is not METHOD /path HTTP/1.1"),
        (b"GET version HTTP/1.1\r\n\r\n", 400, "bad request: the first line is not METHOD /path HTTP/1.1"),
        (
            b"POST /reset HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            400,
            "bad request: the Content-Length '-1' is no whole number",
        ),
        (
            b"POST /reset HTTP/1.1\r\nContent-Length: 4194305\r\n\r\n",
            413,
            "the body has more than 4 MiB, and is not read",
        ),
        (
            b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n"
            + bytes(4 * 1024**2)
            + b"\r\n1\r\n",
            413,
            "the body has more than 4 MiB, and is not read",
        ),
        (
            b"POST /reset HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            501,
            "the transfer encoding 'gzip' is not understood; chunked is, and a Content-Length",
        ),
        (
            b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
            400,
            "bad request: the size of a chunk of the body is no hexadecimal number",
        ),
        (
            b"POST /reset HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}}}",
            400,
            "bad request: a chunk of the body is longer than it says",
        ),
    ],
)
def test_request_that_cannot_be_read_is_told_why(said, sent, status, text):
    head, _, body = said(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nContent-Type: text/plain; charset=utf-8" in head
    assert body == error(text, status)


def test_body_of_the_greatest_length_is_read(our_server):
    assert our_server.http.post("/leases/run-1", content=b"{}".ljust(4 * 1024**2)).status_code == 200


def test_client_that_goes_on_sending_a_body_that_is_too_long_can_read_why(said):
    body = bytes(8 * 1024**2)
    found = said(b"POST /proxies HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert found.endswith(error("the body has more than 4 MiB, and is not read", 413))


def test_answer_to_head_has_no_body_and_the_next_one_can_be_read(said):
    first, *others = said(b"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\n" + CLOSE).split(
        b"HTTP/1.1 "
    )[1:]
    assert first.startswith(b"404 ")
    assert b"\r\nContent-Length: 19\r\n" in first
    assert first.endswith(b"\r\n\r\n")
    assert [each[:3] for each in others] == [b"200"]


@pytest.mark.parametrize("target", [b"http://127.0.0.1:8474/version", b"HTTP://x/version?a=b"])
def test_path_is_found_in_a_whole_address(said, target):
    assert said(b"GET " + target + b" HTTP/1.1\r\n" + CLOSE).endswith(b'{"version": "2.12.0"}\n')


def test_address_within_a_path_stays_a_part_of_it(said):
    assert said(b"GET /versionhttp://x HTTP/1.1\r\n" + CLOSE).startswith(b"HTTP/1.1 404 ")


def test_client_of_http_1_0_gets_its_answer_and_the_end(said):
    assert said(b"GET /version HTTP/1.0\r\n\r\n").endswith(b'{"version": "2.12.0"}\n')


def test_value_that_is_long_is_quoted_by_its_beginning(our_server, echo):
    toxic = {"type": "http_error", "attributes": {"body": "x" * 300_000}}
    answer = our_server.proxy(echo).ask("POST", "/toxics", toxic)
    begins = 'bad request body: http_error has body "' + "x" * 56 + "...; at most 262144 bytes is needed"
    assert answer.json() == {"error": begins, "status": 400}


@pytest.mark.parametrize("upstream", ["127.0.0.1:0", "127.0.0.1:", ":0"])
@pytest.mark.parametrize("method", ["create", "update"])
def test_upstream_at_port_0_is_refused(our_server, echo, method, upstream):
    proxy = our_server.proxy(echo, name="a")
    update = proxy.ask("PATCH", body={"upstream": upstream})
    create = our_server.ask("POST", "/proxies", {"name": "b", "upstream": upstream})
    answer = create if method == "create" else update
    text = f"bad request body: upstream: address {upstream}: nobody can be reached at port 0"
    assert answer.json() == {"error": text, "status": 400}
    assert our_server.ask("GET", "/proxies").json()["a"]["upstream"] == f"127.0.0.1:{echo}"


@pytest.mark.parametrize(
    ("toxic", "status", "said"),
    [
        ({"type": "latency", "toxicity": True}, 400, "bad request body: toxicity is true; a number is needed"),
        (
            {"type": "http_error", "attributes": {"body": "ä" * 200_000}},
            400,
            "at most 262144 bytes is needed",
        ),
        (
            {"type": "latency", "lease": {"holder": "run-1", "ttl_s": 86_401}},
            400,
            "bad request body: ttl_s is 86401; more than 0 and at most 86400 is needed",
        ),
    ],
)
def test_toxic_that_is_nearly_one_is_refused(our_server, echo, toxic, status, said):
    answer = our_server.proxy(echo).ask("POST", "/toxics", toxic)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(said)


@pytest.mark.parametrize(
    ("toxics", "status", "said"),
    [
        ([{"type": "latency"}, {"type": "latency"}], 409, "toxic already exists"),
        (False, 400, "bad request body: toxics is false; a list is needed"),
        ([{"type": "noop", "name": f"t{number}"} for number in range(101)], 400, "at most 100 may act on a proxy"),
    ],
)
def test_toxics_that_come_with_their_proxy_are_held_to_the_same(our_server, toxics, status, said):
    wanted = {"name": "a", "upstream": "127.0.0.1:9", "toxics": toxics}
    answer = our_server.ask("POST", "/proxies", wanted)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(said)
    assert our_server.ask("GET", "/proxies").json() == {}


def test_hundred_toxics_may_come_with_their_proxy(our_server):
    toxics = [{"type": "noop", "name": f"t{number}"} for number in range(100)]
    wanted = {"name": "a", "upstream": "127.0.0.1:9", "toxics": toxics}
    assert our_server.ask("POST", "/proxies", wanted).status_code == 201
