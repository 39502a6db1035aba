"""Findings for what is shown on a terminal; every field has a plain default."""

from __future__ import annotations

import json
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from diff_parts import LOOK

from check_parts import check, command, service, workspace
from seatrial.verdict import Finding, Grade, Subject

__all__ = ["check", "command", "findings", "service", "workspace"]


class Findings:
    """Builders; they keep no state."""

    def one(self, objective: str = "available", grade: Grade = Grade.MET, **fields: Any) -> Finding:
        usual = {"subject": Subject.OBJECTIVE, "service": "shop", "reason": f"the reason of {objective}"}
        return Finding(objective=objective, grade=grade, **(usual | fields))


@pytest.fixture(scope="session")
def findings() -> Findings:
    """Builders of findings."""
    return Findings()


class Handler(BaseHTTPRequestHandler):
    """Answers with what the shop was told to say."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        with self.server.watching:
            self.server.asked.append((self.command, self.path, dict(self.headers.items()), content))
        status, body, headers = self.server.answer(self.path)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        """Stay silent."""


class Shop(ThreadingHTTPServer):
    """One realm's service. `says` makes its answer to a path: the JSON value, or with status and headers."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, says):
        super().__init__(("127.0.0.1", 0), Handler)
        self.watching = threading.Lock()
        self.asked = []
        self.says = says
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path):
        said = self.says(path)
        return said if isinstance(said, tuple) else (200, said, {})

    def handle_error(self, request, client_address):
        """A client that left is nothing to report."""

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """Two realms, `live` and `next`, in the workspace the test is in, with a journey each test may write anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEATRIAL_REALM", raising=False)
    opened = []

    def open_(live, following, *, allows=("", ""), more=""):
        opened.extend([Shop(live), Shop(following)])
        realms = "".join(
            f"  {name}:\n    services: {{api: '{shop.url}'}}\n    allows: {{{allowed}}}\n{more}"
            for name, shop, allowed in zip(("live", "next"), opened, allows, strict=True)
        )
        (tmp_path / "realms.yaml").write_text(f"realms:\n{realms}")
        journey(LOOK)
        return opened

    def journey(steps, head=""):
        (tmp_path / "scenarios").mkdir(exist_ok=True)
        text = f"scenario: j\nservice: api\n{head}steps:\n{textwrap.dedent(steps)}\n"
        (tmp_path / "scenarios" / "j.yaml").write_text(text)

    open_.journey = journey
    yield open_
    for shop in opened:
        shop.close()


@pytest.fixture
def diff(command):
    """`seatrial diff live next` in this process."""

    def run(*words, realms=("live", "next")):
        return command("diff", *realms, *words)

    return run
