"""Keeps what is on while its harness lives: a thread that renews leases, tells the watchdog, and looks for proxies.

Takes what is on, asked anew at every beat. Says what lost its lease, which proxy is gone and that nobody watches;
must never inject or heal, and outlasts whatever it finds.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence

from seatrial.chaos.active import Active, Resolved
from seatrial.chaos.faults.injectable import Lease
from seatrial.chaos.faults.toxics import Renewed, proxy_is_gone
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.watchdog.start import Watchdog
from seatrial.errors import FaultFailed

BEAT_EVERY_S = 1.0


class Heartbeat:
    """That of one injector: `active` gives what is on, `tell` takes a line and raises nothing."""

    def __init__(
        self,
        ledger: Ledger,
        active: Callable[[], Sequence[Active]],
        *,
        tell: Callable[[str], None],
        renew_lease: Callable[[Lease], Renewed],
        every_s: float,
        start_watchdog: Callable[[Ledger], Watchdog],
    ) -> None:
        self._ledger = ledger
        self._active = active
        self._tell = tell
        self._renew = renew_lease
        self._every_s = every_s
        self._start_watchdog = start_watchdog
        self._watchdog: Watchdog | None = None
        self._guarding = threading.Lock()
        self._is_unguarded = False
        self._expired: set[str] = set()
        self._gone: dict[str, str] = {}  # what is said of each proxy that is
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Beat from now on."""
        self._thread = threading.Thread(target=self._beat_on, name="lease heartbeat", daemon=True)
        self._thread.start()

    def end(self, *, all_healed: bool) -> None:
        """Beat no more, and let go of the watchdog, which is waited for when nothing is left to it."""
        self._over.set()
        if self._thread:
            self._thread.join()  # or it would beat on a pipe that is closed, or start another watchdog
        if self._watchdog:
            self._watchdog.let_go(wait=all_healed)

    def guard(self, resolved: Resolved) -> None:
        """Have the watchdog started if that fault needs one: it has no lease that would end it by itself."""
        if self._thread is None or resolved.injectable.lease:
            return
        with self._guarding:
            if not (self._watchdog and self._watchdog.lives):
                self._watchdog = self._start_watchdog(self._ledger)

    def require_watchdog(self) -> None:
        """FaultFailed when a watchdog was started and does not watch."""
        if self._watchdog:
            self._watchdog.require()

    def require(self) -> None:
        """FaultFailed when a proxy that had faults of ours is gone, and they with it."""
        if self._gone:
            raise FaultFailed("; ".join(self._gone.values()))

    def beat(self) -> None:
        """Tell the watchdog that we live, renew every lease once, and note what ran out or is gone.

        Looked is last: a proxy that is slow to answer must not cost the others their leases.
        """
        self._beat_watchdog()
        self._renew_leases()
        self.look_for_proxies()

    def look_for_proxies(self) -> None:
        """Say at once which proxy is gone, and which faults were on there."""
        on = self._active()
        for api in {active.api for active in on if active.api} - self._gone.keys():
            if proxy_is_gone(api):
                targets = ", ".join(active.entry.target for active in on if active.api == api)
                self._gone[api] = f"the proxy at {api} is gone, and with it what was on: {targets}"
                self._tell(self._gone[api])

    def _beat_on(self) -> None:
        while not self._over.wait(self._every_s):
            self.beat()

    def _beat_watchdog(self) -> None:
        """Tell the watchdog that we live; one that was ended is replaced while there is something to watch."""
        if self._watchdog is None:
            return
        self._watchdog.beat()
        if not self._watchdog.lives:
            self._replace_watchdog()

    def _replace_watchdog(self) -> None:
        """Start another for what is on; where that cannot be done, it is told once and tried with every beat."""
        try:
            for active in self._active():
                self.guard(active.resolved)
        except FaultFailed:
            if not self._is_unguarded:
                self._tell(
                    "the watchdog was ended and cannot be started again: nobody heals what is on if we are killed"
                )
            self._is_unguarded = True

    def _renew_leases(self) -> None:
        leases = {active.resolved.injectable.lease for active in self._active()}
        for lease in leases - {None}:
            # A proxy that does not answer is noticed by what it does: the lease expires, or healing fails.
            with contextlib.suppress(FaultFailed):
                self._note_expired(self._renew(lease).expired)  # type: ignore[arg-type]

    def _note_expired(self, lost: Iterable[str]) -> None:
        for held in set(lost) - self._expired:
            self._expired.add(held)
            self._tell(f"the lease of {held} ran out by itself (a starved machine?)")
