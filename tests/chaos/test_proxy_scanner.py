"""The observer without a wire: HTTP/1 cut into chunks anywhere says the same, and nothing that comes breaks it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos.proxy.events import Change, Counters, EventLog, Exchange, Fate
from seatrial.chaos.proxy.observer import Observer

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST http://x/b/c?d=e HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED_POST = b"POST /d HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n"
HEAD = b"HEAD /e HTTP/1.0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 503 No\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nno\r\n3\r\n...\r\n0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
HEAD_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\neverything"


class Watched:
    """An observer on its own; every chunk is passed on as soon as it is seen."""

    def __init__(self):
        self.counters = Counters()
        self.log = EventLog()
        self.observer = Observer("a.to.b", 1, counters=self.counters, log=self.log)

    def up(self, data):
        self.observer.sent(data)
        self.observer.passed_up(len(data))

    def down(self, data):
        self.observer.answered(data)
        self.observer.passed_down(len(data))

    def ended(self) -> list[Exchange]:
        events = self.log.since(0, limit=1000).events
        return [event.exchange for event in events if event.change is Change.END]

    def facts(self):
        return [
            (each.method, each.path, each.status, each.fate, each.request_bytes, each.response_bytes)
            for each in self.ended()
        ]


def pieces(data, cuts):
    """The data cut at these places, as far as they lie in it."""
    places = [*sorted({cut % len(data) for cut in cuts} | {0}), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(places)]


@given(up=st.lists(st.integers(0, 10_000)), down=st.lists(st.integers(0, 10_000)))
def test_chunks_do_not_change_what_is_seen(up, down):
    watched = Watched()
    requests = GET + POST + CHUNKED_POST + HEAD + GET + GET
    answers = OK + CONTINUE + CHUNKED + NO_CONTENT + HEAD_ANSWER + OK + UNTIL_CLOSE
    for piece in pieces(requests, up):
        watched.up(piece)
    for piece in pieces(answers, down):
        watched.down(piece)
    watched.observer.upstream_ended()
    assert watched.facts() == [
        ("GET", "/a", 200, Fate.DONE, len(GET), len(OK)),
        ("POST", "/b/c", 503, Fate.DONE, len(POST), len(CHUNKED)),
        ("POST", "/d", 204, Fate.DONE, len(CHUNKED_POST), len(NO_CONTENT)),
        ("HEAD", "/e", 404, Fate.DONE, len(HEAD), len(HEAD_ANSWER)),
        ("GET", "/a", 200, Fate.DONE, len(GET), len(OK)),
        ("GET", "/a", 200, Fate.DONE, len(GET), len(UNTIL_CLOSE)),
    ]
    assert watched.counters.by_status == {200: 3, 503: 1, 204: 1, 404: 1}
    assert watched.counters.requests_open == 0


@given(up=st.lists(st.binary(max_size=200)), down=st.lists(st.binary(max_size=200)), fate=st.sampled_from(Fate))
def test_nothing_that_comes_breaks_it_and_nothing_stays_open(up, down, fate):
    watched = Watched()
    watched.up(GET)
    for data in up:
        watched.up(data)
    for data in down:
        watched.down(data)
    watched.observer.upstream_ended()
    watched.observer.closed(fate)
    assert watched.counters.requests_open == 0
    assert len(watched.ended()) == watched.counters.requests_total


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello world\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 10_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    ],
)
def test_what_is_not_http1_is_given_up_quietly(data):
    watched = Watched()
    watched.up(data)
    seen = watched.counters.requests_total
    watched.up(GET)
    assert (watched.counters.connections_opaque, watched.counters.requests_total) == (1, seen)


def test_answer_to_no_request_is_given_up_quietly():
    watched = Watched()
    watched.down(OK)
    assert (watched.counters.connections_opaque, watched.ended()) == (1, [])


def test_switched_protocols_end_the_exchange_and_the_watch():
    watched = Watched()
    upgrade = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    watched.up(upgrade)
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    watched.down(switching + b"\x81\x05frame")
    assert watched.facts() == [("GET", "/ws", 101, Fate.DONE, len(upgrade), len(switching))]
    assert watched.counters.connections_opaque == 1


def test_old_events_are_lost_and_counted():
    watched = Watched()
    watched.log = EventLog(capacity=4)
    watched.observer = Observer("a.to.b", 1, counters=watched.counters, log=watched.log)
    for _ in range(5):
        watched.up(GET)
        watched.down(OK)
    page = watched.log.since(3, limit=10)
    assert ([event.number for event in page.events], page.next, page.lost) == ([6, 7, 8, 9], 10, 3)


def test_early_answer_ends_an_exchange_whose_request_is_not_complete():
    watched = Watched()
    watched.up(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\npart")
    watched.down(OK)
    (end,) = watched.ended()
    assert (end.fate, end.request_bytes) == (Fate.DONE, len(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\npart"))
