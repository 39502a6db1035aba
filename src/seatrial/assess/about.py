"""`run.json` of a run that can be judged: what it says, written, and read back checked.

May import the floor and what a load's order is made of; must never read the documents or the journal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seatrial import __version__, journal
from seatrial.errors import DocumentError, UsageError, Where
from seatrial.journal import Run
from seatrial.journal_lines import MOST
from seatrial.scenarios.load.order import Canary

_LONGEST_NAME = 255  # of a file


@dataclass(frozen=True)
class About:
    """What `run.json` says of a run. `experiment` is set for a run of one experiment alone; `aborted` tells by
    experiment why it ended before its plan did, and so of `acceptance` and `load`. Without `ended_at` the run was
    killed or interrupted, or still goes on. `unmet` counts the earlier runs of its kind where none was MET."""

    run: str
    realm: str
    gate: str
    started_at: float
    version: str
    ended_at: float | None = None
    experiment: str | None = None
    services: tuple[str, ...] = ()
    revisions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    overrides: Mapping[str, str] = dataclasses.field(default_factory=dict)
    git_revision: str = ""
    command: str = ""
    aborted: Mapping[str, str] = dataclasses.field(default_factory=dict)
    profile: str = ""
    offered: str = ""
    baselines: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    canary: Canary | None = None
    unmet: int = 0


_OF_A_LOAD = "; of a load `seatrial report RUN` writes files for other programs, with --csv, --hlog or --metrics FILE"


def write_about(run: Run, about: About) -> None:
    """Write `run.json`."""
    journal.write_json(run.about, dataclasses.asdict(about))


def read_about(run: Run) -> About:
    """Read `run.json`; UsageError when it is not of a run that can be judged, DocumentError when it is damaged."""
    content = journal.read_json(run.about)
    if "gate" not in content:
        problem = f"{run.about}: not of a run that can be judged; `assess` and `chaos run` make those"
        raise UsageError(f"{problem}{_OF_A_LOAD if content.get('command') == 'load' else ''}")
    _require_known(run, content)
    try:
        about = TypeAdapter(About).validate_json(run.about.read_bytes(), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = [str(part) for part in first["loc"]]
        raise _damaged(run, place[0] if place else "", f"'{'.'.join(place)}': {first['msg']}") from None
    _require_possible(run, about)
    return about


def _require_known(run: Run, content: Mapping[str, Any]) -> None:
    known = {field.name for field in dataclasses.fields(About)}
    for name in content:
        if name not in known:
            written = f"it was written by seatrial {content.get('version')}, and this is {__version__}"
            raise _damaged(run, name, f"unknown key '{name}'; {written}")


def _require_possible(run: Run, about: About) -> None:
    for name in ("started_at", "ended_at"):
        instant = getattr(about, name)
        if instant is not None and not 0 <= instant <= MOST:
            raise _damaged(run, name, f"'{name}' cannot be {instant}")
    for name in (name for names in about.baselines.values() for name in names):
        if not name or PurePosixPath(name).name != name or len(name.encode()) > _LONGEST_NAME or "\0" in name:
            raise _damaged(run, "baselines", f"'{name[:40]}' is no name of a run")
    if about.canary and not 0 < about.canary.share_ratio < 1:
        raise _damaged(run, "canary", f"'canary.share_ratio' cannot be {about.canary.share_ratio}")


def _damaged(run: Run, key: str, problem: str) -> DocumentError:
    """At the line where the key is written first."""
    lines = run.about.read_text(encoding="utf-8", errors="replace").splitlines()
    line = next((number for number, text in enumerate(lines, start=1) if f'"{key}"' in text), 1)
    return DocumentError(Where(str(run.about), line, 1), problem)
