"""The master of a load on several workers: `python -m seatrial.scenarios.load.child_master`.

To its parent it is what the child of a load alone is: an order and commands in, journal lines out. It plays nothing:
it gathers workers, gives each its part and the moment to begin by its own clock, adds up what they tell, sees who is
lost, and at the end waits for everyone's last word. Its first import is locust; must never write a file or judge.
"""

from __future__ import annotations

import locust.env  # noqa: F401 # isort: skip - as in child.py

import logging
import math
import secrets
import signal
import sys
import time
from collections.abc import Iterator

import gevent
from gevent.event import Event

from seatrial import journal
from seatrial.errors import CannotRun, SeatrialError
from seatrial.quantity import counted
from seatrial.sample import Interval, Pacing
from seatrial.scenarios.load import child_talk
from seatrial.scenarios.load.child import FAILED, LAST_WORDS_WITHIN_S, obey
from seatrial.scenarios.load.child_crew import Crew, Member, State
from seatrial.scenarios.load.child_load import timeline_of
from seatrial.scenarios.load.child_log import keep_secret, log_to_stderr
from seatrial.scenarios.load.child_pipes import Inbox, Outbox, claim_stdout
from seatrial.scenarios.load.child_talk import field
from seatrial.scenarios.load.child_web import Page
from seatrial.scenarios.load.merge import Merger
from seatrial.scenarios.load.order import (
    FINISH_WITHIN_S,
    STOP,
    TEARDOWN_WITHIN_S,
    LoadOrder,
    decode_mark,
    decode_order,
)
from seatrial.scenarios.load.profile import Model
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.load.spread import Spread, decode

_LOOK_EVERY_S = 0.5
_BEGIN_IN_S = 0.5  # the message must have come by then
_TOLD_WITHIN_S = 5.0  # after the last play may have ended: a worker's last word
_CLOCKS_DIFFER_S = 5
log = logging.getLogger("seatrial.load")


def main() -> int:
    """Have the order that stands on stdin played by workers; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to answer
    outbox, inbox = Outbox(claim_stdout()), Inbox(sys.stdin.fileno())
    lines = inbox.line(), inbox.line()
    if lines[0] is None or lines[1] is None:
        return FAILED
    masked = log_to_stderr("master")
    try:
        spread, order = decode(Spread, lines[0]), decode_order(lines[1])
        keep_secret(masked, order.secret_values)
        master = _Master(spread, order, outbox)
        gevent.signal_handler(signal.SIGTERM, master.stop)
        gevent.spawn(obey, inbox, master.follow)
        master.run()
    except (SeatrialError, ValueError, OSError) as error:
        log.error("%s", error)
        outbox.why(masked.redact(str(error)))
        outbox.drained(LAST_WORDS_WITHIN_S)
        return FAILED
    return 0 if outbox.drained(LAST_WORDS_WITHIN_S) else FAILED


class _Master:
    """One load and the crew that plays it."""

    def __init__(self, spread: Spread, order: LoadOrder, outbox: Outbox) -> None:
        self._spread = spread
        self._outbox = outbox
        self._order = order
        self._timeline = timeline_of(order)
        self._merger = Merger(spread.workers, self._planned)
        self._changed = Event()
        self._over_at = math.inf
        self._stopped = False
        self._failure = ""
        self._crew = Crew(spread, order, password=secrets.token_hex(16), changed=self._changed)
        environment, hosts = self._crew.environment, order.addresses.values()
        self._page = Page(environment, order.web_port, hosts=hosts) if order.web_port else None
        self._crew.on_report = self._report
        self._crew.on_done = self._done
        self._crew.on_failed = self._fail

    def run(self) -> None:
        """All of it; CannotRun when workers do not come, or one of them fails."""
        try:
            self._gather()
            if not self._stopped:
                self._begin()
                self._accompany()
        finally:
            self._crew.dismiss(self._failure or "the load is over")
        if self._failure:
            raise CannotRun(self._failure)

    def stop(self) -> None:
        """No new plays anywhere; those in flight may finish."""
        if not self._stopped:
            self._stopped = True
            self._timeline.ended_at = time.monotonic()
            self._over_at = min(self._over_at, time.monotonic())
            self._crew.tell(child_talk.COMMAND, {"line": STOP.decode().strip()})
            self._changed.set()

    def follow(self, line: bytes) -> None:
        """A command of the parent, for all; ValueError when it is none."""
        if line == STOP.strip():
            self.stop()
        else:
            decode_mark(line)
            self._crew.tell(child_talk.COMMAND, {"line": line.decode()})

    def _gather(self) -> None:
        """Until every worker is there and has all it needs."""
        crew, spread = self._crew, self._spread
        crew.start_own()
        if self._page:
            self._outbox.note(f"Locust's page is at {self._page.address}; it only shows")
        if spread.workers > 1 or not spread.own:
            self._outbox.note(f"waiting for {counted(spread.workers, 'worker')} at {crew.address}")
        until, came = time.monotonic() + spread.within_s, 0
        while not (self._stopped or self._failure or crew.all_are(State.READY)):
            if time.monotonic() > until:
                raise CannotRun(self._who_is_missing())
            self._wait()
            if crew.came > came and not spread.own:
                self._outbox.note(f"{crew.came} of {counted(spread.workers, 'worker')} here")
            came = crew.came
            for member in crew.ended():
                raise CannotRun(f"{member.name} ended before the load began; the log says why")

    def _who_is_missing(self) -> str:
        """Who did not come, or is not ready."""
        crew, spread = self._crew, self._spread
        if crew.came == spread.workers:
            return f"not every worker was ready within {spread.within_s:g} s; its own log says why"
        how = "" if spread.own else f"; start the others with `seatrial load --worker {crew.address}`"
        who = f"{crew.came} of {counted(spread.workers, 'worker')}"
        return f"{who} came to {crew.address} within {spread.within_s:g} s{how}"

    def _begin(self) -> None:
        """One moment for all, by each one's own clock; the seconds are this process's."""
        now = time.monotonic()
        self._timeline.begin(now + _BEGIN_IN_S, time.time() + _BEGIN_IN_S)
        self._over_at = self._timeline.started_at + self._timeline.curve.lasts_s
        self._crew.begin(self._timeline.started_at, self._timeline.epoch_at)

    def _accompany(self) -> None:
        """Until everyone has told all, or is lost; everything told is written."""
        while self._crew.any_is(State.PLAYING):
            self._wait()
            for member in self._crew.missing():
                self._lose(member)
            if time.monotonic() > self._over_at + FINISH_WITHIN_S + TEARDOWN_WITHIN_S + _TOLD_WITHIN_S:
                for member in self._crew.which_are(State.PLAYING):
                    self._lose(member)
            self._write()
        self._write()
        if self._crew.all_are(State.GONE):
            self._failure = self._failure or "every worker was lost"

    def _wait(self) -> None:
        self._changed.wait(_LOOK_EVERY_S)
        self._changed.clear()

    def _write(self) -> None:
        for records in self._merger.whole():
            if self._page:
                self._page.show(records)
            self._outbox.put(b"".join(map(journal.encode, records)))

    def _lose(self, member: Member) -> None:
        member.state = State.GONE
        self._merger.lost(member.number)
        log.error("%s is lost", member.name)
        self._outbox.note(f"{member.name} is lost")

    def _report(self, member: Member, lines: object) -> None:
        """What a worker counted; one that was thought lost is back."""
        self._merger.add(member.number, self._records_of(lines))
        if member.state is State.GONE:
            member.state = State.PLAYING
            self._outbox.note(f"{member.name} is back")

    def _done(self, member: Member, data: object) -> None:
        self._merger.add(member.number, self._records_of(field(data, "lines", list)))
        self._merger.done(member.number)

    def _records_of(self, lines: object) -> list[Interval | Pacing]:
        """What was counted in seconds that have been; clocks may differ a little."""
        first, last = self._timeline.epoch_at, self._timeline.second(time.monotonic())
        seconds = range(math.floor(first) - _CLOCKS_DIFFER_S, last + _CLOCKS_DIFFER_S + 1)
        return child_talk.records_of(lines, run=self._order.run, seconds=seconds)

    def _fail(self, member: Member, why: str) -> None:
        """One that cannot play ends the load: its part would be missing."""
        self._failure = self._failure or f"{member.name}: {why}"
        member.state = State.GONE
        self._merger.lost(member.number)
        self.stop()

    def _planned(self, worker: int, second: int) -> int | None:
        """What a worker had due in a second, for one that does not tell it itself."""
        if self._order.profile.model is not Model.OPEN:
            return None
        share = Share(worker, self._spread.workers)
        before, until = map(share.arrivals, self._due_by(second))
        return until - before

    def _due_by(self, second: int) -> Iterator[int]:
        """Arrivals of all workers up to the beginning and to the end of a second."""
        for each in (second - 1, second):
            yield self._timeline.planned_until(self._timeline.end_of(each))


if __name__ == "__main__":
    sys.exit(main())
