"""Processes of ours: what still runs of one, and when all of it has ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ports import free_port
from seatrial.runtime import process
from seatrial.runtime.ports import is_free
from seatrial.runtime.state import ProcessId

# Its first thread ends, as when a process is told to end and the others have not been scheduled yet: it is a zombie
# by name, and what it listens on is still listened on.
HALF_ENDED = """\
import ctypes, pathlib, socket, sys, threading, time

def listen():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))):
        pathlib.Path(sys.argv[2]).touch()
        time.sleep(60)

threading.Thread(target=listen).start()
ctypes.CDLL(None).syscall(60 if sys.argv[3] == "x86_64" else 93, 0)  # exit: of this thread alone
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the first thread of a process ends alone on Linux only"
)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def half_ended(tmp_path: Path, port: int) -> Iterator[ProcessId]:
    """A process whose first thread has ended while another listens at the port."""
    listens = tmp_path / "listens"
    command = [sys.executable, "-c", HALF_ENDED, str(port), str(listens), os.uname().machine]
    started = process.spawn(command, env={}, cwd=tmp_path, log=tmp_path / "log")
    for _ in range(500):
        if listens.exists() and _state(started) == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail(f"it did not come as far as that:\n{process.tail(tmp_path / 'log')}")
    yield started
    process.stop([started])


def test_a_process_runs_as_long_as_one_of_its_threads_does(half_ended: ProcessId, port: int):
    assert process.is_alive(half_ended)
    assert not process.wait_gone([half_ended], 0.1)
    assert not is_free(port)


def test_what_a_process_listened_on_is_free_when_it_is_gone(half_ended: ProcessId, port: int):
    process.send_signal(half_ended, signal.SIGKILL)

    assert process.wait_gone([half_ended], 10)
    assert is_free(port)


def _state(started: ProcessId) -> str:
    return Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[0]
