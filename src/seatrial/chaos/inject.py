"""Injects faults and heals them, whatever happens: the one place where something is broken on purpose.

Takes resolved faults; gives a window for each. `with injector:` heals in reverse order on every way out, Ctrl-C,
SIGTERM and SIGHUP too; each healing has a deadline and an error never keeps the others from being tried. What is on
is kept by its `heartbeat`. What a killed harness left is undone by its leases and, where a fault has none, by its
watchdog.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from seatrial.chaos.active import Active, Resolved
from seatrial.chaos.faults.injectable import Injectable, Lease, Reached, Undone
from seatrial.chaos.faults.toxics import Renewed, renew
from seatrial.chaos.healing.ledger import Entry, Ledger, read_ledger
from seatrial.chaos.healing.undo import END_WITHIN_S, SETTLE_S, attempt, settled
from seatrial.chaos.heartbeat import BEAT_EVERY_S, Heartbeat
from seatrial.chaos.in_time import Aside
from seatrial.chaos.watchdog.start import Watchdog
from seatrial.clock import Clock
from seatrial.errors import FaultFailed, Interrupted, unwritable
from seatrial.runtime.interrupts import heeded
from seatrial.sample import FaultWindow

LEASE_S = 5.0
LOOK_EVERY_S = 0.5

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class _UnderWay:
    """An injection that goes on aside, and what tells it to end."""

    stop: threading.Event
    aside: Aside[None]

    @property
    def is_over(self) -> bool:
        """Whether nothing of it acts any more."""
        return self.aside.is_over(within_s=0.0)


class Injector:
    """Injects into one realm, for one run. Use it as a context manager; `windows` holds what was healed.

    `renew_lease`, `start_watchdog` and `say` may be replaced: how leases are renewed, what undoes faults without one
    when this process is killed, and where progress is told.
    """

    def __init__(
        self,
        ledger: Ledger,
        realm: str,
        *,
        clock: Clock,
        say: Say,
        renew_lease: Callable[[Lease], Renewed] = renew,
        renew_every_s: float = BEAT_EVERY_S,
        start_watchdog: Callable[[Ledger], Watchdog] = Watchdog,
    ) -> None:
        self._ledger = ledger
        self._realm = realm
        self._clock = clock
        self._say = say
        self._heartbeat = Heartbeat(
            ledger,
            lambda: self.active,
            tell=self._tell,
            renew_lease=renew_lease,
            every_s=renew_every_s,
            start_watchdog=start_watchdog,
        )
        self._active: list[Active] = []
        self._under_way: dict[str, _UnderWay] = {}  # by its entry: an injection that may not have returned
        self._acting: set[str] = set()  # the entries whose injection has returned
        self._lock = threading.Lock()
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

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._interrupt) for number in heeded()}
        atexit.register(self.heal_all)
        self._heartbeat.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self.heal_all()
        self._heartbeat.end(all_healed=all(window.ended != "left" for window in self.windows))
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

    def guard(self, resolved: Resolved) -> None:
        """Have the watchdog started if that fault needs one: it has no lease that would end it by itself."""
        self._heartbeat.guard(resolved)

    def inject(
        self, resolved: Resolved, *, experiment: str, meanwhile: Callable[[], object] = lambda: None
    ) -> Active:
        """Write the fault to the ledger, then inject it; if that fails, it is healed like the others.

        A fault that cannot be written, or that nobody would undo if this process were killed, is not injected.
        `meanwhile` is called twice a second while the injection goes on. After what it raises, as after an interrupt,
        healing ends the injection: of a rolling restart, what had no turn by then has none.
        """
        self.guard(resolved)
        self._heartbeat.require_watchdog()
        with self._ledger.held() as held:
            if not held:
                raise FaultFailed(f"{self._ledger.path}: the undo ledger could not be locked; nothing was injected")
            return self._attend(self._open(resolved, experiment), meanwhile)

    def _open(self, resolved: Resolved, experiment: str) -> Active:
        entry = Entry(
            id=secrets.token_hex(6),
            experiment=experiment,
            realm=self._realm,
            means=resolved.means,
            kind=resolved.fault.kind,
            target=resolved.fault.target,
            undo=_fields(resolved.injectable),
            at=self._clock.now(),
        )
        try:
            self._ledger.open(entry)
        except OSError as error:
            raise FaultFailed(f"{unwritable(self._ledger.path, error)}; nothing was injected") from None
        active = Active(entry, resolved, entry.at)
        with self._lock:
            # Counted as on before it is: an injection that fails half way must be healed too.
            self._active.append(active)
        return active

    def _attend(self, active: Active, meanwhile: Callable[[], object]) -> Active:
        """Have it injected, and look about until it is. Where that is ended, healing waits for what is under way."""
        stop = threading.Event()
        with self._uninterrupted():  # no injection goes on that healing does not know of
            injection = Aside(lambda: self._act(active, stop))
            self._under_way[active.entry.id] = _UnderWay(stop, injection)
        while not injection.is_over(within_s=LOOK_EVERY_S):
            meanwhile()
        injection.given()
        return self._now(active)

    def _act(self, active: Active, stop: threading.Event) -> None:
        """Inject it; what is done part by part is another `Active` with each."""
        for further in active.resolved.injectable.in_turn(stop):
            active = self._further(active, further)
        self._acting.add(active.entry.id)
        with self._noting():
            self._ledger.acting(active.entry.id)

    def _further(self, active: Active, injectable: Injectable) -> Active:
        """The same when it is about to be taken further; FaultFailed when that cannot be noted."""
        undo = {name: value for name, value in _fields(injectable).items() if value != active.entry.undo[name]}
        try:
            self._ledger.turn(active.entry.id, undo)
        except OSError as error:
            raise FaultFailed(f"{unwritable(self._ledger.path, error)}; no further one was restarted") from None
        entry = dataclasses.replace(active.entry, undo={**active.entry.undo, **undo})
        resolved = dataclasses.replace(active.resolved, injectable=injectable)
        further = Active(entry, resolved, active.started_at)
        with self._lock:
            self._active[self._active.index(active)] = further
        return further

    def heal(self, active: Active) -> FaultWindow:
        """Undo one fault; raises nothing of it: a fault that is left says so in its window and in the ledger."""
        with self._uninterrupted():
            looked = self._attempt(active)
            return self._settle(active, looked) if isinstance(looked, Undone) else looked

    def heal_all(self) -> None:
        """Undo every fault that is on, the newest first. What an injection does yet, or may still bring about, is
        waited for when all else is undone."""
        with self._uninterrupted():
            under_way = self._end_injections()
            on = tuple(reversed(self.active))
            looks = [(active, self._attempt(active)) for active in on if active.entry.id not in under_way]
            ended = [self._ended(active) for active in on if active.entry.id in under_way]
            looks += [(active, self._attempt(active)) for active in ended]
            for active, looked in looks:
                if isinstance(looked, Undone):
                    self._settle(active, looked)

    def _end_injections(self) -> frozenset[str]:
        """Tell all of them to end; the entries of those that are not over yet."""
        for each in self._under_way.values():
            each.stop.set()
        return frozenset(entry_id for entry_id, each in self._under_way.items() if not each.is_over)

    def _ended(self, active: Active) -> Active:
        """As it is when its injection is over, which is waited for no longer than that may take."""
        self._tell(f"{active.entry.kind} on {active.entry.target}: its injection is under way; waiting for its end")
        self._under_way[active.entry.id].aside.is_over(within_s=END_WITHIN_S)
        return self._now(active)

    def _now(self, active: Active) -> Active:
        """The same as it is now: it may have been taken further."""
        return next(each for each in self.active if each.entry.id == active.entry.id)

    def _acts_on(self, active: Active) -> bool:
        """Whether its injection is not over, though it was waited for."""
        under_way = self._under_way.get(active.entry.id)
        return under_way is not None and not under_way.is_over

    def _attempt(self, active: Active) -> FaultWindow | Undone:
        """Undo it; only what was seen where nothing was to undo yet: its injection has not returned, and may act."""
        with self._ledger.held():  # where it cannot be held: twice is better than not at all
            if self._is_taken_over(active):
                return self._end(active, "expired", "undone meanwhile, by the watchdog or `recover`")
            undone = attempt(active.resolved.injectable)
            if isinstance(undone, Undone) and self._acts_on(active):
                undone = f"its injection did not end within {END_WITHIN_S:g} s and may act later; {undone.text}"
            if isinstance(undone, Undone) and not undone.needed and active.entry.id not in self._acting:
                return undone
            return self._note(active, undone)

    def _settle(self, active: Active, looked: Undone) -> FaultWindow:
        """Undo what an injection that failed still brings about: a call that timed out may act later."""
        self._tell(f"{active.entry.kind} on {active.entry.target}: it may still act; waiting up to {SETTLE_S:g} s")
        heal = functools.partial(attempt, active.resolved.injectable)
        with self._ledger.held():
            return self._note(active, settled(heal, looked, self._clock))

    def _note(self, active: Active, undone: Undone | str) -> FaultWindow:
        return self._end(active, "left", undone) if isinstance(undone, str) else self._note_healed(active, undone)

    def beat(self) -> None:
        """Keep what is on, once: see `Heartbeat.beat`."""
        self._heartbeat.beat()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        again = self._interrupted
        if not again:
            self._interrupted, self._over_before = True, len(self.windows)
        # A second one, that came on the way out, would end what is done there.
        if again or self._closing or self._healing:
            self._tell("interrupted; healing first")
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

    def require(self) -> None:
        """FaultFailed when a proxy that had faults of ours is gone, and they with it."""
        self._heartbeat.require()

    def require_proxies(self) -> None:
        """The same, after having looked."""
        self._heartbeat.look_for_proxies()
        self.require()

    def _is_taken_over(self, active: Active) -> bool:
        """Whether somebody else has undone it and noted so; not where the ledger cannot tell."""
        with self._noting():
            return active.entry.id in read_ledger(self._ledger.path).healed
        return False

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """What the ledger cannot take any more is told, and keeps nothing from being healed."""
        try:
            yield
        except OSError as error:
            self._tell(f"{unwritable(self._ledger.path, error)}; healing goes on")

    def _tell(self, text: str) -> None:
        """Say it; healing goes on where nobody hears it any more (a terminal that was closed), and where an interrupt
        came while something was being said (`reentrant call inside`)."""
        with contextlib.suppress(OSError, RuntimeError):
            self._say(text)

    def _note_healed(self, active: Active, undone: Undone) -> FaultWindow:
        if (active.api or active.resolved.injectable.lease) and not undone.needed:
            return self._end(active, "expired", undone.text)
        return self._end(active, "healed", undone.told, reached=undone.reached)

    def _end(self, active: Active, ended: str, text: str, *, reached: Reached | None = None) -> FaultWindow:
        """Note and tell what became of it; it counts as on no more."""
        entry, at = active.entry, self._clock.now()
        note, how = (self._ledger.healed, "") if ended != "left" else (self._ledger.left, " could not be healed")
        with self._noting():
            note(entry.id, at=at, text=text)
        self._tell(f"{entry.kind} on {entry.target}{how}: {text}")
        with self._lock:
            self._active.remove(active)
        selects, matched, hit = active.resolved.fault.selects, None, None
        if reached:
            matched, hit = reached.matched, reached.hit
        acted = FaultWindow(entry.experiment, entry.kind, entry.target, active.started_at, at, ended)
        window = dataclasses.replace(acted, selects=selects, matched=matched, hit=hit)
        self.windows.append(window)
        return window


def _fields(injectable: Injectable) -> dict[str, Any]:
    """All that undoes it, for the ledger."""
    return dataclasses.asdict(injectable)  # type: ignore[call-overload,no-any-return]
