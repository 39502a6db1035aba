"""A command at a terminal of its own, as a person has it: keys go in, the screen's text comes out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

PATIENCE_S = 90.0
ESC, CTRL_C = "\x1b", "\x03"
COMMAND = [sys.executable, "-c", "from seatrial.cli.main import main; main()"]
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """`text` is all that was shown so far, without what steers a terminal; `wait_for` looks at what is new only."""

    def __init__(self, popen: subprocess.Popen[bytes], handle: int) -> None:
        self.popen = popen
        self.text = ""
        self._handle = handle
        self._raw = b""
        self._seen = 0

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._handle, keys.encode())

    def answer(self, question: str, answer: str) -> None:
        """Wait for the question, and answer it."""
        self.wait_for(question)
        self.type(f"{answer}\n")

    def wait_for(self, words: str) -> None:
        """Return as soon as it has said so since the last time; fail when it ends before."""
        deadline_s = time.monotonic() + PATIENCE_S
        while words not in self.text[self._seen :]:
            more = self._read()
            assert more or self.popen.poll() is None or words in self.text[self._seen :], self.text[-4000:]
            assert time.monotonic() < deadline_s, f"never said '{words}': {self.text[-4000:]}"
        self._seen += self.text[self._seen :].index(words) + len(words)

    def wait(self) -> int:
        """How it ended; everything it said until then is read."""
        deadline_s = time.monotonic() + PATIENCE_S
        while self.popen.poll() is None:
            self._read()
            assert time.monotonic() < deadline_s, self.text[-4000:]
        while self._read():
            pass
        return self.popen.returncode

    def _read(self) -> bool:
        if not select.select([self._handle], [], [], 0.05)[0]:
            return False
        try:
            data = os.read(self._handle, 65536)
        except OSError:  # nobody holds the other end any more
            return False
        self._raw += data
        self.text = _STEERING.sub("", self._raw.decode(errors="replace"))
        return bool(data)


@contextlib.contextmanager
def terminal(workspace: Path, *words: str, env: Mapping[str, str]) -> Iterator[Terminal]:
    """That command at a terminal of its own; killed at the end if it still runs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"\x32\x00\xa0\x00\x00\x00\x00\x00")  # 50 lines of 160
    popen = subprocess.Popen(
        [sys.executable, "-c", _AT_TERMINAL, *words],
        cwd=workspace,
        env={**env, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(popen, ours)
    finally:
        if popen.poll() is None:
            popen.kill()
            popen.wait()
        os.close(ours)


_AT_TERMINAL = """\
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
from seatrial.cli.main import main
main()
"""
