"""`run.json` of an audit alone: what it says, written, and read back checked.

May import the floor and `about`; must never read the documents or the journal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.assess.about import Instant, is_told_by, read_told, write_told
from seatrial.assess.audit.plan import COMMAND
from seatrial.journal import Run


@dataclass(frozen=True, slots=True)
class Strained:
    """A strain by its edge, as `a->b`, and its fault."""

    edge: str
    fault: str


@dataclass(frozen=True, slots=True)
class AboutAudit:
    """What `run.json` says of an audit. `line` is the command's, instants are UTC seconds, `terms` what its strains
    were held to (terms.py), `left_out` by a strain's name why it was not tried; without `ended_at` it was
    interrupted, or still goes on."""

    run: str
    realm: str
    profile: str
    seatrial: str
    started_at: Instant
    strains: tuple[Strained, ...]
    ended_at: Instant | None = None
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    terms: str = ""
    line: str = ""
    git_revision: str = ""


def is_audit(run: Run) -> bool:
    """Whether `seatrial chaos audit` recorded it; UsageError or DocumentError as `journal.read_json`."""
    return is_told_by(run, COMMAND)


def write_about_audit(run: Run, about: AboutAudit) -> None:
    """Write `run.json`."""
    write_told(run, COMMAND, dataclasses.asdict(about))


def read_about_audit(run: Run) -> AboutAudit:
    """Read `run.json` of an audit; DocumentError when it is damaged, UsageError when it is not there."""
    return read_told(run, AboutAudit)
