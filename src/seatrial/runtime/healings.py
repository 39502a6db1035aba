"""What was healed behind a run that was killed, kept until the next command of the workspace has told it, once.

Takes a workspace: `note_healed` writes a line to `.seatrial/healed.txt`, `take_healed` gives the lines and removes
them. May import the floor.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from seatrial.runtime.state import FOLDER

FILE = "healed.txt"


def note_healed(workspace: Path, text: str) -> None:
    """Keep one line to be told; OSError where it cannot be written, as where no realm was ever up."""
    with (workspace / FOLDER / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def take_healed(workspace: Path) -> tuple[str, ...]:
    """The lines that nobody has told yet, which are told by who took them; empty where there are none, or they cannot
    be taken. Of several who take at once, one has them."""
    path = workspace / FOLDER / FILE
    taken = path.with_name(f"{FILE}.{secrets.token_hex(4)}")
    try:
        path.rename(taken)
        lines = taken.read_text(encoding="utf-8", errors="replace").splitlines()
        taken.unlink()
    except OSError:
        return ()
    return tuple(lines)
