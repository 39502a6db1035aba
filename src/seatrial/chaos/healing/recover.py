"""Who may break or undo things in a realm, and the undoing of what harnesses have left there that are dead.

Takes a workspace, gives what was done about each fault its ledgers hold open. Whoever breaks or undoes things in a
realm has its lock meanwhile. May import the floor, the ledger and `undo`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.chaos.healing.ledger import Ledger, ledgers, read_ledger
from seatrial.chaos.healing.undo import Recovery, undo_open
from seatrial.clock import Clock
from seatrial.errors import DocumentError, FaultFailed, Refused
from seatrial.runtime.lock import BREAKING, UNDOING, hold

Say = Callable[[str], None]


@contextlib.contextmanager
def realm_lock(workspace: Path, realm: str, *, doing: str = BREAKING) -> Iterator[None]:
    """Only one harness at a time breaks things in a realm; Refused for the second. Ends with the process."""
    with hold(workspace, realm, doing=doing):
        yield


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done about each fault that was left, the newest run's first; and why what is left in other realms was
    not looked at, a refusal for each."""

    undone: tuple[Recovery, ...] = ()
    refused: tuple[Refused, ...] = ()


def recover(workspace: Path, *, clock: Clock) -> Recovered:
    """Undo every fault any run of the workspace left, the newest first; empty when there is nothing to do.

    Idempotent. A realm in which a harness that lives has faults on is left out; a watchdog that is at it is waited
    for. What is damaged in a ledger keeps nothing else from being undone: see `damaged`.
    """
    found = {path: {entry.realm for entry in read_ledger(path).open} for path in ledgers(workspace)}
    undone: list[Recovery] = []
    refused: dict[str, Refused] = {}
    with contextlib.ExitStack() as locks:
        for realm in sorted(set[str]().union(*found.values())):
            try:
                locks.enter_context(realm_lock(workspace, realm, doing=UNDOING))
            except Refused as refusal:
                refused[realm] = refusal
        left = [path for path, realms in found.items() if realms and not realms & refused.keys()]
        for path in reversed(left):
            undone += undo_open(Ledger(path), clock=clock)
    return Recovered(tuple(undone), tuple(refused.values()))


def require_healed(workspace: Path, realm: str, *, clock: Clock, say: Say) -> None:
    """Undo what dead harnesses have left in a realm, which is locked for us; FaultFailed when something stays.

    So nothing that is injected afterwards is taken for theirs, by a watchdog that comes late.
    """
    left = [path for path in ledgers(workspace) if any(entry.realm == realm for entry in read_ledger(path).open)]
    for path in left:
        for item in undo_open(Ledger(path), clock=clock):
            say(f"left by an earlier run: {item.entry.kind} on {item.entry.target}: {item.text}")
            if not item.healed:
                raise FaultFailed(
                    f"{item.entry.kind} on {item.entry.target} is left of an earlier run: {item.text}; then: "
                    f"seatrial chaos recover; if you undid it by hand, remove {path}"
                )


def damaged(workspace: Path) -> tuple[DocumentError, ...]:
    """What in the ledgers of a workspace cannot be read, so that nobody knows whether it is undone."""
    return tuple(error for path in ledgers(workspace) for error in read_ledger(path).damaged)
