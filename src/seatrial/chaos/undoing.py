"""Waits while what was broken in a realm is being undone: by the watchdog of a harness that is gone, or by `recover`.

Takes the workspace's ledgers and the realm's lock, changes nothing. Must not be called with a turn at the realm: who
undoes starts services. May import the floor, the ledger and the watchdog's side of the harness.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from seatrial.chaos.healing.ledger import ledgers, tell_faults
from seatrial.chaos.watchdog.start import LOG_FILE, lives
from seatrial.runtime.lock import UNDOING, other_holder

WITHIN_S = 65.0  # a lease that is on, 5 s, and the healing of one process, 60 s
_LOOK_EVERY_S = 0.1

Say = Callable[[str], None]


def wait_undone(workspace: Path, realm: str, *, say: Say, within_s: float = WITHIN_S) -> None:
    """Return when nobody undoes faults in the realm, or at the latest after `within_s`; says once that it waits.

    A harness that lives is not waited for, nor a watchdog that tries again what it has tried in vain.
    """
    end, told = time.monotonic() + within_s, False
    while (who := _who_undoes(workspace, realm)) and time.monotonic() < end:
        if not told:
            say(f"waiting for {who}, in realm '{realm}'")
            told = True
        time.sleep(_LOOK_EVERY_S)
    if who:
        say(f"{who}, in realm '{realm}', is not done after {within_s:g} s: not waited for any longer")


def _who_undoes(workspace: Path, realm: str) -> str:
    """Who undoes faults in a realm that no harness breaks, in words; empty when nobody does."""
    if holder := other_holder(workspace, realm):
        return holder if holder.endswith(UNDOING) else ""
    watched = any(_is_undone_soon(path, realm) for path in ledgers(workspace))
    return f"the watchdog of a harness that is gone{UNDOING}" if watched else ""


def _is_undone_soon(ledger: Path, realm: str) -> bool:
    """Whether a watchdog lives that is about to end, or has not come to a fault of the realm yet."""
    if not lives(ledger.with_name(LOG_FILE)):
        return False
    faults = [told for told in tell_faults(ledger) if told.entry.realm == realm]
    left = [told for told in faults if told.over_at is None]
    return bool(faults) and (not left or any(not told.text for told in left))
