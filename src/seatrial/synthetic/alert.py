"""When a scenario is down, and when it is back: a pure state machine over results.

::

    up --(`after` confirmed failures in a row)--> down --(the first good result)--> up

Takes where an alert stands and one result, gives where it stands then and, when that changed, what to tell.
What taught us nothing about the target (skipped, unknown) changes nothing: missing data freezes an alert,
it never resolves it. May import the store's words; must do no I/O and ask no clock.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass

from seatrial.store.results import AlertState, Result, ResultOutcome, Standing

RULE = "down"


class Event(enum.StrEnum):
    """What a receiver is told."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One change of state: `result` caused it, `since` is when the first failure of the row began (UTC seconds)."""

    key: str
    event: Event
    since: float
    failures: int
    result: Result


def key_of(*, realm: str, monitor: str, scenario: str) -> str:
    """The deduplication key: the same for every letter about this alert, over restarts and machines."""
    return hashlib.sha256("\0".join((realm, monitor, scenario, RULE)).encode()).hexdigest()


def advance(standing: Standing, result: Result, *, after: int) -> tuple[Standing, Alert | None]:
    """Where the alert stands after this result, and the alert to tell, once per change of state."""
    if result.outcome is ResultOutcome.GOOD:
        return _good(standing, result)
    if result.outcome is ResultOutcome.BAD:
        return _bad(standing, result, after=after)
    return standing, None


def _good(standing: Standing, result: Result) -> tuple[Standing, Alert | None]:
    up = Standing(standing.key)
    if standing.state is AlertState.UP:
        return up, None
    return up, _alert(Event.RESOLVED, standing, result)


def _bad(standing: Standing, result: Result, *, after: int) -> tuple[Standing, Alert | None]:
    failures = standing.failures + 1
    since = result.started_at if standing.since is None else standing.since
    state = AlertState.DOWN if failures >= after else standing.state
    changed = Standing(standing.key, state, failures, since)
    fires = state is AlertState.DOWN and standing.state is AlertState.UP
    return changed, _alert(Event.FIRING, changed, result) if fires else None


def _alert(event: Event, standing: Standing, result: Result) -> Alert:
    since = result.started_at if standing.since is None else standing.since
    return Alert(standing.key, event, since, standing.failures, result)
