"""A target on loopback that counts what reaches it, and can be told to misbehave."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TRACE_ENDS = len("00-") + 32
"""Of a traceparent: its version and the trace's id."""


@dataclass
class Target:
    """The server's side of the story: requests per `METHOD path` and per trace, and how many of them were under way
    at once."""

    url: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    traces: Counter[str] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    stalled_until: float = 0.0
    delay_s: float = 0.0
    one_at_a_time_s: float = 0.0
    turn: threading.Lock = field(default_factory=threading.Lock)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def stall(self, seconds: float) -> None:
        """Answer nothing until that time is over."""
        self.stalled_until = time.monotonic() + seconds

    def count(self, what: str, trace: str) -> None:
        """One more request seen."""
        with self.lock:
            self.seen[what] += 1
            self.traces[trace] += 1
            self.at_once[what] += 1
            self.most_at_once[what] = max(self.most_at_once[what], self.at_once[what])

    def answered(self, what: str) -> None:
        """One that is under way no more."""
        with self.lock:
            self.at_once[what] -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    target: Target


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.target.connections += 1

    def do_GET(self) -> None:
        self._answer(200, {"path": self.path, "items": [1, 2, 3]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(201, {"id": "abc"})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, content: object) -> None:
        target = self.server.target
        target.count(f"{self.command} {self.path}", self.headers.get("traceparent", "")[:TRACE_ENDS])
        time.sleep(max(target.delay_s, target.stalled_until - time.monotonic()))
        if target.one_at_a_time_s:
            with target.turn:
                time.sleep(target.one_at_a_time_s)
        target.answered(f"{self.command} {self.path}")
        body = json.dumps(content).encode()
        status = 503 if self.path.startswith("/broken") else status
        head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


@contextlib.contextmanager
def _serving() -> Iterator[Target]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.target = Target(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.target
        server.target.stalled_until = 0.0
        server.shutdown()
        thread.join()


@pytest.fixture
def target() -> Iterator[Target]:
    """A small JSON server: `/broken...` answers 503, everything else 200, POST 201."""
    with _serving() as target:
        yield target


@pytest.fixture
def newer() -> Iterator[Target]:
    """A second one, as a canary beside the first."""
    with _serving() as target:
        yield target


class _RawHandler(socketserver.BaseRequestHandler):
    """Answers each request of a connection with the pieces its path asks for."""

    def handle(self) -> None:
        while request := self.request.recv(65536):
            path = request.split(b" ", 2)[1].decode()
            self.server.paths.append(path)  # type: ignore[attr-defined]
            if not self.server.answer(self.request, path):  # type: ignore[attr-defined]
                return


class RawServer(socketserver.ThreadingTCPServer):
    """A server whose every byte a test decides: `answer(socket, path)` gives False to close the connection."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer) -> None:
        super().__init__(("127.0.0.1", 0), _RawHandler)
        self.answer = answer
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def raw_server():
    """Starts raw servers; ends them after the test."""
    servers: list[tuple[RawServer, threading.Thread]] = []

    def start(answer) -> RawServer:
        server = RawServer(answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
