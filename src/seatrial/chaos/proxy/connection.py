"""A caller's connection and the one dialled for it: two sockets, two links, one life.

Fails like Toxiproxy: a dead upstream accepts, then closes. Better: the dial has a deadline and holds up nobody else,
and an end of one direction leaves the other open (half-close).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from seatrial.chaos.proxy.events import Fate
from seatrial.chaos.proxy.link import Link
from seatrial.chaos.proxy.toxics.toxic import Ending, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.proxy.address import Address
    from seatrial.chaos.proxy.observer import Observer

_DIAL_DEADLINE_S = 5.0
_CLOSE_DEADLINE_S = 2.0
"""How long a closed connection may take to hand over what was written to it, before it is aborted."""
_REQUEST_GRACE_S = 0.05
"""How long a caller whose upstream is dead is still read from, so that the request it is sending gets counted."""
_WRITE_BUFFER_BYTES = 256 * 1024
_READ_BUFFER = bytearray(64 * 1024)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Side(asyncio.BaseProtocol):
    """One socket of a connection: `feeds` takes what it sends, `drains` writes to it.

    Both event loops set TCP_NODELAY by themselves.
    """

    def __init__(self, connection: Connection, *, feeds: Link, drains: Link) -> None:
        self._connection = connection
        self.feeds = feeds
        self.drains = drains
        self.transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connected = cast(asyncio.Transport, transport)  # uvloop's transports are not its subclasses
        connected.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self.transport = connected
        self.feeds.source = connected
        self._connection.made(self)

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

    def data_received(self, data: bytes) -> None:
        self.feeds.feed(data)


class BufferedSide(Side, asyncio.BufferedProtocol):
    """For asyncio's own loop, whose plain reads allocate 256 KiB each.

    One buffer serves all sockets: a loop fills it and calls `buffer_updated` without a pause between.
    """

    def get_buffer(self, sizehint: int) -> bytearray:
        return _READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self.feeds.feed(bytes(memoryview(_READ_BUFFER)[:nbytes]))


class Connection:
    """The pair; `client` is the protocol to accept with, the upstream is dialled as soon as it is connected."""

    def __init__(
        self,
        number: int,
        upstream: Address,
        *,
        side: type[PlainSide | BufferedSide],
        observer: Observer,
        on_over: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self._upstream = upstream
        self._observer = observer
        self._on_over = on_over
        self._loop = asyncio.get_running_loop()
        self.up = Link(self, Stream.UPSTREAM, seen=observer.sent, passed=observer.passed_up)
        self.down = Link(self, Stream.DOWNSTREAM, seen=observer.answered, passed=observer.passed_down)
        self.client = side(self, feeds=self.up, drains=self.down)
        self.server = side(self, feeds=self.down, drains=self.up)
        self._dial: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._closing = False

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
        side.drains.connect(side.transport)

    def ended(self, side: Side) -> None:
        """A side has nothing more to say."""
        self._note_end(side)
        side.feeds.end(Ending.END_OF_STREAM)

    def lost(self, side: Side) -> None:
        """A side's socket is gone, by itself or because we closed it."""
        if not side.feeds.source_ended:
            self._note_end(side)
        side.drains.discard()
        if not self._closing:
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
        self._observer.closed(fate)
        if self._dial is not None:
            self._dial.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        self.up.discard()
        self.down.discard()
        return True

    def _close_sockets(self) -> None:
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.close()
        self._deadline = self._loop.call_later(_CLOSE_DEADLINE_S, self._abort)
        self._settle_life()

    def _reset_sockets(self) -> None:
        for side in (self.client, self.server):
            _reset(side.transport)
        self._settle_life()

    async def _connect_upstream(self) -> None:
        try:
            async with asyncio.timeout(_DIAL_DEADLINE_S):
                await self._loop.create_connection(lambda: self.server, self._upstream.host, self._upstream.port)
        except (OSError, UnicodeError):
            self._give_up_dialling()

    def _give_up_dialling(self) -> None:
        if self._observer.bytes_seen:
            self._refuse()
        elif not self._closing:
            self._observer.on_first_bytes = self._refuse
            self._deadline = self._loop.call_later(_REQUEST_GRACE_S, self._refuse)

    def _refuse(self) -> None:
        """Close a caller whose upstream cannot be reached: with a RST if it has sent something, as Toxiproxy does."""
        if not self._begin_closing(Fate.NO_UPSTREAM):
            return
        if self._observer.bytes_seen:
            self._reset_sockets()
        else:
            self._close_sockets()

    def _note_end(self, side: Side) -> None:
        if side is self.client:
            self._observer.client_ended()
        else:
            self._observer.upstream_ended()

    def _abort(self) -> None:
        for side in (self.client, self.server):
            if side.transport is not None:
                side.transport.abort()

    def _settle_life(self) -> None:
        if not (self._closing and self.client.is_done() and self.server.is_done()):
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._on_over(self)


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    connected = transport.get_extra_info("socket")
    if connected is not None and connected.fileno() >= 0:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
