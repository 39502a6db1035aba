"""The words of a decision: what is called, on what it rests, and the numbers that go with it.

Room slo. Pure; of seatrial it imports the words of a verdict alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from seatrial.verdict import Grade

ALPHA = 0.05
"""Chance of a wrong call per objective, over the whole run and however often it is looked at."""

MISSED_MIN_BLOCKS = 5
"""With a bad request each: a burst or two that happened to come early are no rate, however long they were."""

MET_MIN_BLOCKS = 20
"""With fewer blocks their variance says next to nothing about bursts."""

MIN_HOLD_S = 60.0
"""Rare outages need time to show, so MET takes longer than its request count alone would ask."""

PHASE_MIN_REQUESTS = 30
"""Below it, "not contradicted" would be said of almost anything."""

PerSecond = tuple[int, int]
"""Bad and all requests of one second of the hold stage."""


class Call(enum.StrEnum):
    """What the evidence says about one limit."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"

    @property
    def grade(self) -> Grade:
        """The grade of a finding that rests on it."""
        return Grade[self.name]


class Why(enum.StrEnum):
    """What a call rests on, or what keeps it undecided."""

    EVIDENCE = "the evidence suffices"
    NOT_CONTRADICTED = "not contradicted"
    NO_DATA = "no data"
    TOO_LITTLE = "too little evidence"
    TOO_FEW_BLOCKS = "too few blocks"
    TOO_SHORT = "hold too short"
    CORRELATED = "correlated"
    UNANSWERED = "requests without an answer"
    UNRENDERED = "requests that could not be rendered"


class Interval(NamedTuple):
    """Both ends belong to it."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One call with the numbers behind it.

    `estimate` and `interval` are ratios 0-1, for throughput requests per second; `estimate` is None without
    data. `n` counts requests, for throughput OK requests, for which `bad` and `design_effect` are None.
    `decided_at_s` counts from the start of the hold; None while undecided. `wanted_n` is how many requests in
    all MET would take if no further one were bad (for a phase: the fewest that may be judged); None once
    decided, where the estimate is not below the limit, and for throughput. `reason` is a sentence with its numbers,
    `why` its kind.
    """

    state: Call
    why: Why
    reason: str
    estimate: float | None
    interval: Interval
    n: int
    bad: int | None = None
    design_effect: float | None = None
    decided_at_s: float | None = None
    wanted_n: int | None = None


class Reason(NamedTuple):
    """A sentence with its numbers, and its kind."""

    why: Why
    text: str


def lacking_blocks(blocks: int, wanted: int, *, of: str = "") -> Reason | None:
    """What is said where blocks are too few; None where they are enough."""
    return (
        Reason(Why.TOO_FEW_BLOCKS, f"too few blocks{of}: {blocks} of {wanted}; hold longer")
        if blocks < wanted
        else None
    )


def lacking_hold(seconds: float, min_hold_s: float) -> Reason | None:
    """What is said where the hold is too short; None where it is long enough."""
    if seconds >= min_hold_s:
        return None
    return Reason(
        Why.TOO_SHORT,
        f"hold too short: {seconds:g} s in whole blocks, MET needs {min_hold_s:g} s (min_hold); hold longer",
    )


def unrendered_text(count: int) -> str:
    """How many requests the journeys' own templates left unsent or unjudged."""
    return f"{count:,} request{'' if count == 1 else 's'} could not be rendered"


_LEAST_SHOWN = 0.99e-6


def percent(ratio: float) -> str:
    """A ratio 0-1 as a person reads it: below a ten-thousandth of a percent the end of an interval is 0."""
    return f"{100 * ratio:.3g} %" if abs(ratio) >= _LEAST_SHOWN else "0 %"


def require_ratio(name: str, value: float) -> None:
    """ValueError unless it lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value:g}; it must lie between 0 and 1, neither included")
