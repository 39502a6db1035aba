"""`noop`: does nothing; Toxiproxy has it, so it can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.toxic import Stage, Toxic

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class Noop(Toxic):
    """Everything passes."""

    kind: ClassVar[str] = "noop"

    def stage(self, link: Link, dice: Random) -> Stage:
        return Stage(link)
