"""One proxy: a listener, an upstream, toxics, and the connections that are open through it."""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.address import bound_address, listen_on
from seatrial.chaos.proxy.connection import BufferedSide, Connection, PlainSide
from seatrial.chaos.proxy.events import Counters
from seatrial.chaos.proxy.observer import Observer
from seatrial.chaos.proxy.reach import Reach, Reached
from seatrial.chaos.proxy.rule import Rule
from seatrial.chaos.proxy.toxics.http_toxic import HttpToxic
from seatrial.chaos.proxy.toxics.toxic import Stage, Stream, Toxic

if TYPE_CHECKING:
    from seatrial.chaos.proxy.address import Address
    from seatrial.chaos.proxy.events import EventLog
    from seatrial.chaos.proxy.link import Link
    from seatrial.chaos.proxy.model import ToxicSpec

_BACKLOG = 1024
_REMEMBERED = 100


class EdgeProxy:
    """A proxy named `name` on the edge to `upstream`; made disabled, `start` makes it listen.

    `listen` is the address last listened on, or to listen on next; its port is 0 until the system has chosen one.
    HTTP is read, which costs, where `observe` says so, while somebody follows the exchanges, or a toxic needs it.
    """

    def __init__(
        self, name: str, *, listen: Address, upstream: Address, observe: bool, seed: str, log: EventLog
    ) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.observe = observe
        self.followed = False
        self.counters = Counters()
        self._seed = seed
        self._log = log
        self._toxics: dict[str, ToxicSpec] = {}
        self._rules: dict[str, Rule] = {}
        self._reaches: dict[str, Reach] = {}
        self._removed: dict[str, Reached] = {}
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._side = PlainSide if type(self._loop).__module__.startswith("uvloop") else BufferedSide

    @property
    def enabled(self) -> bool:
        """Claims that it accepts connections."""
        return self._server is not None

    @property
    def connections_open(self) -> int:
        """How many callers are connected, or still being closed."""
        return len(self._connections)

    @property
    def observed(self) -> bool:
        """Claims that the HTTP of its connections is read."""
        return self.observe or self.followed or bool(self._rules)

    def settle_watch(self) -> None:
        """Read the HTTP of the open connections, or no more, as is wanted now."""
        for connection in self._connections:
            if self.observed:
                connection.watch()
            else:
                connection.unwatch()

    def toxics(self) -> list[ToxicSpec]:
        """All toxics in Toxiproxy's order: upstream first, each in the order they were added."""
        return [toxic for stream in Stream for toxic in self._toxics.values() if toxic.stream is stream]

    def reached(self) -> dict[str, Reached]:
        """How far the toxics at work have reached, by name."""
        return {name: self._reached(name) for name in self._toxics}

    def removed(self) -> dict[str, Reached]:
        """How far those had reached that were removed, the newest last; so many that nobody misses their own."""
        return dict(self._removed)

    def toxic(self, name: str) -> ToxicSpec | None:
        """The toxic of that name."""
        return self._toxics.get(name)

    async def start(self) -> None:
        """Listen. Raises `Refusal` with status 500, and stays disabled, where the address cannot be had."""
        listening = listen_on(self.listen)
        self.listen = bound_address(listening)
        self._server = await self._loop.create_server(self._accept, sock=listening, backlog=_BACKLOG)

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
        if isinstance(toxic.settings, HttpToxic):
            dice = Random(f"{self._seed}/{self.name}/{toxic.name}")
            self._rules[toxic.name] = Rule(toxic.settings, toxic.stream, dice)
            self.settle_watch()
        elif isinstance(toxic.settings, Toxic):
            traffic = self.counters.of(toxic.stream)
            self._reaches[toxic.name] = Reach(traffic, toxic.settings.needs_bytes, traffic.bytes_passed)
        for connection in self._connections:
            self._put(toxic, connection)

    def change_toxic(self, toxic: ToxicSpec) -> None:
        """Replace the toxic of the same name; each connection draws anew whether it is hit."""
        self._toxics[toxic.name] = toxic
        if isinstance(toxic.settings, HttpToxic):
            self._rules[toxic.name].settings = toxic.settings
            for connection in self._connections:
                self._put(toxic, connection)
            return
        for number, link in self._links(toxic.stream):
            link.replace(toxic.name, self._stage(toxic, link, self._dice(toxic, number)))

    def remove_toxic(self, name: str) -> None:
        """Take a toxic out; what it held goes on."""
        self._remember(name)
        toxic = self._toxics.pop(name)
        if self._rules.pop(name, None) is not None:
            for connection in self._connections:
                connection.drop_rule(name)
            self.settle_watch()
            return
        del self._reaches[name]
        for _, link in self._links(toxic.stream):
            link.remove(name)

    def _reached(self, name: str) -> Reached:
        rule = self._rules.get(name)
        return self._reaches[name].reached() if rule is None else Reached(rule.matched, rule.hit)

    def _remember(self, name: str) -> None:
        self._removed.pop(name, None)
        self._removed[name] = self._reached(name)
        if len(self._removed) > _REMEMBERED:
            del self._removed[next(iter(self._removed))]

    def _links(self, stream: Stream) -> list[tuple[int, Link]]:
        return [(each.number, each.link(stream)) for each in self._connections]

    def _accept(self) -> PlainSide | BufferedSide:
        self.counters.connections_total += 1
        number = self.counters.connections_total
        connection = Connection(
            number,
            self.upstream,
            loop=self._loop,
            side=self._side,
            counters=self.counters,
            observe=partial(Observer, self.name, number, counters=self.counters, log=self._log),
            on_over=self._connections.discard,
        )
        self._connections.add(connection)
        if self.observed:
            connection.watch()
        for toxic in self._toxics.values():
            self._put(toxic, connection)
        if not self.enabled:  # accepted by the loop just before the listener was closed
            connection.cut()
        return connection.client

    def _put(self, toxic: ToxicSpec, connection: Connection) -> None:
        """Put a toxic to work on a connection; its toxicity says with what chance."""
        dice = self._dice(toxic, connection.number)
        if not isinstance(toxic.settings, HttpToxic):
            self._reaches[toxic.name].matched += 1
            link = connection.link(toxic.stream)
            link.add(toxic.name, self._stage(toxic, link, dice))
        elif dice.random() < toxic.toxicity:
            connection.put_rule(toxic.name, self._rules[toxic.name])
        else:
            connection.drop_rule(toxic.name)

    def _dice(self, toxic: ToxicSpec, number: int) -> Random:
        return Random(f"{self._seed}/{self.name}/{toxic.name}/{number}")

    def _stage(self, toxic: ToxicSpec, link: Link, dice: Random) -> Stage:
        """The toxic at work, or on a connection its toxicity misses a stage that does nothing."""
        settings = toxic.settings
        if dice.random() >= toxic.toxicity or not isinstance(settings, Toxic):
            return Stage(link)
        self._reaches[toxic.name].drawn += 1
        return settings.stage(link, dice)
