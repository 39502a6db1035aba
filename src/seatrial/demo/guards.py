"""Which breaker guards which edge of a service: the sound one, or, with a defect, one that is set or made wrong."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from seatrial.demo import log
from seatrial.demo.breaker import SLOW_RATIO, SOUND, EdgeBreaker, Guard, NeverOpens, Rules
from seatrial.demo.defects import (
    BREAKER_PER_CALL,
    CONSECUTIVE_ONLY,
    IGNORES_SLOWNESS,
    MANY_TRIALS,
    NO_BREAKER,
    NO_BULKHEAD,
    NO_TRIAL,
    SHARED_BREAKER,
    STAYS_OPEN,
    Defects,
    Kind,
)
from seatrial.demo.edges import Edge
from seatrial.demo.places import OwnPlaces, Places, Pool

WRONG_RULES: Mapping[Kind, Mapping[str, Any]] = {
    STAYS_OPEN: {"open_s": float("inf")},  # somebody is meant to reset it
    NO_TRIAL: {"trials": 0},
    MANY_TRIALS: {"trials": 1_000_000},
    CONSECUTIVE_ONLY: {"failed_ratio": float("inf")},
    IGNORES_SLOWNESS: {"slow_answers_fail": False},
}
"""What a breaker with the defect is set to, where a sound one is `SOUND`."""


class Guards:
    """The guards of a service's edges. ``clock`` is monotonic, in seconds."""

    def __init__(self, defects: Defects, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._defects = defects
        self._clock = clock
        self._shared: EdgeBreaker | None = None
        self._pool: Pool | None = None

    def of(self, edge: Edge) -> Guard:
        """A guard for an edge; of its own, and with nothing counted yet, unless the service shares one."""
        if self._defects.has(NO_BREAKER):
            return NeverOpens()
        if self._defects.has(BREAKER_PER_CALL):
            return MadePerCall(lambda: self._breaker(edge, edge.name))
        if self._defects.has(SHARED_BREAKER):
            self._shared = self._shared or self._breaker(edge, edge.caller)
            return Share(self._shared, edge.timeout_s * SLOW_RATIO)
        return self._breaker(edge, edge.name)

    def places_of(self, edge: Edge) -> Places:
        """The places for the calls along an edge; of its own, unless the service has one pool for all."""
        if self._defects.has(NO_BULKHEAD):
            self._pool = self._pool or Pool()
            return self._pool
        return OwnPlaces(edge)

    def _breaker(self, edge: Edge, name: str) -> EdgeBreaker:
        return EdgeBreaker(
            edge.timeout_s * SLOW_RATIO,
            rules=rules_of(self._defects),
            clock=self._clock,
            changed=lambda state: log.breaker_changed(name, state=state),
        )


class Share:
    """What an edge has of a breaker that is shared, where each should have its own."""

    def __init__(self, breaker: EdgeBreaker, slow_s: float) -> None:
        self._breaker = breaker
        self._slow_s = slow_s

    def calling(self) -> AbstractContextManager[None]:
        return self._breaker.calling(self._slow_s)

    def is_closed(self) -> bool:
        return self._breaker.is_closed()


class MadePerCall:
    """A guard that makes the breaker where it is used, so that none sees more than one call."""

    def __init__(self, make: Callable[[], EdgeBreaker]) -> None:
        self._make = make

    def calling(self) -> AbstractContextManager[None]:
        return self._make().calling()

    def is_closed(self) -> bool:
        return self._make().is_closed()


def rules_of(defects: Defects) -> Rules:
    """What the breakers of a service are set to."""
    rules = SOUND
    for kind, wrong in WRONG_RULES.items():
        if defects.has(kind):
            rules = replace(rules, **wrong)
    return rules
