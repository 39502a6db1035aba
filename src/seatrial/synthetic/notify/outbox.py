"""Delivers what waits in the store's outbox: at least once, in order per key, one letter a channel at a time.

Takes posts by channel; tells how each delivery ended through `ended`, which the watch loop settles. A failed
one is tried again after 1, 2, 4 ... 300 s, for as long as it takes. A breaker per channel keeps a dead
receiver from being called for every key that waits. The store is touched by `send_due` and `settle` alone,
both called by the watch loop; only posting happens in threads.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import pybreaker

from seatrial.clock import Clock
from seatrial.redact import Secrets
from seatrial.store.results import Letter, Store
from seatrial.synthetic.notify.post import NotDelivered, Post

LONGEST_BACK_OFF_S = 300.0
FAILURES_TO_OPEN = 5
OPEN_FOR_S = 30.0
HELD_FOR_S = 5.0  # how soon to ask an open breaker again


class Fate(enum.StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"  # not tried: the channel's breaker is open


@dataclass(frozen=True, slots=True)
class Posted:
    """One delivery that ended; `problem` is empty when it was delivered."""

    letter: Letter
    fate: Fate
    problem: str = ""


def back_off_s(attempts: int) -> float:
    """How long to wait after that many failed attempts: 1, 2, 4 ... at most 300 s."""
    return min(LONGEST_BACK_OFF_S, 2.0 ** min(attempts - 1, 16))


class Outbox:
    """The deliveries of one watch. `posts` by channel name; `ended` may be called from any thread."""

    def __init__(
        self,
        posts: Mapping[str, Post],
        *,
        store: Store,
        executor: Executor,
        ended: Callable[[Posted], None],
        clock: Clock,
        secrets: Secrets,
        open_for_s: float = OPEN_FOR_S,
    ) -> None:
        self._posts = posts
        self._breakers = {name: _breaker(name, open_for_s) for name in posts}
        self._store = store
        self._executor = executor
        self._ended = ended
        self._clock = clock
        self._secrets = secrets
        self._busy: set[str] = set()

    @property
    def busy(self) -> bool:
        """True while a letter is under way: `settle` is still to come."""
        return bool(self._busy)

    def send_due(self) -> None:
        """Start a delivery on every channel that has none under way and something due."""
        idle = self._posts.keys() - self._busy
        if not idle:
            return
        for letter in self._store.due_letters(self._clock.now(), channels=idle):
            self._busy.add(letter.channel)
            future = self._executor.submit(self._deliver, letter)
            future.add_done_callback(functools.partial(self._report, letter))

    def settle(self, posted: Posted) -> str:
        """Write down how a delivery ended; the text is for the console, empty when there is nothing to tell."""
        letter, now = posted.letter, self._clock.now()
        self._busy.discard(letter.channel)
        if posted.fate is Fate.DELIVERED:
            self._store.mark_delivered(letter.number, at=now)
            return ""
        if posted.fate is Fate.HELD:
            self._store.postpone(letter, until=now + HELD_FOR_S, attempts=letter.attempts, problem=posted.problem)
            return ""
        attempts = letter.attempts + 1
        problem, wait_s = self._secrets.redact(posted.problem), back_off_s(attempts)
        self._store.postpone(letter, until=now + wait_s, attempts=attempts, problem=problem)
        return f"channel {letter.channel}: not delivered ({problem}); trying again in {wait_s:.0f} s"

    def _report(self, letter: Letter, done: Future[Posted]) -> None:
        self._ended(_posted(letter, done))

    def _deliver(self, letter: Letter) -> Posted:
        """Runs in a thread. `calling` holds no lock meanwhile; one letter at a time is one trial at a time."""
        try:
            with self._breakers[letter.channel].calling():
                self._posts[letter.channel](letter)
        except pybreaker.CircuitBreakerError:
            return Posted(letter, Fate.HELD, "the channel's breaker is open")
        except NotDelivered as error:
            return Posted(letter, Fate.FAILED, str(error))
        return Posted(letter, Fate.DELIVERED)


def _breaker(name: str, open_for_s: float) -> pybreaker.CircuitBreaker:
    """The failure that opens it is told as itself, not as the breaker's own error."""
    return pybreaker.CircuitBreaker(
        fail_max=FAILURES_TO_OPEN, reset_timeout=open_for_s, name=name, throw_new_error_on_trip=False
    )


def _posted(letter: Letter, done: Future[Posted]) -> Posted:
    """What came of it; a post that failed in an unforeseen way did not deliver."""
    if done.cancelled():
        return Posted(letter, Fate.HELD, "the watch ended")
    error = done.exception()
    return Posted(letter, Fate.FAILED, f"{type(error).__name__}: {error}") if error else done.result()
