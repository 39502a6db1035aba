"""What a format of reports of plays is: texts to put one after the other, and what the whole run came to.

Room reports. Pure. What stands first in a file may need what is known last, so a form gives its head at the end.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from seatrial.errors import ExitCode
from seatrial.redact import Secrets
from seatrial.scenarios.played import Played


@dataclass
class Counts:
    """How many plays ended how; grows with every `add` and with nothing else."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    requests: int = 0

    @property
    def plays(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped

    def add(self, played: Played) -> None:
        """Count one more."""
        result = played.result
        self.requests += played.requests
        self.passed += result.passed
        self.skipped += bool(result.skipped)
        self.failed += not (result.passed or result.skipped)


class Close(enum.StrEnum):
    """Why no further play came."""

    COMPLETE = "complete"
    STOPPED = "stopped"  # after a failure, as was asked for
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run when it ends. `started_at` is in UTC seconds; `planned` counts plays, played or not;
    `exit_code` is the command's."""

    realm: str
    started_at: float
    took_s: float
    planned: int
    version: str
    close: Close = Close.COMPLETE
    exit_code: ExitCode = ExitCode.MET

    @property
    def interrupted(self) -> bool:
        """It was ended from outside."""
        return self.close is Close.INTERRUPTED


@dataclass
class Tally:
    """Counts of a whole run, and of each journey by its file and name in the order they came."""

    counts: Counts = field(default_factory=Counts)
    journeys: dict[tuple[str, str], Counts] = field(default_factory=dict)

    def add(self, played: Played) -> Counts:
        """Count one more; gives the counts of its journey."""
        journey = self.journeys.setdefault((played.journey.file, played.journey.name), Counts())
        self.counts.add(played)
        journey.add(played)
        return journey

    @property
    def named(self) -> list[tuple[str, Counts]]:
        """Each journey by its name; with its file where another has that name, as `.hurl` files of two folders."""
        names = Counter(name for _, name in self.journeys)
        return [
            (name if names[name] == 1 else f"{name} ({file})", counts)
            for (file, name), counts in self.journeys.items()
        ]

    @property
    def exit_code(self) -> ExitCode:
        """MISSED when any failed, UNDECIDED when none was played to its end, else MET."""
        if self.counts.failed:
            return ExitCode.MISSED
        return ExitCode.MET if self.counts.passed else ExitCode.UNDECIDED


class Form(Protocol):
    """One format of a report of plays. The file is head, everything `add` gave, tail; every text is redacted."""

    def __init__(self, secrets: Secrets) -> None: ...

    def add(self, played: Played) -> Iterator[str]:
        """One play's part of the body."""
        ...

    def head(self, facts: Facts) -> str:
        """What comes before the body; asked once, after the last play."""
        ...

    def tail(self, facts: Facts) -> str:
        """What comes after the body; asked once, after `head`."""
        ...
