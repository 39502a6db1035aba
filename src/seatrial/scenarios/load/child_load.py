"""One load in this process, whoever asked for it: put together, run second by second, ended without a loss.

Takes an order, gives records to whoever writes them. May import locust and gevent (the room's fence). Must never know
where its records go: the child of a load alone writes them, a worker sends them to its master.
"""

from __future__ import annotations

import gc
import logging
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.pool import Pool

from seatrial.sample import Record
from seatrial.scenarios.load import child_users
from seatrial.scenarios.load.child_http import LoadClient
from seatrial.scenarios.load.child_play import Player
from seatrial.scenarios.load.child_users import Traffic
from seatrial.scenarios.load.health import Health
from seatrial.scenarios.load.mix import mix, permit_rows
from seatrial.scenarios.load.order import TEARDOWN_WITHIN_S, LoadOrder, Then
from seatrial.scenarios.load.pace import curve, without_end
from seatrial.scenarios.load.profile import Model
from seatrial.scenarios.load.recorder import Recorder
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.load.turns import Turns, users_of
from seatrial.scenarios.read import read_scenarios

log = logging.getLogger("seatrial.load")

_SWEEP_EVERY = 10_000  # containers that came to be and stayed; by itself Python does so every 700
_BEFORE_LOCUST_S = 2.0  # then Locust kills; and how long plays that were cut are waited for

Write = Callable[[Iterable[Record]], None]


@dataclass(frozen=True)
class Load:
    """Everything of one load, put together once. `pool` holds the plays of an open load."""

    order: LoadOrder
    traffic: Traffic
    recorder: Recorder
    pool: Pool

    @property
    def timeline(self) -> Timeline:
        """Where in the load this moment is."""
        return self.traffic.timeline

    @property
    def users(self) -> type[Any]:
        """Locust's user class of its model."""
        if self.order.profile.model is Model.OPEN:
            return child_users.arrivals(self.traffic, self.pool)
        return child_users.customers(self.traffic)


def build(order: LoadOrder) -> Load:
    """Read what is to be played; a SeatrialError when it cannot be."""
    chosen = mix(order.profile, read_scenarios(order.workspace / "scenarios"))
    permit_rows(order.profile, chosen, workers=order.workers)
    recorder = Recorder(order.run, order.limits_us)
    timeline = timeline_of(order)
    player = Player(order, LoadClient(), recorder, timeline)
    for scenario in chosen.scenarios:
        player.prepare(scenario)
    turns = Turns(timeline.share, users_of(order.profile, timeline.share))
    traffic = Traffic(chosen, player, timeline, Health(order.run), turns=turns, seed=order.seed)
    return Load(order, traffic, recorder, Pool(order.profile.max_in_flight))


def timeline_of(order: LoadOrder) -> Timeline:
    """The order's stages on a timeline that has not begun."""
    stages = order.profile.stages if order.then is Then.END else without_end(order.profile.stages)
    pace = curve(stages, warm_up_s=order.profile.warm_up_s)
    return Timeline(pace, share=Share(order.worker, order.workers))


def run(load: Load, runner: Any, *, start: Callable[[], None], write: Write) -> None:
    """From the first play to the last record: `start` begins the timeline and has Locust's runner start the users."""
    _allow_many_connections()
    _sweep_less()
    start()
    cpu = _Cpu()
    ticking = gevent.spawn(_tick, load, cpu, write)
    ticking.link_exception(lambda greenlet: load.traffic.fail(greenlet.exception))
    load.traffic.over.wait()
    load.timeline.ended_at = time.monotonic()
    _finish(load, runner)
    ticking.kill()
    now = time.monotonic()
    write(_records(load, now, load.timeline.second(now), cpu.ratio(now)))


def _finish(load: Load, runner: Any) -> None:
    """Let plays in flight end within the deadline, then have them give up, their teardown still be run, and end.

    Locust kills the users it stops; not before they had all of that time.
    """
    traffic, within_s = load.traffic, load.order.finish_within_s
    runner.environment.stop_timeout = within_s + TEARDOWN_WITHIN_S + _BEFORE_LOCUST_S
    stopping = gevent.spawn(runner.stop)
    gevent.sleep(0)  # or plays that were due, and have not begun, would not be seen
    traffic.wait_for_plays(within_s)
    if traffic.in_flight:
        log.warning("%d plays were still in flight %g s after the end: halted", traffic.in_flight, within_s)
        traffic.halt()
        traffic.wait_for_plays(TEARDOWN_WITHIN_S)
        traffic.cut()
        traffic.wait_for_plays(_BEFORE_LOCUST_S)
    stopping.join(_BEFORE_LOCUST_S)


def _tick(load: Load, cpu: _Cpu, write: Write) -> None:
    """At the end of every second of the epoch, write what it held."""
    while True:
        gevent.sleep(load.timeline.next_second_in_s(time.monotonic()))
        now = time.monotonic()
        write(_records(load, now, load.timeline.second(now) - 1, cpu.ratio(now)))


def _records(load: Load, now: float, second: int, cpu_ratio: float) -> tuple[Record, ...]:
    """Everything up to and with that second; the generator's own line is the last of them."""
    traffic, timeline = load.traffic, load.timeline
    traffic.player.note_overdue(now, second=second)
    open_model = load.order.profile.model is Model.OPEN
    due_at = min(now, timeline.end_of(second))  # as a master counts for who is lost: not what was due since
    pacing = traffic.health.line(
        timeline.mark_at(max(timeline.started_at, now - 1.0)),
        second=second,
        planned_until=timeline.planned_until(due_at) if open_model else traffic.health.started_until,
        in_flight=traffic.in_flight,
        cpu_ratio=cpu_ratio,
    )
    return (*load.recorder.drain(second + 1), pacing)


class _Cpu:
    """This process's share of one core since it was last asked."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), time.process_time()

    def ratio(self, now: float) -> float:
        """0 when no time has passed."""
        cpu_s = time.process_time()
        spent_s, passed_s = cpu_s - self._cpu_s, now - self._wall_s
        self._wall_s, self._cpu_s = now, cpu_s
        return spent_s / passed_s if passed_s > 0 else 0.0


def _sweep_less() -> None:
    """Have the collector of cycles leave alone what is there for good, and look at the rest less often: plays make
    hardly a cycle, and to go through everything again and again costs a twentieth of all."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_SWEEP_EVERY)


def _allow_many_connections() -> None:
    """As many open sockets as this user may have: running out would look like the target refusing connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
