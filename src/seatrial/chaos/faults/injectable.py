"""What every fault offers once its target is resolved, and the place faults land in.

A resolved fault is plain data: its fields are all that is needed to undo it, so the ledger keeps them as they are and
`recover` builds it again from there. May import the floor and `runtime`'s words.
"""

from __future__ import annotations

import enum
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, Self

from seatrial.chaos.model import Fault
from seatrial.realm import Realm
from seatrial.runtime.state import RealmState


class Means(enum.StrEnum):
    """By what a fault is done."""

    PROXY = "proxy"
    PROCESS = "process"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Lease:
    """What keeps a fault alive at the embedded proxy: renewed by its holder, or it expires by itself."""

    api: str
    holder: str


@dataclass(frozen=True, slots=True)
class Site:
    """Where faults land: one realm as it is now. `holder` and `lease_s` are what leases are asked with."""

    workspace: Path
    realm: Realm
    state: RealmState | None
    holder: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class Reached:
    """How many requests, or of a fault in bytes connections, a fault matched, and of those the ones it hit."""

    matched: int
    hit: int


@dataclass(frozen=True, slots=True)
class Undone:
    """How a healing went: `needed` is False when somebody, or a lease, had undone the fault before.

    `reached` is there where what held the fault has counted.
    """

    needed: bool
    text: str
    reached: Reached | None = None

    @property
    def told(self) -> str:
        """The text, with how far the fault had reached where that was counted."""
        reached = self.reached
        return f"{self.text} (it matched {reached.matched:,} and hit {reached.hit:,})" if reached else self.text


class AtOnce(ABC):
    """What is injected in one go, as most faults are."""

    __slots__ = ()
    takes_s: ClassVar[float] = 0.0

    @abstractmethod
    def inject(self) -> None:
        """Do it and read back that it is done; FaultFailed otherwise."""

    def in_turn(self, stop: threading.Event) -> Iterator[Injectable]:
        """Do it: there is but one part, and what undoes it is known."""
        del stop
        self.inject()
        return iter(())


class Injectable(Protocol):
    """A fault with its target resolved: a frozen dataclass of JSON values. `resolve` looks, and changes nothing."""

    means: ClassVar[Means]

    @property
    def heal_deadline_s(self) -> float:
        """How long healing may take."""
        ...

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The fault on its real target; CannotRun when the target is not there."""
        ...

    @property
    def lease(self) -> Lease | None:
        """The lease that holds it; None when only healing undoes it."""
        ...

    @property
    def sight(self) -> str:
        """What will be done to what, in one line, for `chaos plan`."""
        ...

    @property
    def takes_s(self) -> float:
        """How long injecting it takes at the least: what it waits for by itself."""
        ...

    def in_turn(self, stop: threading.Event) -> Iterator[Injectable]:
        """Do it and read back that it is done; FaultFailed otherwise. It is done when nothing more is given.

        Before each part of what is done part by part, gives what undoes it from then on: the same with other fields;
        no part is begun once `stop` is set.
        """
        ...

    def heal(self) -> Undone:
        """Undo it and read back; undoing twice is no error. FaultFailed when it is left."""
        ...
