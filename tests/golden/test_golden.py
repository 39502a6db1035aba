"""The command as a user sees it: every folder here is an input with the exact text and exit code it gives.

A folder's files are copied to `scenarios/` of a workspace, those of its `workspace/` to the workspace itself; then
`seatrial check` runs with the words of its `args`, or the whole `command` if it has one. It is a process of its own
and asks a small server on loopback. What differs from run to run (the port, times, ids) is written as PORT, TIME and
TRACE. tests/README.md lists what each case proves. `GOLDEN_UPDATE=1 pytest tests/golden` writes the files anew: read
the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_golden_list import listed

import misbehaving
from real_parts import bounded_by_rights
from seatrial import documents

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/exit"))
BESIDE = ("stdout", "stderr", "exit", "args", "command", "workspace")
CAUSES = listed("cause")
REPORT = "report.json"
PASSWORD = "correct horse battery"
REALMS = """
realms:
  test:
    services: {api: "http://127.0.0.1:%(port)d", gone: "http://127.0.0.1:1", secure: "%(secure)s"}
    variables: {currency: EUR, proxy: "http://127.0.0.1:%(proxy)d"}
    secrets: {password: {env: GOLDEN_PASSWORD}}
    allows: {mutations: true}
  down:
    services: {api: "http://127.0.0.1:1"}
  closed:
    services: {api: "http://127.0.0.1:%(port)d"}
default: test
"""
CARD = {"id": "c-7", "state": "ACTIVE", "balance": 250, "currency": "EUR", "owner": {"name": "Ada"}, "limits": [1, 2]}
SAME_EVERY_TIME = (
    (re.compile(r"127\.0\.0\.1:(?!1\b)\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b(\d+ m )?\d+(\.\d+)?(e[+-]\d+)? (ms|s)\b"), "TIME"),
    (re.compile(r"trace [0-9a-f]{32}"), "trace TRACE"),
    (re.compile(r"string <\"[0-9a-f]{32}\">"), 'string <"32 DIGITS">'),
    (re.compile(r'value="[0-9a-f]{32}"'), 'value="TRACE"'),
    (re.compile(r"duration_ms: [0-9.]+"), "duration_ms: TIME"),
    (re.compile(r"\d+ bytes in"), "N bytes in"),
    (re.compile(r' time="[0-9.]+"'), ' time="TIME"'),
    (re.compile(r' timestamp="[^"]+"'), ' timestamp="TIME"'),
)


class Target(BaseHTTPRequestHandler):
    """A small service that answers by its path, well and badly."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.partition("?")[0].strip("/").split("/")
        getattr(self, f"answer_{name[0]}")(*name[1:])

    do_POST = do_DELETE = do_GET  # noqa: N815

    def answer_card(self):
        self.reply(200, CARD)

    def answer_status(self, status):
        self.reply(int(status), {"error": f"status {status} was asked for"})

    def answer_sessions(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.reply(201, {"token": "tok-4f9a1c77", "form": form})

    def answer_mine(self):
        allowed = self.headers["Authorization"] == "Bearer tok-4f9a1c77"
        self.reply(200 if allowed else 401, {"query": self.path.partition("?")[2]})

    def answer_later(self, times):
        self.server.seen[self.path] += 1
        entries = ["ch-1"] if self.server.seen[self.path] >= int(times) else []
        self.reply(200, {"entries": entries})

    def answer_text(self):
        self.send(200, b"first line\nsecond line\nthird line\n", "text/plain")

    def answer_slow(self):
        time.sleep(0.2)
        self.reply(200, CARD)

    def answer_hang(self):
        self.server.over.wait(20)

    def answer_drip(self):
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not self.server.over.wait(0.02):
                self.wfile.write(b".")

    def answer_half(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nhalf")
        self.close_connection = True

    def answer_page(self):
        self.send(200, b"<html><body><h1>Hello</h1></body></html>", "text/html")

    def answer_around(self):
        self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /around\r\nContent-Length: 0\r\n\r\n")

    def answer_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        self.close_connection = True

    def answer_reset(self):
        self.close_connection = True  # without a byte

    def reply(self, status, content):
        self.send(status, json.dumps(content).encode(), "application/json")

    def send(self, status, body, content_type):
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
        self.wfile.write("\r\n".join([*lines, "X-Cache: no", "", ""]).encode() + body)

    def log_message(self, *_):
        """Stay silent."""


def make_too_large(workspace):
    (workspace / "scenarios" / "journey.yaml").write_text("scenario: s\n# " + "x" * documents.MAX_BYTES)


def make_unreadable(workspace):
    path = workspace / "scenarios" / "journey.yaml"
    path.write_text("scenario: s\n")
    path.chmod(0)


MADE = {"unreadable/too_large": make_too_large, "unreadable/no_permission": make_unreadable}
"""What no file of a repository can be."""


@pytest.fixture
def ports(authority):
    """Of the server, of one with a certificate that nobody vouches for, and of a proxy that refuses."""
    refusal = misbehaving.says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    with (
        serving() as port,
        misbehaving.Server(misbehaving.says(misbehaving.OK), tls=authority.context()) as secure,
        misbehaving.Server(refusal) as proxy,
    ):
        yield {"port": port, "secure": secure.url, "proxy": proxy.port}


@contextlib.contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    server.seen, server.over = Counter(), threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden(case, ports, tmp_path):
    done = check(case, ports, tmp_path)
    shown = {"stdout": same(done.stdout), "stderr": same(done.stderr), "exit": f"{done.returncode}\n"}
    if os.environ.get("GOLDEN_UPDATE"):
        for name, text in shown.items():
            (case / name).write_text(text)
    assert shown == {name: (case / name).read_text() for name in shown}
    assert PASSWORD not in done.stdout + done.stderr
    causes = [cause for cause, listed in CAUSES.items() if listed == name_of(case)]
    assert causes == [] or set(causes) <= causes_in(tmp_path)


def check(case, ports, workspace):
    """Run the command on a copy of the case's files."""
    (workspace / "realms.yaml").write_text(REALMS % ports)
    shutil.copytree(case, workspace / "scenarios", ignore=shutil.ignore_patterns(*BESIDE))
    if (case / "workspace").exists():
        shutil.copytree(case / "workspace", workspace, dirs_exist_ok=True)
    if name_of(case) in MADE:
        MADE[name_of(case)](workspace)
    words = ["check", *words_of(case, "args")] if not (case / "command").exists() else words_of(case, "command")
    if name_of(case) in CAUSES.values():
        words += ["--json", REPORT]
    before = bounded_by_rights() if case.name == "no_permission" else []
    command = [*before, sys.executable, "-c", "from seatrial.cli.main import main; main()", *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
    environment = {**kept, "GOLDEN_PASSWORD": PASSWORD, "COLUMNS": "120", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=workspace, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def name_of(case):
    """As tests/README.md calls it."""
    return case.relative_to(HERE).as_posix()


def causes_in(workspace):
    """The causes in the report of the play."""
    report = json.loads((workspace / REPORT).read_text())
    return {step["cause"] for play in report["journeys"] for step in play["steps"]}


def words_of(case, name):
    """The words of a command line in one of a case's files, none when it is not there."""
    return (case / name).read_text().split() if (case / name).exists() else []


def same(text):
    """The text without what differs from run to run."""
    for pattern, word in SAME_EVERY_TIME:
        text = pattern.sub(word, text)
    return text


def test_every_kind_of_case_is_here():
    kinds = Counter(case.parent.name for case in CASES)
    assert set(kinds) == {"passes", "fails", "unreadable"}
    assert kinds.total() >= 24
    exits = {case.parent.name: {(other / "exit").read_text() for other in case.parent.iterdir()} for case in CASES}
    assert exits == {"passes": {"0\n"}, "fails": {"1\n", "2\n", "4\n", "5\n"}, "unreadable": {"3\n"}}
