"""The watch loop: plays what is due, keeps what it found, tells what changed, until it is told to stop.

Takes monitors and a callable that plays a scenario once; gives results and letters to the store and lines to
`tell`. One thread ticks the plan and only enqueues; a bounded pool plays; another posts letters; everything
they have to say comes back through one queue to the loop, the only one that touches the store::

    plan --Due--> loop --run--> players --Played--> loop --letters--> postmen --Posted--> loop

Must never print, look up a secret, or know how a scenario is played.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from seatrial.clock import Clock
from seatrial.redact import Secrets
from seatrial.store.results import Draft, Result, ResultOutcome, Store
from seatrial.synthetic.alert import Alert, advance, key_of
from seatrial.synthetic.confirm import PlayOnce, play_confirmed
from seatrial.synthetic.lines import show_alert, show_jump, show_result, show_time
from seatrial.synthetic.model import Monitor, PlayOutcome, Subject
from seatrial.synthetic.notify.notice import body_of
from seatrial.synthetic.notify.outbox import OPEN_FOR_S, Outbox, Posted
from seatrial.synthetic.notify.post import Post
from seatrial.synthetic.schedule import Due, Jumped, Plan

WORKERS = 8
LOOK_EVERY_S = 0.2  # how soon the loop sees a stop, and a letter whose back-off is over
LAST_POSTS_S = 10.0  # at the end, how long letters may still be posted; the rest goes out at the next start
LONGEST_DETAIL = 2000
OVERLAP = "the run before it has not ended"
NOT_COUNTED = "  (not counted: this slot has a result already)"


@dataclass(frozen=True)
class Watched:
    """What is watched. `subjects` by scenario: what to tell about it beside its name; `posts` by channel."""

    realm: str
    monitors: tuple[Monitor, ...]
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    posts: Mapping[str, Post] = field(default_factory=dict)


@dataclass(frozen=True)
class Means:
    """What a watch works with. `tell` is given one line for every result and every change of state."""

    store: Store
    play_once: PlayOnce
    clock: Clock
    secrets: Secrets
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One slot of one scenario."""

    monitor: Monitor
    scenario: str
    slot: float

    @property
    def name(self) -> tuple[str, str]:
        """What no second run of may be under way."""
        return self.monitor.name, self.scenario


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended and when it began (UTC seconds); `outcome` None: it could not be played, `problem` says why."""

    started_at: float
    outcome: PlayOutcome | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """A run is over; `ended` None: it was dropped before it began."""

    run: Run
    ended: Ended | None


Event = Due | Jumped | Played | Posted


class Watch:
    """The loop's state and what it does at each event. `events` may be filled from any thread."""

    def __init__(
        self,
        watched: Watched,
        means: Means,
        *,
        players: Executor,
        postmen: Executor,
        open_for_s: float = OPEN_FOR_S,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.outbox = Outbox(
            watched.posts,
            store=means.store,
            executor=postmen,
            ended=self.events.put,
            clock=means.clock,
            secrets=means.secrets,
            open_for_s=open_for_s,
        )
        self._watched = watched
        self._means = means
        self._players = players
        self._playing: set[tuple[str, str]] = set()
        self._ending = False
        self._tell_of_lost_channels()

    @property
    def playing(self) -> bool:
        """True while a run is under way."""
        return bool(self._playing)

    def step(self, wait_s: float) -> None:
        """Take one event, waiting for it that long, act on it, and start what letters are due."""
        with contextlib.suppress(queue.Empty):
            self._take(self.events.get(timeout=wait_s))
        self.outbox.send_due()

    def finish(self) -> None:
        """Drop the runs that have not begun, wait for those under way, and post the letters that are due."""
        self._ending = True
        self._players.shutdown(wait=False, cancel_futures=True)
        while self.playing:
            self.step(LOOK_EVERY_S)
        ends_at = self._means.clock.monotonic() + LAST_POSTS_S
        self.outbox.send_due()
        while self.outbox.busy and self._means.clock.monotonic() < ends_at:
            self.step(LOOK_EVERY_S)

    def _take(self, event: Event) -> None:
        match event:
            case Due():
                if not self._ending:
                    self._begin_all(event)
            case Jumped():
                self._means.tell(show_jump(event, self._means.clock.now()))
            case Played():
                self._keep(event)
            case Posted():
                self._settle(event)

    def _begin_all(self, due: Due) -> None:
        for scenario in due.monitor.scenarios:
            self._begin(Run(due.monitor, scenario, due.slot))

    def _begin(self, run: Run) -> None:
        if run.name in self._playing:
            skipped = skipped_result(run, realm=self._watched.realm, at=self._means.clock.now())
            self._means.store.record(skipped)
            self._means.tell(show_result(skipped))
            return
        self._playing.add(run.name)
        self._players.submit(self._play, run).add_done_callback(functools.partial(self._report, run))

    def _play(self, run: Run) -> Ended:
        """Runs in a thread of the pool."""
        started_at = self._means.clock.now()
        outcome = play_confirmed(run.monitor, run.scenario, play_once=self._means.play_once, clock=self._means.clock)
        return Ended(started_at, outcome)

    def _report(self, run: Run, future: Future[Ended]) -> None:
        """Called where the run ended; the loop takes it from there."""
        self.events.put(Played(run, _ended(run, future)))

    def _keep(self, played: Played) -> None:
        """A result, where its alert stands then, and the letters about that: one transaction."""
        run = played.run
        self._playing.discard(run.name)
        if played.ended is None:
            return
        result = self._redacted(result_of(run, played.ended, realm=self._watched.realm))
        key = key_of(realm=result.realm, monitor=result.monitor, scenario=result.scenario)
        standing, alert = advance(self._means.store.standing(key), result, after=run.monitor.down.after)
        drafts = self._drafts(alert, run) if alert else ()
        kept = self._means.store.record(result, standing=standing, drafts=drafts)
        self._means.tell(show_result(result) + ("" if kept else NOT_COUNTED))
        if alert and kept:
            self._means.tell(show_alert(alert))

    def _drafts(self, alert: Alert, run: Run) -> tuple[Draft, ...]:
        body = body_of(alert, run.monitor, self._watched.subjects.get(run.scenario, Subject()))
        channels = run.monitor.routes.get(run.monitor.down.severity, ())
        return tuple(Draft(channel, alert.key, body) for channel in channels)

    def _redacted(self, result: Result) -> Result:
        detail = self._means.secrets.redact(result.detail)[:LONGEST_DETAIL]
        return dataclasses.replace(result, step=self._means.secrets.redact(result.step), detail=detail)

    def _settle(self, posted: Posted) -> None:
        problem = self.outbox.settle(posted)
        if problem:
            self._means.tell(f"{show_time(self._means.clock.now())} {problem}")

    def _tell_of_lost_channels(self) -> None:
        for channel, count in self._means.store.waiting_letters().items():
            if channel not in self._watched.posts:
                self._means.tell(f"channel {channel}: {count} undelivered, and no monitor here routes to it")


def result_of(run: Run, ended: Ended, *, realm: str) -> Result:
    """What a run came to; a run that could not be played is UNKNOWN, it says nothing about the target."""
    slot = (realm, run.monitor.name, run.scenario, run.slot, ended.started_at)
    outcome = ended.outcome
    if outcome is None:
        return Result(*slot, ResultOutcome.UNKNOWN, detail=ended.problem)
    return Result(
        *slot,
        ResultOutcome.GOOD if outcome.passed else ResultOutcome.BAD,
        flaky=outcome.flaky,
        latency_s=outcome.latency_s,
        step=outcome.step,
        detail=outcome.detail,
        trace_id=outcome.trace_id,
    )


def skipped_result(run: Run, *, realm: str, at: float) -> Result:
    """A slot that came while the run before it was still under way."""
    return Result(realm, run.monitor.name, run.scenario, run.slot, at, ResultOutcome.SKIPPED, detail=OVERLAP)


def _ended(run: Run, future: Future[Ended]) -> Ended | None:
    if future.cancelled():
        return None
    error = future.exception()
    return Ended(run.slot, None, f"{type(error).__name__}: {error}") if error else future.result()


def watch(watching: Watch, plan: Plan, *, stop: threading.Event, clock: Clock, for_s: float = math.inf) -> None:
    """Watch until `stop` is set or `for_s` seconds are over, then finish what is under way.

    `plan` must enqueue into `watching.events`.
    """
    over = threading.Event()
    ends_at = clock.monotonic() + for_s
    with ThreadPoolExecutor(1, thread_name_prefix="plan") as pool:
        ticking = pool.submit(_tick_until, plan, over)
        try:
            while not stop.is_set() and clock.monotonic() < ends_at and not ticking.done():
                watching.step(LOOK_EVERY_S)
        finally:
            over.set()
    ticking.result()  # raises what stopped the plan, if anything did
    watching.finish()


def watch_once(watching: Watch, plan: Plan, *, stop: threading.Event) -> None:
    """Play every monitor once, at its newest slot, and finish; `stop` drops those that have not begun."""
    plan.tick()
    while not stop.is_set() and (watching.playing or not watching.events.empty()):
        watching.step(LOOK_EVERY_S)
    watching.finish()


def _tick_until(plan: Plan, over: threading.Event) -> None:
    while not over.wait(plan.tick()):
        pass
