"""Flows that are run once for many plays: who runs one, who waits, who takes over its outputs.

Room scenarios. A driver holds an `Onces` and answers the `Claim`s and `Settle`s of its plays with it. Safe from
several threads and greenlets. Pure but for its locks.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.scenarios.model import Once


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a flow that is run once gave: its outputs, which of them are secret, and until when they are good.

    `expires_at` is in UTC seconds, None for as long as the run lasts.
    """

    values: Mapping[str, Any]
    secret: frozenset[str] = frozenset()
    expires_at: float | None = None

    def good_at(self, now: float) -> bool:
        """Whether they may still be used then."""
        return self.expires_at is None or now < self.expires_at


@dataclass
class OnceStore:
    """What was run once, by its key. One who claims a key that another is at waits until that one settles it."""

    _kept: dict[Hashable, Outputs] = field(default_factory=dict)
    _at_work: set[Hashable] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def claim(self, key: Hashable, now: float) -> Outputs | None:
        """The outputs, or None: then the caller must run it, and settle the key whatever happens."""
        with self._changed:
            while key in self._at_work:
                self._changed.wait()
            kept = self._kept.get(key)
            if kept is not None and kept.good_at(now):
                return kept
            self._at_work.add(key)
            return None

    def settle(self, key: Hashable, outputs: Outputs | None) -> None:
        """Keep what the flow gave; None when it failed, so that the next who claims it tries again."""
        with self._changed:
            self._at_work.discard(key)
            if outputs is not None:
                self._kept[key] = outputs
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Onces:
    """The stores of one driver: `run` is shared by all drivers of a run, `worker` is this one's own."""

    run: OnceStore = field(default_factory=OnceStore)
    worker: OnceStore = field(default_factory=OnceStore)

    def store(self, once: Once) -> OnceStore:
        """Where a flow of that kind is kept."""
        return self.worker if once is Once.WORKER else self.run

    def for_worker(self) -> Onces:
        """The same run, another worker."""
        return Onces(self.run)
