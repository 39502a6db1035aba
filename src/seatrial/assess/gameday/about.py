"""`run.json` of a game day: who, what was planned and for which realm, so that its record needs no document.

Written, and read back checked. May import the floor and `about`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from seatrial.assess.about import Instant, is_told_by, read_told, write_told
from seatrial.journal import Run

COMMAND = "gameday"


@dataclass(frozen=True)
class AboutStep:
    """A step as it was planned: `steady` is what had to hold before, `breaks` what it would break, a line a fault."""

    experiment: str
    hypothesis: str
    steady: str
    breaks: tuple[str, ...]
    watch: dict[str, str]


@dataclass(frozen=True)
class AboutDay:
    """What `run.json` says of a game day. Without `ended_at` it was killed, or still goes on; instants are UTC
    seconds."""

    run: str
    realm: str
    day: str
    file: str
    people: dict[str, str]
    steps: tuple[AboutStep, ...]
    started_at: Instant
    seatrial: str
    ended_at: Instant | None = None
    git_revision: str = ""
    line: str = ""


def is_gameday(run: Run) -> bool:
    """Whether `seatrial gameday` recorded it; UsageError or DocumentError as `journal.read_json`."""
    return is_told_by(run, COMMAND)


def write_about_day(run: Run, about: AboutDay) -> None:
    """Write `run.json`."""
    write_told(run, COMMAND, dataclasses.asdict(about))


def read_about_day(run: Run) -> AboutDay:
    """Read `run.json` of a game day; DocumentError when it is damaged, UsageError when it is not there."""
    return read_told(run, AboutDay)
