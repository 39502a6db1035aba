"""All proxies of the process and what clients do to them: Toxiproxy's rules of create, update, populate and reset."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.address import resolve
from seatrial.chaos.proxy.edge import EdgeProxy
from seatrial.chaos.proxy.events import EventLog
from seatrial.chaos.proxy.lease import Held, Leases
from seatrial.chaos.proxy.model import TOXICS_LIMIT
from seatrial.chaos.proxy.refusal import Refusal, bad_request
from seatrial.chaos.proxy.way import Hop, way_back

if TYPE_CHECKING:
    from seatrial.chaos.proxy.model import LeasedToxic, ProxyChange, ProxySpec, ToxicSpec


@dataclass(frozen=True)
class Populated:
    """The proxies of a `/populate` that stand now, and why the rest does not, if so."""

    edges: list[EdgeProxy]
    refusal: Refusal | None


class Proxies:
    """The proxies by name, in the order they were made; changes are made with `lock` held.

    `observe` says whether those read HTTP that are made without a word about it.
    """

    def __init__(self, *, seed: str, observe: bool = False) -> None:
        self._seed = seed
        self._observe = observe
        self.followers = 0
        self._edges: dict[str, EdgeProxy] = {}
        self.log = EventLog()
        self.lock = asyncio.Lock()
        self.leases = Leases(self._heal, self.lock)

    def all(self) -> list[EdgeProxy]:
        """Every proxy."""
        return list(self._edges.values())

    def get(self, name: str) -> EdgeProxy:
        """The proxy of that name, or a 404."""
        edge = self._edges.get(name)
        if edge is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "proxy not found")
        return edge

    def toxic(self, edge: EdgeProxy, name: str) -> ToxicSpec:
        """The toxic of that name, or a 404."""
        toxic = edge.toxic(name)
        if toxic is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "toxic not found")
        return toxic

    async def create(self, spec: ProxySpec) -> EdgeProxy:
        """Make a proxy. A listener that cannot be had is a 500 and leaves nothing."""
        if spec.name in self._edges:
            raise Refusal(HTTPStatus.CONFLICT, "proxy already exists")
        listen = await resolve(spec.listen)
        await self._refuse_way_back(Hop(spec.name, listen, spec.upstream))
        observe = self._observe if spec.observe is None else spec.observe
        edge = EdgeProxy(
            spec.name, listen=listen, upstream=spec.upstream, observe=observe, seed=self._seed, log=self.log
        )
        edge.followed = self.followers > 0
        for leased in spec.toxics:
            edge.add_toxic(leased.toxic)
        if spec.enabled:
            await edge.start()
        self._edges[spec.name] = edge
        for leased in spec.toxics:
            self._lease_toxic(edge, leased)
        return edge

    async def update(self, edge: EdgeProxy, change: ProxyChange) -> None:
        """Change a proxy; a new address drops its connections. A failed bind is a 500 and leaves it disabled."""
        wanted = edge.enabled if change.enabled is None else change.enabled
        listen = edge.listen if change.listen is None else await resolve(change.listen)
        upstream = change.upstream or edge.upstream
        moved = (listen, upstream) != (edge.listen, edge.upstream)
        if moved:
            await self._refuse_way_back(Hop(edge.name, listen, upstream))
        if moved or not wanted:
            edge.stop()
        edge.listen, edge.upstream = listen, upstream
        if change.observe is not None:
            edge.observe = change.observe
            edge.settle_watch()
        if wanted:
            if not edge.enabled:
                await edge.start()
            self.leases.drop(Held(edge.name))
        elif change.terms is not None:
            self.leases.grant(Held(edge.name), change.terms)

    def delete(self, edge: EdgeProxy) -> None:
        """Close a proxy and forget it."""
        edge.stop()
        del self._edges[edge.name]
        self.leases.drop_proxy(edge.name)

    async def populate(self, specs: list[ProxySpec]) -> Populated:
        """Make these proxies one by one, up to the first that cannot be made.

        One that stands with the same addresses is kept as it is, toxics and all; with others it is replaced.
        """
        edges: list[EdgeProxy] = []
        for spec in specs:
            try:
                edges.append(await self._populate_one(spec))
            except Refusal as refusal:
                return Populated(edges, refusal)
        return Populated(edges, None)

    async def reset(self) -> list[tuple[EdgeProxy, Refusal]]:
        """Enable every proxy and remove every toxic; goes on past failures and gives them back."""
        failed: list[tuple[EdgeProxy, Refusal]] = []
        for edge in self.all():
            for toxic in edge.toxics():
                self.remove_toxic(edge, toxic.name)
            try:
                if not edge.enabled:
                    await edge.start()
                self.leases.drop(Held(edge.name))
            except Refusal as refusal:
                failed.append((edge, refusal))
        return failed

    def add_toxic(self, edge: EdgeProxy, leased: LeasedToxic) -> None:
        """Put a toxic on a proxy, with its lease; one too many is a 400."""
        if len(edge.toxics()) >= TOXICS_LIMIT:
            raise bad_request(
                f"{edge.name} has {TOXICS_LIMIT} toxics, and no more may act on a proxy; remove some first"
            )
        edge.add_toxic(leased.toxic)
        self._lease_toxic(edge, leased)

    def change_toxic(self, edge: EdgeProxy, change: LeasedToxic) -> None:
        """Change a toxic; a lease it has stays unless the change brings another."""
        edge.change_toxic(change.toxic)
        if change.terms is not None:
            self.leases.grant(Held(edge.name, change.toxic.name), change.terms)

    def remove_toxic(self, edge: EdgeProxy, name: str) -> None:
        """Take a toxic off a proxy, and its lease."""
        edge.remove_toxic(name)
        self.leases.drop(Held(edge.name, name))

    def count_follower(self, change: int) -> None:
        """One more reader follows the exchanges, or one less; while there is any, every proxy reads HTTP."""
        self.followers += change
        for edge in self.all():
            edge.followed = self.followers > 0
            edge.settle_watch()

    def close(self) -> None:
        """Stop every proxy; the process is about to end."""
        for edge in self.all():
            edge.stop()

    async def _refuse_way_back(self, wanted: Hop) -> None:
        """Refuse a proxy that would call itself, directly or through others of this process."""
        others = [Hop(edge.name, edge.listen, edge.upstream) for edge in self.all() if edge.name != wanted.name]
        way = await way_back(wanted, others)
        if way:
            path = " -> ".join([*way, wanted.name])
            raise bad_request(f"upstream {wanted.upstream} leads back to the proxy itself: {path}")

    async def _populate_one(self, spec: ProxySpec) -> EdgeProxy:
        resolved = replace(spec, listen=await resolve(spec.listen))
        present = self._edges.get(spec.name)
        if present is None:
            return await self.create(resolved)
        if (present.listen, present.upstream) == (resolved.listen, resolved.upstream):
            return present
        await self._refuse_way_back(Hop(spec.name, resolved.listen, spec.upstream))
        self.delete(present)
        return await self.create(resolved)

    def _lease_toxic(self, edge: EdgeProxy, leased: LeasedToxic) -> None:
        if leased.terms is not None:
            self.leases.grant(Held(edge.name, leased.toxic.name), leased.terms)

    async def _heal(self, held: Held) -> None:
        edge = self.get(held.proxy)
        if held.toxic is not None:
            edge.remove_toxic(held.toxic)
        elif not edge.enabled:
            await edge.start()
