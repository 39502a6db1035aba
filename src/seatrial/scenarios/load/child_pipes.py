"""The child's ends of its two pipes, so that neither reading commands nor a slow reader ever holds up the load.

May import gevent (the room's fence). Must never drop a line, nor let a stray `print` get between journal lines.
"""

from __future__ import annotations

import collections
import os
import sys

import gevent
import gevent.os
from gevent.event import Event

from seatrial.scenarios.load.order import NOTE, WHY

_CHUNK_BYTES = 64 << 10


class Inbox:
    """Lines from a pipe, cooperatively."""

    def __init__(self, descriptor: int) -> None:
        gevent.os.make_nonblocking(descriptor)
        self._descriptor = descriptor
        self._rest = b""

    def line(self) -> bytes | None:
        """The next whole line without its end; None when the other side is gone."""
        while b"\n" not in self._rest:
            chunk = gevent.os.nb_read(self._descriptor, _CHUNK_BYTES)
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line


class Outbox:
    """Bytes to a pipe, in order, written by a greenlet of its own: putting never waits."""

    def __init__(self, descriptor: int) -> None:
        gevent.os.make_nonblocking(descriptor)
        self._descriptor = descriptor
        self._queue: collections.deque[bytes] = collections.deque()
        self._more = Event()
        self._empty = Event()
        self._empty.set()
        gevent.spawn(self._write)

    def put(self, content: bytes) -> None:
        """Have it written after everything put before."""
        self._queue.append(content)
        self._empty.clear()
        self._more.set()

    def note(self, text: str) -> None:
        """Have the user told something on the way."""
        self.put(_line(NOTE, text))

    def why(self, text: str) -> None:
        """Have the user told why this process ends."""
        self.put(_line(WHY, text))

    def drained(self, timeout_s: float) -> bool:
        """Wait until all is written; False when the reader did not take it in time."""
        return bool(self._empty.wait(timeout_s))

    def _write(self) -> None:
        while True:
            self._more.wait()
            while self._queue:
                content = memoryview(self._queue.popleft())
                while content:
                    content = content[gevent.os.nb_write(self._descriptor, content) :]
            self._more.clear()
            self._empty.set()


def _line(kind: bytes, text: str) -> bytes:
    return kind + " ".join(text.split()).encode() + b"\n"


def claim_stdout() -> int:
    """A descriptor of what was stdout; from now on whatever prints goes to stderr."""
    claimed = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return claimed
