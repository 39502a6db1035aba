"""Connections of the load child, and the deadlines of what goes on over them. Knows nothing of HTTP.

Under load it is dear to make anew for each exchange what could stay: a watcher, a timer, a switch that leads nowhere.
So a connection watches its socket for as long as it lives, and all exchanges share one timer. May import gevent (the
room's fence).
"""

from __future__ import annotations

import math
import select
import socket
import time
from typing import Any, Protocol

import gevent
import gevent.monkey

_READ_BYTES = 64 << 10
_READABLE = 1
_STRIKES_EVERY_S = 0.01  # deadlines that lie closer together are struck together

_poll = gevent.monkey.get_original("select", "poll")  # asking without waiting needs no hub, and is ten times as fast


class Late(BaseException):
    """Raised in the greenlet whose deadline has passed, wherever it waits; as gevent's own no `Exception`."""


class Deadlines:
    """One timer for all exchanges under way; a greenlet has one deadline at a time."""

    def __init__(self) -> None:
        self._until: dict[Any, float] = {}
        self._timer: Any = None
        self._strikes_at = math.inf

    def begin(self, now: float, within_s: float) -> Any:
        """`Late` strikes this greenlet that long after `now` (monotonic), unless what is given here was ended."""
        greenlet = gevent.getcurrent()
        self._until[greenlet] = until = now + within_s
        if until < self._strikes_at:
            self._strike_at(until)
        return greenlet

    def end(self, greenlet: Any) -> None:
        """What it began is over."""
        self._until.pop(greenlet, None)

    def _strike_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.close()
        self._strikes_at = moment
        self._timer = gevent.get_hub().loop.timer(max(0.0, moment - time.monotonic()))
        self._timer.start(self._strike, update=True)  # or it would count from the loop's last turn

    def _strike(self) -> None:
        now = time.monotonic()
        self._strikes_at = math.inf
        for greenlet, until in [each for each in self._until.items() if each[1] <= now]:
            if self._until.get(greenlet) == until:  # one struck before it may have ended it
                del self._until[greenlet]
                greenlet.throw(Late)
        if self._until:
            self._strike_at(max(min(self._until.values()), now + _STRIKES_EVERY_S))


class Connection(Protocol):
    """A connected socket that carries one exchange after another, each in one greenlet.

    `connect_s` is how long it took to connect, in seconds: about a round trip.
    """

    connect_s: float

    def send(self, wire: bytes) -> None:
        """All of it; OSError when the other side takes no more."""

    def receive(self) -> bytes:
        """What came, waiting for it; empty at the end. OSError when the connection was cut."""

    def is_quiet(self) -> bool:
        """Whether it has nothing to say: bytes or an end before any request make it useless."""

    def close(self) -> None:
        """It is of no more use."""


class Plain:
    """A connection without TLS, read past gevent's socket by a watcher that stays."""

    __slots__ = ("_hub", "_poller", "_recv", "_send", "_socket", "_spoke", "_waiting", "_watcher", "connect_s")

    def __init__(self, connected: Any) -> None:
        self.connect_s = 0.0
        self._socket = connected
        self._send, self._recv = connected._sock.send, connected._sock.recv
        self._hub = gevent.get_hub()
        self._waiting: Any = None
        self._spoke = False  # while nobody listened; then nobody watches either
        self._poller = _polling(connected)
        self._watcher = self._hub.loop.io(connected.fileno(), _READABLE)
        self._watcher.start(self._readable)

    def send(self, wire: bytes) -> None:
        """At once, as the buffers of a silent connection are nearly always free; else by gevent's socket."""
        try:
            sent = self._send(wire)
        except BlockingIOError:
            sent = 0
        if sent < len(wire):
            self._socket.sendall(memoryview(wire)[sent:])

    def receive(self) -> bytes:
        """What came, waiting for it first: an answer is hardly there before its request has left."""
        while True:
            if self._spoke:
                self._spoke = False
                self._watcher.start(self._readable)
            else:
                self._wait()
            try:
                data: bytes = self._recv(_READ_BYTES)
            except BlockingIOError:
                continue
            return data

    def is_quiet(self) -> bool:
        """Asked of the kernel too, for gevent's loop may not have turned since."""
        return not self._spoke and not self._poller.poll(0)

    def close(self) -> None:
        """The watcher first, for its socket's number may belong to another at once."""
        self._watcher.stop()
        self._watcher.close()
        self._socket.close()

    def _wait(self) -> None:
        self._waiting = gevent.getcurrent()
        try:
            while self._hub.switch() is not self:
                pass
        finally:
            self._waiting = None

    def _readable(self) -> None:
        if self._waiting is None:
            self._watcher.stop()
            self._spoke = True
        else:
            self._waiting.switch(self)


class Secured:
    """A connection over TLS, which alone knows when there is something to read."""

    __slots__ = ("_poller", "_socket", "connect_s")

    def __init__(self, secured: Any) -> None:
        self.connect_s = 0.0
        self._socket = secured
        self._poller = _polling(secured)

    def send(self, wire: bytes) -> None:
        """By gevent's socket."""
        self._socket.sendall(wire)

    def receive(self) -> bytes:
        """By gevent's socket."""
        data: bytes = self._socket.recv(_READ_BYTES)
        return data

    def is_quiet(self) -> bool:
        """Asked of the kernel."""
        return not self._poller.poll(0)

    def close(self) -> None:
        """At once."""
        self._socket.close()


def without_delay(connected: Any) -> Any:
    """The socket, sending small pieces at once."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _polling(connected: Any) -> Any:
    poller = _poll()
    poller.register(connected.fileno(), select.POLLIN)
    return poller
