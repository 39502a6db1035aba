"""Whose turn it is to play which row, so that no row is in use by two plays at once, in any worker.

Told who plays and when a play has ended; gives rows. Pure; may import the scenarios' model and the room's pure files;
must never read a file, wait or ask the time. A journey whose `load` block says `rows: shared` gives its rows round
and round without asking who has them.

Row k (counted from 0) belongs to worker k mod N. In the open model a play takes the row that was free for longest. In
the closed model user i of u has rows i, i + u, i + 2u, ... of the worker's own, and plays them in turn.
"""

from __future__ import annotations

import collections
import dataclasses
import heapq
from dataclasses import dataclass, field

from seatrial.light import light
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.model import Row, RowUse, Scenario


@light(frozen=True, slots=True)
class Turn:
    """A journey with the row a play has until `Turns.back`; `number` is the place of one that must come back."""

    scenario: Scenario
    number: int | None = None


class Turns:
    """The rows of one worker's journeys. `users` is how many users it has at most; None in the open model."""

    def __init__(self, share: Share, users: int | None) -> None:
        self._share = share
        self._users = users
        self._rows: dict[str, tuple[Row, ...]] = {}
        self._free: dict[str, collections.deque[int]] = {}
        self._next: collections.Counter[tuple[str, int | None]] = collections.Counter()

    def take(self, scenario: Scenario, seat: int | None = None) -> Turn | None:
        """The scenario with the row of a play that begins, by that user in the closed model; None when every row it
        might have is in use. A scenario without rows is its own turn; its name stays, for the counts."""
        if scenario.rows is None:
            return Turn(scenario)
        rows = self._own(scenario)
        if scenario.load.rows is RowUse.SHARED:
            return _turn(scenario, rows, self._round(scenario, None, len(rows)))
        if seat is None or self._users is None:
            return self._free_one(scenario, rows)
        mine = range(len(rows))[seat % self._users :: self._users]
        return _turn(scenario, rows, mine[self._round(scenario, seat, len(mine))]) if mine else None

    def back(self, turn: Turn) -> None:
        """The play has ended: its row is free again, last in the line."""
        if turn.number is not None:
            self._free[turn.scenario.name].append(turn.number)

    def _own(self, scenario: Scenario) -> tuple[Row, ...]:
        """This worker's rows; all of them where there are fewer shared ones than workers."""
        if scenario.name not in self._rows:
            rows = scenario.rows or ()
            self._rows[scenario.name] = rows[self._share.worker :: self._share.workers] or rows
        return self._rows[scenario.name]

    def _free_one(self, scenario: Scenario, rows: tuple[Row, ...]) -> Turn | None:
        free = self._free.setdefault(scenario.name, collections.deque(range(len(rows))))
        if not free:
            return None
        number = free.popleft()
        return dataclasses.replace(_turn(scenario, rows, number), number=number)

    def _round(self, scenario: Scenario, seat: int | None, length: int) -> int:
        """0, 1, ... up to that length, and again, for each seat by itself."""
        key = (scenario.name, seat)
        self._next[key] += 1
        return (self._next[key] - 1) % length


@dataclass(slots=True)
class Seats:
    """The numbers of the users that are there: each has the lowest that nobody else has."""

    _free: list[int] = field(default_factory=list)
    _most: int = 0

    def take(self) -> int:
        """A user comes; its number from 0."""
        if self._free:
            return heapq.heappop(self._free)
        self._most += 1
        return self._most - 1

    def leave(self, number: int) -> None:
        """It is gone."""
        heapq.heappush(self._free, number)


def users_of(profile: Profile, share: Share) -> int | None:
    """How many users this worker has at the profile's peak; None in the open model."""
    return share.of(max(1, int(profile.peak))) if profile.model is Model.CLOSED else None


def _turn(scenario: Scenario, rows: tuple[Row, ...], number: int) -> Turn:
    return Turn(dataclasses.replace(scenario, row=rows[number]))
