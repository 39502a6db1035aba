"""A clock that only moves when told, a monitor to vary, a real webhook receiver, a real service."""

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from watch_bench import Bench

from seatrial import http
from seatrial.redact import Secrets
from seatrial.synthetic.model import Channel, ChannelKind, Confirm, Monitor, Severity
from seatrial.synthetic.notify.webhook import open_webhook


class FakeClock:
    """Wall and monotonic time move together, unless the wall clock is set."""

    def __init__(self, now=1_700_000_000.0):
        self._now = now
        self._monotonic = 5.0
        self.slept = []

    def now(self):
        return self._now

    def monotonic(self):
        return self._monotonic

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))

    def advance(self, seconds):
        self._now += seconds
        self._monotonic += seconds

    def set_by(self, seconds):
        self._now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_clock():
    return FakeClock


@pytest.fixture
def monitor_of():
    base = Monitor("payments", ("pay with a card",), every_s=30.0, deadline_s=20.0)
    return lambda **fields: dataclasses.replace(base, **fields)


class Receiver:
    """A real webhook receiver on loopback; `status` is what it answers, `got` what it was sent."""

    def __init__(self):
        self.status = 204
        self.got = []
        self.refused = 0
        self.port = 0
        self._server = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status < 300:
                    receiver.got.append((dict(self.headers), body))
                else:
                    receiver.refused += 1
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def letters(self):
        return [json.loads(body) for _, body in self.got]

    def states(self):
        return [letter["state"] for letter in self.letters()]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def send():
    """As the command sends: over our own door to HTTP."""
    with http.open_client() as client:
        yield client.send


class Bank(ThreadingHTTPServer):
    """A real service on loopback: `answers` gives the status per path (else 200), `hangs` what never answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _BankHandler)
        self.asked, self.answers, self.hangs = [], {}, set()
        self.was_asked, self.release = threading.Event(), threading.Event()


class _BankHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.was_asked.set()
        if self.path in self.server.hangs:
            self.server.release.wait(60.0)
        self.send_response(self.server.answers.get(self.path, 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def bank():
    server = Bank()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def paged(monitor_of):
    return monitor_of(routes={Severity.PAGE: ("ops",)}, confirm=Confirm(0, 0.0))


@pytest.fixture
def posts(receiver, send):
    channel = Channel("ops", ChannelKind.WEBHOOK, url=receiver.url, secret_env="KEY")
    return {"ops": open_webhook(channel, environment={"KEY": "s3cret-key"}, secrets=Secrets(), send=send)}


@pytest.fixture
def bench(tmp_path, clock, paged, posts):
    made = Bench(tmp_path, clock, paged, posts=posts)
    yield made
    made.store.close()
