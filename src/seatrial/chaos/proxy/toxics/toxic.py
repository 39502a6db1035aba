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
from typing import TYPE_CHECKING, Any, ClassVar

from seatrial.chaos.proxy.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from seatrial.chaos.proxy.link import Link


LARGEST = 2**53
"""Attributes above it are a mistake, and would not survive a client that reads JSON numbers as floats."""


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

    def is_full(self) -> bool:
        """Claims that nothing more should be read for it now."""
        return self.held_bytes > self.capacity_bytes

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
class Wire:
    """How a field of settings is written in JSON: its name there, what reads it and what shows it.

    `wanted` says what would be right about a value that is not, else nothing.
    """

    name: str
    read: Callable[[Fields, str], Any]
    wanted: Callable[[Any], str | None]
    show: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Settings(ABC):
    """The settings of one kind of toxic; each field has a `Wire` for metadata."""

    kind: ClassVar[str]
    streams: ClassVar[tuple[Stream, ...]] = tuple(Stream)

    def fault(self) -> str | None:
        """What is wrong with these settings together, or None."""
        return None


@dataclass(frozen=True)
class Toxic(Settings):
    """The settings of a kind that acts on bytes; fields made by `attribute` are Toxiproxy's attributes.

    `needs_bytes` claims that a connection on which nothing is said does not show it.
    """

    needs_bytes: ClassVar[bool] = False

    @abstractmethod
    def stage(self, link: Link, dice: Random) -> Stage:
        """Put the toxic to work on one link; `dice` is seeded per connection and toxic."""


def attribute(wire: str, *, least: int = 0) -> int:
    """A dataclass field that Toxiproxy calls `wire`: a whole number, 0 unless given, at least `least`."""

    def wanted(value: int) -> str | None:
        if value < least:
            return f"{least} or more"
        return None if value <= LARGEST else f"at most {LARGEST}"

    return field(default=0, metadata={"wire": Wire(wire, Fields.integer, wanted)})
