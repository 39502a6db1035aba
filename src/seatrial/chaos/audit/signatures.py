"""Signatures: how a family of defects shows in what the proxies saw, a small pure function for each.

Takes a `View`, gives a `Reading`: found or clear with counts, not judged with the reason. A signature says nothing of
which defect is the root: `causes` does.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.chaos.audit import answers, breakers, claims, connections, crowding, retries, starts, timeouts
from seatrial.chaos.audit.families import (
    AROUND_BREAKER,
    CONSECUTIVE,
    COUNTS_REJECTIONS,
    ENDLESS_QUEUE,
    FALLBACK,
    HEALTH,
    IGNORES_ERRORS,
    IGNORES_SLOWNESS,
    LEAK,
    LOCK,
    LOSERS,
    NO_BACK_OFF,
    NO_BREAKER,
    NO_BULKHEAD,
    NO_GRACE,
    NO_TIMEOUT,
    NOT_READY,
    PASSED_OFF,
    PER_READ,
    REJECTION_AGAIN,
    SHARED,
    STALE,
    START_NEEDS,
    STAYS_AWAY,
    STAYS_OPEN,
    STORM,
    TOO_PATIENT,
    TRIALS,
    TRUNCATED,
    UNSAFE_AGAIN,
)
from seatrial.chaos.audit.model import Family, Kind, Observation, Reading, Ruling, Sign, Strain
from seatrial.chaos.audit.view import View
from seatrial.quantity import show_duration

STALL_S = 0.1  # a machine of two cores that audits two systems at once starts its requests within 10 ms
UNAWAITED = "the caller does not wait for it: it calls later, by itself, or passes no `traceparent` on"


class Need(enum.Enum):
    """Which dependencies a signature is about: those the caller needs, those it calls optional."""

    ANY = "any"
    NEEDED = "needed"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Signature:
    """A family and how it shows; `kind` is the strain that exposes it. `of_waiting`: it can be read only where the
    caller waits for the call; `of_calm`: only where all was well before the fault; `of_pace`: a machine that stands
    still for a moment may make it look so."""

    family: Family
    kind: Kind
    read: Callable[[View], Reading]
    of_waiting: bool = True
    of: Need = Need.ANY
    of_calm: bool = True
    of_pace: bool = False

    def is_about(self, strain: Strain) -> bool:
        """Whether it reads that strain."""
        fits = self.of is Need.ANY or (self.of is Need.OPTIONAL) == strain.optional
        return fits and self.kind is strain.kind


_OF_THE_BATTERY: tuple[Signature, ...] = (
    Signature(NO_TIMEOUT, Kind.HANG, timeouts.no_timeout, of_waiting=False),
    Signature(TOO_PATIENT, Kind.HANG, timeouts.too_patient, of_pace=True),
    Signature(LOSERS, Kind.HANG, timeouts.left_running, of_pace=True),
    Signature(NO_BREAKER, Kind.HANG, breakers.no_breaker),
    Signature(STAYS_OPEN, Kind.HANG, breakers.stays_open, of=Need.NEEDED),
    Signature(STAYS_AWAY, Kind.HANG, breakers.stays_open, of=Need.OPTIONAL),
    Signature(TRIALS, Kind.HANG, breakers.trials, of_pace=True),
    Signature(SHARED, Kind.HANG, breakers.shared),
    Signature(AROUND_BREAKER, Kind.HANG, retries.around_the_breaker),
    Signature(IGNORES_SLOWNESS, Kind.SLOW, breakers.ignores_slowness),
    Signature(LOCK, Kind.SLOW, answers.lock),
    Signature(FALLBACK, Kind.REFUSE, answers.fallback, of_waiting=False, of=Need.OPTIONAL),
    Signature(HEALTH, Kind.REFUSE, answers.too_deep, of_waiting=False, of=Need.OPTIONAL),
    Signature(PASSED_OFF, Kind.REFUSE, claims.passed_off, of_waiting=False, of=Need.OPTIONAL),
    Signature(NOT_READY, Kind.SERVER_ERROR, claims.not_ready, of=Need.NEEDED),
    Signature(PER_READ, Kind.DRIP, timeouts.per_read_timeout),
    Signature(TRUNCATED, Kind.TRUNCATE, answers.truncated, of=Need.NEEDED),
    Signature(IGNORES_ERRORS, Kind.SERVER_ERROR, breakers.ignores_errors),
    Signature(STORM, Kind.SERVER_ERROR, retries.storm),
    Signature(COUNTS_REJECTIONS, Kind.CLIENT_ERROR, breakers.counts_rejections, of_calm=False, of_pace=True),
    Signature(REJECTION_AGAIN, Kind.CLIENT_ERROR, retries.rejection_again),
    Signature(CONSECUTIVE, Kind.PARTIAL, breakers.consecutive_only),
    Signature(NO_BACK_OFF, Kind.PARTIAL, retries.no_back_off),
    Signature(UNSAFE_AGAIN, Kind.LOST, retries.unsafe_again),
    Signature(LOSERS, Kind.SLOW, connections.losers_run_on, of_pace=True),
    Signature(LEAK, Kind.SERVER_ERROR, connections.leak),
    Signature(NO_BULKHEAD, Kind.CROWD, crowding.no_bulkhead, of=Need.NEEDED, of_pace=True),
    Signature(ENDLESS_QUEUE, Kind.CROWD, crowding.endless_queue, of=Need.NEEDED, of_pace=True),
    Signature(STALE, Kind.CUT, connections.stale, of=Need.NEEDED, of_pace=True),
    Signature(NO_GRACE, Kind.RESTART, answers.no_grace, of=Need.NEEDED, of_pace=True),
    Signature(START_NEEDS, Kind.RESTART, starts.start_needs, of_waiting=False, of=Need.NEEDED, of_calm=False),
)
_OF_HANGS = tuple(signature for signature in _OF_THE_BATTERY if signature.kind is Kind.HANG)
_OF_RESETS = (
    Signature(NO_BREAKER, Kind.RESET, breakers.ignores_failures),
    Signature(STORM, Kind.RESET, retries.storm),
    Signature(NO_BACK_OFF, Kind.RESET, retries.no_back_off),
)
_ALIKE: Mapping[Kind, tuple[Signature, ...]] = {
    Kind.HANG_UPSTREAM: _OF_HANGS,
    Kind.PAUSE: _OF_HANGS,
    Kind.KILL: _OF_RESETS,
}
"""Faults that show what others do already, from the caller's side."""
SIGNATURES: tuple[Signature, ...] = (
    *_OF_THE_BATTERY,
    *_OF_RESETS,
    *(dataclasses.replace(item, kind=kind) for kind, alike in _ALIKE.items() for item in alike),
)


def read(seen: Observation) -> Iterator[Ruling]:
    """What every signature of its strain says of an observation."""
    due = [signature for signature in SIGNATURES if signature.is_about(seen.strain)]
    view = None if seen.fault is None else View.of(seen, seen.fault)
    for signature in due:
        yield Ruling(signature.family, seen.strain, _reading(signature, seen, view))


def _reading(signature: Signature, seen: Observation, view: View | None) -> Reading:
    if seen.why_not or view is None:
        return Reading(Sign.NOT_JUDGED, seen.why_not or "the fault was never on")
    if signature.of_calm and view.why_unjudged:
        return Reading(Sign.NOT_JUDGED, view.why_unjudged)
    if signature.of_waiting and not view.is_waited_for:
        return Reading(Sign.NOT_JUDGED, UNAWAITED)
    reading = signature.read(view)
    if signature.of_pace and reading.sign is Sign.FOUND and seen.late_s >= STALL_S:
        stall = f"the machine stood still meanwhile, for {show_duration(seen.late_s)} at least, and that may be why"
        return dataclasses.replace(reading, sign=Sign.NOT_JUDGED, text=f"{stall}: {reading.text}")
    return reading
