"""A realm that several processes use at once, as the workers of a test session do: the last one out stops it.

Each user holds a shared lock on one file for as long as it uses the realm. Who had to start the services notes in
that file which processes they are; whoever leaves and finds nobody else there stops them, if they are still the same.
The lock is the system's and ends with its process, so that a killed user keeps nobody waiting.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from seatrial.realm import Realm, RuntimeKind
from seatrial.runtime.lock import use
from seatrial.runtime.standing import down_or_leave
from seatrial.runtime.state import FOLDER, RealmState, load_state
from seatrial.runtime.up import up


@contextlib.contextmanager
def shared(
    realm: Realm, workspace: Path, *, variables: Mapping[str, Any], say: Callable[[str], None]
) -> Iterator[RealmState | None]:
    """As `standing`, but what any user had to start stays until the last of them has left."""
    if realm.runtime is not RuntimeKind.PROCESS:
        yield load_state(workspace, realm.name)
        return
    with _joined(workspace, realm.name) as note:
        try:
            with use(workspace, realm.name):
                yield _started(realm, workspace, note, variables=variables, say=say)
        finally:
            if _is_last(note):
                if _is_ours(note, load_state(workspace, realm.name)):
                    down_or_leave(realm, workspace, say=say)
                note.truncate(0)


def _started(
    realm: Realm, workspace: Path, note: TextIO, *, variables: Mapping[str, Any], say: Callable[[str], None]
) -> RealmState:
    """The realm's state once it is up. What is about to be started is noted before: it may never get further."""
    begun: list[None] = []

    def begin() -> None:
        begun.append(None)
        _write(note, [])

    state = up(realm, workspace, variables=variables, say=say, on_start=begin).state
    if begun:
        _write(note, _processes(state))
    return state


@contextlib.contextmanager
def _joined(workspace: Path, realm: str) -> Iterator[TextIO]:
    """The note, with our shared lock on it; waits while the last of others stops the realm."""
    path = workspace / FOLDER / f"{realm}.shared.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield file


def _is_last(note: TextIO) -> bool:
    """Give up our share; True when no other is left, and then none can join before the note is closed.

    Given up first: of two that leave at once and both still hold theirs, neither would find itself alone.
    """
    fcntl.flock(note, fcntl.LOCK_UN)
    try:
        fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_ours(note: TextIO, state: RealmState | None) -> bool:
    """Whether what runs was started by a user of this note: what others started since then is left alone."""
    note.seek(0)
    text = note.read()
    if not text or state is None:
        return False
    started = json.loads(text)
    return not started or any(process in started for process in _processes(state))


def _write(note: TextIO, processes: list[list[float]]) -> None:
    note.truncate(0)
    note.write(json.dumps(processes))
    note.flush()


def _processes(state: RealmState) -> list[list[float]]:
    proxy = [state.proxy.process] if state.proxy and state.proxy.process else []
    ours = (*proxy, *(service.process for service in state.services.values()))
    return [[process.pid, process.created_at] for process in ours]
