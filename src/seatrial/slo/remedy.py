"""What would make an unfit load generator fit, by what was measured of it and of its machine.

Room slo. Takes the generator's own seconds, gives a sentence; whether it was unfit is said by `generator` alone.
Pure; may import the floor and its own room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import LATE_STEPS_MS, Pacing
from seatrial.service import Service
from seatrial.slo.generator import LATE_LIMIT_RATIO, LATE_STARTS_RATIO, busy, late, late_bound_s, latency_limits_s

BUSY_PROCESS_RATIO = 0.70
"""A process that takes so much of a core on average has seconds in which it has none left."""

FREE_CORES_MIN = 0.5
"""Below half a core a generator that needs one for its peak is waited upon by what else the machine does."""

LOWER_RATE = "lower the rate"
FEWER_USERS = "use fewer users"
"""What makes an open and a closed load smaller."""

LIMIT_TIMES_MAX = 5.0
"""Who promises 100 ms is not helped by the hint that 2 s would be easier to measure."""


@dataclass(frozen=True, slots=True)
class Room:
    """Processors of the generator's machine that idled while the load went on, on average, of all there are."""

    free_cores: float
    cores: int


def remedy(pacings: Sequence[Pacing], services: Mapping[str, Service], room: Room | None, *, less: str) -> str:
    """What would decide it where starts were late or a core was full; empty text where it was something else, which
    says itself what can be done. `room` None: not measured, or of many machines. `less` is how to make the load a
    smaller one."""
    is_late = bool(late(pacings, late_bound_s(services)))
    if not (is_late or busy(pacings)):
        return ""
    closed = ["use the closed model, which has no due times to be late for"] if is_late else []
    hints = [_more_room(pacings, room), less, *closed]
    said = f"{', '.join(hints[:-1])} or {hints[-1]}"
    return "; ".join(filter(None, (f"to decide it: {said}", _with_a_larger_limit(pacings, services))))


def _more_room(pacings: Sequence[Pacing], room: Room | None) -> str:
    """Where it lacked a processor: on the machine, or in its own process."""
    cpu_ratio = sum(pacing.cpu_ratio for pacing in pacings) / len(pacings)
    used = f"a process of the generator used {show_ratio(cpu_ratio)} of one"
    free = f"{room.free_cores:.1f} of {room.cores} cores were free, " if room else ""
    if room and room.free_cores < FREE_CORES_MIN:
        return f"free cores ({free}{used})"
    if cpu_ratio >= BUSY_PROCESS_RATIO:
        return f"play by more processes (--processes {max(pacing.workers for pacing in pacings) + 1}; {free}{used})"
    return f"look for what stalls the machine ({free}{used})" if room else f"free cores ({used})"


def _with_a_larger_limit(pacings: Sequence[Pacing], services: Mapping[str, Service]) -> str:
    """From which latency limit on these starts would have been punctual; empty text where that is out of reach."""
    tightest_s, within_ms = min(latency_limits_s(services), default=0.0), _within_ms(pacings)
    if within_ms is None or within_ms / 1000 <= late_bound_s(services):
        return ""
    wanted_s = within_ms / 1000 / LATE_LIMIT_RATIO
    if wanted_s > LIMIT_TIMES_MAX * tightest_s:
        return ""
    return f"with no latency limit below {show_duration(wanted_s)} these starts would not have been late"


def _within_ms(pacings: Sequence[Pacing]) -> int | None:
    """The smallest counted step that at most one start in a hundred was later than."""
    allowed = max(1.0, LATE_STARTS_RATIO * sum(pacing.started for pacing in pacings))
    later = {step: sum(pacing.late_over_ms.get(step, 0) for pacing in pacings) for step in LATE_STEPS_MS}
    return next((step for step in LATE_STEPS_MS if later[step] <= allowed), None)
