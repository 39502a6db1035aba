"""The harness's side of the watchdog: starts the process, beats, and lets go of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from seatrial.chaos.healing.ledger import Ledger
from seatrial.errors import FaultFailed
from seatrial.runtime import process

LOG_FILE = "watchdog.log"
READY_WITHIN_S = 30.0
END_WITHIN_S = 10.0
_POLL_S = 0.02


class Watchdog:
    """A watchdog of this process, for one ledger; it has a session of its own, and outlives its harness."""

    def __init__(self, ledger: Ledger) -> None:
        """Start it; FaultFailed when that cannot be done. It may not watch yet: see `require`."""
        self._log = ledger.path.resolve().with_name(LOG_FILE)
        self._read_from = len(_content(self._log))
        own = process.identify(os.getpid())
        words = [str(ledger.path.resolve()), str(own.pid), repr(own.created_at)]
        try:
            self._process = _start(words, self._log)
        except OSError as error:
            raise FaultFailed(f"the watchdog cannot be started: {error.strerror}; nothing was injected") from None

    def require(self) -> None:
        """Wait until it watches; FaultFailed with the end of its log when it does not."""
        end = time.monotonic() + READY_WITHIN_S
        while not self._watches() and self.lives and time.monotonic() < end:
            time.sleep(_POLL_S)
        if not (self._watches() and self.lives):
            raise FaultFailed(
                f"the watchdog did not start, so nothing was injected; the end of {self._log}:\n"
                f"{process.tail(self._log)}"
            )

    @property
    def lives(self) -> bool:
        """Whether its process is there."""
        return self._process.poll() is None

    def beat(self) -> None:
        """Tell it that the harness is well; one that is gone does not mind."""
        pipe = self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            if pipe is not None:
                os.write(pipe.fileno(), b".")

    def let_go(self, *, wait: bool) -> None:
        """Leave what is still on to it; with `wait` until it has ended, which it does at once when all is healed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if wait:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_WITHIN_S)
        if self._process.returncode is None:
            # It is meant to outlive us, so Popen must not warn that nobody waited for it.
            self._process.returncode = 0

    def _watches(self) -> bool:
        return b" watching process " in _content(self._log)[self._read_from :]


def lives(log: Path) -> bool:
    """Whether a watchdog that writes that log runs, whoever started it; not where the file system has no locks."""
    try:
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _start(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        with contextlib.suppress(OSError):  # a file system without locks
            # The lock goes with the file as it was opened here, which is the watchdog's stdout: it ends with it.
            fcntl.flock(output, fcntl.LOCK_SH)
        started = subprocess.Popen(
            [sys.executable, "-P", "-m", "seatrial.chaos.watchdog", *words],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    assert started.stdin is not None
    os.set_blocking(started.stdin.fileno(), False)
    return started


def _content(log: Path) -> bytes:
    try:
        return log.read_bytes()
    except OSError:
        return b""
