"""Whether the load generator has room to be punctual: on this machine, measured before anything is sent, and at the
profile's peak, by what the ramp towards it takes.

Before: about a third of a second of what the generator will live by, how much of the processors is free, and how late
this process wakes from short sleeps; the calmest of a few, for services that were just started are busy with that.
All of it warns and is no verdict: whether the generator kept its plan is judged from
its own seconds under load (`slo.generator`), and trouble there makes the load's objectives UNDECIDED.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psutil

from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import Pacing
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.slo.generator import BUSY_CPU_RATIO
from seatrial.slo.remedy import FEWER_USERS, FREE_CORES_MIN, LOWER_RATE, Room

SLEEPS = 150
SLEEP_S = 0.002
LOOKS = 5
"""So often it is measured at most while there is too little room: what a realm's start takes passes in seconds."""

RAMP_MIN_S = 5
RAMP_MIN_RISE = 2.0
"""A line through fewer seconds, or through rates nearer to each other, points anywhere."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """What was measured: free processors of all there are, and the p99 of how late short sleeps ended."""

    free_cores: float
    cores: int
    late_p99_s: float

    @property
    def text(self) -> str:
        """The numbers in words."""
        late = show_duration(self.late_p99_s)
        return f"{self.free_cores:.1f} of {self.cores} cores free, timers late by {late} (p99)"


class Idling:
    """How much the machine idles from now on."""

    def __init__(self) -> None:
        self._began, self._idle_s = time.perf_counter(), _idle_s()

    def room(self) -> Room:
        """What was free on average up to now."""
        cores = os.cpu_count() or 1
        return Room(free_cores(_idle_s() - self._idle_s, time.perf_counter() - self._began, cores), cores)


def less_of(profile: Profile | None) -> str:
    """How that load is made a smaller one, which asks less of its generator."""
    return FEWER_USERS if profile and profile.model is Model.CLOSED else LOWER_RATE


def measure_headroom() -> Headroom:
    """Measure for a third of a second, again while there is no room, up to `LOOKS` times; the calmest counts."""
    return calmest(_measured() for _ in range(LOOKS))


def calmest(looks: Iterable[Headroom]) -> Headroom:
    """The first with room enough, else the one with the most free cores."""
    seen: list[Headroom] = []
    for look in looks:
        seen.append(look)
        if look.free_cores >= FREE_CORES_MIN:
            return look
    return max(seen, key=lambda look: look.free_cores)


def free_cores(idle_s: float, took_s: float, cores: int) -> float:
    """Processors free on average, from the time they idled together in a span; within 0 and all of them, for the
    counters tick a hundred times a second only. This process' own part, which only slept, counts as busy."""
    return min(float(cores), max(0.0, idle_s / took_s)) if took_s > 0 else 0.0


def _measured() -> Headroom:
    cores, began, idle_s = os.cpu_count() or 1, time.perf_counter(), _idle_s()
    late_s = sorted(_late_s() for _ in range(SLEEPS))
    free = free_cores(_idle_s() - idle_s, time.perf_counter() - began, cores)
    return Headroom(free, cores, late_s[int(0.99 * SLEEPS) - 1])


def _idle_s() -> float:
    """Since the machine's start, of all processors together; waiting for a disk leaves a processor free."""
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


def lacking(headroom: Headroom, *, late_bound_s: float) -> str:
    """Why starts are likely to be late here; empty text when there is room."""
    short = []
    if headroom.free_cores < FREE_CORES_MIN:
        short.append(f"only {headroom.free_cores:.1f} of {headroom.cores} cores are free")
    if headroom.late_p99_s > late_bound_s:
        late, bound = show_duration(headroom.late_p99_s), show_duration(late_bound_s)
        short.append(f"timers are late by {late} (p99), and starts may be by {bound}")
    return " and ".join(short)


def outgrown(ramp: Sequence[Pacing], *, peak_per_s: float) -> str:
    """Why the generator will not reach the peak, by a straight line through its seconds on the way there; empty text
    when it will, or when these are too few or too alike to tell."""
    points = [(pacing.started, pacing.cpu_ratio) for pacing in ramp if pacing.started]
    rates = [started for started, _ in points]
    if len(points) < RAMP_MIN_S or max(rates) < RAMP_MIN_RISE * min(rates) or max(rates) >= peak_per_s:
        return ""
    line = statistics.linear_regression(rates, [cpu_ratio for _, cpu_ratio in points])
    wanted_ratio = line.intercept + line.slope * peak_per_s
    if wanted_ratio <= BUSY_CPU_RATIO:
        return ""
    now = f"at {max(rates):,} plays/s it uses {show_ratio(points[-1][1])} of a core"
    return f"generator: {now}, so the peak of {peak_per_s:g} plays/s would take {wanted_ratio:.1f} cores"


def _late_s() -> float:
    began = time.perf_counter()
    time.sleep(SLEEP_S)
    return max(0.0, time.perf_counter() - began - SLEEP_S)
