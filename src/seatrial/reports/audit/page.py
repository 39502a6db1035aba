"""What the page of an audit shows, as plain values.

Room reports. `assess` fills an `AuditFacts`, `build` makes an `AuditPage` of it. Pure; may import the floor, the
words of the room chaos's audit, and experiments as reports show them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from seatrial.chaos.audit.model import Cause, Family, Kind, Ruling, Strain
from seatrial.reports.experiment.page import Experiment
from seatrial.service import Edge
from seatrial.verdict import Grade


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """What an audit came to. `edges` is every edge of the dependency graph, tried or not; `strains` are those that
    were tried, as experiments by the strains' names. `cut_short` says how far an audit came that was interrupted or
    killed, `command` what it was called with, `what_if` that it was read with other documents than it was made with;
    each empty otherwise. Instants are UTC seconds."""

    run: str
    realm: str
    started_at: float
    edges: tuple[Edge, ...]
    rulings: tuple[Ruling, ...]
    strains: tuple[Experiment, ...] = ()
    cut_short: str = ""
    command: str = ""
    what_if: str = ""


class Mark(enum.StrEnum):
    """What a strain of an edge came to, as a word; `sign` is the same for the eye."""

    FOUND = "found"
    NOTHING = "nothing"
    NOT_JUDGED = "not judged"
    NOT_TRIED = "not tried"

    @property
    def sign(self) -> str:
        """A character that none of the others has."""
        return {Mark.FOUND: "✕", Mark.NOTHING: "✓", Mark.NOT_JUDGED: "?", Mark.NOT_TRIED: "–"}[self]

    @property
    def tone(self) -> str:
        """The name of its colour, which only repeats the sign."""
        return {Mark.FOUND: "missed", Mark.NOTHING: "met", Mark.NOT_JUDGED: "undecided", Mark.NOT_TRIED: "plain"}[
            self
        ]


@dataclass(frozen=True, slots=True)
class Cell:
    """One edge under one fault. `numbers` are the defects that were found; `judged` of `asked` signatures could be
    read. `anchor` is where its evidence stands, empty where nothing was tried."""

    kind: Kind
    mark: Mark
    numbers: str = ""
    judged: int = 0
    asked: int = 0
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One edge of the matrix, a cell for each of its columns."""

    edge: Edge
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every edge of the dependency graph by the faults that any of them was tried with."""

    kinds: tuple[Kind, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What was read of a strain for some families: one, or all that could not be judged for the same reason. Of `n`
    calls or requests `bad` were as the defect makes them."""

    families: tuple[Family, ...]
    mark: Mark
    text: str
    n: int
    bad: int


@dataclass(frozen=True, slots=True)
class StrainShown:
    """The evidence of one strain: what was read of it; `seen` is what the edge and its breaker did, None where the
    strain was left out, or where others are drawn in its stead."""

    anchor: str
    strain: Strain
    mark: Mark
    lines: tuple[Line, ...]
    seen: Experiment | None = None

    @property
    def means(self) -> str:
        """What the fault does to the edge."""
        return MEANS.get(self.strain.kind, "")


@dataclass(frozen=True, slots=True)
class Seen:
    """One ruling of a finding, and where its evidence stands."""

    ruling: Ruling
    anchor: str


@dataclass(frozen=True, slots=True)
class CauseShown:
    """A finding with its evidence, and what shows because of it."""

    cause: Cause
    rulings: tuple[Seen, ...]
    consequences: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """One reason why something could not be judged, and where."""

    reason: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The whole page. `score` is None where nothing could be judged, or not all was played; `undrawn` strains are
    told without a picture."""

    facts: AuditFacts
    grade: Grade
    word: str
    reason: str
    score: float | None
    causes: tuple[CauseShown, ...]
    matrix: Matrix
    strains: tuple[StrainShown, ...]
    left_open: tuple[Open, ...]
    untried: tuple[str, ...]
    undrawn: int = 0


MEANS = {
    Kind.SLOW: "answers come late, just within the timeout",
    Kind.HANG: "answers never come",
    Kind.HANG_UPSTREAM: "requests never arrive",
    Kind.REFUSE: "connections are refused",
    Kind.RESET: "connections are reset",
    Kind.DRIP: "answers come in small pieces, with a pause before each",
    Kind.TRUNCATE: "every third answer breaks off in the middle",
    Kind.SERVER_ERROR: "every request is answered with 503",
    Kind.CLIENT_ERROR: "every request is answered with 404",
    Kind.PARTIAL: "two requests of three are answered with 503",
    Kind.LOST: "a POST is done, and its answer never comes",
    Kind.CUT: "connections are closed, several of them idle, and taken again at once",
    Kind.KILL: "the dependency is killed",
    Kind.PAUSE: "the dependency stands still",
    Kind.CROWD: "answers come late, and three times as many requests",
    Kind.RESTART: "the caller is told to end while its answers are late, and started while the dependency is out",
}
