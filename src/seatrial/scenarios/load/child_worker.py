"""One worker of a load on several: `python -m seatrial.scenarios.load.child_worker`.

Is told on stdin where its master is, plays its part of the master's order, and sends what it counted with Locust's
own reports. Ends when the master says so, at once when its stdin does or when the master is silent. On a machine of
its own it reads the documents, the realm and its secrets there, and refuses an order its own realm does not allow or
whose journeys are not the same as here; secrets never travel. Its first import is locust; must never write a file.
"""

from __future__ import annotations

import locust.env  # isort: skip - as in child.py

import dataclasses
import logging
import os
import signal
import socket
import sys
import time
from typing import Any

import gevent
import locust.runners
from gevent.queue import Empty, Queue

from seatrial import __version__
from seatrial.errors import CannotRun, Refused, SeatrialError
from seatrial.redact import Secrets
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.resolve import resolve_secrets, visible_environment
from seatrial.runtime.state import addresses_of, load_state
from seatrial.sample import Record
from seatrial.scenarios.load import child_talk, child_users
from seatrial.scenarios.load.child_load import Load, build, run
from seatrial.scenarios.load.child_log import keep_secret, log_to_stderr, tell_defect
from seatrial.scenarios.load.child_pipes import Inbox, Outbox, claim_stdout
from seatrial.scenarios.load.child_talk import field
from seatrial.scenarios.load.mix import mix, permit
from seatrial.scenarios.load.order import FINISH_WITHIN_S, STOP, LoadOrder, decode_mark
from seatrial.scenarios.load.profile import Model
from seatrial.scenarios.load.spread import Joining, decode, difference, digests, part
from seatrial.scenarios.read import read_scenarios

FAILED = 1
_QUIT_WITHIN_S = 15.0  # from its last report to the master's `quit`, which waits for the other workers
_LAST_WORDS_MS = 1000
log = logging.getLogger("seatrial.load")


def main() -> int:
    """Work for the master that stands on stdin; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to answer
    outbox, inbox = Outbox(claim_stdout()), Inbox(sys.stdin.fileno())
    line = inbox.line()
    if line is None:
        return FAILED
    secrets = log_to_stderr(f"worker {os.getpid()}")
    gevent.spawn(_leave_with, inbox)
    try:
        joining = decode(Joining, line)
        _Worker(joining, secrets, outbox).work()
    except (SeatrialError, ValueError) as error:
        log.error("%s", error)
        outbox.why(secrets.redact(str(error)))
        outbox.drained(_LAST_WORDS_MS / 1000)
        return FAILED
    outbox.drained(_LAST_WORDS_MS / 1000)
    logging.shutdown()
    os._exit(0)  # all is told; the master waits, and the interpreter's own farewell is slow


def _leave_with(inbox: Inbox) -> None:
    """End at once when whoever started this says so, or is gone: nobody else could stop it."""
    said = b""
    while (line := inbox.line()) is not None:
        said = line
    if said == STOP.rstrip():
        os._exit(FAILED)
    _leave("whoever started this worker is gone: ending at once")


def _leave(why: str) -> None:
    log.error("%s", why)
    logging.shutdown()
    os._exit(FAILED)


class _Worker:
    """The conversation with the master, from joining to its last word."""

    def __init__(self, joining: Joining, secrets: Secrets, outbox: Outbox) -> None:
        child_talk.quicken()
        self._joining = joining
        self._secrets = secrets
        self._outbox = outbox
        self._said: Queue[tuple[str, object]] = Queue()
        self._commands: list[bytes] = []
        self._unsent: list[Record] = []
        self._load: Load | None = None
        self._silent_s = 0
        self._environment = locust.env.Environment(stop_timeout=FINISH_WITHIN_S)
        self._runner = self._join()

    def work(self) -> None:
        """Play the part the master gives; a SeatrialError when there is none to play or it was not played whole."""
        self._say(child_talk.HELLO, self._greeting())
        told = self._hear(child_talk.ORDER)
        try:
            load = self._load = build(self._order(told))
        except (SeatrialError, ValueError) as error:
            self._fail(error)
            raise
        self._environment.user_classes, self._environment.stop_timeout = [load.users], load.order.finish_within_s
        self._say(child_talk.READY, {})
        begin = self._hear(child_talk.BEGIN)
        self._obey_what_came()
        run(load, self._runner, start=lambda: self._start(load, begin), write=self._unsent.extend)
        if load.traffic.defect:
            tell_defect(load.traffic.defect)
            self._fail(load.traffic.defect)
            raise CannotRun("the load ended early; the lines above say why")
        self._say(child_talk.DONE, {"lines": self._take()})
        self._runner.greenlet.join(timeout=_QUIT_WITHIN_S)
        self._hang_up()

    def _join(self) -> Any:
        """Locust's runner once the master has answered, listening for our messages too."""
        joining = self._joining
        locust.runners.CONNECT_RETRY_COUNT = max(1, round(joining.within_s / locust.runners.CONNECT_TIMEOUT))
        self._outbox.note(f"looking for the master at {joining.host}:{joining.port}")
        try:
            runner = self._environment.create_worker_runner(joining.host, joining.port)
        except ConnectionError:
            raise CannotRun(
                f"no master answers at {joining.host}:{joining.port}; start it with `seatrial load PROFILE --master`"
                ", with --bind when it is on another machine"
            ) from None
        for name in (child_talk.ORDER, child_talk.REFUSED, child_talk.BEGIN):
            runner.register_message(name, self._keep)
        runner.register_message(child_talk.CLOCK, self._tell_clock)
        runner.register_message(child_talk.COMMAND, self._command)
        events = self._environment.events
        events.report_to_master.add_listener(self._report)
        events.heartbeat_received.add_listener(self._hear_heartbeat)
        events.user_error = locust.event.EventHook()  # Locust's own listener would send the text, secrets and all
        gevent.spawn(self._watch)
        return runner

    def _greeting(self) -> dict[str, object]:
        return {"version": __version__, "password": self._joining.password, "pid": os.getpid()}

    def _order(self, told: object) -> LoadOrder:
        """This worker's part; read anew on a machine of its own."""
        worker, workers = field(told, "worker", int), field(told, "workers", int)
        if self._joining.order is not None:
            order = self._joining.order
            keep_secret(self._secrets, order.secret_values)
            return part(order, worker, workers)
        files = field(told, "files", dict)
        order = decode(LoadOrder, field(told, "order", str))
        self._outbox.note(
            f"worker {worker + 1} of {workers}: profile '{order.profile.name}' in realm '{order.realm}'"
        )
        if different := difference(files, digests(self._joining.workspace)):
            raise Refused(different)
        return part(_at_home(order, self._joining, self._secrets), worker, workers)

    def _start(self, load: Load, begin: object) -> None:
        """Begin when the master said, its seconds being ours from now on whatever the clock here says."""
        load.timeline.begin(field(begin, "monotonic", float), field(begin, "epoch", float))
        if load.traffic.is_over_before(0.0):
            return
        if load.order.profile.model is Model.OPEN:
            self._runner.spawn_users({load.users.__name__: 1})
        else:
            gevent.spawn(child_users.keep_crowd, load.traffic, self._runner)
            gevent.spawn(load.traffic.end_after_stages)

    def _keep(self, environment: Any, msg: Any) -> None:
        del environment
        self._said.put((msg.type, msg.data))

    def _hear(self, name: str) -> object:
        """Wait for that message; CannotRun when the master has no use for this worker."""
        while True:
            try:
                heard, data = self._said.get(timeout=1.0)
            except Empty:
                continue  # the watch over the master's silence ends this
            if heard == name:
                return data
            if heard == child_talk.REFUSED:
                raise CannotRun(f"the master says: {field(data, 'why', str)}")

    def _say(self, name: str, data: dict[str, object]) -> None:
        self._runner.send_message(name, data)

    def _fail(self, error: BaseException) -> None:
        why = str(error) if isinstance(error, SeatrialError) else f"a defect of the generator: {error!r}"
        self._say(child_talk.FAILED, {"why": self._secrets.redact(f"{socket.gethostname()}: {why}")})
        self._hang_up()

    def _hang_up(self) -> None:
        """No more is said or heard; on a closed socket Locust would go on listening without a pause."""
        self._runner.greenlet.kill()
        self._runner.client.close(linger=_LAST_WORDS_MS)

    def _tell_clock(self, environment: Any, msg: Any) -> None:
        del environment
        self._say(child_talk.CLOCK, {"sent": field(msg.data, "sent", float), "monotonic": time.monotonic()})

    def _command(self, environment: Any, msg: Any) -> None:
        del environment
        self._commands.append(field(msg.data, "line", str).encode())
        self._obey_what_came()

    def _obey_what_came(self) -> None:
        """Follow commands as the child of a load alone does; none before there is a load."""
        while self._load is not None and self._commands:
            line = self._commands.pop(0)
            if line == STOP.strip():
                self._load.traffic.over.set()
            else:
                self._load.timeline.told = decode_mark(line)

    def _report(self, client_id: str, data: dict[str, object]) -> None:
        del client_id
        data[child_talk.REPORT] = self._take()

    def _take(self) -> list[bytes]:
        lines, self._unsent[:] = child_talk.lines_of(self._unsent), []
        return lines

    def _hear_heartbeat(self, **_: object) -> None:
        self._silent_s = 0

    def _watch(self) -> None:
        """Leave when the master has not been heard for long; counted in looks, so that a pause here is no silence."""
        while True:
            gevent.sleep(1.0)
            self._silent_s += 1
            if self._silent_s > child_talk.SILENT_S:
                self._outbox.why(f"the master was silent for {child_talk.SILENT_S} s")
                self._outbox.drained(1.0)
                _leave("the master is silent: ending at once")


def _at_home(order: LoadOrder, joining: Joining, secrets: Secrets) -> LoadOrder:
    """The order with this machine's own documents, addresses and secrets, if its realm allows it."""
    workspace = joining.workspace
    realm = choose_realm(read_realms(workspace), order.realm)
    permit(order.profile, mix(order.profile, read_scenarios(workspace / "scenarios")), realm)
    addresses = addresses_of(realm, load_state(workspace, realm.name))
    if unknown := sorted(realm.places.keys() - addresses.keys()):
        raise CannotRun(
            f"{realm.where}: realm '{realm.name}' says no address of '{unknown[0]}', and is not up on this machine"
        )
    return dataclasses.replace(
        order,
        workspace=workspace,
        addresses=addresses,
        variables=realm.variables,
        secret_values=resolve_secrets(realm, workspace, secrets),
        environment=visible_environment(realm),
        tracing=realm.tracing,
        max_requests_per_s=realm.allows.max_rate_per_s,
    )


if __name__ == "__main__":
    sys.exit(main())
