"""The two load models as Locust users: one scheduler of arrivals, or many users that play and think.

Takes what `child.py` built, gives Locust's runner its user classes and shape. May import locust and gevent (the
room's fence). Locust starts, paces and stops the users; its own statistics are never fed, because nothing may be
judged from them.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from locust import LoadTestShape, User, task
from locust.exception import StopUser

from seatrial.scenarios.load.child_play import Player
from seatrial.scenarios.load.health import Health
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.load.turns import Seats, Turns
from seatrial.scenarios.model import Scenario
from seatrial.scenarios.moves import Halted
from seatrial.scenarios.once import Onces

log = logging.getLogger("seatrial.load")

SPAWN_RATE_PER_S = 100.0  # above it Locust warns
_LOOK_EVERY_S = 0.1
_LONGEST_WAIT_S = 3600.0  # a load without an end waits for ever, and a timer cannot
_UNSENT_PAUSE_S = 0.5
_YIELD_EVERY = 10  # arrivals in a row: when they are overdue, those already started must get their turn too


@dataclass(frozen=True, slots=True)
class LoadUser:
    """One user of the closed model while it is there: its number, and what it alone has run once."""

    seat: int
    onces: Onces


class Traffic:
    """What the users of a load share: whom to play, how to count, and when it is over."""

    def __init__(
        self, mix: Mix, player: Player, timeline: Timeline, health: Health, *, turns: Turns, seed: int | None
    ) -> None:
        self.mix = mix
        self.turns = turns
        self.seats = Seats()
        self.player = player
        self.timeline = timeline
        self.health = health
        self.dice = random.Random(seed)
        self.over = Event()
        self._playing: set[Any] = set()
        self.defect: BaseException | None = None
        self._told: set[str] = set()

    def play(self, due_at: float, user: LoadUser | None = None) -> Scenario | None:
        """One play of a journey drawn by weight, which it gives. An exception in it, our defect, ends the load."""
        try:
            return self._play(due_at, user)
        except Exception as defect:  # noqa: BLE001 - lost in a greenlet it would be a play nobody counted
            self.fail(defect)
            return None

    def _play(self, due_at: float, user: LoadUser | None) -> Scenario:
        scenario = self.mix.pick(self.dice)
        turn = self.turns.take(scenario, user.seat if user else None)
        if turn is None:
            self._drop_without_row(scenario)
            return scenario
        self.health.started(max(0.0, time.monotonic() - due_at))
        sends = 1
        greenlet = gevent.getcurrent()
        self._playing.add(greenlet)
        try:
            sends = self.player.play(turn.scenario, due_at=due_at, onces=user.onces if user else None)
        finally:
            self._playing.discard(greenlet)
            self.turns.back(turn)
        if user and not sends:  # nothing that takes time: again and again it would leave nobody else a turn
            gevent.sleep(_UNSENT_PAUSE_S)
        return scenario

    @property
    def in_flight(self) -> int:
        """Plays under way."""
        return len(self._playing)

    def wait_for_plays(self, within_s: float) -> None:
        """Until none is under way, at most that long."""
        until = time.monotonic() + within_s
        while self._playing and time.monotonic() < until:
            gevent.sleep(_LOOK_EVERY_S)

    def halt(self) -> None:
        """Have plays under way give up what they wait for; their teardown is run."""
        self._throw(Halted)

    def cut(self) -> None:
        """End the plays under way at once."""
        self._throw(gevent.GreenletExit)

    def _throw(self, what: type[BaseException]) -> None:
        """From gevent's hub, as a deadline strikes: whoever is thrown into waits or is over, and never runs."""
        for greenlet in tuple(self._playing):
            gevent.get_hub().loop.run_callback(self._throw_into, greenlet, what)
        gevent.sleep(0)

    def _throw_into(self, greenlet: Any, what: type[BaseException]) -> None:
        if greenlet in self._playing:
            greenlet.throw(what)

    def _drop_without_row(self, scenario: Scenario) -> None:
        self.health.dropped_without_row()
        if scenario.name not in self._told:
            self._told.add(scenario.name)
            log.warning("every row of '%s' was in use: an arrival was dropped, and more may follow", scenario.name)

    def is_over_before(self, moment_s: float) -> bool:
        """Wait for that moment of the load; True when the load is over before it came.

        Waits again where gevent woke early: its timers count from the last turn of its loop, not from now.
        """
        until = self.timeline.started_at + moment_s
        while (left_s := until - time.monotonic()) > 0:
            if self.over.wait(min(left_s, _LONGEST_WAIT_S)):
                return True
        return bool(self.over.is_set())

    def end_after_stages(self) -> None:
        """Wait until the stages are over, and say so."""
        self.is_over_before(self.timeline.curve.lasts_s)
        self.over.set()

    def fail(self, defect: BaseException) -> None:
        """End the load because of ourselves; the first reason stays."""
        self.defect = self.defect or defect
        self.over.set()


def arrivals(traffic: Traffic, pool: Pool) -> type[Any]:
    """The open model: a single user whose task starts every play when it is due, whatever became of the others."""

    class Arrivals(User):  # type: ignore[misc]
        fixed_count = 1

        @task  # type: ignore[untyped-decorator]
        def schedule(self) -> None:
            _schedule(traffic, pool)
            traffic.end_after_stages()
            raise StopUser

    return Arrivals


def _schedule(traffic: Traffic, pool: Pool) -> None:
    """Start every arrival of this worker when it is due. One that is late still starts, and says how late."""
    share = traffic.timeline.share
    number = share.first
    while (due_s := traffic.timeline.curve.due_s(number)) is not None:
        if traffic.is_over_before(due_s):
            return
        if pool.free_count() > 0:
            pool.spawn(traffic.play, traffic.timeline.started_at + due_s)
        else:
            traffic.health.dropped()
        if number // share.workers % _YIELD_EVERY == 0:
            gevent.sleep(0)
        number += share.workers


def customers(traffic: Traffic) -> type[Any]:
    """The closed model: each user plays, thinks as the journey's `load` block wishes, and plays again."""

    class Customer(User):  # type: ignore[misc]
        think_s = 0.0

        def on_start(self) -> None:
            self.user = LoadUser(traffic.seats.take(), traffic.player.onces.for_worker())

        def on_stop(self) -> None:
            traffic.seats.leave(self.user.seat)

        def wait_time(self) -> float:
            return self.think_s

        @task  # type: ignore[untyped-decorator]
        def journey(self) -> None:
            played = traffic.play(time.monotonic(), self.user)
            self.think_s = traffic.player.think_s(played) if played else 0.0

    return Customer


def crowd(traffic: Traffic) -> LoadTestShape:
    """The shape that asks Locust for as many users as the stage curve says of this worker, all workers together at
    least one while it lasts."""

    class Crowd(LoadTestShape):  # type: ignore[misc]
        def tick(self) -> tuple[int, float]:
            level = traffic.timeline.curve.level_at(traffic.timeline.moment_s(time.monotonic()))
            return traffic.timeline.share.of(max(1, int(level))), SPAWN_RATE_PER_S

    return Crowd()


def keep_crowd(traffic: Traffic, runner: Any) -> None:
    """For a worker what the shape is to a load alone: as many users as the curve says of its share, until the end."""
    while not traffic.over.wait(_LOOK_EVERY_S):
        level = traffic.timeline.curve.level_at(traffic.timeline.moment_s(time.monotonic()))
        wanted = traffic.timeline.share.of(max(1, int(level)))
        (users,), running = runner.user_classes, runner.user_count
        if wanted > running:
            runner.spawn_users({users.__name__: min(wanted - running, round(SPAWN_RATE_PER_S * _LOOK_EVERY_S))})
        elif wanted < running:
            runner.stop_users({users.__name__: running - wanted})
