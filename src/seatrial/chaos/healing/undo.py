"""Undoes faults that a ledger holds open, each exactly once, whoever asks: the harness, its watchdog, or `recover`.

Takes a ledger, gives what was done about each fault. Each healing has a deadline, and none keeps the others from
being tried. What an injection may still bring about when nobody waits for it any more, as a signal that takes time to
end a process, is waited for. May import the floor, `in_time`, the ledger and `faults`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Injectable, Undone
from seatrial.chaos.healing.ledger import Content, Entry, Ledger, read_ledger
from seatrial.chaos.in_time import in_time
from seatrial.clock import Clock
from seatrial.errors import FaultFailed, SeatrialError

SETTLE_S = 5.0  # what was asked for and not waited for acts within it: an engine's pause, a process that ends on TERM
END_WITHIN_S = 60.0  # of what is under way when an injection is ended: a restart takes 40 s to see that it fails
LET_GO_S = 0.1  # between two faults: longer than who waits for a ledger takes to look again
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was done about one fault that a ledger still held; `needed` is False when there was nothing to undo."""

    entry: Entry
    healed: bool
    text: str
    needed: bool = True


def undo_open(ledger: Ledger, *, clock: Clock, unless: Callable[[], bool] = lambda: False) -> tuple[Recovery, ...]:
    """Undo every fault a ledger holds open, the newest first, and note it there; empty when it holds none.

    Nobody else undoes by this ledger while we are at one of them. Between two, who waits for it has a turn, and what
    is undone by somebody else then is left out. No more is done once `unless` holds at our turn. Idempotent.
    """
    done: list[Recovery] = []
    under_way: dict[str, Undone] = {}
    for entry, content in _turns(ledger, clock, unless):
        undone = _undo(entry)
        if isinstance(undone, str) or undone.needed or entry.id in content.acting:
            done.append(_noted(ledger, clock, entry, undone))
        else:
            under_way[entry.id] = undone
    # Waited for when all else is undone.
    for entry, _ in _turns(ledger, clock, unless, among=under_way):
        heal = functools.partial(_undo, entry)
        undone = settled(heal, under_way[entry.id], clock, within_s=_rest_s(entry, clock))
        done.append(_noted(ledger, clock, entry, undone))
    return tuple(done)


def _turns(
    ledger: Ledger, clock: Clock, unless: Callable[[], bool], *, among: Container[str] | None = None
) -> Iterator[tuple[Entry, Content]]:
    """What the ledger holds open, the newest first, `among` those where that is given, each once and with all that
    the ledger says by then; it is held while the caller is at one."""
    had: set[str] = set()
    while True:
        with ledger.held():
            content = read_ledger(ledger.path)
            left = [each for each in content.open if each.id not in had and (among is None or each.id in among)]
            if not left or unless():
                return
            had.add(left[-1].id)
            yield left[-1], content
            is_last = len(left) == 1
        if not is_last:
            clock.sleep(LET_GO_S)


def attempt(fault: Injectable) -> Undone | str:
    """Heal within the fault's own deadline; why it is left, in words, when that fails."""
    try:
        return within(fault.heal_deadline_s, fault.heal)
    except SeatrialError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever breaks, the other faults are healed
        return f"{type(error).__name__}: {error}"


def within(deadline_s: float, heal: Callable[[], Undone]) -> Undone:
    """The answer of `heal`, or FaultFailed when it takes longer; then it is left behind in its thread."""
    return in_time(heal, deadline_s, late=f"healing took longer than {deadline_s:g} s")


def settled(
    heal: Callable[[], Undone | str], looked: Undone, clock: Clock, *, within_s: float = SETTLE_S
) -> Undone | str:
    """How healing went of a fault whose injection may still be under way: tried again until that must have acted.

    `looked` is what the first try came to.
    """
    end = clock.monotonic() + within_s
    undone: Undone | str = looked
    while isinstance(undone, Undone) and not undone.needed and clock.monotonic() < end:
        clock.sleep(_LOOK_EVERY_S)
        undone = heal()
    return undone


def _undo(entry: Entry) -> Undone | str:
    try:
        return attempt(faults.restore(entry.means, entry.kind, entry.undo))
    except FaultFailed as error:
        return str(error)


def _rest_s(entry: Entry, clock: Clock) -> float:
    """How long what a harness asked for when it wrote the entry may take to act; the system's clock may have been set
    since."""
    return min(SETTLE_S, max(0.0, entry.at + SETTLE_S - clock.now()))


def _noted(ledger: Ledger, clock: Clock, entry: Entry, undone: Undone | str) -> Recovery:
    with contextlib.suppress(OSError):  # a full disk keeps no fault from being undone
        if isinstance(undone, str):
            ledger.left(entry.id, at=clock.now(), text=undone)
        else:
            ledger.healed(entry.id, at=clock.now(), text=undone.text)
    if isinstance(undone, str):
        return Recovery(entry, False, undone)
    return Recovery(entry, True, undone.text, undone.needed)
