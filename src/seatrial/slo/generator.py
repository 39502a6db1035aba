"""Was the load generator fit to measure? Its own seconds (`Pacing`) tell, never the service's.

Room slo. Takes measures, gives a finding UNDECIDED or none: trouble of the generator is never a miss of a service.
Pure; may import the floor and its own room.

The whole span is looked at, not its worst second: one pause of a shared machine is no overload. A dropped arrival is,
wherever it fell, because a request not sent is missing from every count. Starts are late when the p99 of all their
lateness is over the bound: when more than one in a hundred was later. The processor is judged by its mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.quantity import show_ratio
from seatrial.sample import LATE_STEPS_MS, Pacing
from seatrial.service import Indicator, Service
from seatrial.slo.measure import LOAD, Measures, Span
from seatrial.verdict import Finding, Grade, Subject

OF_GENERATOR = "generator: "
"""How every reason begins that is its trouble."""

LATE_MIN_S = 0.010
LATE_LIMIT_RATIO = 0.05
"""Starts later than 10 ms, or 5 % of the tightest latency limit if that is more, would show in what is judged."""

LATE_STARTS_RATIO = 0.01
"""More of them, and more than a single one, means that the p99 of lateness is over the bound."""

SHORT_RATIO = 0.01
"""Less than 99 % of the planned arrivals, for whatever reason, were not the planned load."""

BUSY_CPU_RATIO = 0.90
"""Above nine tenths of a core there is no room left to be punctual."""


def judge_generator(measures: Measures, services: Mapping[str, Service], *, span: Span = LOAD) -> Finding | None:
    """UNDECIDED with the reason "generator" when it dropped arrivals, was late, busy or silent; None when it was fit.

    Silent means that requests were counted and the generator's own record is missing.
    """
    pacings = measures.pacings.get(span, ())
    silent = _silent(pacings) if span in measures.seconds else ""
    reason = "; ".join(filter(None, (silent, trouble(pacings, services))))
    if not reason:
        return None
    starts = sum(pacing.started for pacing in pacings)
    return Finding(Subject.GENERATOR, "", "generator", Grade.UNDECIDED, f"{OF_GENERATOR}{reason}", n=starts)


def trouble(pacings: Sequence[Pacing], services: Mapping[str, Service]) -> str:
    """What makes the generator unfit to measure over these seconds: drops, late starts, no processor left, a worker
    lost; empty text when it was fit."""
    return "; ".join(filter(None, (_dropped(pacings), *_overload(pacings, services))))


def why_unfit(measures: Measures, services: Mapping[str, Service], *, span: Span) -> str:
    """Why the generator itself, not the target, spoilt a span: late, busy or short of a worker; empty text when it
    did not.

    Drops are left aside: under a fault the target's own hanging fills the generator's places.
    """
    reason = "; ".join(filter(None, _overload(measures.pacings.get(span, ()), services)))
    return f"{OF_GENERATOR}{reason}" if reason else ""


def late_bound_s(services: Mapping[str, Service]) -> float:
    """How late a start may be: 10 ms, or 5 % of the tightest latency limit if that is more."""
    return max(LATE_MIN_S, LATE_LIMIT_RATIO * min(latency_limits_s(services), default=0.0))


def latency_limits_s(services: Mapping[str, Service]) -> list[float]:
    """Every limit of a latency objective, in the documents' order."""
    return [
        objective.limit
        for service in services.values()
        for objective in service.objectives
        if objective.indicator is Indicator.LATENCY
    ]


def _overload(pacings: Sequence[Pacing], services: Mapping[str, Service]) -> tuple[str, str, str]:
    return late(pacings, late_bound_s(services)), busy(pacings), _lost(pacings)


def _silent(pacings: Sequence[Pacing]) -> str:
    return "" if pacings else "its own record is missing"


def _dropped(pacings: Sequence[Pacing]) -> str:
    dropped = sum(pacing.dropped for pacing in pacings)
    planned = sum(pacing.planned for pacing in pacings)
    without_row = sum(pacing.without_row for pacing in pacings)
    why = f", {without_row:,} of them because every row of their journey was in use" if without_row else ""
    full = _filled(pacings) if dropped > without_row else ""
    return f"{dropped:,} of {planned:,} arrivals were dropped{full}{why}" if dropped else ""


def _filled(pacings: Sequence[Pacing]) -> str:
    """What filled the places of an open load, and what can be done."""
    in_flight = max(pacing.in_flight for pacing in pacings if pacing.dropped > pacing.without_row)
    plays = f"{in_flight:,} play{'' if in_flight == 1 else 's'}"
    return f" with {plays} in flight (max_in_flight bounds them: raise it, or the target answers too slowly)"


def late(pacings: Sequence[Pacing], bound_s: float) -> str:
    """How many starts were later than that bound; empty text when at most one in a hundred was."""
    started = sum(pacing.started for pacing in pacings)
    # The nearest counted step below the bound: never milder than it.
    step_ms = max(step for step in LATE_STEPS_MS if step <= bound_s * 1000)
    late = sum(pacing.late_over_ms.get(step_ms, 0) for pacing in pacings)
    if late <= max(1.0, LATE_STARTS_RATIO * started):  # of fewer than a hundred, one is an accident
        return ""
    return f"{show_ratio(late / started)} of the starts were more than {step_ms} ms late ({late:,} of {started:,})"


def busy(pacings: Sequence[Pacing]) -> str:
    """How much of a core it used, where none was left; empty text when some was."""
    cpu_ratio = sum(pacing.cpu_ratio for pacing in pacings) / len(pacings) if pacings else 0.0
    return f"it used {show_ratio(cpu_ratio)} of a core" if cpu_ratio > BUSY_CPU_RATIO else ""


def _lost(pacings: Sequence[Pacing]) -> str:
    """Workers that were lost or plays that never began, unless the load was as planned all the same."""
    planned = sum(pacing.planned for pacing in pacings)
    came = sum(pacing.started + pacing.dropped for pacing in pacings)
    if came >= planned * (1 - SHORT_RATIO):
        return ""
    since = {(worker, second): pacing.workers for pacing in pacings for worker, second in pacing.lost.items()}
    lost = " and ".join(
        f"worker {worker} of {workers} was lost at second {second}" for (worker, second), workers in since.items()
    )
    return lost or _short(came, planned)


def _short(came: int, planned: int) -> str:
    if planned - came <= 1:  # one may begin just after the last second
        return ""
    return f"only {came:,} of {planned:,} planned plays were started"
