"""The one place that asks what time it is and that waits, so that tests can hand in a fake clock.

Instants are UTC seconds since the epoch; differences of time come from the monotonic clock.
Imports nothing of seatrial.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """What code that waits or stamps needs; the system's clock and the tests' fake one have it."""

    def now(self) -> float:
        """UTC seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow; their zero means nothing."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long; a negative time does not wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """UTC seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that long; a negative time does not wait."""
        time.sleep(max(0.0, seconds))


class SteadyClock(SystemClock):
    """The machine's clock as it stood when this was made: from then on it goes with the monotonic one, so that a step
    of the system's clock moves no instant of a run. Not for a schedule, which must follow the wall clock."""

    def __init__(self) -> None:
        self.epoch_of_monotonic = time.time() - time.monotonic()

    def now(self) -> float:
        """UTC seconds since the epoch, whatever was done to the system's clock since."""
        return self.epoch_of_monotonic + time.monotonic()


def iso(instant: float) -> str:
    """An instant as `2026-01-31T12:00:00.250Z`."""
    moment = dt.datetime.fromtimestamp(instant, tz=dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
