"""`run.json` of a load alone: what it says, written, and read back checked.

May import the floor and `about`; must never read the documents or the journal.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from seatrial.assess.about import Instant, is_told_by, read_told, write_told
from seatrial.journal import Run

COMMAND = "load"


@dataclass(frozen=True, slots=True)
class AboutLoad:
    """What `run.json` says of a load. `offered` is the load in words, `line` the command's, instants are UTC seconds;
    without `ended_at` it was interrupted, or still goes on."""

    run: str
    realm: str
    profile: str
    offered: str
    seatrial: str
    started_at: Instant
    ended_at: Instant | None = None
    line: str = ""


def is_load(run: Run) -> bool:
    """Whether `seatrial load` recorded it; UsageError or DocumentError as `journal.read_json`."""
    return is_told_by(run, COMMAND)


def write_about_load(run: Run, about: AboutLoad) -> None:
    """Write `run.json`."""
    write_told(run, COMMAND, dataclasses.asdict(about))


def read_about_load(run: Run) -> AboutLoad:
    """Read `run.json` of a load; DocumentError when it is damaged, UsageError when it is not there."""
    return read_told(run, AboutLoad)
