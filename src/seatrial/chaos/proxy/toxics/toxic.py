"""What every kind of toxic is: settings that can be written down, and a stage at work in one connection.

    source -> [stage] -> [stage] -> ... -> tail -> sink
                 |          '- toxic 2
                 '- toxic 1

A `Toxic` is frozen and belongs to a proxy. A `Stage` is made from it for each connection it hits, holds what is
under way there, and pushes into its `outlet`. A stage never touches a socket, and takes its time from its link.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.link import Link


class Stream(Enum):
    """A direction through the proxy: from caller to callee, or back."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class Ending(Enum):
    """How a stream stops: its source has nothing more to say, or the whole connection is to be closed."""

    END_OF_STREAM = "end of stream"
    CUT = "cut"


class Outlet(ABC):
    """Where bytes go next."""

    @abstractmethod
    def receive(self, data: bytes, at_s: float) -> None:
        """Take bytes that count as received at the monotonic instant `at_s` (toxics before may have moved it)."""

    @abstractmethod
    def finish(self, ending: Ending) -> None:
        """Nothing follows. CUT may come after END_OF_STREAM; anything else after an end is ignored."""


class Stage(Outlet):
    """One toxic at work in one direction of one connection. As it stands, it passes everything."""

    capacity_bytes: ClassVar[int] = 64 * 1024
    """Holding more than this stops the reading of the source."""

    swallows_end: bool = False
    """Claims that no end of a stream ever comes out here, so that waiting for it is in vain."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.outlet: Outlet = link.tail
        self.held_bytes = 0

    def receive(self, data: bytes, at_s: float) -> None:
        self.outlet.receive(data, at_s)

    def finish(self, ending: Ending) -> None:
        self.outlet.finish(ending)

    def inherit(self, former: Stage) -> None:
        """Take over what must survive an update of the toxic's attributes."""

    def release(self) -> None:
        """Pass on at once all that is held; the toxic was changed or removed."""

    def dismiss(self) -> None:
        """The toxic was removed."""
        self.release()

    def discard(self) -> None:
        """Forget all that is held and every timer; the sink is gone."""


@dataclass(frozen=True)
class Toxic(ABC):
    """The settings of one kind; fields made by `attribute` are Toxiproxy's attributes."""

    kind: ClassVar[str]

    def fault(self) -> str | None:
        """What is wrong with these settings together, or None."""
        return None

    @abstractmethod
    def stage(self, link: Link, dice: Random) -> Stage:
        """Put the toxic to work on one link; `dice` is seeded per connection and toxic."""


def attribute(wire: str, *, least: int = 0) -> int:
    """A dataclass field that Toxiproxy calls `wire`: a whole number, 0 unless given, at least `least`."""
    return field(default=0, metadata={"wire": wire, "least": least})
