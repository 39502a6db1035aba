"""`latency`: everything arrives later by the same time, or by a time that varies.

in  --a--b-----c------>
out -----a--b-----c--->     each by latency +- jitter, never overtaking
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.toxic import Stage, Toxic, attribute

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class Latency(Toxic):
    """Each chunk is held for a time uniform in `latency` +- `jitter` from its receipt; connect and close are not."""

    kind: ClassVar[str] = "latency"
    needs_bytes: ClassVar[bool] = True
    latency_ms: int = attribute("latency")
    jitter_ms: int = attribute("jitter")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Later(link, self, dice)


class _Later(DelayLine):
    capacity_bytes = 32 * 1024 * 1024  # Toxiproxy's 1,024 chunks of 32 KiB: throughput is not limited

    def __init__(self, link: Link, settings: Latency, dice: Random) -> None:
        super().__init__(link)
        self._settings = settings
        self._dice = dice
        self._last_due_s = 0.0

    def receive(self, data: bytes, at_s: float) -> None:
        due_s = at_s + self._delay_s()
        self._last_due_s = max(self._last_due_s, due_s)
        self.hold(data, due_s, due_s=self._last_due_s)

    def _delay_s(self) -> float:
        latency_ms, jitter_ms = self._settings.latency_ms, self._settings.jitter_ms
        if jitter_ms:
            return max(0.0, self._dice.uniform(latency_ms - jitter_ms, latency_ms + jitter_ms)) / 1000
        return latency_ms / 1000
