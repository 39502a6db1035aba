"""`slicer`: a stream in small pieces, with pauses between them.

in  --abcdefgh-------->
out --abc-de-fgh------>     pieces of average_size +- size_variation, `delay` after each
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.toxic import Stage, Toxic, attribute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class Slicer(Toxic):
    """Pieces of `average_size` +- `size_variation` bytes, `delay` microseconds apart."""

    kind: ClassVar[str] = "slicer"
    needs_bytes: ClassVar[bool] = True
    average_size_bytes: int = attribute("average_size", least=1)
    size_variation_bytes: int = attribute("size_variation")
    delay_us: int = attribute("delay")

    def fault(self) -> str | None:
        if self.size_variation_bytes < self.average_size_bytes:
            return None
        return (
            f"size_variation is {self.size_variation_bytes}; less than average_size"
            f" ({self.average_size_bytes}) is needed, or a piece could be empty"
        )

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Slices(link, self, dice)


class _Slices(DelayLine):
    def __init__(self, link: Link, settings: Slicer, dice: Random) -> None:
        super().__init__(link)
        self._settings = settings
        self._dice = dice
        self._free_at_s = 0.0

    def receive(self, data: bytes, at_s: float) -> None:
        self._free_at_s = max(self._free_at_s, self.link.now_s())
        start = 0
        for stop in self._cuts(0, len(data)):
            self.hold(data[start:stop], at_s, due_s=self._free_at_s)
            self._free_at_s += self._settings.delay_us / 1_000_000
            start = stop

    def _cuts(self, start: int, stop: int) -> Iterator[int]:
        """Where each piece ends: halves of halves, as Toxiproxy cuts, until a piece is small enough.

        No piece is empty: what is still cut is longer than twice the variation, which is less than the average.
        """
        longest = self._settings.average_size_bytes + self._settings.size_variation_bytes
        variation = self._settings.size_variation_bytes
        left = [(start, stop)]  # the last is cut next, so that pieces come in order
        while left:
            start, stop = left.pop()
            if stop - start <= longest:
                yield stop
            else:
                middle = (start + stop) // 2 + self._dice.randint(-variation, variation)
                left += [(middle, stop), (start, middle)]
