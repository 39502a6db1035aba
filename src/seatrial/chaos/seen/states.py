"""The states a breaker was seen in, one after the other, without a gap: closed, open, half-open.

Takes a timeline and how long was looked; gives states. Nobody outside a breaker sees its state: *closed* is when
requests make their calls, *open* as `breaker` tells it, *half-open* from the first trial call to its answer. Pure.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.chaos.seen.breaker import BreakerTimeline, Span, Window


class State(enum.StrEnum):
    """Of a breaker, as it is seen from outside."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch of time in one state, UTC seconds. `leaked` are the calls that came through all the same while it was
    open; `trials` those that were let through at its end."""

    state: State
    started_at: float
    ended_at: float
    leaked: int = 0
    trials: int = 0


def spells(timeline: BreakerTimeline, *, watched: Span) -> tuple[Spell, ...]:
    """By time, from the beginning of `watched` to its end; one of CLOSED where it never opened."""
    return tuple(spell for spell in _spells(timeline, watched) if spell.ended_at > spell.started_at)


def _spells(timeline: BreakerTimeline, watched: Span) -> Iterator[Spell]:
    moment = watched.started_at
    for window in timeline.windows:
        yield Spell(State.CLOSED, moment, window.started_at)
        opened, tried = _ends(window, watched.ended_at)
        yield Spell(State.OPEN, window.started_at, opened, window.leaked, window.trials)
        yield Spell(State.HALF_OPEN, opened, tried, window.beyond, window.trials)
        moment = tried
    yield Spell(State.CLOSED, moment, watched.ended_at)


def _ends(window: Window, last: float) -> tuple[float, float]:
    """When it was no longer open, and no longer half-open; what did not end lasts to the end of what was watched."""
    opened = last if window.ended_at is None else min(window.ended_at, last)
    return opened, last if window.tried_until is None else min(window.tried_until, last)
