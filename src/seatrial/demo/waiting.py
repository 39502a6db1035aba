"""How long the client of an edge waits: the sound way, and ways in which a dependency can keep it waiting.

The sound way bounds a call as a whole, by what the edge promises and by what is left of its caller's time; and the
connecting by half of that, so that there is time to try once more.
"""

import math
from dataclasses import dataclass, replace

import httpx

from seatrial.demo.context import Context
from seatrial.demo.deadline import Deadline
from seatrial.demo.defects import CONNECT_TIMEOUT_ONLY, HEEDLESS, NO_TIMEOUT, READ_TIMEOUT_ONLY, TOO_PATIENT, Defects
from seatrial.demo.edges import Edge

ANSWER_MARGIN_S = 0.010
"""What is kept back from a request's deadline for answering it."""

TOO_LONG = 8
"""How many times what it promises an edge waits with `TOO_PATIENT`: longer than any caller."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """``each`` bounds connecting and single reads, ``whole_s`` a call as a whole."""

    each: httpx.Timeout
    whole_s: float
    heeds_caller: bool = True

    def deadline(self, context: Context) -> Deadline:
        """When a call that begins now must have ended."""
        own = Deadline.after(self.whole_s)
        return own.sooner(context.deadline.earlier_by(ANSWER_MARGIN_S)) if self.heeds_caller else own


def as_waited_for(edge: Edge, defects: Defects) -> Edge:
    """The edge with the timeout that its client is set to."""
    return replace(edge, timeout_s=edge.timeout_s * TOO_LONG) if defects.has(TOO_PATIENT) else edge


def waiting_of(edge: Edge, defects: Defects, *, sendings: int = 1) -> Waiting:
    """How the client of an edge waits, for so many sendings in a row; of several wrong ways the most patient."""
    connecting = httpx.Timeout(None, connect=edge.timeout_s / 2)
    if defects.has(NO_TIMEOUT):
        return Waiting(httpx.Timeout(None), math.inf, heeds_caller=False)
    if defects.has(CONNECT_TIMEOUT_ONLY):
        return Waiting(connecting, math.inf, heeds_caller=False)
    if defects.has(READ_TIMEOUT_ONLY):
        return Waiting(httpx.Timeout(edge.timeout_s), math.inf, heeds_caller=False)
    return Waiting(connecting, edge.timeout_s * sendings, heeds_caller=not defects.has(*HEEDLESS))
