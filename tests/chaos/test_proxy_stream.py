"""The exchanges as server-sent events: in order, while they happen, and what a slow reader is told."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, aclosing
from types import SimpleNamespace

import pytest

from seatrial.chaos.proxy.events import EventLog, Exchange
from seatrial.chaos.proxy.http1 import Request
from seatrial.chaos.proxy.proxies import Proxies
from seatrial.chaos.proxy.routes import Routes
from seatrial.chaos.proxy.stream import follow

REQUEST = b"GET /cards/7 HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_events(text):
    """The events of a stream's text as (name, id, data); comments and what is cut off are left out."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


class Reader:
    """A client of the stream on a socket of its own; it reads only when it is asked."""

    def __init__(self, connected, path, headers):
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Accept: text/event-stream", *headers, "", ""]
        connected.sendall("\r\n".join(lines).encode())
        self._connected = connected
        self._text = ""
        while "\r\n\r\n" not in self._text:
            self._read()
        self.head, _, self._text = self._text.partition("\r\n\r\n")

    def until(self, claim):
        """The events so far, as soon as the claim holds of them."""
        deadline_s = time.monotonic() + 20
        while not claim(read_events(self._text)):
            assert time.monotonic() < deadline_s, f"no more was told than {self._text}"
            self._read()
        return read_events(self._text)

    def _read(self):
        part = self._connected.recv(65_536)
        assert part, "the stream has ended"
        self._text += part.decode()


@pytest.fixture
def follow_at():
    with ExitStack() as stack:

        def connect(server, path="/exchanges", *headers):
            host, _, port = server.api.removeprefix("http://").partition(":")
            connected = stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
            return Reader(connected, path, headers)

        yield connect


@pytest.fixture
def exchanges_through(upstream, dial, read_exactly):
    """Gives a function that performs one exchange through a proxy of a server each time it is called."""

    def connect(server):
        caller = dial(server.proxy(upstream.port, name="streamed"))
        callee = upstream.accept()

        def perform():
            caller.sendall(REQUEST)
            assert read_exactly(callee, len(REQUEST)) == REQUEST
            callee.sendall(ANSWER)
            assert read_exactly(caller, len(ANSWER)) == ANSWER

        return perform

    return connect


@pytest.fixture
def exchange(our_server, exchanges_through):
    return exchanges_through(our_server)


def names(events):
    return [name for name, _, _ in events]


def test_stream_begins_with_hello_and_tells_what_happens_then(our_server, exchange, follow_at):
    exchange()
    reader = follow_at(our_server)
    assert "Content-Type: text/event-stream" in reader.head
    assert "Connection: close" in reader.head
    ((_, _, hello),) = reader.until(lambda events: events)
    exchange()
    _, start, end = reader.until(lambda events: len(events) >= 3)
    assert (start[0], int(start[1]), start[2]["fate"]) == ("start", hello["next"], "open")
    assert (end[0], int(end[1]), end[2]["fate"], end[2]["status"]) == ("end", hello["next"] + 1, "done", 200)
    page = our_server.ask("GET", f"/exchanges?since={hello['next']}").json()
    assert [start[2], end[2]] == page["exchanges"]


def test_stream_tells_earlier_events_where_it_is_asked_from_them(our_server, exchange, follow_at):
    ((_, _, hello),) = follow_at(our_server).until(lambda events: events)
    for _ in range(3):
        exchange()
    told = follow_at(our_server, f"/exchanges?since={hello['next']}").until(lambda events: len(events) >= 7)
    assert [int(number) for _, number, _ in told[1:]] == list(range(hello["next"], hello["next"] + 6))


def test_reader_that_comes_back_goes_on_where_it_left(our_server, exchange, follow_at):
    ((_, _, hello),) = follow_at(our_server).until(lambda events: events)
    for _ in range(2):
        exchange()
    told = follow_at(our_server, "/exchanges", f"Last-Event-ID: {hello['next']}").until(
        lambda events: len(events) >= 4
    )
    assert int(told[1][1]) == hello["next"] + 1


@pytest.mark.parametrize("last", [2, 700])
def test_reader_of_a_process_before_this_one_gets_all_of_this_one(start_ours, exchanges_through, follow_at, last):
    server = start_ours("--observe")
    exchanges_through(server)()
    told = follow_at(server, "/exchanges", f"Last-Event-ID: {last}").until(lambda events: len(events) >= 3)
    assert names(told) == ["hello", "start", "end"]


def test_proxy_that_is_made_while_somebody_follows_is_read(start_ours, exchanges_through, follow_at):
    server = start_ours()
    reader = follow_at(server)
    exchanges_through(server)()
    assert names(reader.until(lambda events: len(events) >= 3)) == ["hello", "start", "end"]


def test_page_of_exchanges_is_bounded_whatever_is_asked_for():
    async def ask():
        proxies = Proxies(seed="1")
        for number in range(10_001):
            proxies.log.add(an_exchange(number))
        request = Request("GET", ("exchanges",), {"since": "0", "limit": "20000"}, {}, b"")
        return json.loads((await Routes(proxies, host="127.0.0.1").handle(request)).body)

    page = asyncio.run(ask())
    assert (len(page["exchanges"]), page["next"], page["newest"]) == (10_000, 10_000, 10_001)


def test_reader_that_is_gone_costs_nothing(our_server, exchange, follow_at):
    for _ in range(3):
        follow_at(our_server)._connected.close()
    for _ in range(20):
        exchange()
    assert our_server.ask("GET", "/counters").json()["streamed"]["requests_total"] == 20


def test_readers_that_are_gone_leave_their_places(start_ours, follow_at, wait_until):
    server = start_ours()
    for _ in range(33):
        follow_at(server)._connected.close()

    def is_let_in():
        with server.http.stream("GET", "/exchanges", headers={"Accept": "text/event-stream"}) as answer:
            return answer.status_code == 200

    wait_until(is_let_in)  # the server hears of the last ends a moment later


def test_readers_are_bounded_and_the_one_too_many_is_told(start_ours, follow_at):
    server = start_ours()
    readers = [follow_at(server) for _ in range(32)]
    assert all("200" in reader.head for reader in readers)
    refused = server.http.get("/exchanges", headers={"Accept": "text/event-stream"})
    assert refused.status_code == 503
    assert "32 readers follow the exchanges" in refused.json()["error"]


def an_exchange(number):
    return Exchange(id=number, edge="e", connection=1, started_at=0.0, method="GET", path=f"/{number}", trace_id=None)


def test_slow_reader_is_told_how_many_it_lost_and_then_the_newest():
    async def read_slowly():
        log = EventLog(capacity=4)
        parts = []
        async with aclosing(follow(log, 0)) as stream:
            parts.append(await anext(stream))
            for number in range(10):  # all of it while the reader is busy with what it has
                log.add(an_exchange(number))
            parts += [await anext(stream) for _ in range(2)]
        return read_events(b"".join(parts).decode())

    _, lost, *rest = asyncio.run(read_slowly())
    assert (lost[0], lost[2]) == ("lost", {"lost": 6})
    assert [int(number) for _, number, _ in rest] == [6, 7, 8, 9]


def test_stream_without_events_shows_that_it_lives(monkeypatch):
    monkeypatch.setattr("seatrial.chaos.proxy.stream._ALIVE_EVERY_S", 0.1)

    async def wait():
        async with aclosing(follow(EventLog(), 0)) as stream:
            begun_s = time.monotonic()
            return [await anext(stream) for _ in range(4)], time.monotonic() - begun_s

    told, took_s = asyncio.run(wait())
    assert told[1:] == [b":\n\n"] * 3
    assert took_s >= 0.29


@pytest.mark.parametrize("loop", ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])])
def test_signal_ends_a_process_that_is_followed(follow_at, loop):
    command = [sys.executable, "-m", "seatrial.chaos.proxy", "--loop", loop]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reader = follow_at(SimpleNamespace(api=json.loads(process.stdout.readline())["api"]))
        assert names(reader.until(lambda events: events)) == ["hello"]
        process.terminate()
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out, errors) == (0, "", "")
