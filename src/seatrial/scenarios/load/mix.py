"""Which journeys a profile plays and how often each: the profile's names met with the scenarios read.

Pure. May import the scenarios' model and the floor; must never read a file.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatrial.errors import DocumentError, UsageError, did_you_mean
from seatrial.realm import Realm, permit_load, permit_mutations
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.sendable import permit_requests
from seatrial.scenarios.model import Block, ForEach, Loop, Piece, Repeat, RowUse, Scenario, Step, mutates
from seatrial.template import Fixed


@dataclass(frozen=True)
class Mix:
    """Journeys with their weights, in the profile's order."""

    scenarios: tuple[Scenario, ...]
    weights: tuple[float, ...]

    def pick(self, dice: random.Random) -> Scenario:
        """One journey by weight."""
        return dice.choices(self.scenarios, cum_weights=self._summed)[0]

    @functools.cached_property
    def _summed(self) -> tuple[float, ...]:
        return tuple(itertools.accumulate(self.weights))

    @property
    def requests_per_play(self) -> float:
        """How many requests one play sends on average when nothing is skipped, fails, is redirected or polled twice;
        a loop whose rounds are not fixed in the file counts as one."""
        requests = map(requests_of, self.scenarios)
        weighted = sum(count * weight for count, weight in zip(requests, self.weights, strict=True))
        return weighted / sum(self.weights)


def requests_of(scenario: Scenario) -> int:
    """How many requests one play of it plans: each step once, each fixed round of a loop."""
    return sum(map(_requests_in, (*scenario.setup, *scenario.steps, *scenario.teardown)))


def _requests_in(part: Piece) -> int:
    if isinstance(part, Step):
        return _rounds(part.course.loop)
    inner = part.parts if isinstance(part, Block) else (*part.flow.steps, *part.flow.teardown)
    return _rounds(part.course.loop) * sum(map(_requests_in, inner))


def _rounds(loop: Loop | None) -> int:
    if isinstance(loop, Repeat) and isinstance(loop.times, Fixed):
        return int(loop.times.value)
    if isinstance(loop, ForEach) and isinstance(loop.items, Fixed):
        return len(loop.items.value)
    return 1


def mix(profile: Profile, scenarios: Iterable[Scenario]) -> Mix:
    """The profile's journeys; DocumentError at the profile when one of them is not among `scenarios`."""
    by_name = {scenario.name: scenario for scenario in scenarios}
    for name in profile.scenarios:
        if name not in by_name:
            raise _unknown(profile, name, by_name)
    chosen = tuple(by_name[name] for name in profile.scenarios)
    given = profile.scenarios.values()
    weights = tuple(
        scenario.load.weight if weight is None else weight for scenario, weight in zip(chosen, given, strict=True)
    )
    if not math.isfinite(sum(weights)):
        raise _at(profile, f"the weights of profile '{profile.name}' have no finite sum", "write smaller ones")
    return Mix(chosen, weights)


def peak_requests_per_s(profile: Profile, chosen: Mix) -> float | None:
    """The most requests per second the profile plans; None for a closed model, whose rate the target decides."""
    return profile.peak * chosen.requests_per_play if profile.model is Model.OPEN else None


def permit(profile: Profile, chosen: Mix, realm: Realm) -> None:
    """Raise Refused when the realm does not allow this load, or a journey of it to write there; Unsupported when a
    journey asks for what no load can send; DocumentError when its users would have to share rows."""
    permit_requests(chosen.scenarios)
    permit_rows(profile, chosen)
    permit_load(realm, peak_requests_per_s(profile, chosen) or 0.0)
    for scenario in filter(mutates, chosen.scenarios):
        permit_mutations(realm, scenario.name, scenario.tags)


def permit_rows(profile: Profile, chosen: Mix, *, workers: int = 1) -> None:
    """DocumentError at the profile when a journey has fewer rows than users, or workers, would use at once."""
    users = int(profile.peak) if profile.model is Model.CLOSED else 0
    for scenario in _exclusive(chosen):
        rows = len(scenario.rows or ())
        if rows < users:
            raise _too_few(profile, scenario, f"{users:,} users")
        if rows < workers:
            raise _too_few(profile, scenario, f"{workers:,} processes")


def _exclusive(chosen: Mix) -> Iterator[Scenario]:
    return (item for item in chosen.scenarios if item.rows is not None and item.load.rows is RowUse.OWN)


def _too_few(profile: Profile, scenario: Scenario, who: str) -> DocumentError | UsageError:
    rows = len(scenario.rows or ())
    problem = f"{who} of profile '{profile.name}', and '{scenario.name}' has rows for {rows:,}"
    hint = (
        "add rows, ask for fewer, or write `load: {rows: shared}` in the scenario: two may then use one row at once"
    )
    return _at(profile, problem, hint)


def _at(profile: Profile, problem: str, hint: str) -> DocumentError | UsageError:
    return DocumentError(profile.where, problem, hint) if profile.where else UsageError(f"{problem}; {hint}")


def _unknown(profile: Profile, name: str, known: Iterable[str]) -> DocumentError | UsageError:
    problem = f"profile '{profile.name}' plays '{name}', and no scenario has that name"
    hint, where = did_you_mean(name, known), profile.places.get(name, profile.where)
    return DocumentError(where, problem, hint) if where else UsageError(f"{problem}; {hint}")
