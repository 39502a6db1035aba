"""A point in monotonic time by which a piece of work must have ended."""

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at_s`` is a reading of ``time.monotonic()``; infinity means that nothing is due."""

    at_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def remaining_s(self) -> float:
        """Seconds left; zero or less once it has passed."""
        return self.at_s - time.monotonic()

    def timeout_s(self) -> float | None:
        """Seconds left in the form `asyncio.timeout` takes: None when nothing is due."""
        return None if math.isinf(self.at_s) else self.remaining_s()

    def sooner(self, other: "Deadline") -> "Deadline":
        """The one that is due first."""
        return self if self.at_s <= other.at_s else other

    def earlier_by(self, seconds: float) -> "Deadline":
        """Earlier by a margin: for who must still answer after a call has ended."""
        return Deadline(self.at_s - seconds)


NEVER = Deadline(math.inf)
