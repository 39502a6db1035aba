"""The load generator's process: `python -m seatrial.scenarios.load.child`, one order in, journal lines out.

Reads the order and then commands on stdin, writes journal lines on stdout once a second, logs to stderr. Ends when
the stages are over or `stop` comes, with status 0 after the last line; ends at once when stdin does, because then
nobody is left to stop it. Its first import is locust, which patches the process; must never write a file or judge.
"""

from __future__ import annotations

import locust.env  # isort: skip - before all that opens sockets: it patches them, and fails when it comes late

import logging
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.pool import Pool

from seatrial import journal
from seatrial.errors import SeatrialError
from seatrial.redact import Secrets
from seatrial.sample import Record
from seatrial.scenarios.load import child_users
from seatrial.scenarios.load.child_http import LoadClient
from seatrial.scenarios.load.child_pipes import Inbox, Outbox, claim_stdout
from seatrial.scenarios.load.child_play import Player
from seatrial.scenarios.load.child_users import Traffic
from seatrial.scenarios.load.health import Health
from seatrial.scenarios.load.mix import mix
from seatrial.scenarios.load.order import FINISH_WITHIN_S, STOP, LoadOrder, Then, decode_mark, decode_order
from seatrial.scenarios.load.pace import curve, without_end
from seatrial.scenarios.load.profile import Model
from seatrial.scenarios.load.recorder import Recorder
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.load.timeline import Timeline
from seatrial.scenarios.read import read_scenarios

FAILED = 1
_LAST_WORDS_WITHIN_S = 5.0
log = logging.getLogger("seatrial.load")


@dataclass(frozen=True)
class _Load:
    """Everything of one load, put together once."""

    order: LoadOrder
    traffic: Traffic
    recorder: Recorder
    outbox: Outbox
    pool: Pool
    runner: Any

    @property
    def timeline(self) -> Timeline:
        return self.traffic.timeline

    def write(self, records: Iterable[Record]) -> None:
        self.outbox.put(b"".join(map(journal.encode, records)))


def main() -> int:
    """Run the order that stands on stdin; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to answer
    outbox, inbox = Outbox(claim_stdout()), Inbox(sys.stdin.fileno())
    line = inbox.line()
    if line is None:
        return FAILED
    secrets = _log_to_stderr()
    try:
        order = decode_order(line)
        _keep_secret(secrets, order.secret_values)
        load = _build(order, outbox)
    except (SeatrialError, ValueError) as error:
        log.error("%s", error)
        return FAILED
    gevent.signal_handler(signal.SIGTERM, load.traffic.over.set)
    gevent.spawn(_obey, inbox, load.traffic)
    return _run(load)


def _build(order: LoadOrder, outbox: Outbox) -> _Load:
    chosen = mix(order.profile, read_scenarios(order.workspace / "scenarios"))
    stages = order.profile.stages if order.then is Then.END else without_end(order.profile.stages)
    pace = curve(stages, warm_up_s=order.profile.warm_up_s)
    recorder = Recorder(order.run, order.limits_us)
    timeline = Timeline(pace, share=Share(order.worker, order.workers))
    player = Player(order, LoadClient(), recorder, timeline)
    traffic = Traffic(chosen, player, timeline, Health(order.run), seed=order.seed)
    pool = Pool(order.profile.max_in_flight)
    return _Load(order, traffic, recorder, outbox, pool, _runner(order.profile.model, traffic, pool))


def _runner(model: Model, traffic: Traffic, pool: Pool) -> Any:
    """Locust's runner, with an event of its own for the defects it would otherwise only log."""
    users = child_users.arrivals(traffic, pool) if model is Model.OPEN else child_users.customers(traffic)
    environment = locust.env.Environment(
        user_classes=[users],
        shape_class=child_users.crowd(traffic) if model is Model.CLOSED else None,
        stop_timeout=FINISH_WITHIN_S,
    )
    environment.events.user_error.add_listener(lambda exception, **_: traffic.fail(exception))
    return environment.create_local_runner()


def _run(load: _Load) -> int:
    _allow_many_connections()
    _start(load)
    cpu = _Cpu()
    ticking = gevent.spawn(_tick, load, cpu)
    ticking.link_exception(lambda greenlet: load.traffic.fail(greenlet.exception))
    load.traffic.over.wait()
    load.timeline.ended_at = time.monotonic()
    _finish(load)
    ticking.kill()
    now = time.monotonic()
    load.write(_records(load, now, load.timeline.second(now), cpu.ratio(now)))
    complete = load.outbox.drained(_LAST_WORDS_WITHIN_S)
    if load.traffic.defect:
        _tell(load.traffic.defect)
    return 0 if complete and not load.traffic.defect else FAILED


def _tell(defect: BaseException) -> None:
    """What ended the load: a sentence where the user can do something about it, else the traceback."""
    if isinstance(defect, SeatrialError):
        log.error("%s", defect)
    else:
        log.error("a defect of the generator", exc_info=defect)


def _start(load: _Load) -> None:
    load.timeline.begin(time.monotonic(), time.time())
    if load.order.profile.model is Model.OPEN:
        load.runner.start(1, spawn_rate=1)
    else:
        load.runner.start_shape()
        gevent.spawn(load.traffic.end_after_stages)


def _finish(load: _Load) -> None:
    """Let plays in flight end within the deadline; those that do not show as in flight in the last line."""
    deadline = time.monotonic() + FINISH_WITHIN_S
    load.runner.stop()
    load.pool.join(timeout=max(0.0, deadline - time.monotonic()))
    if load.traffic.in_flight:
        log.warning("%d plays were still in flight %g s after the end", load.traffic.in_flight, FINISH_WITHIN_S)


def _tick(load: _Load, cpu: _Cpu) -> None:
    """At the end of every second of the epoch, write what it held."""
    while True:
        gevent.sleep(load.timeline.next_second_in_s(time.monotonic()))
        now = time.monotonic()
        load.write(_records(load, now, load.timeline.second(now) - 1, cpu.ratio(now)))


def _records(load: _Load, now: float, second: int, cpu_ratio: float) -> tuple[Record, ...]:
    """Everything up to and with that second; the generator's own line is the last of them."""
    traffic, timeline = load.traffic, load.timeline
    open_model = load.order.profile.model is Model.OPEN
    pacing = traffic.health.line(
        timeline.mark_at(max(timeline.started_at, now - 1.0)),
        second=second,
        planned_until=timeline.planned_until(now) if open_model else traffic.health.started_until,
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


def _obey(inbox: Inbox, traffic: Traffic) -> None:
    """Follow commands; without anybody left to give them, leave at once, for nobody else could stop the load."""
    while (line := inbox.line()) is not None:
        try:
            _follow(line, traffic)
        except ValueError as error:
            log.warning("not obeyed: %s", error)
    log.error("whoever started this load is gone: ending at once")
    logging.shutdown()
    os._exit(FAILED)


def _follow(line: bytes, traffic: Traffic) -> None:
    if line == STOP.strip():
        traffic.over.set()
    else:
        traffic.timeline.told = decode_mark(line)


def _allow_many_connections() -> None:
    """As many open sockets as this user may have: running out would look like the target refusing connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class _Masked(logging.Formatter):
    """Log lines without secrets."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line, tracebacks included, with every secret masked."""
        return self._secrets.redact(super().format(record))


def _log_to_stderr() -> Secrets:
    """Log through a mask; the secrets it masks."""
    secrets = Secrets()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return secrets


def _keep_secret(secrets: Secrets, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        secrets.add(name, value)


if __name__ == "__main__":
    sys.exit(main())
