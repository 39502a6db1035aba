"""Stops the harnesses that break things in the realms of a workspace, whichever terminal they were started in.

Takes the workspace and its realms' locks, gives what became of each harness. Each is told to end as by SIGTERM: it
heals on its way out, and lets go of its lock. One that undoes faults is only waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seatrial.runtime.lock import BREAKING, UNDOING
from seatrial.runtime.state import FOLDER

HALT_WITHIN_S = 150.0  # 60 for what an injection has under way, then healing: a container takes longest, 90
_LOOK_EVERY_S = 0.1
_HOLDER = re.compile(r"process (\d+)")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Halted:
    """A harness that held a realm, and whether it let go of it."""

    realm: str
    holder: str
    ended: bool


def halt(workspace: Path, *, say: Say, within_s: float | None = None) -> tuple[Halted, ...]:
    """Tell every harness of the workspace to end, all at once, and wait until they have let go of their realms."""
    held = {path: holder for path in sorted((workspace / FOLDER).glob("*.lock")) if (holder := _holder(path))}
    for path, holder in held.items():
        say(f"halting {holder.removesuffix(BREAKING)} in realm '{path.stem}'")
        _tell(path, holder)
    end = time.monotonic() + (HALT_WITHIN_S if within_s is None else within_s)
    return tuple(
        Halted(path.stem, holder.removesuffix(BREAKING), _lets_go(path, holder, end)) for path, holder in held.items()
    )


def _holder(path: Path) -> str:
    """Who breaks or undoes things under that lock; empty when nobody does, or it is another lock of the realm."""
    try:
        file = path.open(encoding="utf-8")
    except FileNotFoundError:
        return ""
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            content = file.read()
            return content if content.endswith((BREAKING, UNDOING)) else ""
    return ""


def _tell(path: Path, holder: str) -> None:
    """Signal the holder alone, while it still is one: what it started is its own to end."""
    found = _HOLDER.match(holder)
    if found is None or holder.endswith(UNDOING) or _holder(path) != holder:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(found[1]), signal.SIGTERM)
        os.kill(int(found[1]), signal.SIGCONT)  # one that is stopped in its terminal would never see it


def _lets_go(path: Path, holder: str, end: float) -> bool:
    while _holder(path) == holder:
        if time.monotonic() >= end:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
