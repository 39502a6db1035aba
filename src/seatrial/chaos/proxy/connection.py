"""A caller's connection and the one dialled for it: two sockets, two links, one life.

Fails like Toxiproxy: a dead upstream accepts, then closes. Better: the dial has a deadline and holds up nobody else,
and an end of one direction leaves the other open (half-close).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from seatrial.chaos.proxy.desk import HttpDesk
from seatrial.chaos.proxy.events import Fate
from seatrial.chaos.proxy.link import Link
from seatrial.chaos.proxy.lookout import Lookout
from seatrial.chaos.proxy.toxics.toxic import Ending, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.proxy.address import Address
    from seatrial.chaos.proxy.events import Counters
    from seatrial.chaos.proxy.observer import Observer
    from seatrial.chaos.proxy.rule import Rule

_DIAL_DEADLINE_S = 5.0
_CLOSE_DEADLINE_S = 2.0
"""How long a closed connection may take to hand over what was written to it, before it is aborted."""
_REQUEST_GRACE_S = 0.05
"""How long a caller whose upstream is dead is still read from, so that the request it is sending gets counted."""
_WRITE_BUFFER_BYTES = 256 * 1024
_READ_BUFFER = bytearray(64 * 1024)
"""Of the whole process: its proxies have one loop, which copies out what it has read before it reads the next."""
_READ = memoryview(_READ_BUFFER)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Side(asyncio.BaseProtocol):
    """One socket of a connection: `feeds` takes what it sends, `drains` writes to it.

    `straight` writes to the other socket, while nothing else is to be done with what this one sends. Both event loops
    set TCP_NODELAY by themselves.
    """

    def __init__(self, connection: Connection, *, feeds: Link, drains: Link) -> None:
        self._connection = connection
        self.feeds = feeds
        self.drains = drains
        self.straight: Callable[[bytes], None] | None = None
        self.transport: asyncio.Transport | None = None
        self.lost = False
        feeds.side = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connected = cast(asyncio.Transport, transport)  # uvloop's transports are not its subclasses
        connected.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self.transport = connected
        self._connection.made(self)

    def data_received(self, data: bytes) -> None:
        """Take what the socket sent: the one thing done for each chunk, so the usual way is all in here."""
        feeds, write = self.feeds, self.straight
        if write is None:
            feeds.feed(data)
            return
        feeds.traffic.straight += len(data)
        self._connection.spoke_last = feeds
        write(data)

    def eof_received(self) -> bool:
        """True keeps the other direction open."""
        self._connection.ended(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._connection.lost(self)

    def pause_writing(self) -> None:
        self.drains.sink_full(True)

    def resume_writing(self) -> None:
        self.drains.sink_full(False)

    def is_done(self) -> bool:
        """Claims that nothing is left to wait for on this socket."""
        return self.lost or self.transport is None


class PlainSide(Side, asyncio.Protocol):
    """For uvloop, which is fastest when it hands over bytes."""


class BufferedSide(Side, asyncio.BufferedProtocol):
    """For asyncio's own loop, whose plain reads allocate 256 KiB each.

    One buffer serves all sockets: a loop fills it and calls `buffer_updated` without a pause between. Two loops in
    threads of one process would read into each other's.
    """

    def get_buffer(self, sizehint: int) -> bytearray:
        return _READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(_READ[:nbytes].tobytes())


class Connection:
    """The pair; `client` is the protocol to accept with, the upstream is dialled as soon as it is connected.

    `observe` makes the observer that reads its HTTP while that is wanted.
    """

    def __init__(
        self,
        number: int,
        upstream: Address,
        *,
        loop: asyncio.AbstractEventLoop,
        side: type[PlainSide | BufferedSide],
        counters: Counters,
        observe: Callable[..., Observer],
        on_over: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self.spoke_last: Link | None = None
        self._upstream = upstream
        self._observe = observe
        self._on_over = on_over
        self._loop = loop
        self.up = Link(self, Stream.UPSTREAM, traffic=counters.up, loop=loop)
        self.down = Link(self, Stream.DOWNSTREAM, traffic=counters.down, loop=loop)
        self.client = side(self, feeds=self.up, drains=self.down)
        self.server = side(self, feeds=self.down, drains=self.up)
        self._dial: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._closing = False
        self._counters = counters
        self._observer: Observer | None = None
        self._lookout: Lookout | None = None
        self._opaque = False
        self._rules: dict[str, Rule] = {}
        self.desk: HttpDesk | None = None

    def link(self, stream: Stream) -> Link:
        """The link of a direction."""
        return self.up if stream is Stream.UPSTREAM else self.down

    def made(self, side: Side) -> None:
        """A socket is connected: the caller's is to be answered by a dial, the upstream's is to be written to."""
        assert side.transport is not None
        if self._closing:
            side.transport.abort()
            return
        if side is self.client:
            self._dial = self._loop.create_task(self._connect_upstream())
            self._deadline = self._loop.call_later(_DIAL_DEADLINE_S, self._dial.cancel)
        else:
            self._set_deadline(None)
        side.drains.connect(side.transport)

    def watch(self) -> None:
        """Read its HTTP: from here where nothing was said yet, else from the next request on that can be told."""
        if self._observer is not None:
            self._observer.stay()
        elif self.spoke_last is None:
            self._begin_watch()
        elif not self._opaque and self._lookout is None:
            self._look_out()

    def unwatch(self) -> None:
        """Read its HTTP no more, once the exchanges under way have ended."""
        if self._observer is not None:
            self._observer.leave()
        elif self._lookout is not None:
            self._look_no_more()

    def put_rule(self, name: str, rule: Rule) -> None:
        """Hold the exchanges to a rule from now on; a connection that does not speak HTTP/1 is left alone."""
        self._rules[name] = rule
        if self.desk is not None:
            self.desk.rules[name] = rule
        else:
            self._open_desk()

    def drop_rule(self, name: str) -> None:
        """Hold the exchanges to a rule no more; those it has decided about stay as they are."""
        self._rules.pop(name, None)
        if self.desk is not None:
            self.desk.drop(name)

    def regulate(self) -> None:
        """Read from either side as there is room now; what held them up may be gone."""
        self.up.regulate()
        self.down.regulate()

    def retire_desk(self) -> None:
        """The desk has nothing more to do."""
        self.desk = None
        self.up.put_front(None)
        self.down.put_front(None)
        self.regulate()
        if self._observer is not None:
            self._observer.settle()

    def ended(self, side: Side) -> None:
        """A side has nothing more to say."""
        self._note_end(side)
        side.feeds.end(Ending.END_OF_STREAM)

    def lost(self, side: Side) -> None:
        """A side's socket is gone, by itself or because we closed it."""
        if not side.feeds.source_ended:
            self._note_end(side)
        if not self._closing:
            side.drains.discard()
            side.feeds.end(Ending.CUT)
        self._settle_life()

    def settle(self) -> None:
        """Close when no direction can carry anything any more.

        A caller that has ended its sending and faces a black hole would wait for nothing; this closes it, so that one
        that gave up does not leave a connection behind for as long as the fault lasts.
        """
        up, down = self.up, self.down
        if self._closing:
            return
        ended = up.tail.ending is not None and down.tail.ending is not None
        unheard = up.source_ended and up.swallows_end()
        unanswered = up.source_ended and down.source_ended and down.swallows_end()
        if ended or unheard or unanswered:
            self.cut()

    def cut(self) -> None:
        """Close both sides; what was already written to them is still delivered."""
        if self._begin_closing(Fate.CUT):
            self._close_sockets()

    def reset(self) -> None:
        """Close both sides with a RST."""
        if self._begin_closing(Fate.CUT):
            self._reset_sockets()

    def _begin_closing(self, fate: Fate) -> bool:
        """Stop everything under way; False when that was done before."""
        if self._closing:
            return False
        self._closing = True
        if self._observer is not None:
            self._observer.closed(fate)
        if self._dial is not None and self.server.transport is None:  # uvloop tells nobody of the end of another
            self._dial.cancel()
        self._set_deadline(None)
        self.up.discard()
        self.down.discard()
        return True

    def _close_sockets(self) -> None:
        left = 0
        for side in (self.client, self.server):
            if side.transport is not None:
                left += side.transport.get_write_buffer_size()
                side.transport.close()
        if left:
            self._set_deadline(self._loop.call_later(_CLOSE_DEADLINE_S, self._abort))
        self._settle_life()

    def _reset_sockets(self) -> None:
        for side in (self.client, self.server):
            _reset(side.transport)
        self._settle_life()

    async def _connect_upstream(self) -> None:
        try:
            await self._loop.create_connection(lambda: self.server, self._upstream.host, self._upstream.port)
        except (OSError, UnicodeError, asyncio.CancelledError):  # cancelled: it took too long, or all is over
            self._give_up_dialling()

    def _give_up_dialling(self) -> None:
        if self.spoke_last is not None:
            self._refuse()
        elif not self._closing:
            self.up.listen(lambda _: self._refuse_soon())
            self._set_deadline(self._loop.call_later(_REQUEST_GRACE_S, self._refuse))

    def _refuse(self) -> None:
        """Close a caller whose upstream cannot be reached: with a RST if it has sent something, as Toxiproxy does."""
        if not self._begin_closing(Fate.NO_UPSTREAM):
            return
        if self.spoke_last is not None:
            self._reset_sockets()
        else:
            self._close_sockets()

    def _refuse_soon(self) -> None:
        """What the caller sends is still looked at, so that its request is counted."""
        self._loop.call_soon(self._refuse)

    def _begin_watch(self) -> None:
        up, down = self.up, self.down
        self._look_no_more()
        self._observer = observer = self._observe(
            on_idle=self._end_watch, held_up=up.held_bytes(), held_down=down.held_bytes()
        )
        up.tell(observer.sent, observer.passed_up)
        down.tell(observer.answered, observer.passed_down)
        self._open_desk()

    def _end_watch(self) -> None:
        """The observer is to go, and has nothing open; the next word is the caller's, whoever answered it."""
        if self._observer is None or self.desk is not None:
            return
        self._opaque = self._observer.opaque
        self._observer = None
        self.spoke_last = self.down
        self.up.tell(None, None)
        self.down.tell(None, None)

    def _look_out(self) -> None:
        lookout = self._lookout = Lookout(asked=self.spoke_last is self.up)

        def caller_speaks(data: bytes) -> None:
            if lookout.begins(data):
                self._begin_watch()
            elif lookout.gave_up:
                self._leave_alone()

        def upstream_speaks(data: bytes) -> None:
            lookout.answered(data)
            if lookout.gave_up:
                self._leave_alone()

        self.up.listen(caller_speaks)
        self.down.listen(upstream_speaks)

    def _look_no_more(self) -> None:
        self._lookout = None
        self.up.listen(None)
        self.down.listen(None)

    def _leave_alone(self) -> None:
        self._look_no_more()
        self._opaque = True
        self._counters.connections_opaque += 1

    def _open_desk(self) -> None:
        scanners = None if self._observer is None else self._observer.scanners()
        if self._observer is not None and scanners is not None and self._rules:
            self.desk = HttpDesk(self, self._observer, scanners)
            self.desk.rules.update(self._rules)

    def _note_end(self, side: Side) -> None:
        if self._observer is None:
            return
        if side is self.client:
            self._observer.client_ended()
        elif self.desk is None:  # else the desk says so when the answers it holds have passed
            self._observer.upstream_ended()

    def _abort(self) -> None:
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.abort()

    def _settle_life(self) -> None:
        if not (self._closing and self.client.is_done() and self.server.is_done()):
            return
        self._set_deadline(None)
        self._on_over(self)

    def _set_deadline(self, deadline: asyncio.TimerHandle | None) -> None:
        """How long what is under way may take; one thing at a time is."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = deadline


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    connected = transport.get_extra_info("socket")
    if connected is not None and connected.fileno() >= 0:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
