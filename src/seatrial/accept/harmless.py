"""What of a journey may be played where nothing may be written: its steps but those that mutate, and those that need
what one of these would have captured.

Room accept. Pure: a scenario in, a smaller one out, with everything that was left out and why.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from seatrial.accept.static import templates_in
from seatrial.scenarios.model import Block, Call, Piece, Scenario, Step, flow_steps

MUTATES = "it mutates"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part that is not played, and why; `step` is empty for the whole journey."""

    journey: str
    step: str
    reason: str


def harmless(scenario: Scenario) -> tuple[Scenario | None, tuple[LeftOut, ...]]:
    """The journey without what writes, None when no step of it is left; and what was left out.

    It is lenient: the steps that are left need not check anything.
    """
    sieve = _Sieve(scenario)
    setup, steps = sieve.kept(scenario.setup), sieve.kept(scenario.steps)
    teardown = sieve.kept(scenario.teardown)
    if not sieve.left_out:
        return scenario, ()
    if not setup and not steps:
        return None, (*sieve.left_out, LeftOut(scenario.name, "", "no step of it is left"))
    left = dataclasses.replace(scenario, setup=setup, steps=steps, teardown=teardown, lenient=True)
    return left, tuple(sieve.left_out)


@dataclass
class _Sieve:
    """Goes through the parts in the order they run; `gone` are the names that no step gives any more, with who would
    have given them."""

    scenario: Scenario
    gone: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def kept(self, parts: Iterable[Piece]) -> tuple[Piece, ...]:
        """Those that may be played."""
        return tuple(left for part in parts if (left := self._part(part)) is not None)

    def _part(self, part: Piece) -> Piece | None:
        if isinstance(part, Block):
            parts = self.kept(part.parts)
            return dataclasses.replace(part, parts=parts) if parts else None
        reason = MUTATES if _mutates(part) else self._missing(part)
        if not reason:
            self.gone = {name: giver for name, giver in self.gone.items() if name not in _gives(part)}
            return part
        self.left_out.append(LeftOut(self.scenario.name, part.name, reason))
        self.gone |= dict.fromkeys(_gives(part) - self.scenario.variables.keys(), part.name)
        return None

    def _missing(self, part: Step | Call) -> str:
        lost = sorted(_needs(part) & self.gone.keys())
        return f"it needs '{lost[0]}', which '{self.gone[lost[0]]}' would have given" if lost else ""


def _mutates(part: Step | Call) -> bool:
    return part.mutates if isinstance(part, Step) else any(step.mutates for step in flow_steps(part.flow))


def _gives(part: Step | Call) -> frozenset[str]:
    if isinstance(part, Call):
        return frozenset(part.outputs)
    return frozenset([*(capture.name for capture in part.captures), *(name for name, _ in part.variables)])


def _needs(part: Step | Call) -> frozenset[str]:
    """Every name it mentions that it does not give itself before."""
    if isinstance(part, Call):
        return _names((part.inputs, part.course))
    given = _gives(part)
    own = frozenset(name for name, _ in part.variables)
    asked = _names((part.variables, part.request, part.course, part.captures)) - own
    return asked | (_names(part.expectations) - given)


def _names(content: object) -> frozenset[str]:
    return frozenset[str]().union(*(text.names for text in templates_in(content)))
