"""`python -m seatrial.chaos.watchdog LEDGER PID CREATED_AT`: watches that process, whose beats come on stdin.

Says on stdout, the run's `watchdog.log`, what it does, and leaves word of what it healed to the next command. It ends
by itself, and not with a terminal or a job.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from types import FrameType

from seatrial.chaos.healing.ledger import Ledger, workspace_of
from seatrial.chaos.watchdog.watch import watch
from seatrial.clock import SystemClock, iso
from seatrial.runtime.healings import note_healed
from seatrial.runtime.state import ProcessId

_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(ledger: str, pid: str, created_at: str) -> int:
    """Watch to the end; 0 when nothing is left."""
    for number in _DEAF_TO:
        signal.signal(number, _unmoved)  # not SIG_IGN: what we start would inherit that, and end on no TERM
    clock = SystemClock()

    def say(text: str) -> None:
        with contextlib.suppress(OSError):  # a full disk keeps no fault from being undone
            sys.stdout.write(f"{iso(clock.now())} {text}\n")
            sys.stdout.flush()

    def report(text: str) -> None:
        with contextlib.suppress(OSError):
            note_healed(workspace_of(Path(ledger)), text)

    harness = ProcessId(int(pid), float(created_at))
    healed = watch(Ledger(Path(ledger)), harness, sys.stdin.fileno(), clock=clock, say=say, report=report)
    return 0 if healed else 1


def _unmoved(number: int, frame: FrameType | None) -> None:
    del number, frame


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
