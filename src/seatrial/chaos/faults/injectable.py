"""What every fault offers once its target is resolved, and the place faults land in.

A resolved fault is plain data: its fields are all that is needed to undo it, so the ledger keeps them as they are and
`recover` builds it again from there. May import the floor and `runtime`'s words.
"""

from __future__ import annotations

import enum
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
class Undone:
    """How a healing went: `needed` is False when somebody, or a lease, had undone the fault before."""

    needed: bool
    text: str


class Injectable(Protocol):
    """A fault with its target resolved: a frozen dataclass of JSON values.

    `heal_deadline_s` is how long healing may take; `resolve` looks, and changes nothing.
    """

    means: ClassVar[Means]
    heal_deadline_s: ClassVar[float]

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

    def inject(self) -> None:
        """Do it and read back that it is done; FaultFailed otherwise."""
        ...

    def heal(self) -> Undone:
        """Undo it and read back; undoing twice is no error. FaultFailed when it is left."""
        ...
