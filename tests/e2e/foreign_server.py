"""Servers that nobody here wrote, as processes of a test: started on a free port of loopback, ended with it."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JOURNEYS = Path(__file__).parent / "foreign"
PATIENCE_S = 60.0


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, *, port: int) -> Iterator[None]:
    """The server while it runs, once it accepts connections on the port; what it said is in `server.log`."""
    log = folder / "server.log"
    with log.open("wb") as said:
        server = subprocess.Popen(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_listens(server, port, log)
        yield
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()
        server.wait(10)


def _wait_until_it_listens(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert server.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.05)


def workspace(folder: Path, journey: str, realms: str) -> Path:
    """A workspace with that journey of `foreign/` and a realm."""
    (folder / "scenarios").mkdir(parents=True)
    (folder / "realms.yaml").write_text(realms)
    shutil.copy(JOURNEYS / journey, folder / "scenarios" / journey)
    return folder


@dataclass(frozen=True)
class Checked:
    """How `seatrial check` ended: its exit code, what it printed, and of each step `ok`, `skipped` or its cause."""

    code: int
    out: str
    steps: dict[str, str]
    requests: int

    @property
    def not_ok(self) -> dict[str, str]:
        """The steps that did not end well, in words; empty when all did."""
        return {name: outcome for name, outcome in self.steps.items() if outcome != "ok"}


def checked(seatrial: Callable[..., Any], folder: Path, *words: str) -> Checked:
    """Play the workspace's journey through the command line."""
    ended = seatrial(folder, "check", *words, "--json", "result.json")
    assert (folder / "result.json").exists(), ended.sentence
    result = json.loads((folder / "result.json").read_text())
    [journey] = result["journeys"]
    steps = {_title(step, taken): step["cause"] or step["outcome"] for taken, step in enumerate(journey["steps"], 1)}
    assert len(steps) == len(journey["steps"])
    return Checked(ended.code, ended.out, steps, result["requests"])


def _title(step: dict[str, Any], number: int) -> str:
    """Its name, its round in a loop; those of a .hurl file have no name of their own."""
    if step["round"]:
        return f"{step['step']} [{step['round']}]"
    return f"{step['step']} [{number}]" if " /" in step["step"] else str(step["step"])
