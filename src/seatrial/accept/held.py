"""How much of the answers' bodies a run holds: of one play for its reports, of plays over before it is their turn.

Room accept. Safe from several threads.
"""

from __future__ import annotations

import dataclasses
import enum
import threading

from seatrial.exchange import Answer, Response
from seatrial.scenarios.played import Exchange, Played

BODIES_BYTES = 32 << 20
"""Of the bodies of one play's exchanges, the newest of up to so many bytes are kept where they are kept at all."""

HELD_BYTES = 64 << 20
"""While plays that are over hold more than so many bytes, none begins but the one that is waited for."""


class Evidence(enum.Enum):
    """What is kept of every exchange of a play; the answer that decided a step is in its result either way."""

    HEADS = "heads"
    BODIES = "bodies"


class Exchanges:
    """The exchanges of one play as they come: with their newest bodies, or with none."""

    def __init__(self, evidence: Evidence) -> None:
        self._limit = BODIES_BYTES if evidence is Evidence.BODIES else 0
        self._kept: list[Exchange] = []
        self._bytes = self._oldest = 0
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        """One more; bodies that have become too many are left out, the oldest first."""
        with self._lock:
            self._kept.append(exchange)
            self._bytes += _size(exchange.answer)
            while self._bytes > self._limit:
                self._bytes -= _size(self._kept[self._oldest].answer)
                self._kept[self._oldest] = _without_body(self._kept[self._oldest])
                self._oldest += 1

    def all(self) -> tuple[Exchange, ...]:
        """All that came, in order."""
        with self._lock:
            return tuple(self._kept)


class Held:
    """Bytes of plays that are over and not taken yet. Plays are numbered from 0 in the order they are taken."""

    def __init__(self) -> None:
        self._bytes = self._next = 0
        self._released = False
        self._changed = threading.Condition()

    def wait(self, number: int) -> None:
        """Return when that play may begin."""
        with self._changed:
            self._changed.wait_for(lambda: self._released or self._bytes <= HELD_BYTES or number == self._next)

    def add(self, played: Played) -> None:
        """It is over."""
        with self._changed:
            self._bytes += weight(played)

    def take(self, played: Played | None) -> None:
        """The next in order is taken; None for one that never began."""
        with self._changed:
            self._bytes -= weight(played) if played else 0
            self._next += 1
            self._changed.notify_all()

    def release(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._released = True
            self._changed.notify_all()


def weight(played: Played) -> int:
    """Bytes of all bodies that it keeps, each counted once."""
    decided = [step.last.answer for step in played.result.steps if step.last]
    answers = {id(answer): answer for answer in (*decided, *(one.answer for one in played.exchanges))}
    sent = sum(len(one.sent.request.body or b"") for one in played.exchanges)
    return sent + sum(map(_size, answers.values()))


def _size(answer: Answer | None) -> int:
    return len(answer.body) + len(answer.raw or b"") if isinstance(answer, Response) else 0


def _without_body(exchange: Exchange) -> Exchange:
    answer = exchange.answer
    if not isinstance(answer, Response) or not _size(answer):
        return exchange
    bare = dataclasses.replace(answer, body=b"", raw=None)
    return dataclasses.replace(exchange, answer=bare, left_out=len(answer.body))
