"""In which comparisons a field differed, between the realms and by itself.

Room slo, diff. A comparison is one play of a journey by three sides: the primary, the candidate, and the primary
again. Each is numbered, and a field keeps the set of its comparisons as the bits of a whole number, so that
thousands of them cost some bytes a field. Of the answers only a few examples stay, as the text `show` made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.slo.diff.answer import Seen
from seatrial.slo.diff.compare import NOTHING_IGNORED, Difference, Ignored, Kind, differences

PASSED = "passed"
"""The outcome of a step that was as its journey wants it."""

MAX_EXAMPLES = 3
MAX_FIELDS = 5000
"""Different fields that are kept; what comes after them is only counted."""

Show = Callable[[str, Any], str]
"""A field's path, with what its neighbours say it is of, and what stands there, as a text that may be shown."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A step of a journey."""

    journey: str
    step: str


@dataclass(frozen=True, slots=True)
class Three:
    """One step as each side answered it."""

    primary: Seen
    candidate: Seen
    again: Seen


@dataclass(frozen=True, slots=True)
class Example:
    """What each side had where they differed."""

    primary: str
    candidate: str


@dataclass(slots=True)
class Counted:
    """One field. `raw` and `noise` are the comparisons, as bits, in which the candidate, or the primary itself,
    differed from the primary."""

    raw: int = 0
    noise: int = 0
    examples: list[Example] = field(default_factory=list)


class Tally:
    """Counts comparisons as they come."""

    def __init__(self, show: Show, skip: Ignored = NOTHING_IGNORED) -> None:
        self._show = show
        self._skip = skip
        self.comparisons = 0
        self.fields: dict[tuple[Spot, str, Kind], Counted] = {}
        self.compared: dict[Spot, int] = {}
        self.passed: set[Spot] = set()
        self.journeys: dict[str, int] = {}
        self.beyond = 0

    def played(self, journey: str, *, passed: bool) -> None:
        """All three sides played that journey; `passed` where it did in both realms."""
        self.journeys[journey] = self.journeys.get(journey, 0) + passed

    def add(self, steps: Mapping[Spot, list[Three]]) -> None:
        """One comparison: every step that all three sides ran, in a loop once a round."""
        bit = 1 << self.comparisons
        self.comparisons += 1
        for spot, rounds in steps.items():
            self.compared[spot] = self.compared.get(spot, 0) | bit
            for three in rounds:
                self._three(spot, three, bit)

    def _three(self, spot: Spot, three: Three, bit: int) -> None:
        if three.primary.status is not None and three.primary.outcome == PASSED:
            self.passed.add(spot)
        for found in differences(three.primary, three.again, self._skip):
            if counted := self._field(spot, found):
                counted.noise |= bit
        for found in differences(three.primary, three.candidate, self._skip):
            if counted := self._field(spot, found):
                counted.raw |= bit
                self._keep(counted, found)

    def _field(self, spot: Spot, found: Difference) -> Counted | None:
        key = (spot, found.path, found.kind)
        if key not in self.fields:
            if len(self.fields) >= MAX_FIELDS:
                self.beyond += 1
                return None
            self.fields[key] = Counted()
        return self.fields[key]

    def _keep(self, counted: Counted, found: Difference) -> None:
        if len(counted.examples) == MAX_EXAMPLES:
            return
        about = f"{found.path}{found.beside}"
        example = Example(self._show(about, found.primary), self._show(about, found.candidate))
        if example not in counted.examples:
            counted.examples.append(example)
