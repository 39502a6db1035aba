"""What the observer tells of HTTP/1 on the wire: exchanges, their fates, and counts. Ours alone."""

from __future__ import annotations

import time

import pytest

from seatrial.chaos.proxy.events import Counters, EventLog, Fate
from seatrial.chaos.proxy.heads import request_head
from seatrial.chaos.proxy.observer import Observer

TRACE = "0af7651916cd43dd8448eb211c80319c"
REQUEST = f"GET /cards/7?secret=1 HTTP/1.1\r\nHost: x\r\nTraceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n\r\n".encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Conversation:
    """A caller and a callee with the proxy between them, and what the observer says of it."""

    def __init__(self, server, proxy, *, caller, callee, wait_until):
        self.server, self.proxy, self.caller, self.callee = server, proxy, caller, callee
        self._wait_until = wait_until

    def events(self):
        page = self.server.ask("GET", "/exchanges?limit=10000").json()
        return [event for event in page["exchanges"] if event["edge"] == self.proxy.name]

    def ends(self, wanted=1):
        """The ends of so many exchanges, as soon as they are there."""
        self._wait_until(lambda: sum(event["event"] == "end" for event in self.events()) >= wanted)
        return [event for event in self.events() if event["event"] == "end"]

    def counters(self):
        return self.server.counters(self.proxy.name)


@pytest.fixture
def conversation(our_server, upstream, dial, wait_until):
    # a name of its own: the event stream outlives the proxies of earlier tests
    proxy = our_server.proxy(upstream.port, name=f"observed-{time.monotonic_ns()}")
    caller = dial(proxy)
    return Conversation(our_server, proxy, caller=caller, callee=upstream.accept(), wait_until=wait_until)


def through(sender, receiver, data, read_exactly):
    sender.sendall(data)
    assert read_exactly(receiver, len(data)) == data


def test_exchange_is_told_from_start_to_end(conversation, read_exactly):
    before = time.time()
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    (start,) = conversation.events()
    time.sleep(0.05)
    through(conversation.callee, conversation.caller, ANSWER, read_exactly)
    (end,) = conversation.ends()
    assert before - 1 <= start["started_at"] <= time.time() + 1
    assert (start["event"], start["id"], start["fate"], start["status"]) == ("start", start["seq"], "open", None)
    assert (end["event"], end["id"], end["fate"], end["status"]) == ("end", start["id"], "done", 200)
    assert end["seq"] > start["seq"]
    assert (end["method"], end["path"], end["trace_id"]) == ("GET", "/cards/7", TRACE)
    assert (end["request_bytes"], end["response_bytes"]) == (len(REQUEST), len(ANSWER))
    assert 0 <= end["forwarded_s"] <= end["answered_s"] <= end["first_byte_s"] <= end["duration_s"]
    assert end["answered_s"] >= 0.045


def test_requests_of_one_connection_are_told_apart(conversation, read_exactly):
    for _ in range(3):
        through(conversation.caller, conversation.callee, REQUEST, read_exactly)
        through(conversation.callee, conversation.caller, ANSWER, read_exactly)
    ends = conversation.ends(3)
    assert len({end["id"] for end in ends}) == 3
    assert {end["connection"] for end in ends} == {1}
    counters = conversation.counters()
    assert (counters["requests_total"], counters["requests_open"], counters["by_status"]) == (3, 0, {"200": 3})
    assert (counters["connections_open"], counters["connections_total"]) == (1, 1)
    assert (counters["bytes_up"], counters["bytes_down"]) == (3 * len(REQUEST), 3 * len(ANSWER))


def test_request_counts_before_the_toxics_act(conversation, wait_until):
    conversation.proxy.add("timeout", stream="upstream", timeout=0)
    conversation.caller.sendall(REQUEST)
    wait_until(lambda: conversation.counters()["requests_total"] == 1)
    assert [event["event"] for event in conversation.events()] == ["start"]
    assert conversation.counters()["requests_open"] == 1


def test_request_that_never_went_on_has_no_forwarding_time(conversation):
    conversation.proxy.add("timeout", stream="upstream", timeout=0)
    conversation.caller.sendall(REQUEST)
    conversation.caller.close()
    (end,) = conversation.ends()
    assert (end["fate"], end["forwarded_s"], end["status"]) == ("client_closed", None, None)


def test_answer_held_by_latency_is_not_done_before_it_is_passed(conversation, read_exactly):
    conversation.proxy.add("latency", latency=300)
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    through(conversation.callee, conversation.caller, ANSWER, read_exactly)
    (end,) = conversation.ends()
    assert end["fate"] == "done"
    assert end["first_byte_s"] - end["answered_s"] >= 0.29


def test_caller_that_gave_up_on_an_answer_is_told_with_its_status(conversation, read_exactly, wait_until):
    conversation.proxy.add("latency", latency=60_000)
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    conversation.callee.sendall(ANSWER)
    wait_until(lambda: conversation.counters()["by_status"] == {"200": 1})
    conversation.caller.close()
    (end,) = conversation.ends()
    assert (end["fate"], end["status"], end["first_byte_s"]) == ("client_closed", 200, None)


def test_upstream_that_hangs_up_is_told(conversation, read_exactly):
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    conversation.callee.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    conversation.callee.close()
    (end,) = conversation.ends()
    assert (end["fate"], end["status"]) == ("upstream_closed", 200)


@pytest.mark.parametrize("toxic", [("reset_peer", {"timeout": 0}), ("timeout", {"timeout": 100})])
def test_exchange_that_a_toxic_ends_is_cut(conversation, toxic, how_it_ended):
    kind, attributes = toxic
    conversation.proxy.add(kind, stream="upstream", **attributes)
    conversation.caller.sendall(REQUEST)
    how_it_ended(conversation.caller)
    assert conversation.ends()[0]["fate"] == "cut"


def test_exchange_that_disabling_ends_is_cut(conversation, read_exactly):
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    conversation.proxy.ask("PATCH", body={"enabled": False})
    assert conversation.ends()[0]["fate"] == "cut"


def test_request_to_a_dead_upstream_is_counted(our_server, upstream, dial, wait_until, how_it_ended):
    upstream.close()
    proxy = our_server.proxy(upstream.port, name=f"dead-{time.monotonic_ns()}")
    for _ in range(10):
        caller = dial(proxy)
        caller.sendall(REQUEST)
        how_it_ended(caller)
    wait_until(lambda: our_server.counters(proxy.name)["requests_total"] == 10)
    events = our_server.ask("GET", "/exchanges?limit=10000").json()["exchanges"]
    fates = [event["fate"] for event in events if event["edge"] == proxy.name and event["event"] == "end"]
    assert fates == ["no_upstream"] * 10


def test_what_is_not_http_is_let_alone(conversation, read_exactly):
    through(conversation.caller, conversation.callee, b"\x16\x03\x01 not http \r\n\r\n", read_exactly)
    through(conversation.caller, conversation.callee, REQUEST, read_exactly)
    counters = conversation.counters()
    assert (counters["connections_opaque"], counters["requests_total"]) == (1, 0)


def test_events_are_paged_without_gap_or_repeat(conversation, read_exactly):
    first = conversation.server.ask("GET", "/exchanges?limit=10000").json()["next"]
    for _ in range(5):
        through(conversation.caller, conversation.callee, REQUEST, read_exactly)
        through(conversation.callee, conversation.caller, ANSWER, read_exactly)
    conversation.ends(5)
    seen, since = [], first
    while True:
        page = conversation.server.ask("GET", f"/exchanges?since={since}&limit=3").json()
        if not page["exchanges"]:
            break
        seen += [event["seq"] for event in page["exchanges"]]
        since = page["next"]
    assert seen == list(range(first, first + 10))
    assert (page["next"], page["newest"], page["lost"], page["open"]) == (first + 10, first + 10, 0, 0)


@pytest.mark.parametrize("query", ["since=999999999", "since=-1", "since=x", "limit=many"])
def test_question_that_makes_no_sense_is_refused(our_server, query):
    assert our_server.ask("GET", f"/exchanges?{query}").status_code == 400


def test_head_that_comes_again_is_read_once_and_a_long_one_is_not_kept():
    short = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    long = b"GET /b HTTP/1.1\r\nX: " + b"x" * 2_000 + b"\r\n\r\n"
    assert [(head.path, head.body) for head in map(request_head, (short, long))] == [("/a", 5), ("/b", 0)]
    assert request_head(short) is request_head(short)
    assert request_head(long) is not request_head(long)


@pytest.mark.parametrize("line", [b"Content-Length: five", b"Content-Length: -1"])
def test_request_whose_length_is_no_number_is_told_each_time_and_followed_no_further(line):
    head = b"POST /a HTTP/1.1\r\n" + line + b"\r\n\r\n"
    for _ in range(2):
        counters = Counters()
        observer = Observer("a", 1, counters=counters, log=EventLog())
        observer.sent(head)
        assert (counters.requests_total, counters.connections_opaque) == (1, 1)


@pytest.mark.parametrize(
    ("over", "ended", "fate"),
    [
        (True, Fate.CUT, Fate.UPSTREAM_CLOSED),
        (True, Fate.CLIENT_CLOSED, Fate.CLIENT_CLOSED),
        (False, Fate.CUT, Fate.CUT),
    ],
)
def test_request_that_comes_when_the_upstream_sends_no_more_is_ended_by_it_unless_its_caller_leaves(
    over, ended, fate
):
    log = EventLog()
    observer = Observer("a", 1, counters=Counters(), log=log)
    if over:
        observer.upstream_ended()
    observer.sent(REQUEST)
    observer.closed(ended)
    assert [event.exchange.fate for event in log.since(0, limit=9).events] == [fate, fate]


def test_bytes_of_an_answer_that_broke_off_are_those_that_came():
    log = EventLog()
    observer = Observer("a", 1, counters=Counters(), log=log)
    observer.sent(REQUEST)
    observer.answered(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    observer.closed(Fate.CUT)
    exchange = log.since(0, limit=9).events[-1].exchange
    assert (exchange.status, exchange.response_bytes, exchange.fate) == (200, 44, Fate.CUT)
