"""`run.json` of a run that can be judged: what it says, written, and read back checked; and how every other is.

May import the floor, what a load's order is made of and the words of `slo`; must never read the documents or the
journal.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from seatrial import __version__, journal
from seatrial.clock import iso
from seatrial.errors import DocumentError, UsageError, Where
from seatrial.journal import Run
from seatrial.journal_lines import MOST
from seatrial.scenarios.load.order import Canary
from seatrial.slo.remedy import Room

CUT_SHORT = "the run was cut short"
_LONGEST_NAME = 255  # of a file
_NO_INSTANT = "no_instant"
_Said = TypeVar("_Said")


def utc_seconds(said: object) -> float:
    """Of an instant, written as a number or as ISO text; ValueError for one that no run can have had."""
    try:
        instant = dt.datetime.fromisoformat(said) if isinstance(said, str) else None
        seconds = instant.timestamp() if instant and instant.tzinfo else said
    except OverflowError:
        seconds = None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MOST:
        raise ValueError(f"no instant: {said}")
    return float(seconds)


def _read_instant(said: object) -> float:
    try:
        return utc_seconds(said)
    except ValueError:
        raise PydanticCustomError(_NO_INSTANT, " cannot be {said}", {"said": repr(said)}) from None


Instant = Annotated[float, BeforeValidator(_read_instant)]
"""UTC seconds, as they were or as ISO text."""


@dataclass(frozen=True)
class About:
    """What `run.json` says of a run. `experiment` is set for a run of one experiment alone; `aborted` tells by
    experiment why it ended before its plan did, and so of `acceptance`, `load` and `audit`; `left_out` by a strain of
    the audit why it was not tried. Without `ended_at` the run was killed or interrupted, or still goes on. `terms`
    are those it is held to (terms.py). `unmet` counts the earlier runs of its kind where none was MET. `room` is what
    the machine had free under the load; None without one."""

    run: str
    realm: str
    gate: str
    started_at: Instant
    version: str
    ended_at: Instant | None = None
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
    terms: str = ""
    room: Room | None = None
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)


_OF_A_LOAD = "; a load is judged by nobody, `seatrial report RUN` shows how it went"


def write_about(run: Run, about: About) -> None:
    """Write `run.json`."""
    journal.write_json(run.about, dataclasses.asdict(about))


def read_about(run: Run) -> About:
    """Read `run.json`; UsageError when it is not of a run that can be judged, DocumentError when it is damaged."""
    content = journal.read_json(run.about)
    if "gate" not in content:
        problem = f"run '{run.name}' is none that can be judged; `assess` and `chaos run` make those"
        raise UsageError(f"{problem}{_OF_A_LOAD if content.get('command') == 'load' else ''}")
    _require_known(run, content)
    about = checked(run, About)
    _require_possible(run, about)
    return about


def _require_known(run: Run, content: Mapping[str, Any]) -> None:
    known = {field.name for field in dataclasses.fields(About)}
    for name in content:
        if name not in known:
            written = f"it was written by seatrial {content.get('version')}, and this is {__version__}"
            raise damaged(run, name, f"unknown key '{name}'; {written}")


def _require_possible(run: Run, about: About) -> None:
    for name in (name for names in about.baselines.values() for name in names):
        if not name or PurePosixPath(name).name != name or len(name.encode()) > _LONGEST_NAME or "\0" in name:
            raise damaged(run, "baselines", f"'{name[:40]}' is no name of a run")
    if about.canary and not 0 < about.canary.share_ratio < 1:
        raise damaged(run, "canary", f"'canary.share_ratio' cannot be {about.canary.share_ratio}")


def checked(run: Run, kind: type[_Said]) -> _Said:
    """What `run.json` says, as of that kind; DocumentError at the first key that is missing or of another type."""
    try:
        return TypeAdapter(kind).validate_json(run.about.read_bytes(), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = [str(part) for part in first["loc"]]
        said = first["msg"] if first["type"] == _NO_INSTANT else f": {first['msg']}"
        raise damaged(run, place[0] if place else "", f"'{'.'.join(place)}'{said}") from None


def write_told(run: Run, command: str, told: Mapping[str, Any]) -> None:
    """Write `run.json` of what no gate judges: which command it is of, and all that is told of it, with `started_at`
    and `ended_at` as ISO texts."""
    times = {key: None if told[key] is None else iso(told[key]) for key in ("started_at", "ended_at")}
    journal.write_json(run.about, {"command": command} | dict(told) | times)


def read_told(run: Run, kind: type[_Said]) -> _Said:
    """Read what `write_told` wrote; DocumentError when it is damaged, UsageError when it is not there."""
    journal.read_json(run.about)
    return checked(run, kind)


def is_told_by(run: Run, command: str) -> bool:
    """Whether that command recorded it, and not a gate's; UsageError or DocumentError as `journal.read_json`."""
    content = journal.read_json(run.about)
    return content.get("command") == command and "gate" not in content


def damaged(run: Run, key: str, problem: str) -> DocumentError:
    """The error at the line where the key is written first."""
    lines = run.about.read_text(encoding="utf-8", errors="replace").splitlines()
    line = next((number for number, text in enumerate(lines, start=1) if f'"{key}"' in text), 1)
    return DocumentError(Where(str(run.about), line, 1), problem)
