"""Injects faults and heals them, whatever happens: the one place where something is broken on purpose.

Takes resolved faults; gives a window for each. `with injector:` heals in reverse order on every way out, Ctrl-C and
SIGTERM too; each healing has a deadline and an error never keeps the others from being tried. A heartbeat renews the
leases. What a killed harness left is undone by its leases, and by `recover` from the ledgers.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import fcntl
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Injectable, Lease, Means, Undone
from seatrial.chaos.faults.toxics import Renewed, renew
from seatrial.chaos.ledger import Entry, Ledger, ledgers, open_entries
from seatrial.chaos.model import Fault
from seatrial.clock import Clock
from seatrial.errors import FaultFailed, Interrupted, Refused, SeatrialError
from seatrial.runtime.state import FOLDER
from seatrial.sample import FaultWindow

LEASE_S = 5.0
RENEW_EVERY_S = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A fault of a document with its target found."""

    fault: Fault
    means: Means
    injectable: Injectable


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is, or may be, on."""

    entry: Entry
    resolved: Resolved
    started_at: float


class Injector:
    """Injects into one realm, for one run. Use it as a context manager; `windows` holds what was healed.

    `renew` and `say` may be replaced: how leases are renewed, and where progress is told.
    """

    def __init__(
        self,
        ledger: Ledger,
        realm: str,
        *,
        clock: Clock,
        say: Say,
        renew_lease: Callable[[Lease], Renewed] = renew,
        renew_every_s: float = RENEW_EVERY_S,
    ) -> None:
        self._ledger = ledger
        self._realm = realm
        self._clock = clock
        self._say = say
        self._renew = renew_lease
        self._renew_every_s = renew_every_s
        self._active: list[Active] = []
        self._expired: set[str] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._heart: threading.Thread | None = None
        self._healing = 0
        self._closing = False
        self._interrupted = False
        self._over_before = 0  # faults that were over when the interrupt came
        self._former: dict[signal.Signals, Any] = {}
        self.windows: list[FaultWindow] = []

    @property
    def active(self) -> tuple[Active, ...]:
        """The faults that are on, in the order of their injection."""
        with self._lock:
            return tuple(self._active)

    @property
    def expired(self) -> frozenset[str]:
        """What lost its lease without being healed here: a starved machine, or somebody else's hand."""
        return frozenset(self._expired)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._interrupt) for number in _SIGNALS}
        atexit.register(self.heal_all)
        self._heart = threading.Thread(target=self._beat, name="lease heartbeat", daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self.heal_all()
        self._over.set()
        atexit.unregister(self.heal_all)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        left = [f"{window.kind} on {window.target}" for window in self.windows if window.ended == "left"]
        if left:
            raise FaultFailed(f"not healed: {'; '.join(left)}; then: seatrial chaos recover") from error
        if self._interrupted or isinstance(error, KeyboardInterrupt):
            count = len(self.windows) - self._over_before
            said = f"{count} fault(s) healed" if count else "no fault was on"
            raise Interrupted(f"interrupted; {said}") from error

    def inject(self, resolved: Resolved, *, experiment: str) -> Active:
        """Write the fault to the ledger, then inject it; if that fails, it is healed like the others."""
        entry = Entry(
            id=secrets.token_hex(6),
            experiment=experiment,
            realm=self._realm,
            means=resolved.means,
            kind=resolved.fault.kind,
            target=resolved.fault.target,
            undo=dataclasses.asdict(resolved.injectable),  # type: ignore[call-overload]
            at=self._clock.now(),
        )
        self._ledger.open(entry)
        active = Active(entry, resolved, entry.at)
        with self._lock:
            # Counted as on before it is: an injection that fails half way must be healed too.
            self._active.append(active)
        resolved.injectable.inject()
        return active

    def heal(self, active: Active) -> FaultWindow:
        """Undo one fault; raises nothing of it: a fault that is left says so in its window and in the ledger."""
        with self._uninterrupted():
            undone = attempt(active.resolved.injectable)
            return self._note_left(active, undone) if isinstance(undone, str) else self._note_healed(active, undone)

    def heal_all(self) -> None:
        """Undo every fault that is on, the newest first."""
        with self._uninterrupted():
            for active in reversed(self.active):
                self.heal(active)

    def beat(self) -> None:
        """Renew every lease once, and note what ran out."""
        leases = {active.resolved.injectable.lease for active in self.active}
        for lease in leases - {None}:
            # A proxy that does not answer is noticed by what it does: the lease expires, or healing fails.
            with contextlib.suppress(FaultFailed):
                self._expired |= set(self._renew(lease).expired)  # type: ignore[arg-type]

    def _beat(self) -> None:
        while not self._over.wait(self._renew_every_s):
            self.beat()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._interrupted:
            self._interrupted, self._over_before = True, len(self.windows)
        if self._closing or self._healing:
            self._say("interrupted; healing first")
            return
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """An interrupt waits until the healing is done: half a healing, begun again, could start a service twice."""
        self._healing += 1
        try:
            yield
        finally:
            self._healing -= 1
        if self._interrupted and not self._healing and not self._closing:
            raise KeyboardInterrupt

    def _note_healed(self, active: Active, undone: Undone) -> FaultWindow:
        at = self._clock.now()
        self._ledger.healed(active.entry.id, at=at, text=undone.text)
        lost = active.resolved.injectable.lease is not None and not undone.needed
        if lost:
            self._expired.add(active.entry.target)
        self._say(f"{active.entry.kind} on {active.entry.target}: {undone.text}")
        return self._end(active, at, "expired" if lost else "healed")

    def _note_left(self, active: Active, text: str) -> FaultWindow:
        at = self._clock.now()
        self._ledger.left(active.entry.id, at=at, text=text)
        self._say(f"{active.entry.kind} on {active.entry.target} could not be healed: {text}")
        return self._end(active, at, "left")

    def _end(self, active: Active, at: float, ended: str) -> FaultWindow:
        with self._lock:
            self._active.remove(active)
        entry = active.entry
        window = FaultWindow(entry.experiment, entry.kind, entry.target, active.started_at, at, ended)
        self.windows.append(window)
        return window


@contextlib.contextmanager
def realm_lock(workspace: Path, realm: str) -> Iterator[None]:
    """Only one harness at a time breaks things in a realm; Refused for the second. Ends with the process."""
    path = workspace / FOLDER / f"{realm}.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise Refused(f"chaos is going on in realm '{realm}' ({holder}); wait for it, or end it first") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `recover` did to one fault that a ledger still held."""

    entry: Entry
    healed: bool
    text: str


def recover(workspace: Path, *, clock: Clock) -> tuple[Recovery, ...]:
    """Undo every fault any run of the workspace left, the newest first; empty when there is nothing to do.

    Idempotent. Refused while a harness that still lives has faults on in one of the realms.
    """
    found = [(path, entry) for path in ledgers(workspace) for entry in open_entries(path)]
    with contextlib.ExitStack() as locks:
        for realm in sorted({entry.realm for _, entry in found}):
            locks.enter_context(realm_lock(workspace, realm))
        return tuple(_recover(path, entry, clock) for path, entry in reversed(found))


def attempt(fault: Injectable) -> Undone | str:
    """Heal within the fault's own deadline; why it is left, in words, when that fails."""
    try:
        return _within(fault.heal_deadline_s, fault.heal)
    except SeatrialError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever breaks, the other faults are healed
        return f"{type(error).__name__}: {error}"


def _recover(path: Path, entry: Entry, clock: Clock) -> Recovery:
    ledger = Ledger(path)
    try:
        undone = attempt(faults.restore(entry.means, entry.kind, entry.undo))
    except FaultFailed as error:
        undone = str(error)
    if isinstance(undone, str):
        ledger.left(entry.id, at=clock.now(), text=undone)
        return Recovery(entry, False, undone)
    ledger.healed(entry.id, at=clock.now(), text=undone.text)
    return Recovery(entry, True, undone.text)


def _within(deadline_s: float, heal: Callable[[], Undone]) -> Undone:
    """The answer of `heal`, or FaultFailed when it takes longer; then it is left behind in its thread."""
    answers: list[Undone] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(heal())
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
            errors.append(error)

    thread = threading.Thread(target=run, name="healing", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if errors:
        raise errors[0]
    if not answers:
        raise FaultFailed(f"healing took longer than {deadline_s:g} s")
    return answers[0]
