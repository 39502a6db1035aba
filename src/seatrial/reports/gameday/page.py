"""What the record of a game day says. Pure data with what follows from it; instants are UTC seconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.quantity import counted
from seatrial.verdict import Grade, worst

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class DayFinding:
    """One finding of a step's verdict; `numbers` is limit and measured, `is_against`: it speaks against MET."""

    name: str
    grade: Grade
    numbers: str
    reason: str
    is_against: bool


@dataclass(frozen=True, slots=True)
class DayFault:
    """One fault that was injected. `over_at` is None where it is not known to be undone."""

    kind: str
    target: str
    started_at: float
    over_at: float | None
    text: str


@dataclass(frozen=True, slots=True)
class DayStep:
    """A step: what was planned, what the team said, what was measured.

    `go` is their answer, empty when it was not come to; `grade` None when nothing was run; `held` what they said of
    the hypothesis, empty when nobody was asked.
    """

    number: int
    experiment: str
    hypothesis: str
    steady: str
    breaks: tuple[str, ...]
    watch: tuple[tuple[str, str], ...]
    go: str = ""
    run: str = ""
    grade: Grade | None = None
    reason: str = ""
    held: str = ""
    halted: str = ""
    findings: tuple[DayFinding, ...] = ()
    faults: tuple[DayFault, ...] = ()

    @property
    def disagrees(self) -> bool:
        """Whether the team and the measurement say the opposite of the hypothesis."""
        return (self.held == YES and self.grade is Grade.MISSED) or (self.held == NO and self.grade is Grade.MET)

    @property
    def left(self) -> tuple[DayFault, ...]:
        """The faults that are not known to be undone."""
        return tuple(fault for fault in self.faults if fault.over_at is None)


@dataclass(frozen=True, slots=True)
class DayEvent:
    """One line of the time line; `step` None belongs to the day as a whole."""

    at: float
    step: int | None
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class DayPage:
    """The whole record. `follow_ups` are the team's own, with the step they came up in. Without `ended_at` the day
    was killed, or still goes on."""

    day: str
    run: str
    realm: str
    file: str
    started_at: float
    ended_at: float | None
    version: str
    git_revision: str
    ended: str
    people: tuple[tuple[str, str], ...]
    steps: tuple[DayStep, ...]
    events: tuple[DayEvent, ...]
    follow_ups: tuple[tuple[int | None, str], ...]

    @property
    def grade(self) -> Grade:
        """The worst of the steps that were run; UNDECIDED when none was."""
        return worst(step.grade for step in self.steps if step.grade is not None)

    @property
    def reason(self) -> str:
        """How many steps came to what."""
        ran = [step for step in self.steps if step.grade is not None]
        counts = [f"{sum(step.grade is grade for step in ran)} {grade}" for grade in Grade]
        said = ", ".join(text for text in counts if not text.startswith("0 "))
        return f"{len(ran)} of {len(self.steps)} steps run{f': {said}' if said else ''}"

    @property
    def to_look_into(self) -> tuple[str, ...]:
        """What follows from the measurements alone: faults that are left first, then misses and contradictions."""
        return tuple(text for part in (_left, _against, _disagreements) for step in self.steps for text in part(step))


def _left(step: DayStep) -> Iterator[str]:
    for fault in step.left:
        said = f": {fault.text}" if fault.text else ""
        yield (
            f"Step {step.number}: {fault.kind} on {fault.target} is not known to be undone{said}; "
            "then: seatrial chaos recover"
        )


def _against(step: DayStep) -> Iterator[str]:
    """What a halted step had not shown by then is one thing to do: play it again."""
    if step.halted:
        undecided = sum(finding.is_against and finding.grade is Grade.UNDECIDED for finding in step.findings)
        left = f" and left {counted(undecided, 'finding')} undecided" if undecided else ""
        yield f"Step {step.number}: it was halted before its end{left}: play it again"
    for finding in step.findings:
        if finding.is_against and not (step.halted and finding.grade is Grade.UNDECIDED):
            yield f"Step {step.number}: {finding.name} was {finding.grade}: {finding.reason}"


def _disagreements(step: DayStep) -> Iterator[str]:
    if step.disagrees:
        team = "held" if step.held == YES else "did not hold"
        yield (
            f"Step {step.number}: the team says the hypothesis {team}, the measured verdict is {step.grade}: "
            "find out which of them looked at the wrong thing"
        )
