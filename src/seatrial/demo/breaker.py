"""The circuit breaker of one edge: pybreaker's state machine, and what it lacks.

    closed --(5 failures in a row, or half of >= 10 calls within 5 s)--> open
    open --(open time over, next call)--> half-open --(the one trial succeeds)--> closed
                                              '------(it does not)-----------> open

pybreaker counts failures in a row, holds the state and says when to trip. Added here: exactly one trial
while half-open, partial failure, slow answers as failures, a monotonic clock for the open time, and calls
that prove nothing (given up by whoever asked for them) are not held against the dependency.
The guarded call is awaited inside ``with breaker.calling():``; no lock is held meanwhile, so calls are not
serialised. May import pybreaker; knows nothing of HTTP. Made for one event loop, not for threads.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import pybreaker

OPEN_S = 1.5
"""How long an open breaker lets nobody through before its trial."""

FAILURES_IN_A_ROW = 5
WINDOW_S = 5.0
LEAST_CALLS = 10
FAILED_RATIO = 0.5
SLOW_RATIO = 0.8
"""An answer that took more than this share of the timeout counts as a failure."""

CLOSED: str = pybreaker.STATE_CLOSED
OPEN: str = pybreaker.STATE_OPEN
HALF_OPEN: str = pybreaker.STATE_HALF_OPEN

_SLICES = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """What a breaker is set to.

    ``failed_ratio`` of the calls of a window opens it, and so do failures in a row. ``open_s`` is how long it lets
    nobody through. ``trials`` is how many calls at a time it then tries with; with none it closes by itself.
    """

    failed_ratio: float = FAILED_RATIO
    slow_answers_fail: bool = True
    open_s: float = OPEN_S
    trials: int = 1


SOUND = Rules()


class BreakerOpen(Exception):
    """The call was not let through. ``retry_after_s`` is when the next trial is due (>= 0)."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"circuit open, next trial in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class Guard(Protocol):
    """What a client asks of a breaker."""

    def calling(self) -> AbstractContextManager[None]:
        """Around one call, counted by how the block ends. Raises `BreakerOpen` where the call is not let through."""
        ...

    def is_closed(self) -> bool:
        """Whether every call is let through now; changes nothing."""
        ...


class NeverOpens:
    """The guard of an edge without a breaker."""

    def calling(self) -> AbstractContextManager[None]:
        return nullcontext()

    def is_closed(self) -> bool:
        return True


class FailureWindow:
    """Counts of calls and failures of the last `WINDOW_S` seconds, in slices, so its size is bounded."""

    def __init__(self, failed_ratio: float = FAILED_RATIO) -> None:
        self._failed_ratio = failed_ratio
        self._slices: deque[_Slice] = deque(maxlen=_SLICES)

    def add(self, now_s: float, *, failures: int) -> None:
        """Count one call, with 0 or 1 failures."""
        number = int(now_s / WINDOW_S * _SLICES)
        if not self._slices or self._slices[-1].number != number:
            self._slices.append(_Slice(number))
        self._slices[-1].calls += 1
        self._slices[-1].failures += failures

    def is_failing(self, now_s: float) -> bool:
        """Whether enough calls were made to tell, and too many of them failed."""
        oldest = int(now_s / WINDOW_S * _SLICES) - _SLICES
        recent = [part for part in self._slices if part.number > oldest]
        calls = sum(part.calls for part in recent)
        failures = sum(part.failures for part in recent)
        return calls >= LEAST_CALLS and failures >= self._failed_ratio * calls

    def clear(self) -> None:
        self._slices.clear()


@dataclass(slots=True)
class _Slice:
    number: int
    calls: int = 0
    failures: int = 0


class _CountedFailure(Exception):
    """Told to pybreaker: the call failed."""


class _ProvesNothing(Exception):
    """Told to pybreaker, which excludes it: the call says nothing about the dependency."""


class EdgeBreaker:
    """The breaker of one edge in one process.

    ``slow_s`` is from when an answer counts as a failure. ``clock`` is monotonic, in seconds.
    ``changed`` is told each new state: "open", "half-open" or "closed".
    """

    def __init__(
        self,
        slow_s: float,
        *,
        rules: Rules = SOUND,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[str], None] = lambda state: None,
    ) -> None:
        self.slow_s = slow_s
        self._rules = rules
        self._clock = clock
        self._changed = changed
        self._circuit = pybreaker.CircuitBreaker(
            fail_max=FAILURES_IN_A_ROW,
            reset_timeout=rules.open_s,
            exclude=[_ProvesNothing],
            throw_new_error_on_trip=False,
        )
        self._window = FailureWindow(rules.failed_ratio)
        self._opened_at_s = 0.0
        self._trials_under_way = 0
        self._era = 0
        self._state = CLOSED

    def calling(self, slow_s: float | None = None) -> AbstractContextManager[None]:
        """Guard one awaited call; raises `BreakerOpen` on entering when it is not let through.

        An exception leaving the block is a failure and goes on to the caller. Leaving by cancellation or
        a TimeoutError before ``slow_s``, if given instead of the breaker's own, is impatience of the caller and
        not counted.
        """
        return _Passage(self, slow_s or self.slow_s)

    def is_closed(self) -> bool:
        return self._state == CLOSED

    def retry_after_s(self) -> float:
        """Seconds until a call may be let through as the trial; 0 when that is now."""
        if self._state == OPEN:
            return max(0.0, self._opened_at_s + self._rules.open_s - self._clock())
        return 0.0

    def _admit(self) -> bool:
        """Let a call through, or raise `BreakerOpen`; tells whether the call is a trial."""
        if self._state == OPEN and self.retry_after_s() == 0.0:
            self._be_tried()
        is_trial = self._state == HALF_OPEN
        if self._state == OPEN or (is_trial and self._trials_under_way >= self._rules.trials):
            raise BreakerOpen(self.retry_after_s())
        self._trials_under_way += is_trial
        return is_trial

    def _be_tried(self) -> None:
        if self._rules.trials:
            self._circuit.half_open()
        else:
            self._circuit.close()
        self._note_state()

    def _ending(self, passage: "_Passage", error: BaseException | None) -> Exception | None:
        """What pybreaker is told of a call that ended: None is success."""
        if passage.era != self._era:
            return _ProvesNothing()  # let through before the state last changed
        slow = self._clock() - passage.started_s >= passage.slow_s
        impatient = isinstance(error, asyncio.CancelledError | TimeoutError) and not slow
        if impatient and not passage.is_trial:
            return _ProvesNothing()
        # A trial that was given up must not close the circuit: it has to be repeated.
        failed = error is not None or (slow and self._rules.slow_answers_fail)
        return _CountedFailure() if failed else None

    def _ended(self, passage: "_Passage", ending: Exception | None) -> None:
        if passage.is_trial:
            self._trials_under_way -= 1
        self._note_state()
        if passage.era != self._era or isinstance(ending, _ProvesNothing):
            return
        self._window.add(self._clock(), failures=0 if ending is None else 1)
        if self._window.is_failing(self._clock()):
            self._circuit.open()
            self._note_state()

    def _note_state(self) -> None:
        state: str = self._circuit.current_state
        if state == self._state:
            return
        self._state = state
        self._era += 1
        self._window.clear()
        if state == OPEN:
            self._opened_at_s = self._clock()
        self._changed(state)


class _Passage:
    """One call let through an `EdgeBreaker`."""

    def __init__(self, breaker: EdgeBreaker, slow_s: float) -> None:
        self._breaker = breaker
        self.slow_s = slow_s

    def __enter__(self) -> None:
        breaker = self._breaker
        self.is_trial = breaker._admit()
        self.era = breaker._era
        self.started_s = breaker._clock()
        self._guarded = breaker._circuit.calling()
        self._guarded.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ending = self._breaker._ending(self, error)
        if ending is None:
            self._guarded.__exit__(None, None, None)
        else:
            self._guarded.__exit__(type(ending), ending, None)
        self._breaker._ended(self, ending)
