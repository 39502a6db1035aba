"""The load generator's process: `python -m seatrial.scenarios.load.child`, one order in, journal lines out.

Reads the order and then commands on stdin, writes journal lines on stdout once a second, logs to stderr. Ends when
the stages are over or `stop` comes, with status 0 after the last line; ends at once when stdin does, because then
nobody is left to stop it. Its first import is locust, which patches the process; must never write a file or judge.
"""

from __future__ import annotations

import locust.env  # isort: skip - before all that opens sockets: it patches them, and fails when it comes late

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import gevent

from seatrial import journal
from seatrial.errors import SeatrialError
from seatrial.sample import Record
from seatrial.scenarios.load import child_users
from seatrial.scenarios.load.child_load import Load, build, run
from seatrial.scenarios.load.child_log import keep_secret, log_to_stderr, tell_defect
from seatrial.scenarios.load.child_pipes import Inbox, Outbox, claim_stdout
from seatrial.scenarios.load.order import STOP, decode_mark, decode_order
from seatrial.scenarios.load.profile import Model

FAILED = 1
LAST_WORDS_WITHIN_S = 5.0
log = logging.getLogger("seatrial.load")


def main() -> int:
    """Run the order that stands on stdin; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to answer
    outbox, inbox = Outbox(claim_stdout()), Inbox(sys.stdin.fileno())
    line = inbox.line()
    if line is None:
        return FAILED
    secrets = log_to_stderr()
    try:
        order = decode_order(line)
        keep_secret(secrets, order.secret_values)
        load = build(order)
        runner = _runner(load)
    except (SeatrialError, ValueError) as error:
        log.error("%s", error)
        outbox.why(secrets.redact(str(error)))
        outbox.drained(LAST_WORDS_WITHIN_S)
        return FAILED
    gevent.signal_handler(signal.SIGTERM, load.traffic.over.set)
    gevent.spawn(obey, inbox, lambda command: _follow(command, load))
    log.info("profile '%s' begins", order.profile.name)
    return _run(load, runner, outbox)


def _run(load: Load, runner: Any, outbox: Outbox) -> int:
    def write(records: Iterable[Record]) -> None:
        outbox.put(b"".join(map(journal.encode, records)))

    run(load, runner, start=lambda: _start(load, runner), write=write)
    complete = outbox.drained(LAST_WORDS_WITHIN_S)
    if load.traffic.defect:
        tell_defect(load.traffic.defect)
    return 0 if complete and not load.traffic.defect else FAILED


def _runner(load: Load) -> Any:
    """Locust's runner, with an event of its own for the defects it would otherwise only log."""
    environment = locust.env.Environment(
        user_classes=[load.users],
        shape_class=child_users.crowd(load.traffic) if load.order.profile.model is Model.CLOSED else None,
        stop_timeout=load.order.finish_within_s,
    )
    environment.events.user_error.add_listener(lambda exception, **_: load.traffic.fail(exception))
    return environment.create_local_runner()


def _start(load: Load, runner: Any) -> None:
    load.timeline.begin(time.monotonic(), time.time())
    if load.order.profile.model is Model.OPEN:
        runner.start(1, spawn_rate=1)
    else:
        runner.start_shape()
        gevent.spawn(load.traffic.end_after_stages)


def obey(inbox: Inbox, follow: Callable[[bytes], None]) -> None:
    """Follow commands; without anybody left to give them, leave at once, for nobody else could stop the load."""
    while (line := inbox.line()) is not None:
        try:
            follow(line)
        except ValueError as error:
            log.warning("not obeyed: %s", error)
    log.error("whoever started this load is gone: ending at once")
    logging.shutdown()
    os._exit(FAILED)


def _follow(line: bytes, load: Load) -> None:
    if line == STOP.strip():
        load.traffic.over.set()
    else:
        load.timeline.told = decode_mark(line)


if __name__ == "__main__":
    sys.exit(main())
