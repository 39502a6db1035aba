"""An HTTP-aware toxic at work on one proxy: which requests it hits, counted over all connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.heads import path_of
from seatrial.chaos.proxy.toxics.http_toxic import Occasion

if TYPE_CHECKING:
    from random import Random

    from seatrial.chaos.proxy.heads import RequestLine
    from seatrial.chaos.proxy.toxics.http_toxic import HttpToxic, Plan
    from seatrial.chaos.proxy.toxics.toxic import Stream


@dataclass(frozen=True)
class Asked:
    """What is known of a request when its head has come: the first line, the head, and the head in lower case."""

    line: RequestLine
    head: bytes
    fields: bytes

    @property
    def path(self) -> str:
        """Its path, without query."""
        return path_of(self.line.target)

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        mark = b"\r\n" + name.lower().encode("latin-1") + b":"
        found = self.fields.find(mark)
        if found < 0:
            return None
        start = found + len(mark)
        return self.head[start : self.head.find(b"\r\n", start)].decode("latin-1").strip()


class Rule:
    """Decides about each request once, when its head has come; an update changes `settings` and keeps the counts.

    `matched` counts the requests its settings select, `hit` those of them it acts on. A draw of `dice` is made for
    each request that is left to chance, so the same seed hits the same ones of a series.
    """

    def __init__(self, settings: HttpToxic, stream: Stream, dice: Random) -> None:
        self.settings = settings
        self.matched = 0
        self.hit = 0
        self._stream = stream
        self._dice = dice

    def alter(self, plan: Plan, asked: Asked) -> Plan:
        """The plan for a request, as it was unless this one is hit; asking counts it."""
        if not self._hits(asked):
            return plan
        return self.settings.alter(plan, Occasion(self._stream, self._dice))

    def _hits(self, asked: Asked) -> bool:
        if not self.settings.selects(asked):
            return False
        self.matched += 1
        hit = self._is_turn() and self._dice.random() < self.settings.probability
        self.hit += hit
        return hit

    def _is_turn(self) -> bool:
        first, every = self.settings.first, self.settings.every
        return (first is None or self.matched <= first) and (every is None or self.matched % every == 0)
