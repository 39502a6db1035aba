"""One play that came to its end, with all that was seen of it: what every report of plays is made from.

Room scenarios. Whoever drives plays fills it, reports lay it out. Frozen, and nothing in it is redacted but its
samples. May import the floor and `moves`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.exchange import Answer
from seatrial.redact import Lent
from seatrial.sample import Sample
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import PlayResult, Send


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that was sent, its answer, and when it began (UTC seconds).

    `left_out`: bytes of the answer's body where it was not kept; the body is then empty.
    """

    sent: Send
    answer: Answer
    sent_at: float
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """`journey` is the scenario as it was read: of one with rows, the result's own is that of a row.

    `started_at` is in UTC seconds. `samples` and `exchanges` are in the order they came, polls among them.
    `secrets` are those of the run, with what this play added: given back once it is in every report.
    """

    journey: Scenario
    result: PlayResult
    started_at: float
    took_s: float
    samples: tuple[Sample, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    secrets: Lent | None = field(default=None, repr=False, compare=False)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return len(self.exchanges)
