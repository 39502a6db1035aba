"""Which part of a load belongs to which of the processes that play it together: arithmetic only.

Arrival k (counted from 1) belongs to worker k mod N; what is no arrival (users, places, rates) is split as evenly as
it can be. Pure; may import nothing but the room's pure files; must never ask the time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """The part of `worker` (counted from 0) of `workers`; alone it is all of it."""

    worker: int = 0
    workers: int = 1

    @property
    def first(self) -> int:
        """The number of its first arrival; the next are `workers` apart."""
        return self.worker or self.workers

    def arrivals(self, total: int) -> int:
        """How many of the first `total` arrivals are its own."""
        return max(0, (total - self.first) // self.workers + 1)

    def of(self, total: int) -> int:
        """Its part of so many users or places; those of all workers add up to the total."""
        whole, rest = divmod(total, self.workers)
        return whole + (self.worker < rest)
