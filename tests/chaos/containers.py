"""Containers of a real Docker engine for the tests of chaos: there is no registry, so the image is empty, and the
host's own Python is bound into the container. The fixtures are in `conftest.py`."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import seatrial
from ports import free_port
from seatrial import http
from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Injectable
from seatrial.chaos.inject import Resolved
from seatrial.chaos.model import ServiceFault
from seatrial.chaos.plan import resolver
from seatrial.chaos.service_settings import ServiceSettings
from seatrial.exchange import Response
from seatrial.runtime.read import read_realms

PATIENCE_S = 30.0
SOURCES = str(Path(seatrial.__file__).parents[1])
REALMS = """\
realms:
  containers:
    runtime: {{kind: docker, labels: {{com.example.bank: "{bank}"}}}}
    services: {{cards: "http://{cards}", ledger: "http://127.0.0.1:{ledger_port}"}}
    allows: {{chaos: true}}
"""
EXPERIMENT = """\
experiment: the ledger's container
steady_state: {{baseline: 3s}}
method:
  - {{at: 0s, inject: {{service: ledger, {fault}, for: 6s}}}}
expect:
  during:
    - {{breaker: cards->ledger, opens_within: 5s, calls_while_open: 0}}
  after: {{breaker: {{closes_within: 5s}}}}
"""
HARNESS = """\
import sys, time
from pathlib import Path
from seatrial.chaos.inject import Injector
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.plan import resolver
from seatrial.chaos.service_settings import ServiceSettings
from seatrial.chaos.read import read_experiments
from seatrial.clock import SystemClock
from seatrial.runtime.read import read_realms

workspace = Path(sys.argv[1])
realm = read_realms(workspace)["containers"]
[experiment] = read_experiments(workspace / "chaos").values()
ledger = Ledger(workspace / "reports/out/run/faults.jsonl")
watched = {} if "watched" in sys.argv else {"start_watchdog": lambda ledger: None}
with Injector(ledger, realm.name, clock=SystemClock(), say=lambda text: None, **watched) as injector:
    resolved = resolver(workspace, realm, holder="harness")(experiment.method[0].fault)
    injector.inject(resolved, experiment=experiment.name)
    print("on", flush=True)
    time.sleep(600)
"""


def docker(*arguments: str, given: bytes | None = None) -> str:
    """One call of the engine's command line; what it says."""
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def environment() -> dict[str, str]:
    """What a process of ours is started with, so that it finds these sources."""
    return {**os.environ, "PYTHONPATH": SOURCES}


@contextlib.contextmanager
def empty_image() -> Iterator[str]:
    """An image with nothing but the folders the host's are bound to."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for folder in ("usr", "lib", "lib64", "bin", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    made = docker("import", "-", given=packed.getvalue())
    try:
        yield made
    finally:
        docker("rmi", made)


def binds(*more: str) -> list[str]:
    """The options that bind the host's own Python into a container, and more folders, each once."""
    system = [folder for folder in ("/usr", "/lib", "/lib64", "/bin") if Path(folder).is_dir()]
    own = {sys.prefix, sys.base_prefix, *more}
    own_elsewhere = sorted(folder for folder in own if not f"{folder}/".startswith("/usr/"))
    return [f"--volume={folder}:{folder}:ro" for folder in (*system, *own_elsewhere)]


class HasWorkspace(Protocol):
    """Containers of a workspace whose one experiment breaks them."""

    @property
    def workspace(self) -> Path:
        """Its folder."""
        ...


@dataclass(frozen=True)
class Contained:
    """The ledger in a container of its own, and the workspace that knows it."""

    workspace: Path
    container: str
    bank: str
    port: int

    @property
    def log(self) -> Path:
        """What the watchdog of the workspace's one run says."""
        return self.workspace / "reports/out/run/watchdog.log"

    def state(self) -> dict[str, object]:
        """What the engine says of it."""
        found: dict[str, object] = json.loads(docker("inspect", "--format", "{{json .State}}", self.container))
        return found

    def answers(self, *, within_s: float = 10) -> bool:
        """Whether its port does."""
        return isinstance(http.get(f"http://127.0.0.1:{self.port}/healthz", timeout_s=within_s), Response)

    def write(self, cards: str, fault: str) -> None:
        """The workspace's files, with that address of cards."""
        realms = REALMS.format(bank=self.bank, cards=cards, ledger_port=self.port)
        (self.workspace / "realms.yaml").write_text(realms)
        (self.workspace / "chaos").mkdir()
        (self.workspace / "chaos/ledger.yaml").write_text(EXPERIMENT.format(fault=fault))

    def found(self, settings: ServiceSettings) -> Injectable:
        """A fault of it with its target found, as the ledger gives it back."""
        realm = read_realms(self.workspace)["containers"]
        resolved: Resolved = resolver(self.workspace, realm, holder="test")(ServiceFault("ledger", settings))
        kept = json.loads(json.dumps(dataclasses.asdict(resolved.injectable)))  # type: ignore[call-overload]
        return faults.restore(resolved.means, resolved.fault.kind, kept)


@contextlib.contextmanager
def contain_ledger(image: str, workspace: Path) -> Iterator[Contained]:
    """The ledger, healthy, in a container that allows faults; removed afterwards, whatever became of it."""
    bank, port = f"bank-{secrets.token_hex(4)}", free_port()
    labels = [f"com.example.bank={bank}", "seatrial.service=ledger", "seatrial.chaos=allowed"]
    container = docker(
        *("run", "--detach", f"--publish=127.0.0.1:{port}:8080", *binds(SOURCES)),
        *(f"--label={label}" for label in labels),
        *(f"--env={setting}" for setting in ("HOST=0.0.0.0", "PORT=8080", f"PYTHONPATH={SOURCES}")),
        *(image, sys.executable, "-m", "seatrial.demo", "ledger"),
    )
    try:
        wait_healthy(f"http://127.0.0.1:{port}", lambda: docker("logs", container))
        yield Contained(workspace, container, bank, port)
    finally:
        docker("rm", "--force", "--volumes", container)


def wait_healthy(address: str, log: Callable[[], str]) -> None:
    """Return as soon as the service there is well; fail with its log when it is not in a generous time."""
    wait_for(lambda: isinstance(http.get(f"{address}/healthz", timeout_s=2), Response), log)


def wait_for(claim: Callable[[], bool], log: Callable[[], str]) -> None:
    """Return as soon as the claim holds; fail with that log when it does not in a generous time."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline_s, log()
        time.sleep(0.02)


def wait_all_healed(contained: Contained) -> str:
    """Return what the watchdog has said as soon as nothing is on."""
    wait_for(lambda: "all is healed" in text_of(contained.log), lambda: text_of(contained.log))
    return text_of(contained.log)


def text_of(file: Path) -> str:
    """What is in it; nothing while it is not there."""
    return file.read_text() if file.exists() else ""


def inject_and_be_killed(contained: Contained, *words: str) -> None:
    """A harness that injects the workspace's fault and is killed with the fault on."""
    with started_harness(contained, *words) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "on\n"


@contextlib.contextmanager
def started_harness(contained: HasWorkspace, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A harness that injects the workspace's fault; killed at the end."""
    command = [sys.executable, "-c", HARNESS, str(contained.workspace), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as harness:
        try:
            yield harness
        finally:
            harness.send_signal(signal.SIGKILL)
