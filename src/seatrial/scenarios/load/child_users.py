"""The two load models as Locust users: one scheduler of arrivals, or many users that play and think.

Takes what `child.py` built, gives Locust's runner its user classes and shape. May import locust and gevent (the
room's fence). Locust starts, paces and stops the users; its own statistics are never fed, because nothing may be
judged from them.
"""

from __future__ import annotations

import random
import time
from typing import Any

from gevent.event import Event
from gevent.pool import Pool
from locust import LoadTestShape, User, task
from locust.exception import StopUser

from seatrial.scenarios.load.child_play import Player
from seatrial.scenarios.load.health import Health
from seatrial.scenarios.load.mix import Mix
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.model import Scenario

SPAWN_RATE_PER_S = 100.0  # above it Locust warns


class Traffic:
    """What the users of a load share: whom to play, how to count, and when it is over."""

    def __init__(self, mix: Mix, player: Player, timeline: Timeline, health: Health, *, seed: int | None) -> None:
        self.mix = mix
        self.player = player
        self.timeline = timeline
        self.health = health
        self.dice = random.Random(seed)
        self.over = Event()
        self.in_flight = 0
        self.defect: BaseException | None = None

    def play(self, due_at: float) -> Scenario:
        """One play of a journey drawn by weight, which it gives. An exception in it, our defect, ends the load."""
        self.health.started(max(0.0, time.monotonic() - due_at))
        scenario = self.mix.pick(self.dice)
        self.in_flight += 1
        try:
            self.player.play(scenario, due_at=due_at)
        except Exception as defect:  # noqa: BLE001 - lost in a greenlet it would be a play nobody counted
            self.fail(defect)
        finally:
            self.in_flight -= 1
        return scenario

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
            raise StopUser

    return Arrivals


def _schedule(traffic: Traffic, pool: Pool) -> None:
    timeline = traffic.timeline
    number = 1
    while (due_s := timeline.curve.due_s(number)) is not None:
        due_at = timeline.started_at + due_s
        if traffic.over.wait(max(0.0, due_at - time.monotonic())):
            return
        if pool.free_count() > 0:
            pool.spawn(traffic.play, due_at)
        else:
            traffic.health.dropped()
        number += 1


def customers(traffic: Traffic) -> type[Any]:
    """The closed model: each user plays, thinks as the journey's `load` block wishes, and plays again."""

    class Customer(User):  # type: ignore[misc]
        think_s = 0.0

        def wait_time(self) -> float:
            return self.think_s

        @task  # type: ignore[untyped-decorator]
        def journey(self) -> None:
            played = traffic.play(time.monotonic())
            self.think_s = traffic.player.think_s(played)

    return Customer


def crowd(traffic: Traffic) -> LoadTestShape:
    """The shape that asks Locust for as many users as the stage curve says, at least one while it lasts."""

    class Crowd(LoadTestShape):  # type: ignore[misc]
        def tick(self) -> tuple[int, float]:
            level = traffic.timeline.curve.level_at(traffic.timeline.moment_s(time.monotonic()))
            return max(1, int(level)), SPAWN_RATE_PER_S

    return Crowd()
