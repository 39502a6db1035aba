"""One proxy: a listener, an upstream, toxics, and the connections that are open through it."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.address import bound_address, listen_on
from seatrial.chaos.proxy.connection import BufferedSide, Connection, PlainSide
from seatrial.chaos.proxy.events import Counters
from seatrial.chaos.proxy.observer import Observer
from seatrial.chaos.proxy.toxics.toxic import Stage, Stream

if TYPE_CHECKING:
    from seatrial.chaos.proxy.address import Address
    from seatrial.chaos.proxy.events import EventLog
    from seatrial.chaos.proxy.link import Link
    from seatrial.chaos.proxy.model import ToxicSpec

_BACKLOG = 1024


class EdgeProxy:
    """A proxy named `name` on the edge to `upstream`; made disabled, `start` makes it listen.

    `listen` is the address last listened on, or to listen on next; its port is 0 until the system has chosen one.
    """

    def __init__(self, name: str, *, listen: Address, upstream: Address, seed: str, log: EventLog) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.counters = Counters()
        self._seed = seed
        self._log = log
        self._toxics: dict[str, ToxicSpec] = {}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    @property
    def enabled(self) -> bool:
        """Claims that it accepts connections."""
        return self._server is not None

    @property
    def connections_open(self) -> int:
        """How many callers are connected, or still being closed."""
        return len(self._connections)

    def toxics(self) -> list[ToxicSpec]:
        """All toxics in Toxiproxy's order: upstream first, each in the order they were added."""
        return [toxic for stream in Stream for toxic in self._toxics.values() if toxic.stream is stream]

    def toxic(self, name: str) -> ToxicSpec | None:
        """The toxic of that name."""
        return self._toxics.get(name)

    async def start(self) -> None:
        """Listen. Raises `Refusal` with status 500, and stays disabled, where the address cannot be had."""
        listening = listen_on(self.listen)
        self.listen = bound_address(listening)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listening, backlog=_BACKLOG)

    def stop(self) -> None:
        """Refuse new connections and close those that are open; the toxics stay."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for connection in list(self._connections):
            connection.cut()

    def add_toxic(self, toxic: ToxicSpec) -> None:
        """Put a new toxic to work, on open connections too."""
        self._toxics[toxic.name] = toxic
        for number, link in self._links(toxic.stream):
            link.add(toxic.name, self._stage(toxic, link, number=number))

    def change_toxic(self, toxic: ToxicSpec) -> None:
        """Replace the toxic of the same name; each connection draws anew whether it is hit."""
        self._toxics[toxic.name] = toxic
        for number, link in self._links(toxic.stream):
            link.replace(toxic.name, self._stage(toxic, link, number=number))

    def remove_toxic(self, name: str) -> None:
        """Take a toxic out; what it held goes on."""
        toxic = self._toxics.pop(name)
        for _, link in self._links(toxic.stream):
            link.remove(name)

    def _links(self, stream: Stream) -> list[tuple[int, Link]]:
        return [(each.number, each.link(stream)) for each in self._connections]

    def _accept(self) -> PlainSide | BufferedSide:
        self.counters.connections_total += 1
        number = self.counters.connections_total
        connection = Connection(
            number,
            self.upstream,
            side=_side_for_running_loop(),
            observer=Observer(self.name, number, counters=self.counters, log=self._log),
            on_over=self._connections.discard,
        )
        self._connections.add(connection)
        for toxic in self._toxics.values():
            link = connection.link(toxic.stream)
            link.add(toxic.name, self._stage(toxic, link, number=number))
        if not self.enabled:  # accepted by the loop just before the listener was closed
            connection.cut()
        return connection.client

    def _stage(self, toxic: ToxicSpec, link: Link, *, number: int) -> Stage:
        """The toxic at work, or on a connection its toxicity misses a stage that does nothing."""
        dice = Random(f"{self._seed}/{self.name}/{toxic.name}/{number}")
        hit = dice.random() < toxic.toxicity
        return toxic.settings.stage(link, dice) if hit else Stage(link)


def _side_for_running_loop() -> type[PlainSide | BufferedSide]:
    return PlainSide if type(asyncio.get_running_loop()).__module__.startswith("uvloop") else BufferedSide
