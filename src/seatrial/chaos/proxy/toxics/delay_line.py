"""A stage that holds pieces of a stream until each is due; latency, bandwidth and slicer only say when that is."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from seatrial.chaos.proxy.toxics.toxic import Ending, Stage

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from seatrial.chaos.proxy.link import Link

_TIMER_TICK_S = 0.0005
"""uvloop rounds timers to milliseconds; without this allowance one that fires early would spin until it is due."""


_PIECES_AT_ONCE = 1_000
"""How many pieces leave before others get their turn: a slicer makes tens of thousands of one chunk."""


class _Held(NamedTuple):
    data: bytes
    at_s: float
    due_s: float


class DelayLine(Stage):
    """Pieces leave in the order they came, none before it is due; the end of the stream leaves right after them."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._line: deque[_Held] = deque()
        self._ending: Ending | None = None
        self._timer: TimerHandle | None = None

    def hold(self, data: bytes, at_s: float, *, due_s: float) -> None:
        """Keep a piece until `due_s` (monotonic; infinity: until released), then pass it with the instant `at_s`."""
        self._line.append(_Held(data, at_s, due_s))
        self.held_bytes += len(data)
        if self._timer is None:
            self._wind()

    def finish(self, ending: Ending) -> None:
        if self._ending is Ending.CUT:
            return
        self._ending = ending
        if not self._line:
            self.outlet.finish(ending)

    def release(self) -> None:
        now_s = self.link.now_s()  # a delay that is over before its time is not to be waited for by who comes behind
        self._line = deque(held._replace(at_s=min(held.at_s, now_s)) for held in self._line)
        self._pass_until(math.inf, most=len(self._line))
        self._stop()

    def discard(self) -> None:
        self._stop()
        self._line.clear()
        self.held_bytes = 0

    def _wind(self) -> None:
        due_s = self._line[0].due_s
        if due_s != math.inf:
            self._timer = self.link.after(due_s - self.link.now_s(), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._pass_until(self.link.now_s() + _TIMER_TICK_S, most=_PIECES_AT_ONCE)
        if self._line and self._timer is None:
            self._wind()
        self.link.regulate()

    def _pass_until(self, now_s: float, *, most: int) -> None:
        line = self._line
        for _ in range(most):
            if not line or line[0].due_s > now_s:
                break
            held = line.popleft()
            self.held_bytes -= len(held.data)
            self.outlet.receive(held.data, held.at_s)
        if not line and self._ending is not None:
            self.outlet.finish(self._ending)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
