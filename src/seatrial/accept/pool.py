"""Plays scenarios, one after the other or several at once, and gives each result in the order of the scenarios.

Room accept. A worker is a thread with connections of its own; the steps of one play run in order in one worker. No
play is begun further ahead of the slowest than WINDOW of them a worker, and none while those that are over hold too
many bytes (`held`), so ten thousand rows need no more memory than a hundred. Results come out in the caller's thread.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from seatrial.accept.held import Evidence, Exchanges, Held
from seatrial.accept.pace import PacedClient, Pacer
from seatrial.accept.sessions import keep_sessions
from seatrial.clock import Clock, SystemClock
from seatrial.exchange import Answer
from seatrial.http import Client
from seatrial.sample import Phase, Sample
from seatrial.scenarios.drive import drive
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Context, Halted, Move, PlayHalted, PlayResult, Send
from seatrial.scenarios.once import Onces
from seatrial.scenarios.played import Exchange, Played
from seatrial.scenarios.rows import expand_rows

WINDOW = 4
LEAVE_S = 1.0
"""How long workers may take to end once nobody waits for their results; an exchange under way is then left behind."""

WIND_UP_S = 10.0
"""The same of a worker that runs the teardown of a play that was cut short."""

Watch = Callable[[Scenario, Move], None]


def _never() -> bool:
    return False


def _nothing() -> None:
    """Nothing to do meanwhile."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One play to come: `scenario` is the journey itself, or the journey for one of its rows.

    With a `seed` of its own, its ids and random values repeat whatever the run's are.
    """

    journey: Scenario
    scenario: Scenario
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Playing:
    """How a run's plays are driven. `onces` keeps what is run once for all of them, or for all of one worker.

    `watch` is told every move before it is followed, by whatever thread follows it. `enough` is asked before a play
    begins: once it is true none begins any more, and those under way come to their end. `meanwhile` is called some
    times a second in the caller's thread while it waits for several workers. `evidence` is what reports will need.
    """

    context: Context
    run: str
    phase: Phase
    pacer: Pacer = field(default_factory=lambda: Pacer(None))
    onces: Onces = field(default_factory=Onces)
    clock: Clock = field(default_factory=SystemClock)
    watch: Watch | None = None
    enough: Callable[[], bool] = _never
    meanwhile: Callable[[], None] = _nothing
    evidence: Evidence = Evidence.HEADS


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came while plays were under way. `played` are those that ended and were not given yet, and those that
    were cut short: their teardown has run."""

    def __init__(self, played: tuple[Played, ...]) -> None:
        super().__init__()
        self.played = played


def plans_of(scenarios: Iterable[Scenario]) -> Iterator[Plan]:
    """Every play the scenarios stand for, in order; made as they are taken."""
    for journey in scenarios:
        for scenario in expand_rows(journey):
            yield Plan(journey, scenario)


def play_all(plans: Iterable[Plan], playing: Playing, *, jobs: int) -> Iterator[Played]:
    """Each play's result in the order of the plans, with `jobs` workers.

    Closing it, or Ctrl-C in the caller's thread, ends the plays at their next move, with their teardown; the latter
    is raised as `Interrupted`. Whatever a play
    raises is raised here, in its place.
    """
    if jobs == 1:
        return _one_after_the_other(plans, playing)
    return _side_by_side(plans, playing, jobs)


def play_one(plan: Plan, playing: Playing, client: Client) -> Played:
    """Play it to its end in this thread. Its secrets are lent to it: whoever reported it gives them back."""
    clock, secrets = playing.clock, playing.context.secrets.lend()
    seed = playing.context.seed if plan.seed is None else plan.seed
    samples: list[Sample] = []
    exchanges = Exchanges(playing.evidence)

    def hear(sent: Send, answer: Answer, asked_at: float) -> None:
        keep_sessions(answer, secrets)
        exchanges.add(_exchange(sent, answer, asked_at, now=clock.now()))

    def played(result: PlayResult) -> Played:
        took_s = clock.monotonic() - started
        return Played(plan.journey, result, started_at, took_s, tuple(samples), exchanges.all(), secrets)

    started_at, started = clock.now(), clock.monotonic()
    try:
        result = drive(
            plan.scenario,
            dataclasses.replace(playing.context, secrets=secrets, seed=seed),
            client,
            clock=clock,
            record=samples.append,
            run=playing.run,
            phase=playing.phase,
            watch=functools.partial(playing.watch, plan.scenario) if playing.watch else None,
            heard=hear,
            onces=playing.onces,
        )
    except PlayHalted as halt:
        begun = halt.result is not None and halt.result.steps
        raise Interrupted((played(halt.result),) if halt.result is not None and begun else ()) from halt
    return played(result)


def _reported(played: Played) -> Iterator[Played]:
    """Who asks for the next play has this one in every report: till then no secret of it may be forgotten."""
    yield played
    if played.secrets is not None:
        played.secrets.give_back()


def _exchange(sent: Send, answer: Answer, asked_at: float, *, now: float) -> Exchange:
    """The exchange began when it was asked for, or later, where it had to wait for its turn."""
    return Exchange(sent, answer, max(asked_at, now - answer.latency_s))


def _one_after_the_other(plans: Iterable[Plan], playing: Playing) -> Iterator[Played]:
    with PacedClient(playing.pacer, playing.clock) as client:
        for plan in plans:
            if playing.enough():
                return
            yield from _reported(play_one(plan, playing, client))


def _side_by_side(plans: Iterable[Plan], playing: Playing, jobs: int) -> Iterator[Played]:
    workers = Workers(playing, jobs)
    begun: collections.deque[Future[Played]] = collections.deque()
    left = iter(plans)
    try:
        while True:
            while len(begun) < jobs * WINDOW and not playing.enough() and (plan := next(left, None)) is not None:
                begun.append(workers.submit(plan))
            if not begun:
                return
            played = workers.take(begun[0], playing.meanwhile)
            begun.popleft()
            if played is not None:
                yield from _reported(played)
            if playing.enough():
                for future in begun:
                    future.cancel()  # does nothing to one that is under way
    except KeyboardInterrupt as interrupt:
        workers.end()
        raise Interrupted(tuple(_ended(begun))) from interrupt
    finally:
        workers.end()


def _ended(futures: Iterable[Future[Played]]) -> Iterator[Played]:
    """What the workers still came to, those plays that were cut short too."""
    for future in futures:
        if not future.done() or future.cancelled():
            continue
        error = future.exception()
        if error is None:
            yield future.result()
        elif isinstance(error, Interrupted):
            yield from error.played


def _result(future: Future[Played], meanwhile: Callable[[], None]) -> Played | None:
    """What it came to; None when it was cancelled before it began."""
    while not wait([future], timeout=0.1).done:
        meanwhile()
    return None if future.cancelled() else future.result()


@dataclass(frozen=True, slots=True)
class _Task:
    """A play to begin; numbers count in the order of the plans."""

    number: int
    plan: Plan
    future: Future[Played]


class Workers:
    """Threads that play what they are given, until they are told to end. Each result must be taken, in order."""

    def __init__(self, playing: Playing, jobs: int) -> None:
        self._halt = threading.Event()
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self.held = Held()
        self._winding_up: set[threading.Thread] = set()
        clock = _HaltingClock(playing.clock, self._halt, self._refuse)
        self._playing = dataclasses.replace(playing, clock=clock, watch=self._watching(playing.watch))
        self._threads = [
            threading.Thread(target=self._work, name=f"worker {number}", daemon=True) for number in range(1, jobs + 1)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, plan: Plan) -> Future[Played]:
        """Have it played by the next worker that is free."""
        future: Future[Played] = Future()
        self._tasks.put(_Task(next(self._numbers), plan, future))
        return future

    def take(self, future: Future[Played], meanwhile: Callable[[], None] = _nothing) -> Played | None:
        """The result of the next play in the order they were given; None when it was cancelled before it began."""
        played = _result(future, meanwhile)
        self.held.take(played)
        return played

    def end(self) -> None:
        """Wait for the workers a moment; a thread that still waits for an answer ends with the process."""
        asked_at = time.monotonic()
        self._halt.set()
        self.held.release()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            while thread.is_alive() and time.monotonic() - asked_at < self._may_take_s(thread):
                thread.join(0.02)

    def _may_take_s(self, thread: threading.Thread) -> float:
        return WIND_UP_S if thread in self._winding_up else LEAVE_S

    def _refuse(self) -> None:
        """Halt the play of this thread, unless it is its teardown already."""
        if self._halt.is_set() and threading.current_thread() not in self._winding_up:
            self._winding_up.add(threading.current_thread())
            raise Halted

    def _watching(self, watch: Watch | None) -> Watch:
        def halting(scenario: Scenario, move: Move) -> None:
            self._refuse()
            if watch is not None:
                watch(scenario, move)

        return halting

    def _work(self) -> None:
        playing = dataclasses.replace(self._playing, onces=self._playing.onces.for_worker())
        with PacedClient(playing.pacer, playing.clock) as client:
            while (task := self._tasks.get()) is not None:
                self.held.wait(task.number)
                if not self._halt.is_set() and task.future.set_running_or_notify_cancel():
                    self._fulfil(task, playing, client)

    def _fulfil(self, task: _Task, playing: Playing, client: Client) -> None:
        try:
            played = play_one(task.plan, playing, client)
            self.held.add(played)
            task.future.set_result(played)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            task.future.set_exception(error)


class _HaltingClock:
    """A clock whose waits end with the workers; `refuse` halts the play that waits."""

    def __init__(self, clock: Clock, halt: threading.Event, refuse: Callable[[], None]) -> None:
        self._clock = clock
        self._halt = halt
        self._refuse = refuse

    def now(self) -> float:
        """UTC seconds since the epoch."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait that long in real time, or until the workers are told to end; a teardown's waits are waited."""
        if self._halt.wait(max(0.0, seconds)):
            self._refuse()
            self._clock.sleep(seconds)
