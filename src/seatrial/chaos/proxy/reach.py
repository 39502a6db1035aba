"""How far a toxic reached: what it was meant for, and what of that it hit. Counted when it is put somewhere.

An HTTP-aware toxic matches requests, and its rule counts them. Any other matches connections: those that were open
when it came, and those that came while it was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from seatrial.chaos.proxy.events import Traffic


class Reached(NamedTuple):
    """Requests, or connections, that a toxic matched, and of those the ones it hit."""

    matched: int
    hit: int


@dataclass(slots=True)
class Reach:
    """Of a toxic that acts on bytes in one direction of a proxy.

    `matched` and `drawn` count connections, the second those that its toxicity chose. `passed_before` is how much had
    been passed on when it came. A toxic that `needs_bytes` hits nothing as long as no more has come.
    """

    traffic: Traffic
    needs_bytes: bool
    passed_before: int
    matched: int = 0
    drawn: int = 0

    def reached(self) -> Reached:
        """So far. An update draws anew for each connection, so a few more than were hit last may be told."""
        idle = self.needs_bytes and self.traffic.bytes_read <= self.passed_before
        return Reached(self.matched, 0 if idle else min(self.drawn, self.matched))
