"""The monitor's clockwork: which monitor is due at which slot. Clocked by the `schedule` package.

A slot is a point of the monitor's own grid, `phase + k * every`, and the key of its result: however late a
run starts or long it takes, the next slot is on the grid again. The phase comes from the monitor's name, so
that monitors do not start together and keep their slots over restarts. `Plan.tick` only hands out slots; it
plays nothing. Must not be called from two threads: `schedule` has no locks.

`schedule` alone would drift (its next run counts from the end of the last), would read the naive local clock
(an hour lost when summer time ends), and would not run at start. So its `Job` is told here when it is due and
what comes next; `Scheduler.run_pending` then runs what is due, oldest first, as it always does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import schedule

from seatrial.clock import Clock
from seatrial.synthetic.model import Monitor

JUMP_S = 2.0  # a wall clock that parts this far from the monotonic one was set, or the machine slept
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 1.0  # never spin; never miss a clock that was set meanwhile


@dataclass(frozen=True, slots=True)
class Due:
    """A monitor's slot has come. `slot` is UTC seconds."""

    monitor: Monitor
    slot: float


@dataclass(frozen=True, slots=True)
class Jumped:
    """The wall clock was set by that many seconds, forward when positive; the plan was made anew."""

    by_s: float


def phase_s(name: str, every_s: float) -> float:
    """The monitor's place within its interval, whole milliseconds; stable over restarts and machines."""
    interval_ms = max(1, round(every_s * 1000))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % interval_ms / 1000


def slot_at(instant: float, monitor: Monitor) -> float:
    """The monitor's newest slot at that instant."""
    return _slot(monitor, _index(instant, monitor))


def slot_after(instant: float, monitor: Monitor) -> float:
    """The monitor's first slot later than that instant."""
    return _slot(monitor, _index(instant, monitor) + 1)


def _index(instant: float, monitor: Monitor) -> int:
    """The largest k whose slot is not later; corrected for the float division, which can miss by one."""
    phase = phase_s(monitor.name, monitor.every_s)
    near = math.floor((instant - phase) / monitor.every_s)
    return max(k for k in (near - 1, near, near + 1) if _slot(monitor, k) <= instant)


def _slot(monitor: Monitor, index: int) -> float:
    return round(phase_s(monitor.name, monitor.every_s) + index * monitor.every_s, 3)


class _GridJob(schedule.Job):  # type: ignore[misc]  # the package is not followed by the type checker
    """A job that is due on its monitor's grid, by the clock handed in."""

    def __init__(self, monitor: Monitor, *, scheduler: schedule.Scheduler, clock: Clock) -> None:
        super().__init__(round(monitor.every_s), scheduler)
        self.unit = "seconds"
        self.due = clock.now()
        self._slot: float | None = None
        self._monitor = monitor
        self._clock = clock

    @property
    def should_run(self) -> bool:
        """True when its moment has come."""
        return bool(self._clock.now() >= self.due)

    def hand_out(self, enqueue: Callable[[Due], None]) -> None:
        """What `run` calls: the newest slot goes out; those before it that were missed stay a gap."""
        self._slot = slot_at(self._clock.now(), self._monitor)
        enqueue(Due(self._monitor, self._slot))

    def replan(self) -> None:
        """Due at the next slot by a clock that was set."""
        self._plan(slot_after(self._clock.now(), self._monitor))

    def _schedule_next_run(self) -> None:
        """Called by `do` for the first run, which is at once, and by `run` for each next one.

        The next slot counts from the one handed out, not from now: none is lost between two looks at the clock.
        """
        self._plan(self.due if self._slot is None else slot_after(self._slot, self._monitor))

    def _plan(self, due: float) -> None:
        """`next_run` is what the scheduler sorts by: naive, as the package wants it, but UTC."""
        self.due = due
        self.next_run = dt.datetime.fromtimestamp(due, tz=dt.UTC).replace(tzinfo=None)


class Plan:
    """When each monitor is due. `enqueue` is given what comes up; it must not block and must not raise."""

    def __init__(self, monitors: Iterable[Monitor], *, clock: Clock, enqueue: Callable[[Due | Jumped], None]) -> None:
        self._clock = clock
        self._enqueue = enqueue
        self._offset_s = clock.now() - clock.monotonic()
        self._scheduler = schedule.Scheduler()
        self._jobs = tuple(_GridJob(monitor, scheduler=self._scheduler, clock=clock) for monitor in monitors)
        for job in self._jobs:
            job.do(job.hand_out, enqueue)

    def tick(self) -> float:
        """Hand out every slot that has come and say how long to pause, in seconds, before the next tick.

        The first tick hands out every monitor, at its newest slot. Nothing is caught up with: a monitor whose
        slots passed unseen is handed out once.
        """
        self._follow_the_clock()
        self._scheduler.run_pending()
        next_due = min((job.due for job in self._jobs), default=math.inf)
        return min(max(next_due - self._clock.now(), SHORTEST_PAUSE_S), LONGEST_PAUSE_S)

    def _follow_the_clock(self) -> None:
        """After a jump, plan anew: after one back, every monitor would be silent till the old hour comes again."""
        offset_s = self._clock.now() - self._clock.monotonic()
        by_s = offset_s - self._offset_s
        if abs(by_s) <= JUMP_S:
            return
        self._offset_s = offset_s
        for job in self._jobs:
            job.replan()
        self._enqueue(Jumped(by_s))
