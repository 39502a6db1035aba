"""How a load is spread over processes and machines: what its master is told, and what a worker is.

Pure words with their lines of JSON, and what makes two checkouts the same. May import the floor and the room's pure
files; reads the files below `scenarios/` to compare them. Must never import locust or gevent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from seatrial.errors import UsageError
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.share import Share

LOOPBACK = "127.0.0.1"
PORT = 5557  # Locust's own
WORKERS_WITHIN_S = 60.0
MOST_FILES = 5_000
PROCESSES_PER_CORE = 4
_SEED_STRIDE = 1 << 32  # the seeds of two workers never meet
_UNPLAYED = ("profiles", "__pycache__")

Word = TypeVar("Word")


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a master listens and for how many workers; `own` of them it starts itself, on this machine.

    With port 0 it takes a free one. Workers that do not come `within_s` are not waited for.
    """

    workers: int
    own: int = 0
    bind: str = LOOPBACK
    port: int = PORT
    within_s: float = WORKERS_WITHIN_S


def here(processes: int) -> Spread | None:
    """A load on so many processes of this machine; None for one, which needs no master."""
    if processes < 1:
        raise UsageError(f"--processes {processes}: a load needs at least one process")
    most = PROCESSES_PER_CORE * (os.cpu_count() or 1)
    if processes > most:
        raise UsageError(
            f"--processes {processes}: at most {most} here, {PROCESSES_PER_CORE} for each core; more play late"
        )
    return _own(processes) if processes > 1 else None


def require_places(profile: Profile, spread: Spread | None) -> None:
    """UsageError when the profile has fewer places for plays in flight than there are workers to share them."""
    if spread and profile.model is Model.OPEN and profile.max_in_flight < spread.workers:
        raise UsageError(
            f"profile '{profile.name}' has `max_in_flight: {profile.max_in_flight}`, too few for "
            f"{spread.workers} workers; each needs one at least"
        )


def apart() -> Spread:
    """A load that one process plays and another shows: a page beside the plays would make them late."""
    return _own(1)


def _own(processes: int) -> Spread:
    return Spread(processes, own=processes, port=0)


@dataclass(frozen=True, slots=True)
class Joining:
    """What a worker is told: where its master is. One that the master started has its order and a password at once;
    one on another machine reads the documents of its own `workspace`, secrets included, when its order comes."""

    host: str
    port: int
    workspace: Path
    order: LoadOrder | None = None
    password: str = dataclasses.field(default="", repr=False)
    within_s: float = WORKERS_WITHIN_S


def encode(word: Spread | Joining) -> bytes:
    """One line of JSON."""
    return TypeAdapter(type(word)).dump_json(word) + b"\n"


def decode(kind: type[Word], line: bytes | str) -> Word:
    """The word of a line; ValueError when it is not one, without quoting what may hold a secret."""
    try:
        return TypeAdapter(kind).validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"not a {kind.__name__}: {place}: {first['msg']}") from None


def part(order: LoadOrder, worker: int, workers: int) -> LoadOrder:
    """One worker's part of a load."""
    share = Share(worker, workers)
    rate = order.max_requests_per_s
    return dataclasses.replace(
        order,
        worker=worker,
        workers=workers,
        seed=None if order.seed is None else order.seed + worker * _SEED_STRIDE,
        max_requests_per_s=None if rate is None else rate / workers,
        profile=dataclasses.replace(order.profile, max_in_flight=max(1, share.of(order.profile.max_in_flight))),
    )


def digests(workspace: Path) -> Mapping[str, str]:
    """SHA-256 of every file below `scenarios/` by its path there, profiles and Python aside: the order brings the
    profile along. UsageError when there are too many to compare."""
    folder = workspace / "scenarios"
    paths = sorted(path for path in folder.rglob("*") if _is_played(path, folder))
    if len(paths) > MOST_FILES:
        raise UsageError(f"{folder}: {len(paths):,} files; workers compare at most {MOST_FILES:,}")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def difference(masters: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Which file below `scenarios/` is not the master's; empty text when all are the same."""
    names = sorted(name for name in masters.keys() | own.keys() if masters.get(name) != own.get(name))
    if not names:
        return ""
    more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"scenarios/{names[0]}{more} is not the same here and at the master; check out the same revision"


def _is_played(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    hidden = any(part.startswith(".") for part in parts)
    return path.is_file() and not hidden and parts[0] not in _UNPLAYED and path.suffix not in (".py", ".pyc", ".md")
