"""Whole commands on small workspaces: a shop in a thread of the test, and a realm of two tiny services.

Commands run in this process where nothing needs a process of its own (`here`), else as the console script does
(`seatrial`, `start`). Every process reports a call to an address that is not this machine's; the tests then fail.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from shop_files import PAIR_FILES, shop_files, write

from ports import free_port
from seatrial.cli.main import main
from seatrial.errors import Refused
from seatrial.runtime import process
from seatrial.runtime.read import read_realms
from seatrial.runtime.up import down

PATIENCE_S = 90.0
COMMAND = [sys.executable, "-c", "from seatrial.cli.main import main; main()"]
STRANGERS = "SEATRIAL_TEST_STRANGERS"
CLOCK_STEPS = "SEATRIAL_TEST_CLOCK_STEPS"
"""A file with two moments of the monotonic clock; between them every process's wall clock is an hour ahead. It may
come while they run."""


WATCHMAN = f"""\
import os, sys, time
LOOPBACK = ("127.0.0.1", "localhost", "::1", b"127.0.0.1", b"localhost", "", None)
def watch(event, args):
    if event == "socket.connect":
        host = args[1][0] if isinstance(args[1], tuple) else ""
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if host not in LOOPBACK:
        with open(os.environ["{STRANGERS}"], "a") as file:
            file.write(f"{{sys.argv}} called {{host}}\\n")
sys.addaudithook(watch)
if "{CLOCK_STEPS}" in os.environ:
    right, elapsed, steps = time.time, time.monotonic, []
    def stepping():
        if not steps and os.path.exists(os.environ["{CLOCK_STEPS}"]):
            with open(os.environ["{CLOCK_STEPS}"]) as file:
                steps[:] = map(float, file.read().split())
        return right() + 3600.0 * (bool(steps) and steps[0] < elapsed() < steps[1])
    time.time = stepping
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What a user was told about a failure, which is never a traceback."""
        assert "Traceback" not in self.err, self.err
        return self.err


class Shop(http.server.BaseHTTPRequestHandler):
    """Two goods and their prices."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"name": "rope", "price": 250}).encode()
        self.send_response(200 if self.path.startswith("/goods") else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at answers."""


class Crowd(http.server.ThreadingHTTPServer):
    """A server that a load may end upon without a word."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nothing to report."""


@pytest.fixture(scope="session")
def shop() -> Iterator[str]:
    """The base URL of the shop."""
    with Crowd(("127.0.0.1", 0), Shop) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join(PATIENCE_S)


@pytest.fixture(scope="session")
def nobody() -> str:
    """A base URL where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def _watchful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of every process: whatever calls an address elsewhere is noted, and fails the tests."""
    folder = tmp_path_factory.mktemp("watchman")
    strangers = folder / "strangers"
    (folder / "sitecustomize.py").write_text(WATCHMAN)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    yield {**os.environ, "PYTHONPATH": path, STRANGERS: str(strangers)}
    assert not strangers.exists(), strangers.read_text()


Seatrial = Callable[..., Ended]


@pytest.fixture(scope="session")
def seatrial(_watchful: dict[str, str]) -> Seatrial:
    """Runs a command in a process of its own, in a workspace, to its end."""

    def run(workspace: Path, *words: str) -> Ended:
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=workspace,
            env=_watchful,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Seatrial:
    """Runs a command in this process, in a workspace; an exception that would be a traceback fails the test."""

    def stay(connection: socket.socket, address: Any) -> None:
        assert not isinstance(address, tuple) or address[0] == "127.0.0.1", f"called {address}"
        return socket.socket.__base__.connect(connection, address)  # type: ignore[union-attr,attr-defined]

    def run(workspace: Path, *words: str) -> Ended:
        monkeypatch.chdir(workspace)
        monkeypatch.setattr(sys, "argv", ["seatrial", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    monkeypatch.delenv("SEATRIAL_REALM", raising=False)
    monkeypatch.setattr(socket.socket, "connect", stay)
    return run


class Harness:
    """A command under way, with what it has said so far on stderr and whom it has started."""

    def __init__(self, workspace: Path, words: tuple[str, ...], env: dict[str, str]) -> None:
        self.workspace = workspace
        self._said = workspace / f"stderr-{time.monotonic_ns()}"
        self._told = self._said.with_name(self._said.name.replace("stderr", "stdout"))
        with self._said.open("wb") as stderr, self._told.open("wb") as stdout:
            self.popen = subprocess.Popen([*COMMAND, *words], cwd=workspace, env=env, stdout=stdout, stderr=stderr)

    @property
    def said(self) -> str:
        """Everything on its stderr."""
        return self._said.read_text()

    def wait_until(self, claim: Callable[[], object], what: str) -> None:
        """Return as soon as the claim holds; fail when it ends before, or after a generous time."""
        wait_until(claim, what, alive=lambda: self.popen.poll() is None, tell=lambda: self.said)

    def wait_for_words(self, words: str) -> None:
        """Return as soon as it has said so."""
        self.wait_until(lambda: words in self.said, f"says '{words}'")

    def started(self) -> tuple[psutil.Process, ...]:
        """All that it has started and that runs now, with all that those have started."""
        return tuple(psutil.Process(self.popen.pid).children(recursive=True))

    def end(self, number: signal.Signals) -> Ended:
        """Signal it, and see how it ends."""
        self.popen.send_signal(number)
        return self.wait()

    def wait(self) -> Ended:
        """See how it ends."""
        return Ended(self.popen.wait(PATIENCE_S), self._told.read_text(), self.said)


def wait_until(
    claim: Callable[[], object],
    what: str,
    *,
    alive: Callable[[], bool] = lambda: True,
    tell: Callable[[], str] = lambda: "",
) -> None:
    """Return as soon as the claim holds; fail when it can no more, or after a generous time."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not claim():
        assert alive(), f"ended before: {what}; {tell()}"
        assert time.monotonic() < deadline_s, f"never: {what}; {tell()}"
        time.sleep(0.02)


@pytest.fixture(name="wait_until")
def _wait_until() -> Callable[..., None]:
    """Waits for a claim to become true."""
    return wait_until


@pytest.fixture
def start(_watchful: dict[str, str]) -> Iterator[Callable[..., Harness]]:
    """Starts a command and goes on; whatever of it and of its realms is left at the end is ended. `clock_steps` is a
    file as `CLOCK_STEPS` says."""
    with ExitStack() as stack:

        def begin(workspace: Path, *words: str, clock_steps: Path | None = None) -> Harness:
            more = {} if clock_steps is None else {CLOCK_STEPS: str(clock_steps)}
            harness = Harness(workspace, words, _watchful | more)
            stack.callback(_clear_away, harness)
            return harness

        yield begin


def _clear_away(harness: Harness) -> None:
    if harness.popen.poll() is None:
        left = [process.identify(child.pid) for child in harness.started()]
        harness.popen.kill()
        harness.popen.wait()
        process.stop(left)
    for realm in read_realms(harness.workspace).values():
        with suppress(Refused):  # another harness is there yet, and clears it away
            down(realm, harness.workspace, say=lambda _: None)


@pytest.fixture
def shop_workspace(tmp_path: Path, shop: str) -> Path:
    """A workspace whose only realm is the shop."""
    return write(tmp_path, shop_files(shop))


@pytest.fixture(scope="session")
def assessed(tmp_path_factory: pytest.TempPathFactory, shop: str, seatrial: Seatrial) -> tuple[Path, Ended]:
    """The shop's workspace after an assessment that was MET, and how that ended. To be copied, never changed."""
    workspace = write(tmp_path_factory.mktemp("assessed"), shop_files(shop))
    return workspace, seatrial(workspace, "assess")


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A workspace of two services that run as processes; `front` calls `back`. Its gates are named for their end."""
    return write(tmp_path, PAIR_FILES)
