"""What tests of `check` share: a small service in threads, a workspace for it, the command in this process.

Imported by the conftest of each room that needs it.
"""

from __future__ import annotations

import functools
import json
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seatrial.cli.main import main

PATIENCE_S = 20.0
REALMS = """
realms:
  test:
    services: {api: "http://127.0.0.1:%(port)d"}
    variables: {currency: EUR}
    secrets: {password: {env: CHECK_PASSWORD}, unused: {env: CHECK_UNUSED}}
    allows: {mutations: true%(allows)s}
"""


class Handler(BaseHTTPRequestHandler):
    """Answers by the first word of its path; knows how many are asking at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every answer waits for an acknowledgement

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        with self.server.watching:
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
            self.server.asked[self.path] += 1
        self.counted = True
        try:
            word, _, rest = self.path.partition("?")[0].strip("/").partition("/")
            getattr(self, f"answer_{word}")(rest)
        finally:
            self.count_no_more()

    do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815

    def count_no_more(self) -> None:
        """Before the answer's last byte: whoever has it may ask the next at once."""
        with self.server.watching:
            self.server.under_way -= self.counted
        self.counted = False

    def answer_ok(self, rest: str) -> None:
        self.reply(200, {"ok": True, "path": rest})

    def answer_status(self, rest: str) -> None:
        self.reply(int(rest.partition("/")[0]), {"error": "as asked"})

    def answer_large(self, rest: str) -> None:
        self.reply(200, "x" * int(rest))

    def answer_token(self, rest: str) -> None:
        self.reply(200, {"token": f"token-{rest}-{self.server.asked[self.path]}"})

    def answer_echo(self, rest: str) -> None:
        content = {"path": self.path, "headers": dict(self.headers.items()), "body": self.body.decode("latin-1")}
        self.reply(200, content, ("Set-Cookie", "sid=sid-5e55101d; Path=/; HttpOnly"))

    def answer_said(self, rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.count_no_more()
        self.wfile.write(self.body)

    def answer_meet(self, rest: str) -> None:
        """200 once so many are here at the same time; 503 when they never are."""
        meeting = self.server.meetings.setdefault(rest, threading.Barrier(int(rest)))
        try:
            meeting.wait(PATIENCE_S)
        except threading.BrokenBarrierError:
            self.reply(503, {})
        else:
            self.reply(200, {})

    def answer_hang(self, rest: str) -> None:
        self.server.hanging.set()
        self.server.over.wait(PATIENCE_S)
        self.reply(200, {})

    def reply(self, status: int, content: object, *headers: tuple[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.count_no_more()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Service(ThreadingHTTPServer):
    """What was asked how often, how many asked at once at most, and where they meet."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.watching = threading.Lock()
        self.under_way = self.most = 0
        self.asked: Counter[str] = Counter()
        self.meetings: dict[str, threading.Barrier] = {}
        self.hanging, self.over = threading.Event(), threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left is nothing to report."""


@pytest.fixture
def service() -> Iterator[Service]:
    """The service, until the test is over."""
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Workspace:
    """A folder with a realm for the service, and journeys."""

    def __init__(self, path: Path, port: int) -> None:
        self.path = path
        self.port = port
        self.realm()

    def realm(self, allows: str = "") -> None:
        """Write the realm; `allows` is more of what it allows."""
        more = f", {allows}" if allows else ""
        (self.path / "realms.yaml").write_text(REALMS % {"port": self.port, "allows": more})

    def journey(self, name: str, steps: str, *, head: str = "", folder: str = "scenarios") -> None:
        """Write a journey of that name."""
        path = self.path / folder / f"{name.replace(' ', '_')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"scenario: {name}\nservice: api\n{textwrap.dedent(head)}steps:\n{textwrap.dedent(steps)}\n"
        path.write_text(text)

    def file(self, name: str) -> str:
        """The text of a file of it."""
        return (self.path / name).read_text()


@pytest.fixture
def workspace(tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, in which the test is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHECK_PASSWORD", "correct horse battery")
    monkeypatch.setenv("CHECK_UNUSED", "never asked for")
    monkeypatch.delenv("SEATRIAL_REALM", raising=False)
    return Workspace(tmp_path, service.server_port)


@pytest.fixture
def command(monkeypatch, capfd):
    """`seatrial` in this process; an exception that would be a traceback fails the test."""

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["seatrial", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def check(workspace, command):
    """`seatrial check` in the workspace."""
    return functools.partial(command, "check")
