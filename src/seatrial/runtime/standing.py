"""A realm as a command needs it: there while it runs, and afterwards as it was found.

Takes a realm, gives its state. May import `up` and what that imports.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial.errors import Refused
from seatrial.realm import Realm, RuntimeKind
from seatrial.runtime.lock import use
from seatrial.runtime.state import RealmState, load_state
from seatrial.runtime.up import Say, down, up


@contextlib.contextmanager
def standing(realm: Realm, workspace: Path, *, variables: Mapping[str, Any], say: Say) -> Iterator[RealmState | None]:
    """As `raised`, and nobody else stops a process realm meanwhile."""
    with contextlib.ExitStack() as stack:
        if realm.runtime is RuntimeKind.PROCESS:
            stack.enter_context(use(workspace, realm.name))
        yield stack.enter_context(raised(realm, workspace, variables=variables, say=say))


@contextlib.contextmanager
def raised(realm: Realm, workspace: Path, *, variables: Mapping[str, Any], say: Say) -> Iterator[RealmState | None]:
    """A process realm with its services there; one that had to be started is stopped at the end, on every way out.

    In a realm that was up before, what was missing is started and stays: the realm is somebody else's to stop. While
    another process breaks things there nothing is started, and nothing stopped. Of other realms the state as it is
    known, None when nothing is; nothing is started.
    """
    if realm.runtime is not RuntimeKind.PROCESS:
        yield load_state(workspace, realm.name)
        return
    take_down = functools.partial(down_or_leave, realm, workspace, say=say)
    with contextlib.ExitStack() as stack:
        yield up(realm, workspace, variables=variables, say=say, on_start=lambda: stack.callback(take_down)).state


def down_or_leave(realm: Realm, workspace: Path, *, say: Say) -> None:
    """Stop a realm that was started for a command; where that is refused it is left up, and told so."""
    try:
        down(realm, workspace, say=say)
    except Refused as refused:
        say(f"realm '{realm.name}' is left up: {refused}; then: seatrial down --realm {realm.name}")
