"""Starts the load child, reads its records, marks phases, stops it. The only way anyone starts a load.

Takes a `LoadOrder`, and a `Spread` for a load on several processes, gives a `RunningLoad`. May import the floor,
`runtime.interrupts` and the room's pure files; must never import locust, and ends no process but its own child. The
child's log goes to the file it is told.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from seatrial import journal
from seatrial.errors import CannotRun, LoadFailed
from seatrial.runtime.interrupts import held_back
from seatrial.sample import Phase, Record
from seatrial.scenarios.load.order import (
    FINISH_WITHIN_S,
    NOTE,
    STOP,
    TEARDOWN_WITHIN_S,
    WHY,
    LoadOrder,
    encode_mark,
    encode_order,
)
from seatrial.scenarios.load.recorder import Mark
from seatrial.scenarios.load.spread import Joining, Spread, apart, encode

_STOPS_WITHIN_S = (
    FINISH_WITHIN_S + TEARDOWN_WITHIN_S + 10.0
)  # the child's own deadline, then its last lines, on a busy machine
_LOOK_EVERY_S = 0.5
_CHUNK_BYTES = 64 << 10
LAST_SAID = "; it last said:"  # before the log's last lines, in why a load failed
_LAST_LINES = 10
_CHILD = (sys.executable, "-m", "seatrial.scenarios.load.child")
_MASTER = (sys.executable, "-m", "seatrial.scenarios.load.child_master")
_WORKER = (sys.executable, "-m", "seatrial.scenarios.load.child_worker")
_UNWANTED = frozenset({"LOCUST_SKIP_MONKEY_PATCH"})  # with it the child's waiting would block all its plays


Say = Callable[[str], None]


def start_load(order: LoadOrder, *, log: Path, spread: Spread | None = None, say: Say = logging.info) -> RunningLoad:
    """Start the child, with a `spread` the master of several, and give it its order; it needs a second or two before
    its first play. `say` is called with what the user may want to know on the way. A page is shown by a master, never
    by the process that plays.

    What is wrong with the order itself shows as LoadFailed from `seconds()`.
    """
    spread = spread or (apart() if order.web_port else None)
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            _MASTER if spread else _CHILD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            bufsize=0,
            start_new_session=True,  # a terminal's Ctrl-C is for us; we stop the child in our own time
        )
    load = RunningLoad(process, log, say)
    load.tell((encode(spread) if spread else b"") + encode_order(order))
    return load


class RunningLoad:
    """A load under way. One thread reads `seconds()`; `mark` and `stop` may be called from others and from a signal
    handler, because they hold no lock: a line is one write. Use it as a context to be sure the child ends."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, say: Say) -> None:
        self._process = process
        self._log = log
        self._say = say
        self._why = ""
        self._commands = _pipe(process.stdin)
        self._lines = _pipe(process.stdout)
        self._stopped_at: float | None = None

    def seconds(self) -> Iterator[tuple[Record, ...]]:
        """The records of each second as it ends, its Pacing last; the end when the child is done.

        To be consumed once. LoadFailed with the reason, or the log's last lines, when the child failed or died, or
        would not stop.
        """
        yield from journal.by_second(map(journal.decode, self._read_records()))
        if self._process.wait() != 0:
            raise LoadFailed(f"{self._why}; see {self._log}" if self._why else self._last_words())

    def mark(self, phase: Phase, experiment: str | None = None) -> None:
        """Put what is sent from now on into a phase; the stages' own phases no longer count."""
        self.tell(encode_mark(Mark(phase, experiment)))

    def stop(self) -> None:
        """No new plays; those in flight may finish within ten seconds, then `seconds()` ends. Again is harmless."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            self.tell(STOP)

    def wait(self) -> int:
        """The child's status once it has ended; killed when it does not end in time after `stop`."""
        left_s = None if self._stopped_at is None else self._stopped_at + _STOPS_WITHIN_S - time.monotonic()
        try:
            return self._process.wait(None if left_s is None else max(0.0, left_s))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    @property
    def returncode(self) -> int | None:
        """The child's status; None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def tell(self, line: bytes) -> None:
        """Write to the child; nothing when it is gone, which `seconds()` will say."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._commands.write(rest) or 0 :]
        except (BrokenPipeError, ValueError):
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with held_back():  # half ended, the child would be left to itself
            self.stop()
            self.wait()
            self._commands.close()
            self._lines.close()

    def _read_records(self) -> Iterator[bytes]:
        """The journal's lines; what is said between them is said."""
        for line in self._read_lines():
            if line.startswith(NOTE):
                self._say(line.removeprefix(NOTE).decode())
            elif line.startswith(WHY):
                self._why = line.removeprefix(WHY).decode()
            else:
                yield line

    def _read_lines(self) -> Iterator[bytes]:
        rest = b""
        while chunk := self._read():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def _read(self) -> bytes:
        """The next bytes of the child, none at its end; a child that does not stop in time is ended."""
        while not select.select([self._lines], [], [], _LOOK_EVERY_S)[0]:
            if self._stopped_at is not None and time.monotonic() > self._stopped_at + _STOPS_WITHIN_S:
                self._process.kill()
        return self._lines.read(_CHUNK_BYTES) or b""

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
        return f"{self._log}: the load generator ended with status {self._process.returncode}{LAST_SAID}\n{said}"


def work_for(joining: Joining, *, say: Say) -> None:
    """Be a worker until its master ends the load; its log goes to stderr. CannotRun with its reason when it could not
    play its part to the end."""
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    why = ""
    with subprocess.Popen(
        _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0, start_new_session=True
    ) as process:
        commands = _pipe(process.stdin)
        try:
            commands.write(encode(joining))
            for line in _pipe(process.stdout):
                if line.startswith(NOTE):
                    say(line.removeprefix(NOTE).decode().rstrip())
                elif line.startswith(WHY):
                    why = line.removeprefix(WHY).decode().rstrip()
        except KeyboardInterrupt:
            with contextlib.suppress(BrokenPipeError):  # one that is gone needs no telling
                commands.write(STOP)  # it need not wonder where we are
            raise
        finally:
            commands.close()  # without it the worker ends at once
    if process.returncode != 0:
        raise CannotRun(why or f"the worker ended with status {process.returncode}; its log above says why")


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise LoadFailed("the load generator has no pipe to talk through")
    return stream
