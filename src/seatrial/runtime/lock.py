"""One command at a time starts or stops what belongs to a realm, whichever process or thread it is in.

Must only be held around what ends by itself: the others wait for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from seatrial.errors import CannotRun
from seatrial.runtime.state import FOLDER

WAIT_DEADLINE_S = 180.0  # a realm of some services takes seconds; one that is never healthy, half a minute each
_POLL_S = 0.05


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
            say(f"waiting for {_holder(file)}, which starts or stops realm '{realm}'")
            _wait(file, realm, deadline_s)
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


def _wait(file: TextIO, realm: str, deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    while not _taken(file):
        if time.monotonic() > end:
            raise CannotRun(
                f"realm '{realm}' is being started or stopped by {_holder(file)} for more than {deadline_s:g} s; "
                "wait for it, or end it first"
            )
        time.sleep(_POLL_S)


def _taken(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "another command"
