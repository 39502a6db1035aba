"""Every way seatrial itself can fail, and the exit codes of its commands.

The tree, leaves by what the user can do about them::

    SeatrialError
    ├── UsageError            2   call the command differently: unknown realm, profile, option
    ├── DocumentError         3   mend the file at `where`
    ├── CannotRun             4   nothing could be judged
    │   ├── Unreachable           start the realm, or correct its addresses
    │   ├── Refused               the realm does not allow it: change the line it names
    │   ├── ToolMissing           install or start the tool it names
    │   ├── Unsupported           this means (proxy, runtime) cannot do it: use the one it names
    │   ├── FaultFailed           a fault could not be injected or healed: see the targets it names
    │   └── LoadFailed            the load generator died: see the log it names
    └── Interrupted         130   nothing: everything was healed first

A failing *target* is never one of these: it is a `Sample` (sample.py). May import nothing of seatrial.
"""

from __future__ import annotations

import difflib
import enum
import errno
from collections.abc import Iterable
from dataclasses import dataclass


class ExitCode(enum.IntEnum):
    """What a command's exit status means (documented in docs/ARCHITECTURE.md)."""

    MET = 0
    MISSED = 1
    USAGE = 2
    UNREADABLE = 3
    COULD_NOT_RUN = 4
    UNDECIDED = 5
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a user's file: line and column count from 1; `width` of the text, 0 if unknown."""

    file: str
    line: int
    column: int
    width: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SeatrialError(Exception):
    """The root: `str()` is one message a user can act on; `exit_code` is what the command returns."""

    exit_code = ExitCode.COULD_NOT_RUN


class UsageError(SeatrialError):
    """The command was called with something that does not exist here."""

    exit_code = ExitCode.USAGE


class DocumentError(SeatrialError):
    """A file that cannot be read as the document it should be; the message begins with its place."""

    exit_code = ExitCode.UNREADABLE

    def __init__(self, where: Where, problem: str, hint: str = "") -> None:
        self.where = where
        self.problem = problem
        self.hint = hint
        super().__init__(f"{where}: {problem}" + (f"; {hint}" if hint else ""))


class CannotRun(SeatrialError):
    """Something stops us before anything can be judged."""


class Unreachable(CannotRun):
    """No service of the realm accepts a connection."""


class Refused(CannotRun):
    """The realm does not allow this."""


class ToolMissing(CannotRun):
    """A program or engine this needs is not there."""


class Unsupported(CannotRun):
    """The means at hand cannot do this; another one can."""


class FaultFailed(CannotRun):
    """A fault could not be injected, read back or healed."""


class LoadFailed(CannotRun):
    """The load generator's process ended before its plan did."""


class Interrupted(SeatrialError):
    """Ctrl-C or SIGTERM, after everything was healed."""

    exit_code = ExitCode.INTERRUPTED


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What the system says where the disk is at fault, and not the name it was given."""


def unwritable(target: object, error: OSError) -> SeatrialError:
    """The error of a file that cannot be written: CannotRun where the disk is full or broken, else UsageError."""
    kind = CannotRun if error.errno in _NO_ROOM else UsageError
    return kind(f"{target}: cannot be written: {error.strerror}")


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not known, with its hint where there is one."""
    hint = did_you_mean(name, known)
    return f"unknown {what} '{name}'; {hint}" if hint else f"unknown {what} '{name}'; there is none"


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """The hint for an unknown name: the nearest known one, else all of them, else nothing."""
    names = sorted(known)
    return nearly(text, names) or (f"known: {', '.join(names)}" if names else "")


def nearly(text: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The hint for a name that is nearly a known one, by difflib's ratio; empty where it is not."""
    near = difflib.get_close_matches(text, sorted(known), n=1, cutoff=cutoff)
    return f"did you mean '{near[0]}'?" if near else ""
