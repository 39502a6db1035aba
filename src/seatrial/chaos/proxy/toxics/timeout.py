"""`timeout`: a black hole that may close.

in  --a--b------------>
out ---------------|        nothing passes; closed `timeout` after the last byte, never with 0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.toxic import Ending, Stage, Toxic, attribute

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class Timeout(Toxic):
    """Data is dropped; `timeout` without any closes the connection (0: never), and so does removal."""

    kind: ClassVar[str] = "timeout"
    timeout_ms: int = attribute("timeout")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _BlackHole(link, self.timeout_ms / 1000)


class _BlackHole(Stage):
    def __init__(self, link: Link, timeout_s: float) -> None:
        super().__init__(link)
        self._timeout_s = timeout_s
        self._timer: TimerHandle | None = None
        self.swallows_end = not timeout_s
        self._wind()

    def receive(self, data: bytes, at_s: float) -> None:
        self.discard()
        self._wind()

    def finish(self, ending: Ending) -> None:
        """An end is dropped like data, but does not put off the closing."""

    def dismiss(self) -> None:
        self.discard()
        self._close()

    def release(self) -> None:
        self.discard()

    def discard(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind(self) -> None:
        if self._timeout_s:
            self._timer = self.link.after(self._timeout_s, self._close)

    def _close(self) -> None:
        self.outlet.finish(Ending.CUT)
