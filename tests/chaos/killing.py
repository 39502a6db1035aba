"""Kills harnesses at seeded random moments, and looks at what they leave: for the tests, and for `bench/kills.py`.

The realm is the ledger, cards and feed of the demo bank as processes behind the embedded proxy and, where there is a
Docker engine, a container beside them.
"""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from containers import binds, docker, empty_image, environment

from ports import free_port
from seatrial import http
from seatrial.chaos.healing.ledger import read_ledger
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.inject import LEASE_S
from seatrial.clock import SystemClock
from seatrial.errors import CannotRun
from seatrial.exchange import Response
from seatrial.realm import Realm
from seatrial.runtime import process
from seatrial.runtime.read import read_realms
from seatrial.runtime.state import ProcessId, RealmState, load_state
from seatrial.runtime.up import MARK, down, up
from watchdogs import watchdogs

REALM = "doomed"
WITHIN_S = LEASE_S + 5.0
READY_WITHIN_S = 60.0
REALMS = """\
realms:
  doomed:
    runtime: {kind: process}
    allows: {chaos: true}
    services:
      ledger: {start: {command: ["{{ python }}", -m, seatrial.demo, ledger], env: {PORT: "{{ port }}"}}}
      feed: {start: {command: ["{{ python }}", -m, seatrial.demo, feed], env: {PORT: "{{ port }}"}}}
      cards:
        start:
          command: ["{{ python }}", -m, seatrial.demo, cards]
          env: {PORT: "{{ port }}", LEDGER_URL: "{{ via.ledger }}", FEED_URL: "{{ via.feed }}"}
"""
BOX = '      box: {{url: "http://127.0.0.1:{port}", container: {name}, health: /}}\n'


@dataclass(frozen=True, slots=True)
class Box:
    """The container of the realm."""

    name: str
    port: int


@dataclass(frozen=True, slots=True)
class Killed:
    """How one kill came out: what was on at its moment, after how long nothing was left (None: not in time, and then
    what), and what `recover` still had to undo."""

    seed: int
    moment_s: float
    on: tuple[str, ...]
    clean_after_s: float | None
    left: tuple[str, ...]
    recovered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A realm that is up, to break."""

    workspace: Path
    box: Box | None

    def kill(self, seed: int, *, within_s: float = WITHIN_S) -> Killed:
        """Let the seed's harness play, kill it at the seed's moment, and look until nothing is left.

        A moment is counted from the first fault; of every fifth seed from when the harness is about to begin.
        """
        moment_s = random.Random(f"moment {seed}").uniform(0.0, 4.0)
        with _harness(self.workspace, seed) as harness:
            end = time.monotonic() + READY_WITHIN_S
            while seed % 5 and not self._on(seed) and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(moment_s)
            assert harness.poll() is None, (self.workspace / f"harness-{seed}.log").read_text()
            harness.kill()
            harness.wait()
        killed_at, on = time.monotonic(), self._on(seed)
        while (left := self.left()) and time.monotonic() - killed_at < within_s:
            time.sleep(0.1)
        clean_after_s = None if left else time.monotonic() - killed_at
        recovered = recover(self.workspace, clock=SystemClock()).undone
        still = tuple(f"{item.entry.kind} on {item.entry.target}: {item.text}" for item in recovered if item.needed)
        return Killed(seed, moment_s, on, clean_after_s, left or self.left(), still)

    def left(self) -> tuple[str, ...]:
        """What of any fault there still is, in words; empty when nothing is."""
        state = load_state(self.workspace, REALM)
        assert state is not None
        return (*self._at_proxies(state), *self._of_processes(state), *self._of_box(), *self._watchdogs())

    def _at_proxies(self, state: RealmState) -> Iterator[str]:
        assert state.proxy is not None
        answer = http.get(f"{state.proxy.api}/proxies", timeout_s=5.0)
        assert isinstance(answer, Response), "the proxy is gone"
        for name, proxy in json.loads(answer.body).items():
            if not proxy["enabled"]:
                yield f"proxy {name} is disabled"
            yield from (f"toxic {toxic['name']} on {name}" for toxic in proxy["toxics"])

    def _of_processes(self, state: RealmState) -> Iterator[str]:
        for name, service in state.services.items():
            status = _status(service.process)
            if status is None:
                yield f"{name} is missing"
            elif status == psutil.STATUS_STOPPED:
                yield f"{name} is stopped"
            elif not isinstance(http.get(f"{service.url}/healthz", timeout_s=2.0), Response):
                yield f"{name} does not answer"
            mark = f"{self.workspace.resolve()}:{REALM}:{name}"
            for other in process.find_marked(MARK, mark):
                if other.pid != service.process.pid:
                    yield f"a second {name} runs (process {other.pid})"

    def _of_box(self) -> Iterator[str]:
        if self.box is None:
            return
        status = docker("inspect", "--format", "{{.State.Status}}", self.box.name)
        if status != "running":
            yield f"the container is {status}"
        elif not isinstance(http.get(f"http://127.0.0.1:{self.box.port}/", timeout_s=2.0), Response):
            yield "the container does not answer"

    def _watchdogs(self) -> Iterator[str]:
        """One that is there may still have something to do."""
        yield from (f"a watchdog (process {each.pid})" for each in watchdogs(self.workspace))

    def _on(self, seed: int) -> tuple[str, ...]:
        """What the harness had injected, or was about to, and had not healed when it was killed."""
        content = read_ledger(self.workspace / "reports" / "out" / f"run-{seed}" / "faults.jsonl")
        return tuple(f"{entry.means} {entry.kind} on {entry.target}" for entry in content.open)


def _status(known: ProcessId) -> str | None:
    """What the system says of that very process; None when it is gone, be it between two looks."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.is_alive(known):
            return str(psutil.Process(known.pid).status())
    return None


@contextlib.contextmanager
def open_range(workspace: Path, *, with_container: bool) -> Iterator[Range]:
    """A realm that is up in a folder of its own, ended on every way out."""
    workspace = workspace.resolve()
    with contextlib.ExitStack() as stack:
        box = stack.enter_context(_boxed()) if with_container else None
        (workspace / "realms.yaml").write_text(REALMS + (BOX.format(port=box.port, name=box.name) if box else ""))
        realm = read_realms(workspace)[REALM]
        stack.callback(lambda: down(realm, workspace, say=_to_nobody))
        _up(realm, workspace)
        yield Range(workspace, box)


def _up(realm: Realm, workspace: Path) -> None:
    """Start it; a port that somebody took in the meantime is no claim of any kill."""
    for _ in range(3):
        with contextlib.suppress(CannotRun):
            up(realm, workspace, variables={}, say=_to_nobody)
            return
    up(realm, workspace, variables={}, say=_to_nobody)


@contextlib.contextmanager
def _harness(workspace: Path, seed: int) -> Iterator[subprocess.Popen[bytes]]:
    """The seed's harness, about to begin; killed on every way out."""
    log = workspace / f"harness-{seed}.log"
    command = [sys.executable, str(Path(__file__).with_name("doomed.py")), str(workspace), str(seed)]
    with log.open("wb") as output:
        harness = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment())
    try:
        end = time.monotonic() + READY_WITHIN_S
        while b"ready" not in log.read_bytes():
            assert harness.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        yield harness
    finally:
        harness.kill()
        harness.wait()


@contextlib.contextmanager
def _boxed() -> Iterator[Box]:
    """A container that serves its folder, of an empty image: the host's own Python is bound into it."""
    name, port = f"doomed-{secrets.token_hex(4)}", free_port()
    with empty_image() as image:
        try:
            docker(
                *("run", "--detach", "--init", f"--name={name}", "--label=seatrial.chaos=allowed"),
                *(f"--publish=127.0.0.1:{port}:8080", *binds()),
                *("--workdir=/tmp", image, sys.executable, "-m", "http.server", "8080"),
            )
            yield Box(name, port)
        finally:
            with contextlib.suppress(AssertionError):
                docker("rm", "--force", "--volumes", name)


def _to_nobody(text: str) -> None:
    del text
