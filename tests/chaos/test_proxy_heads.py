"""What a whole request says: the short way of requests that differ by their traceparent only."""

from __future__ import annotations

import pytest

from seatrial.chaos.proxy.heads import body_of, request_head, whole_request
from seatrial.chaos.proxy.scanner import Body

FIRST, SECOND = "0123456789abcdef" * 2, "f" * 32


def request(trace: str, *, body: bytes = b"", version: str = "00", name: str = "traceparent") -> bytes:
    parent = f"{name}: {version}-{trace}-00f067aa0ba902b7-01"
    return f"POST /debits/7?a=1 HTTP/1.1\r\n{parent}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_requests_alike_but_for_their_ids_each_have_their_own():
    heads = [whole_request(request(trace)) for trace in (FIRST, SECOND, FIRST)]

    assert [head and head.trace_id for head in heads] == [FIRST, SECOND, FIRST]
    assert {head and (head.method, head.path, head.body) for head in heads} == {("POST", "/debits/7", 0)}


def test_the_size_of_a_head_counts_its_ids():
    whole = request(FIRST, body=b"{}")
    head = whole_request(whole)

    assert head is not None
    assert (head.size, head.body) == (len(whole) - 2, 2)


@pytest.mark.parametrize("name", ["Traceparent", "TRACEPARENT"])
def test_a_traceparent_is_read_however_its_name_is_written(name: str):
    head = whole_request(request(FIRST, name=name))

    assert head is not None
    assert head.trace_id == FIRST


def test_a_traceparent_of_another_version_is_read():
    head = whole_request(request(FIRST, version="cc"))

    assert head is not None
    assert head.trace_id == FIRST


def test_a_trace_id_that_is_none_is_not_one():
    head = whole_request(request("G" * 32))

    assert head is not None
    assert head.trace_id is None


def test_what_looks_like_a_traceparent_in_a_body_is_body():
    parent = f"\r\ntraceparent: 00-{FIRST}-00f067aa0ba902b7-01".encode()
    head = whole_request(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(parent), parent))

    assert head is not None
    assert (head.trace_id, head.body) == (None, len(parent))


def test_a_body_that_has_not_all_come_makes_no_whole_request():
    assert whole_request(request(FIRST, body=b"{}")[:-1]) is None


def test_a_request_behind_another_makes_no_whole_request():
    assert whole_request(request(FIRST) + request(SECOND)) is None


def test_of_a_long_path_the_beginning_is_kept():
    assert request_head(b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\n\r\n").path == "/" + "a" * 1_023


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (b"transfer-encoding: gzip, chunked", Body.CHUNKED),
        (b"transfer-encoding: gzip", Body.UNTIL_CLOSE),
        (b"transfer-encoding: chunked\r\ncontent-length: 7", Body.CHUNKED),
        (b"content-length: 7", 7),
        (b"x: y", None),
    ],
)
def test_length_of_a_body_is_told_by_its_last_coding_before_its_number(fields, body):
    assert body_of(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n") == body
