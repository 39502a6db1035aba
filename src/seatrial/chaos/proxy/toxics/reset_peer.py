"""`reset_peer`: the connection is torn down with a TCP reset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.toxic import Ending, Stage, Toxic, attribute

if TYPE_CHECKING:
    from asyncio import TimerHandle
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class ResetPeer(Toxic):
    """`timeout` after the first bytes, or the end, of the stream both sides get a RST; idle ones are left alone.

    Unlike Toxiproxy's it also resets connections older than itself, and its removal lets what was held pass.
    """

    kind: ClassVar[str] = "reset_peer"
    timeout_ms: int = attribute("timeout")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Fuse(link, self.timeout_ms / 1000)


class _Fuse(DelayLine):
    def __init__(self, link: Link, timeout_s: float) -> None:
        super().__init__(link)
        self._timeout_s = timeout_s
        self._fuse: TimerHandle | None = None

    def receive(self, data: bytes, at_s: float) -> None:
        self.hold(data, at_s, due_s=math.inf)
        self._light()

    def finish(self, ending: Ending) -> None:
        self._ending = ending
        self._light()

    def release(self) -> None:
        self._put_out()
        super().release()

    def discard(self) -> None:
        self._put_out()
        super().discard()

    def _light(self) -> None:
        if self._fuse is None:
            self._fuse = self.link.after(self._timeout_s, self.link.reset)

    def _put_out(self) -> None:
        if self._fuse is not None:
            self._fuse.cancel()
            self._fuse = None
