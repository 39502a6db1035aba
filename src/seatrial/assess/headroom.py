"""Whether this machine leaves the load generator room to be punctual, measured before anything is sent.

Half a second of what the generator will live by: how much of the processors is free, and how late this process wakes
from short sleeps. A warning, no verdict: whether the generator kept its plan is judged from its own seconds under
load (`slo.generator`), and trouble there makes the load's objectives UNDECIDED.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import psutil

from seatrial.quantity import show_duration

SLEEPS = 200
SLEEP_S = 0.002
FREE_CORES_MIN = 0.5
"""Below half a core a generator that needs one for its peak is waited upon by what else the machine does."""


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


def measure_headroom() -> Headroom:
    """Measure for about half a second."""
    cores = os.cpu_count() or 1
    psutil.cpu_percent()  # what it gives next counts from here
    late_s = sorted(_late_s() for _ in range(SLEEPS))
    busy_ratio = psutil.cpu_percent() / 100
    return Headroom(cores * (1.0 - busy_ratio), cores, late_s[int(0.99 * SLEEPS) - 1])


def lacking(headroom: Headroom, *, late_bound_s: float) -> str:
    """Why starts are likely to be late here; empty text when there is room."""
    short = []
    if headroom.free_cores < FREE_CORES_MIN:
        short.append(f"only {headroom.free_cores:.1f} of {headroom.cores} cores are free")
    if headroom.late_p99_s > late_bound_s:
        late, bound = show_duration(headroom.late_p99_s), show_duration(late_bound_s)
        short.append(f"timers are late by {late} (p99), and starts may be by {bound}")
    return " and ".join(short)


def _late_s() -> float:
    began = time.perf_counter()
    time.sleep(SLEEP_S)
    return max(0.0, time.perf_counter() - began - SLEEP_S)
