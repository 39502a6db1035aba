"""A workspace with a shop in a thread of the test, and pytest run on it, in this process or in one of its own."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

import seatrial.pytest_plugin.trial  # noqa: F401 - what a run within this process imports anew, some modules refuse

SECRET = "hunter2-hunter2"
TOKEN = "token-8f31c2aa"

REALMS = """\
realms:
  here:
    services: {{shop: {address}}}
    secrets: {{password: {{env: SHOP_PASSWORD}}}}
    allows: {{mutations: true}}
  careful:
    services: {{shop: {address}}}
  broken:
    services: {{shop: {address}}}
    secrets: {{password: {{env: NOT_SET_ANYWHERE}}}}
default: here
"""


class _Shop(http.server.BaseHTTPRequestHandler):
    """Answers every path but /nothing; /login gives a token, /echo what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        content = {"/login": {"token": TOKEN}, "/echo": {"said": body}}.get(self.path.partition("?")[0], {"n": 3})
        sent = json.dumps(content).encode()
        self.send_response(404 if self.path == "/nothing" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Silence."""


@pytest.fixture
def shop() -> Iterator[http.server.ThreadingHTTPServer]:
    """A shop; `requests` are those it was sent."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secret() -> str:
    """The value of the realm's one secret."""
    return SECRET


@pytest.fixture
def token() -> str:
    """What the shop's /login gives."""
    return TOKEN


@pytest.fixture
def workspace(pytester: pytest.Pytester, shop, monkeypatch) -> Callable[..., pytest.Pytester]:
    """Write a workspace: its realms, scenarios by file name, and a Python test when one is given."""
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    monkeypatch.delenv("SEATRIAL_REALM", raising=False)

    def write(files: dict[str, str], *, tests: str = "", ini: str = "", realms: str = REALMS) -> pytest.Pytester:
        address = f"http://127.0.0.1:{shop.server_port}"
        (pytester.path / "realms.yaml").write_text(realms.format(address=address))
        for name, text in files.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if tests:
            pytester.makepyfile(test_own=tests)
        pytester.makeini(f"[pytest]\naddopts = --strict-markers --strict-config\n{ini}\n")
        return pytester

    return write


ALONE = ("-p", "seatrial.pytest_plugin", "-p", "no:cacheprovider")


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch) -> Callable[..., pytest.RunResult]:
    """Run pytest within this process, with no plugin but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *words: pytester.runpytest_inprocess(*ALONE, *words)


@pytest.fixture
def run_apart(pytester: pytest.Pytester, monkeypatch) -> Callable[..., pytest.RunResult]:
    """Run pytest in a process of its own; `beside` are other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_(*words: str, beside: tuple[str, ...] = ("xdist",)) -> pytest.RunResult:
        others = (word for name in beside for word in ("-p", name))
        return pytester.runpytest_subprocess(*ALONE, *others, *words)

    return run_
