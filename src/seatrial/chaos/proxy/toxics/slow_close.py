"""`slow_close`: data passes at once, the end of the stream comes late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.toxic import Ending, Stage, Toxic, attribute

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class SlowClose(Toxic):
    """The end of the stream is held for `delay`; removal lets it go."""

    kind: ClassVar[str] = "slow_close"
    delay_ms: int = attribute("delay")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Lingering(link, self.delay_ms / 1000)


class _Lingering(Stage):
    def __init__(self, link: Link, delay_s: float) -> None:
        super().__init__(link)
        self._delay_s = delay_s
        self._ending: Ending | None = None
        self._timer: TimerHandle | None = None

    def finish(self, ending: Ending) -> None:
        if self._ending is Ending.CUT:
            return
        self._ending = ending
        if self._timer is None:
            self._timer = self.link.after(self._delay_s, self.release)

    def release(self) -> None:
        self.discard()
        if self._ending is not None:
            self.outlet.finish(self._ending)

    def discard(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
