"""What was concluded: grades, findings, the verdict.

`judge` gives them, reports and exit codes are made of them. Pure; may import only `errors`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from seatrial.errors import ExitCode, Where


class Grade(enum.StrEnum):
    """From best to worst; the worst of several is the whole."""

    MET = "MET"
    DEGRADED = "DEGRADED"
    UNDECIDED = "UNDECIDED"
    MISSED = "MISSED"

    @property
    def badness(self) -> int:
        """0 for MET up to 3 for MISSED: the order of `worst`."""
        return list(Grade).index(self)


class Subject(enum.StrEnum):
    """What a finding is about."""

    OBJECTIVE = "objective"
    JOURNEY = "journey"
    STEADY_STATE = "steady state"
    EXPECTATION = "expectation"
    AUDIT = "audit"
    GENERATOR = "generator"
    INFORMATION = "information"  # shown, never judged


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged claim: limit, estimate, interval, n, D, when it was decided, and one sentence of reason.

    `limit`, `measured`, `low` and `high` are in the unit the texts `limit_text` and `measured_text` show:
    a ratio for errors and latency (share of requests over the limit), requests per second for throughput.
    `decided_at_s` counts from the start of the hold stage; None when it is not decided.
    `wanted_n` is how many requests MET needs at least, where what was seen speaks for it. `where` is the place in the
    documents of what was promised, None where there is none.
    What does not count is only shown: it is neither in the score nor in the whole.
    """

    subject: Subject
    service: str
    objective: str
    grade: Grade
    reason: str
    limit: float | None = None
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    limit_text: str = ""
    measured_text: str = ""
    n: int = 0
    bad: int = 0
    design_effect: float | None = None
    decided_at_s: float | None = None
    wanted_n: int | None = None
    weight: float = 1.0
    key: bool = False
    experiment: str | None = None
    where: Where | None = field(default=None, compare=False)
    counts: bool = True

    @property
    def is_against(self) -> bool:
        """It stands against a verdict of MET, or leaves one open; what does not count never does."""
        return self.counts and self.grade is not Grade.MET and self.subject is not Subject.INFORMATION

    @property
    def shown_as(self) -> str:
        """Its grade; of what does not count, what it is instead: `no baseline`, `information`."""
        if self.counts:
            return self.grade
        return str(Subject.INFORMATION) if self.subject is Subject.INFORMATION else self.reason.partition(":")[0]

    @property
    def name(self) -> str:
        """`cards.available`, or the experiment's expectation: unique within a verdict."""
        scope = f"{self.experiment} > " if self.experiment else ""
        return f"{scope}{self.service}.{self.objective}" if self.service else f"{scope}{self.objective}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole: `score` 0-100 over weighted findings; None when nothing was weighed."""

    grade: Grade
    score: float | None
    findings: tuple[Finding, ...]
    reason: str = ""


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst grade; UNDECIDED for none at all, because no data is never MET."""
    return max(grades, key=lambda grade: grade.badness, default=Grade.UNDECIDED)


def exit_code(grade: Grade, *, strict: bool = False) -> ExitCode:
    """What a command returns for a grade; with `strict`, DEGRADED is a miss."""
    if grade is Grade.MET or (grade is Grade.DEGRADED and not strict):
        return ExitCode.MET
    return ExitCode.UNDECIDED if grade is Grade.UNDECIDED else ExitCode.MISSED
