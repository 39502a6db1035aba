"""All that a game day comprises, read and held together before anybody is asked anything.

Takes a file and names, gives a `DayPlan`: for each step the plan of its experiment alone. A mistake in any document,
an unknown experiment, a realm that allows no chaos: all show here. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.assess.plan import Asked, Documents, Plan, experiment_plan
from seatrial.chaos.gameday import GameDay, Step, read_gameday, require_file
from seatrial.chaos.plan import Checked, plan_experiment, resolver
from seatrial.errors import DocumentError, did_you_mean
from seatrial.quantity import show_duration
from seatrial.realm import Realm


@dataclass(frozen=True)
class PlannedStep:
    """A step, counted from 1, and the plan of its experiment under its own traffic."""

    number: int
    step: Step
    plan: Plan

    @property
    def checked(self) -> Checked:
        """Its experiment."""
        return self.plan.experiments[0]

    @property
    def steady(self) -> str:
        """What must hold before anything is broken, in one line."""
        named = ", ".join(f"{one.service}.{one.objective.name}" for one in self.checked.steady) or "nothing promised"
        return f"{named}, watched for {show_duration(self.checked.experiment.baseline_s)}"


@dataclass(frozen=True)
class DayPlan:
    """What a game day will do, if the team says so."""

    workspace: Path
    realm: Realm
    day: GameDay
    steps: tuple[PlannedStep, ...]


def gameday_plan(workspace: Path, file: Path, asked: Asked) -> DayPlan:
    """Read it all. UsageError, DocumentError or Refused for what is wrong."""
    require_file(file, workspace)
    day = read_gameday(file)
    documents = Documents(workspace)
    known = documents.experiments
    for step in day.steps:
        if step.experiment not in known:
            hint = did_you_mean(step.experiment, known) or "`seatrial chaos plan` lists them"
            raise DocumentError(step.where, f"unknown experiment '{step.experiment}'", hint)
    steps = tuple(
        PlannedStep(number, step, experiment_plan(documents, asked, step.experiment))
        for number, step in enumerate(day.steps, start=1)
    )
    return DayPlan(workspace, steps[0].plan.realm, day, steps)


def sights(planned: PlannedStep) -> Iterator[str]:
    """What a step will break, one line a fault, its targets found; CannotRun for one that is not there."""
    resolve = resolver(planned.plan.workspace, planned.plan.realm, holder="plan")
    for injection in plan_experiment(planned.checked, realm=planned.plan.realm, resolve=resolve).injections:
        yield injection.sight
