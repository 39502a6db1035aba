"""What was healed behind a run that was killed, kept until the next command of the workspace has told it.

Takes a workspace: `note_healed` keeps a line in a file of its own below `.seatrial/healed/`, `tell_healed` tells the
lines and removes each when it was told: a command that is killed meanwhile leaves the rest to the next, and what is
noted meanwhile is in nobody's way. May import the floor.
"""

from __future__ import annotations

import contextlib
import fcntl
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from seatrial.runtime.state import FOLDER

HEALED = "healed"


def note_healed(workspace: Path, text: str) -> None:
    """Keep one line to be told; OSError where it cannot be written, as where no realm was ever up."""
    folder = workspace / FOLDER / HEALED
    folder.mkdir(exist_ok=True)
    name = f"{time.time_ns():020}.{secrets.token_hex(4)}"
    begun = folder / f"{name}.part"
    begun.write_text(f"{text}\n", encoding="utf-8")
    begun.rename(folder / f"{name}.txt")  # whole, before anybody reads it


def tell_healed(workspace: Path, say: Callable[[str], object]) -> None:
    """Say the lines that nobody has told yet, the oldest first. Of several who tell at once, one does; where they
    cannot be read or removed nothing fails."""
    folder = workspace / FOLDER / HEALED
    with contextlib.suppress(OSError), _alone(folder) as alone:
        for file in sorted(folder.glob("*.txt")) if alone else ():
            say(file.read_text(encoding="utf-8", errors="replace").rstrip("\n"))
            file.unlink()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else tells; the lock is the system's, and ends with its process."""
    with (folder / "lock").open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
