"""One direction of one connection: from a source socket through a chain of stages into a sink socket.

    source -> Link.feed -> [stage] -> ... -> [stage] -> Tail -> sink

Where nothing changes or watches a chunk, its socket writes it to the sink at once (`choose_way`).
Reading of the source stops while the sink or a stage is full, and while more than a little waits for the upstream to
be dialled.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.toxics.toxic import Ending, Outlet, Stage, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.proxy.connection import Connection, Side
    from seatrial.chaos.proxy.events import Traffic

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
            self._link.note_passed(len(data))

    def finish(self, ending: Ending) -> None:
        if self.ending is Ending.CUT or self.ending is ending:
            return
        self.ending = ending
        self._link.choose_way()
        if ending is Ending.CUT:
            if (
                not self._early or self._link.source_ended
            ):  # what a stage let through before it cuts is still delivered
                self._link.connection.cut()
            return
        self._link.connection.settle()  # closes both sockets where this was the last to say
        self._end_sink()

    def connect(self, sink: asyncio.Transport) -> None:
        """The sink is there: write what waited for it."""
        self._sink = sink
        early, self._early, self.early_bytes = self._early, [], 0
        for data in early:
            sink.write(data)
            self._link.note_passed(len(data))
        if self.ending is Ending.CUT:
            self._link.after(0.0, self._link.connection.cut)
        elif self.ending is not None:
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

    @property
    def write(self) -> Callable[[bytes], None] | None:
        """How to write to the sink while that is all there is to do."""
        return self._sink.write if self._sink is not None and self.ending is None else None

    def _keep(self, data: bytes) -> None:
        if not self._closed:
            self._early.append(data)
            self.early_bytes += len(data)

    def _end_sink(self) -> None:
        sink = self._sink
        if sink is not None and not sink.is_closing():
            sink.write_eof()


class Intake(Outlet):
    """Where the chain of a link begins, whatever stages it has; before it may stand a front."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def receive(self, data: bytes, at_s: float) -> None:
        self._link.entry.receive(data, at_s)

    def finish(self, ending: Ending) -> None:
        self._link.entry.finish(ending)


class Link:
    """The chain of one direction, and the back-pressure along it.

    `front` is a stage before all others, which sees what the source sent first and says what of it counts as read.
    An observer is told by `seen` of every chunk that counts as read, and by `passed` of the size of every write.
    `listener` gets each chunk before anybody else, and may change what becomes of it.
    """

    now_s = staticmethod(time.monotonic)

    def __init__(
        self, connection: Connection, stream: Stream, *, traffic: Traffic, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.connection = connection
        self.stream = stream
        self.traffic = traffic
        self.tail = Tail(self)
        self.side: Side | None = None
        self.source_ended = False
        self._loop = loop
        self._stages: dict[str, Stage] = {}
        self.entry: Outlet = self.tail
        self.front: Stage | None = None
        self._seen: Callable[[bytes], None] | None = None
        self._passed: Callable[[int], None] | None = None
        self._listener: Callable[[bytes], None] | None = None
        self._guarded = True
        self._sink_full = False
        self._reading = True

    def feed(self, data: bytes) -> None:
        """Take a chunk the source sent."""
        if self._listener is not None:
            self._listener(data)
        self.connection.spoke_last = self
        if self.front is not None:
            self.front.receive(data, self.now_s())
            self.regulate()
            return
        self.note_read(data)
        self.entry.receive(data, self.now_s())
        if self._guarded:
            self.regulate()

    def note_read(self, data: bytes) -> None:
        """Count a chunk as read, and tell who watches."""
        self.traffic.read += len(data)
        if self._seen is not None:
            self._seen(data)

    def note_passed(self, size: int) -> None:
        """Count what was written to the sink, and tell who watches."""
        self.traffic.passed += size
        if self._passed is not None:
            self._passed(size)

    def tell(self, seen: Callable[[bytes], None] | None, passed: Callable[[int], None] | None) -> None:
        """Tell an observer of what is read and passed from now on, or nobody."""
        self._seen, self._passed = seen, passed
        self.choose_way()

    def listen(self, listener: Callable[[bytes], None] | None) -> None:
        """Give each chunk to `listener` first, from now on."""
        self._listener = listener
        self.choose_way()

    def put_front(self, front: Stage | None) -> None:
        """Set a stage before all others, or take it away."""
        self.front = front
        self.choose_way()

    def choose_way(self) -> None:
        """Let the source's socket write to the sink by itself, if nothing stands between, or else ask here."""
        between = self._listener is not None or self.front is not None or bool(self._stages)
        write = None if between else self.tail.write
        if self.side is not None:
            self.side.straight = write if write is None else self._watched(write)

    def _watched(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """The same writing, and an observer is told of it, if there is one."""
        seen, passed = self._seen, self._passed
        if seen is None or passed is None:
            return write

        def write_watched(data: bytes) -> None:
            seen(data)
            write(data)
            passed(len(data))

        return write_watched

    def end(self, ending: Ending) -> None:
        """The source has nothing more to say, or is lost."""
        self.source_ended = True
        (self.front or self.entry).finish(ending)
        self.connection.settle()

    def connect(self, sink: asyncio.Transport) -> None:
        """The sink is there."""
        self.tail.connect(sink)
        self._guarded = bool(self._stages)
        self.choose_way()
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
        for stage in self._all():
            stage.discard()
        self.tail.close()
        self.choose_way()

    def held_bytes(self) -> int:
        """How many bytes were read, and are still to be passed on."""
        return sum(stage.held_bytes for stage in self._stages.values()) + self.tail.early_bytes

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
        if self.front is not None and self is self.connection.down:
            self.connection.up.regulate()
        reading = not self.is_full()
        source = None if self.side is None else self.side.transport
        if source is None or reading is self._reading:
            return
        self._reading = reading
        if source.is_closing() or self.source_ended:
            return
        if reading:
            source.resume_reading()
        else:
            source.pause_reading()

    def is_full(self) -> bool:
        """Claims that something behind it has no room."""
        if self._sink_full or self.tail.early_bytes > _EARLY_BYTES:
            return True
        return any(stage.is_full() for stage in self._all())

    def _all(self) -> list[Stage]:
        return [*([] if self.front is None else [self.front]), *self._stages.values()]

    def _rewire(self) -> None:
        chain: list[Outlet] = [*self._stages.values(), self.tail]
        for stage, outlet in zip(self._stages.values(), chain[1:], strict=True):
            stage.outlet = outlet
        self.entry = chain[0]
        self._guarded = bool(self._stages) or self.tail.waits
        self.choose_way()
