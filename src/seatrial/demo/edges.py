"""What each edge of the bank promises: its timeout, its places and whether the caller needs it.

Pure data, read by the clients that keep the promises and by whoever wants to hold the bank to them.
"""

from dataclasses import dataclass
from enum import Enum


class Need(Enum):
    """Whether a caller can answer without the service it calls."""

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True)
class Edge:
    """One service calling another.

    ``timeout_s`` bounds a call as a whole: waiting, connecting, every attempt, the last byte of the
    answer. A timeout is always shorter than that of the edges leading to its caller, so that the
    caller is still there to hear the answer. ``places`` is how many calls may be under way at once;
    one more is refused at once. ``retries`` is how often a failed idempotent call is sent again.
    """

    caller: str
    callee: str
    timeout_s: float
    places: int
    need: Need
    retries: int

    @property
    def name(self) -> str:
        return f"{self.caller}->{self.callee}"


EDGES: tuple[Edge, ...] = (
    Edge("gateway", "cards", timeout_s=0.600, places=64, need=Need.HARD, retries=1),
    Edge("gateway", "merchants", timeout_s=0.150, places=32, need=Need.SOFT, retries=1),
    Edge("gateway", "feed", timeout_s=0.300, places=32, need=Need.SOFT, retries=1),
    Edge("cards", "ledger", timeout_s=0.250, places=64, need=Need.HARD, retries=1),
    # The outbox delivers again by itself, later and slower, so its client must not.
    Edge("cards", "feed", timeout_s=0.250, places=4, need=Need.SOFT, retries=0),
)

REQUEST_LIMIT_S: dict[str, float] = {
    "gateway": 1.000,
    "cards": 0.500,
    "ledger": 0.400,
    "merchants": 0.400,
    "feed": 0.400,
}
"""How long a service works on a request whose caller names no deadline."""


def edges_of(caller: str) -> tuple[Edge, ...]:
    """The edges leaving a service; empty for one that calls nobody."""
    return tuple(edge for edge in EDGES if edge.caller == caller)
