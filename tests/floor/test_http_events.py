"""Server-sent events: heard till it is enough, and ended in time whatever the server does."""

from __future__ import annotations

import gzip
import json

import pytest
from conversing import DEADLINE_S, STREAM, count, listen

import misbehaving as bad
from seatrial.exchange import (
    Connection,
    HttpVersion,
)
from seatrial.http.events import Decoder
from seatrial.sample import Cause


def events_of(*pieces):
    decoder = Decoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def event(data, *, name="message", last_id="", retry=None):
    return {"event": name, "data": data, "id": last_id, "retry": retry}


# The examples of the WHATWG HTML standard, 9.2.6, and what its grammar allows besides.
DECODED = {
    "two lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
    "comments, ids": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [event("first event", last_id="1"), event("second event"), event(" third event")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
    "one space": (b"data:test\n\ndata: test\n\n", [event("test"), event("test")]),
    "without data": (b"event: a\nid: 7\n\ndata: x\n\n", [event("x", last_id="7")]),
    "id stays": (b"id: 7\ndata: x\n\ndata: y\n\n", [event("x", last_id="7"), event("y", last_id="7")]),
    "id with a null": (b"id: 7\0\ndata: x\n\n", [event("x")]),
    "name, JSON, retry": (b'event: add\nretry: 250\ndata: {"a": 1}\n\n', [event({"a": 1}, name="add", retry=250)]),
    "no retry": (b"retry: soon\ndata: x\n\n", [event("x")]),
    "carriage returns": (b"data: a\rdata: b\r\rdata: c\r\n\r\n", [event("a\nb"), event("c")]),
    "mark": (b"\xef\xbb\xbfdata: x\n\n", [event("x")]),
    "broken UTF-8": (b"data: \xff\n\n", [event("�")]),
    "unknown field": (b"colour: red\ndata: x\n\n", [event("x")]),
    "other line ends": ("data: a\u2028b\x0bc\n\n".encode(), [event("a\u2028b\x0bc")]),
    "unfinished": (b"data: x\n", []),
}


@pytest.mark.parametrize("kind", DECODED)
def test_events_are_decoded_as_the_standard_says_however_they_are_cut(kind):
    wire, events = DECODED[kind]
    assert events_of(wire) == events
    assert events_of(*(wire[at : at + 1] for at in range(len(wire)))) == events
    assert all(events_of(wire[:at], wire[at:]) == events for at in range(len(wire)))


def test_events_are_heard_till_they_are_enough():
    with bad.Server(bad.drips(STREAM, b'event: tick\ndata: {"n": 1}\n\n')) as server:
        answer = listen(server.url, count(3))
    assert (answer.status, answer.stopped) == (200, "")
    assert json.loads(answer.body) == [event({"n": 1}, name="tick")] * 3


def test_stream_that_ends_too_early_is_told():
    with bad.Server(bad.says(STREAM, b"data: 1\n\n")) as server:
        answer = listen(server.url, count(2))
    assert (json.loads(answer.body), answer.stopped) == ([event(1)], "the stream ended")


def test_stream_that_falls_silent_is_left_at_the_deadline():
    with bad.Server(bad.says(STREAM, b"data: 1\n\n", then_waits=True)) as server:
        answer = listen(server.url, count(2), timeout_s=DEADLINE_S)
    assert (json.loads(answer.body), answer.stopped) == ([event(1)], "the deadline of 600 ms passed")


def test_stream_that_is_cut_is_told():
    chunked = STREAM[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
    with bad.Server(bad.says(chunked, b"9\r\ndata: 1\n\n\r\n9\r\nda")) as server:
        answer = listen(server.url, count(2))
    assert json.loads(answer.body) == [event(1)]
    assert answer.stopped.startswith("the stream broke")


def test_encoded_stream_is_decoded():
    body = gzip.compress(b"data: 1\n\n")
    with bad.Server(bad.says(STREAM[:-2] + b"Content-Encoding: gzip\r\n\r\n", body, then_waits=True)) as server:
        assert json.loads(listen(server.url, count(1)).body) == [event(1)]


def test_stream_over_http2_is_heard_till_it_is_enough():
    def streams(state, stream):
        state.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])
        state.send_data(stream, b"data: 1\n\ndata: 2\n\n")

    with bad.Server(bad.Http2(streams)) as server:
        answer = listen(server.url, count(2), connection=Connection(http_version=HttpVersion.V2))
    assert json.loads(answer.body) == [event(1), event(2)]


@pytest.mark.parametrize("piece", [b"data: x\n", b"x" * 5000], ids=["an event", "a line"])
def test_event_without_end_is_too_large(piece):
    with bad.Server(bad.floods(STREAM, piece)) as server:
        answer = listen(server.url, count(1), max_body_bytes=1 << 20)
    assert answer.cause is Cause.TOO_LARGE


def test_answer_that_is_no_event_stream_is_an_ordinary_one():
    with bad.Server(
        bad.says(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno")
    ) as server:
        answer = listen(server.url, count(1))
    assert (answer.status, answer.body) == (404, b"no")
    assert answer.stopped == "the answer is no event stream: status 404, text/html"
