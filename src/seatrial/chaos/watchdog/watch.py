"""What the watchdog does: waits until the harness lets go, then undoes what its ledger holds open.

Takes the ledger, the harness's process and the pipe that it beats on. The harness lets go when the pipe ends, or when
its process is gone; one that lives but has not beaten for long (frozen, or starved) has lost what no lease keeps.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from seatrial.chaos.healing.ledger import Entry, Ledger, read_ledger
from seatrial.chaos.healing.undo import Recovery, undo_open
from seatrial.clock import Clock, iso
from seatrial.runtime import process
from seatrial.runtime.state import ProcessId

SILENT_S = 15.0  # a harness beats every second, and its leases at a proxy end after five
GIVE_UP_S = 180.0  # an engine that is being started again is there by then
_LOOK_EVERY_S = 0.5
_DYING_S = 0.05  # a killed process has closed its pipe a moment before it is gone
_TRY_AGAIN_S = 2.0

Say = Callable[[str], None]


def _unheard(text: str) -> None:
    del text


def watch(ledger: Ledger, harness: ProcessId, beats: int, *, clock: Clock, say: Say, report: Say = _unheard) -> bool:
    """Watch until the harness lets go, and undo what is open then; whether nothing is left.

    `report` gets a line for whoever comes next, of what was on when the harness let go. `beats` is the file
    descriptor of the pipe. What cannot be undone is tried again for some minutes.
    """
    say(f"watching process {harness.pid}")
    while not (why := _let_go(harness, beats)):
        if read_ledger(ledger.path).open:
            say(f"process {harness.pid} lives, and has not beaten for {SILENT_S:g} s")
            # One that comes to itself while we wait for the ledger goes on with what it is injecting, however long.
            _undo(ledger, clock, say, unless=lambda: _is_heard(beats))
    if not read_ledger(ledger.path).open:
        say(f"the harness {why}; nothing was on")
        return True
    say(f"the harness {why} with faults on")
    ended = _undo_to_the_end(ledger, clock, say)
    for line in _reported(ledger, ended, clock):
        report(line)
    return all(item.healed for item in ended)


def _reported(ledger: Ledger, ended: Sequence[Recovery], clock: Clock) -> Iterator[str]:
    """What became of the faults a harness had left, for the next command: nothing where others undid all of it."""
    run = f"run {ledger.path.parent.name} ended with faults on"
    if done := _listed(item.entry for item in ended if item.healed and item.needed):
        yield f"{run}; by {iso(clock.now())[:19]}Z its watchdog had healed {done}"
    if left := _listed(item.entry for item in ended if not item.healed):
        yield f"{run}; its watchdog could not heal {left}: seatrial chaos recover"


def _listed(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{entry.kind} on {entry.target}" for entry in entries)


def _let_go(harness: ProcessId, beats: int) -> str:
    """Wait until the harness lets go, and give how; empty when it has been silent for too long."""
    heard = time.monotonic()
    while time.monotonic() - heard < SILENT_S:
        if select.select([beats], [], [], _LOOK_EVERY_S)[0]:
            if not os.read(beats, 4096):
                return _how_it_ended(harness)
            heard = time.monotonic()
        elif not process.is_alive(harness):
            return "is gone"
    return ""


def _is_heard(beats: int) -> bool:
    """Whether there is a beat that was not read yet, or the pipe's end."""
    return bool(select.select([beats], [], [], 0)[0])


def _how_it_ended(harness: ProcessId) -> str:
    """How a harness let go whose pipe has ended."""
    if process.is_alive(harness):
        time.sleep(_DYING_S)
    return "let go" if process.is_alive(harness) else "is gone"


def _undo_to_the_end(ledger: Ledger, clock: Clock, say: Say) -> tuple[Recovery, ...]:
    """Undo what is open; what is left again and again, but not for ever. How each of it ended."""
    healed: list[Recovery] = []
    end = time.monotonic() + GIVE_UP_S
    while True:
        undone = _undo(ledger, clock, say)
        if all(item.healed for item in undone):
            say("all is healed")
            return (*healed, *undone)
        if time.monotonic() > end:
            say("gave up; when what they are about is there again: seatrial chaos recover")
            return (*healed, *undone)
        healed += [item for item in undone if item.healed]
        time.sleep(_TRY_AGAIN_S)


def _undo(
    ledger: Ledger, clock: Clock, say: Say, *, unless: Callable[[], bool] = lambda: False
) -> tuple[Recovery, ...]:
    """One go through what is open, and what came of it. Nothing is done if `unless` holds at our turn."""
    undone = undo_open(ledger, clock=clock, unless=unless)
    for item in undone:
        say(_line(item))
    return undone


def _line(item: Recovery) -> str:
    entry = item.entry
    return f"{'healed' if item.healed else 'LEFT'}: {entry.kind} on {entry.target} ({entry.realm}): {item.text}"
