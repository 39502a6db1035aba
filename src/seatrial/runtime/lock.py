"""Who may start and stop what belongs to a realm, and who breaks it.

A turn must only be held around what ends by itself: the others wait for it. Whoever breaks or undoes things in a
realm holds it for as long as that takes: the others are refused. The order is hold, the lock of a run's ledger, turn:
nobody waits for an earlier one within a later. Whoever sends requests to a realm uses it meanwhile: that keeps nobody
but who would stop it, and is waited for by nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from seatrial.errors import CannotRun, Refused
from seatrial.runtime.state import FOLDER

WAIT_DEADLINE_S = 180.0  # a realm of some services takes seconds; one that is never healthy, half a minute each
ENDING_S = 1.0  # a process that was killed has its locks until the system has ended it
BREAKING, UNDOING = ", with faults of its own", ", undoing faults"  # what who holds a realm does with it
_POLL_S = 0.05
_PROCESS = "process "


@contextlib.contextmanager
def turn(
    workspace: Path, realm: str, *, say: Callable[[str], None], deadline_s: float = WAIT_DEADLINE_S
) -> Iterator[None]:
    """Wait for our turn at the realm, and have it until the end of the block; CannotRun after `deadline_s`.

    The lock is the system's (flock): it ends with its process, so that nothing is left to be cleared away. It belongs
    to this one opening of the file: a block within a block would wait for itself.
    """
    path = workspace / FOLDER / f"{realm}.up.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _taken(file):
            say(f"waiting for {_told(file)}, which starts or stops realm '{realm}'")
            _wait(file, realm, deadline_s)
        file.truncate(0)
        file.write(_us())
        file.flush()
        yield


@contextlib.contextmanager
def hold(workspace: Path, realm: str, *, doing: str) -> Iterator[None]:
    """Hold the realm until the end of the block, or of the process; Refused where another does, unless it is ending.

    `doing` is BREAKING or UNDOING.
    """
    path = _held_by(workspace, realm)
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _in_time(lambda: _taken(file), ENDING_S):
            raise _refused(realm, _told(file))
        file.truncate(0)
        file.write(f"{_us()}{doing}")
        file.flush()
        yield


def holder(path: Path) -> str:
    """Which process has the lock at `path`, and what for; empty when none does."""
    try:
        file = path.open(encoding="utf-8")
    except FileNotFoundError:
        return ""
    with file:
        # Shared, so that two who look at once do not take each other for a holder.
        return "" if _taken(file, how=fcntl.LOCK_SH) else _told(file)


def other_holder(workspace: Path, realm: str) -> str:
    """Which other process holds the realm, and what for; empty when none does."""
    found = holder(_held_by(workspace, realm))
    return found if found.partition(",")[0] != _us() else ""


def require_not_held(workspace: Path, realm: str, *, within_s: float = 0.0) -> None:
    """Refused when another process holds the realm and does not let go of it in time; ours may start and stop what it
    likes there."""
    _in_time(lambda: not other_holder(workspace, realm), within_s)
    if found := other_holder(workspace, realm):
        raise _refused(realm, found)


@contextlib.contextmanager
def use(workspace: Path, realm: str) -> Iterator[None]:
    """Be known as one who uses the realm until the end of the block, or of the process."""
    path = _used_by(workspace, realm) / f"{os.getpid()}.{secrets.token_hex(4)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # who looks has it for a moment
        file.write(_us())
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def require_unused(workspace: Path, realm: str, *, within_s: float = 0.0) -> None:
    """Refused when other processes use the realm and do not end in time; ours may stop what it uses."""
    _in_time(lambda: not _other_users(workspace, realm), within_s)
    if users := _other_users(workspace, realm):
        pids = " ".join(user.removeprefix(_PROCESS) for user in users)
        raise Refused(
            f"realm '{realm}' is in use ({', '.join(users)}): what is asked there would fail; "
            f"wait for it, or end it: kill {pids}"
        )


def _other_users(workspace: Path, realm: str) -> tuple[str, ...]:
    """Which other processes use a realm. What one that was killed has left is nobody's, and removed."""
    users = []
    for path in sorted(_used_by(workspace, realm).glob("*")):
        with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as file:
            if not _taken(file, how=fcntl.LOCK_SH):
                users.append(_told(file))
            elif file.read():  # else it is just being made
                path.unlink(missing_ok=True)
    return tuple(user for user in dict.fromkeys(users) if user != _us())


def _used_by(workspace: Path, realm: str) -> Path:
    return workspace / FOLDER / "used" / realm


def _refused(realm: str, held_by: str) -> Refused:
    return Refused(f"chaos is going on in realm '{realm}' ({held_by}); wait for it, or end it: seatrial chaos halt")


def _held_by(workspace: Path, realm: str) -> Path:
    return workspace / FOLDER / f"{realm}.lock"


def _in_time(claim: Callable[[], bool], within_s: float) -> bool:
    end = time.monotonic() + within_s
    while not claim():
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL_S)
    return True


def _wait(file: TextIO, realm: str, deadline_s: float) -> None:
    if not _in_time(lambda: _taken(file), deadline_s):
        raise CannotRun(
            f"realm '{realm}' is being started or stopped by {_told(file)} for more than {deadline_s:g} s; "
            "wait for it, or end it first"
        )


def _taken(file: TextIO, *, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _us() -> str:
    return f"{_PROCESS}{os.getpid()}"


def _told(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "another command"
