"""`bandwidth`: a narrow pipe, or with rate 0 a stalled one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.toxic import Stage, Toxic, attribute

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.link import Link

_BYTES_PER_KB = 1000
_PIECE_S = 0.1


@dataclass(frozen=True)
class Bandwidth(Toxic):
    """At most `rate` KB (of 1,000 bytes) per second, in pieces of at most 100 ms; 0 holds all until removed."""

    kind: ClassVar[str] = "bandwidth"
    needs_bytes: ClassVar[bool] = True
    rate_kb_per_s: int = attribute("rate")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Narrow(link, self.rate_kb_per_s * _BYTES_PER_KB)


class _Narrow(DelayLine):
    def __init__(self, link: Link, rate_bytes_per_s: int) -> None:
        super().__init__(link)
        self._rate_bytes_per_s = rate_bytes_per_s
        self._piece_bytes = round(rate_bytes_per_s * _PIECE_S)
        self._free_at_s = 0.0

    def receive(self, data: bytes, at_s: float) -> None:
        if not self._rate_bytes_per_s:
            self.hold(data, at_s, due_s=math.inf)
            return
        self._free_at_s = max(self._free_at_s, self.link.now_s())
        for start in range(0, len(data), self._piece_bytes):
            piece = data[start : start + self._piece_bytes]
            self._free_at_s += len(piece) / self._rate_bytes_per_s
            self.hold(piece, at_s, due_s=self._free_at_s)
