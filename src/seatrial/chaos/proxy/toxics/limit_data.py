"""`limit_data`: so many bytes pass, then the connection is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from seatrial.chaos.proxy.toxics.toxic import Ending, Stage, Toxic, attribute

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.link import Link


@dataclass(frozen=True)
class LimitData(Toxic):
    """Exactly `bytes` pass on each connection, counted from when the toxic was added; an update keeps the count.

    With 0 the connection closes at its first byte, not when it is made.
    """

    kind: ClassVar[str] = "limit_data"
    needs_bytes: ClassVar[bool] = True
    limit_bytes: int = attribute("bytes")

    def stage(self, link: Link, dice: Random) -> Stage:
        return _Allowance(link, self.limit_bytes)


class _Allowance(Stage):
    def __init__(self, link: Link, limit_bytes: int) -> None:
        super().__init__(link)
        self._limit_bytes = limit_bytes
        self._passed_bytes = 0

    def inherit(self, former: Stage) -> None:
        if isinstance(former, _Allowance):
            self._passed_bytes = former._passed_bytes

    def receive(self, data: bytes, at_s: float) -> None:
        allowed = data[: max(0, self._limit_bytes - self._passed_bytes)]
        self._passed_bytes += len(allowed)
        if allowed:
            self.outlet.receive(allowed, at_s)
        if self._passed_bytes >= self._limit_bytes:
            self.outlet.finish(Ending.CUT)
