"""Leases: a fault lives only as long as its holder says so again and again.

A harness that dies cannot heal what it broke. So it puts a lease on each fault and renews them while it lives; when
the time of a lease has passed without renewal, by a monotonic clock, the fault is undone here.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.model import Terms
from seatrial.chaos.proxy.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_RETRY_S = 1.0
_REMEMBERED = 256
"""How many expired leases are kept per holder until it asks; a dead one never does."""


@dataclass(frozen=True)
class Held:
    """What a lease is on: a toxic of a proxy, or (without `toxic`) the proxy's being disabled."""

    proxy: str
    toxic: str | None = None

    def __str__(self) -> str:
        return self.proxy if self.toxic is None else f"{self.proxy}/{self.toxic}"


@dataclass(frozen=True)
class Lease:
    """A lease in force until `deadline_s` (monotonic)."""

    held: Held
    terms: Terms
    deadline_s: float


@dataclass(frozen=True)
class Renewal:
    """What a holder holds now, and what it has lost since it last renewed."""

    held: list[Held]
    expired: list[Held]


@dataclass(frozen=True)
class Healing:
    """What was undone, what could not be (with the reason), and what had run out before the holder said so."""

    healed: list[Held]
    failed: list[tuple[Held, str]]
    expired: list[Held]


class Leases:
    """All leases of the process. `heal` undoes one fault and raises `Refusal` when it cannot.

    `lock` is the one every change of a proxy is made under, so that no fault is undone while it is being renewed.
    """

    def __init__(self, heal: Callable[[Held], Awaitable[None]], lock: asyncio.Lock) -> None:
        self._heal = heal
        self._lock = lock
        self._leases: dict[Held, Lease] = {}
        self._expired: defaultdict[str, deque[Held]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._timer: asyncio.TimerHandle | None = None
        self._expiring: asyncio.Task[None] | None = None

    def all(self) -> list[Lease]:
        """The leases in force, oldest first."""
        return list(self._leases.values())

    def terms(self, held: Held) -> Terms | None:
        """The terms of the lease on `held`, if there is one."""
        lease = self._leases.get(held)
        return None if lease is None else lease.terms

    def grant(self, held: Held, terms: Terms) -> None:
        """Put a lease on `held`, in place of any other; its time begins now."""
        self._leases[held] = Lease(held, terms, time.monotonic() + terms.ttl_s)
        self._wind()

    def drop(self, held: Held) -> None:
        """Forget the lease on `held`; the fault is gone, or to stay."""
        self._leases.pop(held, None)

    def drop_proxy(self, proxy: str) -> None:
        """Forget every lease on a proxy and its toxics."""
        for held in [each for each in self._leases if each.proxy == proxy]:
            self.drop(held)

    def renew(self, holder: str, ttl_s: float | None) -> Renewal:
        """Begin the time of all the holder's leases again, with `ttl_s` from now on where it is given."""
        mine = [lease for lease in self._leases.values() if lease.terms.holder == holder]
        for lease in mine:
            self.grant(lease.held, lease.terms if ttl_s is None else Terms(holder, ttl_s))
        return Renewal([lease.held for lease in mine], list(self._expired.pop(holder, ())))

    async def end(self, holder: str) -> Healing:
        """Undo all that the holder holds, the newest first; called with the lock held."""
        mine = [lease for lease in self._leases.values() if lease.terms.holder == holder]
        expired = list(self._expired.pop(holder, ()))
        return await self._undo(reversed(mine), expired)

    async def _undo(self, leases: Iterable[Lease], expired: list[Held]) -> Healing:
        healing = Healing([], [], expired)
        for lease in leases:
            self.drop(lease.held)
            try:
                await self._heal(lease.held)
            except Refusal as refusal:
                self.grant(lease.held, Terms(lease.terms.holder, _RETRY_S))
                healing.failed.append((lease.held, refusal.text))
            else:
                healing.healed.append(lease.held)
        return healing

    def _wind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._leases:
            first_s = min(lease.deadline_s for lease in self._leases.values())
            delay_s = max(0.0, first_s - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._expiring is None or self._expiring.done():
            self._expiring = asyncio.get_running_loop().create_task(self._expire())

    async def _expire(self) -> None:
        async with self._lock:
            now_s = time.monotonic()
            due = [lease for lease in self._leases.values() if lease.deadline_s <= now_s]
            for lease in due:
                self._note_expiry(lease)
            try:
                await self._undo(reversed(due), [])
            finally:
                self._wind()

    def _note_expiry(self, lease: Lease) -> None:
        """Remember it once, however often the undoing has to be tried again."""
        expired = self._expired[lease.terms.holder]
        if lease.held not in expired:
            expired.append(lease.held)
