"""The Docker engine gone in the middle of an experiment: the rest is healed, what is left is told, and healed later.

The engine itself stays: what goes is a relay to its socket, which is all of it that the harness knows.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from containers import docker
from killing import Range, open_range

from seatrial import http
from seatrial.chaos.healing.recover import recover
from seatrial.clock import SystemClock
from seatrial.errors import Refused
from seatrial.exchange import Response
from seatrial.runtime.docker import local_engine
from seatrial.runtime.state import load_state

pytestmark = [pytest.mark.needs_docker, pytest.mark.e2e]

HARNESS = """
    import sys, time
    from pathlib import Path
    from seatrial.chaos.inject import Injector
    from seatrial.chaos.healing.ledger import Ledger
    from seatrial.chaos.model import ServiceFault, Stop
    from seatrial.chaos.plan import resolver
    from seatrial.clock import SystemClock
    from seatrial.runtime.read import read_realms

    workspace = Path(sys.argv[1])
    resolve = resolver(workspace, read_realms(workspace)["doomed"], holder="run")
    ledger = Ledger(workspace / "reports" / "out" / "run" / "faults.jsonl")
    with Injector(ledger, "doomed", clock=SystemClock(), say=print) as injector:
        for service in ("feed", "box"):
            injector.inject(resolve(ServiceFault(service, Stop())), experiment="x")
        print("on", flush=True)
        time.sleep(600)
"""


class Relay:
    """A socket that leads to the engine's while it is open."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path = path
        self._engine = engine
        self._open: list[socket.socket] = []

    def start(self) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._listening, *self._open):
            each.close()
        self._open.clear()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._engine)
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay that runs; its path is short, as those of sockets must be."""
    try:
        engine = local_engine(os.environ).url.partition("://")[2]
    except Refused as refused:
        pytest.skip(str(refused))
    folder = Path(tempfile.mkdtemp(prefix="seatrial-", dir="/tmp"))
    running = Relay(folder / "engine.sock", engine)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Range]:
    with open_range(tmp_path, with_container=True) as running:
        yield running


def test_the_rest_is_healed_and_what_is_left_is_told_and_healed_when_the_engine_is_back(
    opened: Range, relay: Relay, wait_until: Callable[..., None]
):
    workspace, box = opened.workspace, opened.box
    environment = {**os.environ, "DOCKER_HOST": f"unix://{relay.path}"}
    command = [sys.executable, "-c", textwrap.dedent(HARNESS), str(workspace)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as harness:
        try:
            assert harness.stdout.readline() == "on\n"
            relay.stop()
        finally:
            harness.terminate()
        said, error = harness.communicate(timeout=60)
    left, healed = said.splitlines()[-2:]
    assert left.startswith("stop on box could not be healed: ")
    assert healed == "stop on feed: 'feed' continued"
    assert "FaultFailed: not healed: stop on box; then: seatrial chaos recover" in error
    url = load_state(workspace, "doomed").services["feed"].url
    assert isinstance(http.get(f"{url}/healthz", timeout_s=10), Response)
    assert docker("inspect", "--format", "{{.State.Status}}", box.name) == "paused"

    relay.start()
    wait_until(lambda: docker("inspect", "--format", "{{.State.Status}}", box.name) == "running")
    wait_until(lambda: "all is healed" in (workspace / "reports/out/run/watchdog.log").read_text())
    assert recover(workspace, clock=SystemClock()).undone == ()
