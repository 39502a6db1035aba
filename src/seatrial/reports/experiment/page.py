"""What a report shows of an experiment, or of a strain of an audit, as plain values.

Room reports. Instants are UTC seconds since the epoch. Pure; may import the floor and chaos's words.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.chaos.seen.parts import Figures
from seatrial.chaos.seen.states import Spell
from seatrial.sample import FaultWindow


@dataclass(frozen=True, slots=True)
class LaneEvent:
    """A moment on an edge worth a line in the report: opened, trial call, closed."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class EdgeSlice:
    """Calls seen on an edge in a short time from `at` on: the proof that an open breaker lets none through."""

    at: float
    calls: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class EdgeLane:
    """One edge (`cards->ledger`) over time: its calls, and the states of its breaker, none where none was seen.
    `calls` are counted over slices of `slice_s` each; `told` says in a sentence what the breaker did, or that none
    was seen, and is empty where nobody looked for one."""

    edge: str
    spells: tuple[Spell, ...] = ()
    events: tuple[LaneEvent, ...] = ()
    calls: tuple[EdgeSlice, ...] = ()
    told: str = ""
    slice_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Compared:
    """Calls of one kind (`calls cards->ledger`, `requests to cards`) before, during and after."""

    title: str
    parts: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment from its steady state to the end of its recovery. Lanes and what is compared keep their order;
    faults are by time."""

    name: str
    started_at: float
    ended_at: float
    faults: tuple[FaultWindow, ...]
    lanes: tuple[EdgeLane, ...] = ()
    compared: tuple[Compared, ...] = ()
