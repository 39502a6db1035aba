"""Stops the harnesses that break things in the realms of a workspace, whichever terminal they were started in.

Takes the workspace and its realms' locks, gives what became of each harness. Each is told to end as by SIGTERM: it
heals on its way out, and lets go of its lock. One that undoes faults is only waited for.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos.faults.rolling import HEAL_MOST_S
from seatrial.chaos.healing.undo import END_WITHIN_S
from seatrial.quantity import show_duration
from seatrial.runtime import lock
from seatrial.runtime.lock import BREAKING, UNDOING
from seatrial.runtime.state import FOLDER

HALT_WITHIN_S = END_WITHIN_S + HEAL_MOST_S
"""What an injection has under way, then healing: a rolling restart's is longest."""

TOLD_AFTER_S = 10.0
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
    wait = _Wait(HALT_WITHIN_S if within_s is None else within_s, say)
    return tuple(
        Halted(path.stem, holder.removesuffix(BREAKING), wait.lets_go(path, holder)) for path, holder in held.items()
    )


def _holder(path: Path) -> str:
    """Who breaks or undoes things under that lock; empty when nobody does, or it is another lock of the realm."""
    found = lock.holder(path)
    return found if found.endswith((BREAKING, UNDOING)) else ""


def _tell(path: Path, holder: str) -> None:
    """Signal the holder alone, while it still is one: what it started is its own to end."""
    found = _HOLDER.match(holder)
    if found is None or holder.endswith(UNDOING) or _holder(path) != holder:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(found[1]), signal.SIGTERM)
        os.kill(int(found[1]), signal.SIGCONT)  # one that is stopped in its terminal would never see it


class _Wait:
    """The time that all have together; whom it takes long, and for how much longer he is waited for, is told once."""

    def __init__(self, within_s: float, say: Say) -> None:
        self._begun = time.monotonic()
        self._within_s = within_s
        self._say = say
        self._told = False

    def lets_go(self, path: Path, holder: str) -> bool:
        """Whether who held a realm lets go of it in time."""
        while _holder(path) == holder:
            waited_s = time.monotonic() - self._begun
            if waited_s >= self._within_s:
                return False
            if waited_s >= TOLD_AFTER_S and not self._told:
                self._told = True
                most = show_duration(self._within_s)
                self._say(f"{holder.removesuffix(BREAKING)} is not done yet; waiting for {most} at most")
            time.sleep(_LOOK_EVERY_S)
        return True
