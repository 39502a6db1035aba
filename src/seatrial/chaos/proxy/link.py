"""One direction of one connection: from a source socket through a chain of stages into a sink socket.

    source -> Link.feed -> [stage] -> ... -> [stage] -> Tail -> sink

Without stages a chunk goes from `feed` straight to the sink's `write`. Reading of the source stops while the sink or
a stage is full, and while more than a little waits for the upstream to be dialled.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.toxics.toxic import Ending, Outlet, Stage, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.proxy.connection import Connection

_EARLY_BYTES = 64 * 1024
"""What may wait for the upstream to be dialled. uvloop delivers data before that, even with reading paused."""


class Tail(Outlet):
    """The end of the chain: writes to the sink, or keeps what comes before there is one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sink: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._closed = False
        self.early_bytes = 0
        self.ending: Ending | None = None

    def receive(self, data: bytes, at_s: float) -> None:
        if self._sink is None:
            self._keep(data)
        elif self.ending is None:
            self._sink.write(data)
            self._link.passed(len(data))

    def finish(self, ending: Ending) -> None:
        if self.ending is Ending.CUT or self.ending is ending:
            return
        self.ending = ending
        if ending is Ending.CUT:
            self._link.connection.cut()
            return
        if self._sink is not None:
            self._end_sink()
        self._link.connection.settle()

    def connect(self, sink: asyncio.Transport) -> None:
        """The sink is there: write what waited for it."""
        self._sink = sink
        early, self._early, self.early_bytes = self._early, [], 0
        for data in early:
            sink.write(data)
            self._link.passed(len(data))
        if self.ending is not None:
            self._end_sink()

    def close(self) -> None:
        """The sink is gone: drop what still comes."""
        self._sink = None
        self._closed = True
        self._early.clear()
        self.early_bytes = 0

    @property
    def waits(self) -> bool:
        """Claims that there is no sink yet."""
        return self._sink is None

    def _keep(self, data: bytes) -> None:
        if not self._closed:
            self._early.append(data)
            self.early_bytes += len(data)

    def _end_sink(self) -> None:
        sink = self._sink
        if sink is not None and not sink.is_closing():
            sink.write_eof()


class Link:
    """The chain of one direction, and the back-pressure along it.

    `seen` is told of every chunk as it arrives, before any toxic; `passed` of the size of every write to the sink.
    """

    now_s = staticmethod(time.monotonic)

    def __init__(
        self,
        connection: Connection,
        stream: Stream,
        *,
        seen: Callable[[bytes], None],
        passed: Callable[[int], None],
    ) -> None:
        self.connection = connection
        self.stream = stream
        self.seen = seen
        self.passed = passed
        self.tail = Tail(self)
        self.source: asyncio.Transport | None = None
        self.source_ended = False
        self._loop = asyncio.get_running_loop()
        self._stages: dict[str, Stage] = {}
        self._entry: Outlet = self.tail
        self._guarded = True
        self._sink_full = False
        self._reading = True

    def feed(self, data: bytes) -> None:
        """Take a chunk the source sent."""
        self.seen(data)
        self._entry.receive(data, self.now_s())
        if self._guarded:
            self.regulate()

    def end(self, ending: Ending) -> None:
        """The source has nothing more to say, or is lost."""
        self.source_ended = True
        self._entry.finish(ending)
        self.connection.settle()

    def connect(self, sink: asyncio.Transport) -> None:
        """The sink is there."""
        self.tail.connect(sink)
        self._guarded = bool(self._stages)
        self.regulate()

    def add(self, name: str, stage: Stage) -> None:
        """Put a stage at the end of the chain."""
        self._stages[name] = stage
        self._rewire()

    def replace(self, name: str, stage: Stage) -> None:
        """Put a stage where another stood; what that one held goes on first."""
        former = self._stages[name]
        stage.inherit(former)
        self._stages[name] = stage
        self._rewire()
        former.release()
        self.regulate()

    def remove(self, name: str) -> None:
        """Take a stage out; what it held goes on."""
        former = self._stages.pop(name)
        self._rewire()
        former.dismiss()
        self.regulate()

    def discard(self) -> None:
        """The sink is gone: forget what is under way and ignore what follows."""
        for stage in self._stages.values():
            stage.discard()
        self.tail.close()

    def swallows_end(self) -> bool:
        """Claims that the end of this stream will never come out at the other side."""
        return any(stage.swallows_end for stage in self._stages.values())

    def after(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `act` once, in `delay_s`; a time that has passed means soon."""
        return self._loop.call_later(max(0.0, delay_s), act)

    def reset(self) -> None:
        """Tear the whole connection down with a RST to both sides."""
        self.connection.reset()

    def sink_full(self, full: bool) -> None:
        """The sink's write buffer went over its high mark, or under its low one."""
        self._sink_full = full
        self.regulate()

    def regulate(self) -> None:
        """Read from the source only while everything behind it has room."""
        reading = not self._is_full()
        source = self.source
        if source is None or reading is self._reading:
            return
        self._reading = reading
        if source.is_closing() or self.source_ended:
            return
        if reading:
            source.resume_reading()
        else:
            source.pause_reading()

    def _is_full(self) -> bool:
        if self._sink_full or self.tail.early_bytes > _EARLY_BYTES:
            return True
        return any(stage.held_bytes > stage.capacity_bytes for stage in self._stages.values())

    def _rewire(self) -> None:
        chain: list[Outlet] = [*self._stages.values(), self.tail]
        for stage, outlet in zip(self._stages.values(), chain[1:], strict=True):
            stage.outlet = outlet
        self._entry = chain[0]
        self._guarded = bool(self._stages) or self.tail.waits
