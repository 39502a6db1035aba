"""The words for a fault on its way: found on its target, then on, or so it must be taken.

May import the floor, `faults` and the ledger's words.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.chaos.faults.injectable import Injectable, Means
from seatrial.chaos.healing.ledger import Entry
from seatrial.chaos.model import Fault


@dataclass(frozen=True, slots=True)
class Resolved:
    """A fault of a document with its target found."""

    fault: Fault
    means: Means
    injectable: Injectable


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is, or may be, on."""

    entry: Entry
    resolved: Resolved
    started_at: float

    @property
    def api(self) -> str:
        """The API of the proxy that it is at; empty when it is at none."""
        return str(self.entry.undo.get("api", "")) if self.entry.means == Means.PROXY else ""
