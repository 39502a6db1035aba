"""The workers of a load as its master knows them: who came, whose clock says what, who is ready, playing, gone.

Locust's master runner carries the messages and counts heartbeats; what they mean for the load is decided in
`child_master`. May import locust and gevent (the room's fence). Everything that comes over the wire is checked here.
"""

from __future__ import annotations

import locust.runners  # isort: skip - as in child.py

import dataclasses
import enum
import hmac
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import locust.env
from gevent import subprocess
from gevent.event import Event

from seatrial import __version__
from seatrial.realm import Tracing
from seatrial.scenarios.load import child_talk
from seatrial.scenarios.load.child_talk import field
from seatrial.scenarios.load.order import LoadOrder, encode_order
from seatrial.scenarios.load.spread import Joining, Spread, digests, encode

_CLOCK_ASKED = 5  # the quickest of so many answers says best what the other's clock shows
_ENDS_WITHIN_S = 5.0
_MOST_PEERS = 10_000
_WORKER = (sys.executable, "-m", "seatrial.scenarios.load.child_worker")
log = logging.getLogger("seatrial.load")


class State(enum.Enum):
    """How far a worker is."""

    AWAITED = "awaited"
    GREETED = "greeted"
    READY = "ready"
    PLAYING = "playing"
    DONE = "done"
    GONE = "gone"


@dataclass(slots=True)
class Member:
    """One worker, counted from 0. `ahead_s` is what its monotonic clock shows beyond ours."""

    number: int
    of: int
    state: State = State.AWAITED
    client_id: str = ""
    process: Any = None
    ahead_s: float = 0.0
    quickest_s: float = float("inf")
    answers: int = 0

    @property
    def name(self) -> str:
        """As the user is told."""
        return f"worker {self.number + 1} of {self.of}"


class Crew:
    """The workers, and Locust's runner through which they are spoken to. Whoever owns it sets what is done with what
    they tell; a ValueError there means that it was no sense, and is the teller's fault."""

    on_report: Callable[[Member, object], None]
    on_done: Callable[[Member, object], None]
    on_failed: Callable[[Member, str], None]

    def __init__(self, spread: Spread, order: LoadOrder, *, password: str, changed: Event) -> None:
        child_talk.quicken()
        self._spread = spread
        self._order = order
        self._password = password if spread.own else ""
        self._changed = changed
        self._members = [Member(number, spread.workers) for number in range(spread.workers)]
        self._own: list[Any] = []
        self._begun = False
        self._files = digests(order.workspace) if not spread.own else {}
        self.environment = environment = locust.env.Environment()
        self._runner = environment.runner = _Runner(environment, spread.bind, spread.port)
        self._runner.is_member = self._is_member
        heard = {
            child_talk.HELLO: self._hello,
            child_talk.READY: self._ready,
            child_talk.CLOCK: self._clock,
            child_talk.DONE: self._done,
            child_talk.FAILED: self._failed,
        }
        for name, listener in heard.items():
            self._runner.register_message(name, self._guarded(listener))
        environment.events.worker_report.add_listener(self._report)

    @property
    def address(self) -> str:
        """Where workers find this master."""
        return f"{self._spread.bind}:{self._runner.server.port}"

    @property
    def came(self) -> int:
        """How many workers have come."""
        return sum(member.state is not State.AWAITED for member in self._members)

    def all_are(self, state: State) -> bool:
        """Whether every worker is that far."""
        return all(member.state is state for member in self._members)

    def any_is(self, state: State) -> bool:
        """Whether a worker is just there."""
        return any(member.state is state for member in self._members)

    def which_are(self, state: State) -> list[Member]:
        """Those that are just there."""
        return [member for member in self._members if member.state is state]

    def start_own(self) -> None:
        """Start the workers of this machine; each is told where to come, and what to play, through its stdin."""
        for _ in range(self._spread.own):
            joining = Joining(
                self._spread.bind,
                self._runner.server.port,
                self._order.workspace,
                self._order,
                self._password,
            )
            process = subprocess.Popen(_WORKER, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            process.stdin.write(encode(joining))
            process.stdin.flush()
            self._own.append(process)

    def tell(self, name: str, data: dict[str, object]) -> None:
        """The same to every worker that is there."""
        for member in self._members:
            if member.client_id and member.state is not State.DONE:
                self._runner.send_message(name, data, member.client_id)

    def begin(self, monotonic: float, epoch: float) -> None:
        """Tell each when to begin, by its own clock."""
        self._begun = True
        self._runner.update_state(locust.runners.STATE_RUNNING)  # what Locust's page goes by
        for member in self._members:
            member.state = State.PLAYING
            data = {"monotonic": monotonic + member.ahead_s, "epoch": epoch}
            self._runner.send_message(child_talk.BEGIN, data, member.client_id)

    def missing(self) -> Iterator[Member]:
        """Those that play by all we know, and are gone or have not been heard for seconds."""
        for member in self.which_are(State.PLAYING):
            node = self._runner.clients.get(member.client_id)
            if node is None or node.state == locust.runners.STATE_MISSING or _has_ended(member):
                yield member

    def ended(self) -> Iterator[Member]:
        """Our own processes that are no more, before they came too."""
        known = [member.process for member in self._members]
        yield from (member for member in self._members if _has_ended(member))
        if any(process.poll() is not None for process in self._own if process not in known):
            yield next(member for member in self._members if member.state is State.AWAITED)

    def dismiss(self, why: str) -> None:
        """Nobody is needed any longer: those that do not play are told why, own processes are waited for."""
        for member in self._members:
            if member.client_id and member.state in (State.GREETED, State.READY):
                self._runner.send_message(child_talk.REFUSED, {"why": why}, member.client_id)
        self._runner.quit()
        until = time.monotonic() + _ENDS_WITHIN_S
        for process in self._own:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _guarded(self, listener: Callable[[str, Any], None]) -> Callable[..., None]:
        """What comes may be anything: no sense is logged, and changes nothing."""

        def hear(environment: Any, msg: Any) -> None:
            del environment
            try:
                listener(msg.node_id, msg.data)
            except (ValueError, TypeError) as error:
                log.warning("%s: message %s makes no sense: %s", msg.node_id, msg.type, error)
            self._changed.set()

        return hear

    def _hello(self, client_id: str, data: Any) -> None:
        """A worker asks for its part: the first place that is free, if it is one of ours and nothing has begun."""
        awaited = self.which_are(State.AWAITED)
        if self._begun or not awaited:
            self._refuse(client_id, "the load has all its workers" if not self._begun else "the load has begun")
            return
        if not hmac.compare_digest(field(data, "password", str).encode(), self._password.encode()):
            self._refuse(client_id, "this load is played by its own processes")
            return
        version = field(data, "version", str)
        if version != __version__:
            self._refuse(client_id, f"it is seatrial {__version__}, and this worker {version[:20]}")
            return
        member, pid = awaited[0], field(data, "pid", int)
        member.client_id, member.state = client_id, State.GREETED
        member.process = next((process for process in self._own if process.pid == pid), None)
        self._runner.send_message(child_talk.ORDER, self._part(member), client_id)

    def _refuse(self, client_id: str, why: str) -> None:
        log.warning("%s is not needed: %s", client_id, why)
        self._runner.send_message(child_talk.REFUSED, {"why": why}, client_id)

    def _part(self, member: Member) -> dict[str, object]:
        """A worker's part. What its machine knows itself, secrets above all, is left out."""
        number: dict[str, object] = {"worker": member.number, "workers": self._spread.workers}
        if self._spread.own:
            return number
        bare = dataclasses.replace(
            self._order,
            workspace=Path(),
            addresses={},
            variables={},
            secret_values={},
            environment={},
            tracing=Tracing(),
            max_requests_per_s=None,
        )
        return {**number, "order": encode_order(bare).decode(), "files": dict(self._files)}

    def _ready(self, client_id: str, data: object) -> None:
        """It could begin: ask its clock."""
        del data
        if self._member(client_id, State.GREETED):
            self._ask_clock(client_id)

    def _ask_clock(self, client_id: str) -> None:
        self._runner.send_message(child_talk.CLOCK, {"sent": time.monotonic()}, client_id)

    def _clock(self, client_id: str, data: object) -> None:
        """The answer was made about half-way between our asking and now."""
        member, now = self._member(client_id, State.GREETED), time.monotonic()
        sent, shown = field(data, "sent", float), field(data, "monotonic", float)
        if member is None:
            return
        if 0 <= now - sent < member.quickest_s:
            member.quickest_s, member.ahead_s = now - sent, shown - (sent + now) / 2
        member.answers += 1
        if member.answers < _CLOCK_ASKED:
            self._ask_clock(client_id)
        else:
            member.state = State.READY

    def _report(self, client_id: str, data: Any) -> None:
        member = self._member(client_id, State.PLAYING, State.GONE)
        lines = data.get(child_talk.REPORT) if isinstance(data, dict) else None
        if member is None or not lines:
            return
        self._runner.hear_of(client_id)
        try:
            self.on_report(member, lines)
        except ValueError as error:
            log.error("%s told what makes no sense: %s", member.name, error)
        self._changed.set()

    def _done(self, client_id: str, data: object) -> None:
        member = self._member(client_id, State.PLAYING, State.GONE)
        if member:
            self.on_done(member, data)
            member.state = State.DONE

    def _failed(self, client_id: str, data: object) -> None:
        member = self._member(client_id, State.GREETED, State.READY, State.PLAYING)
        if member:
            self.on_failed(member, field(data, "why", str))

    def _is_member(self, client_id: str) -> bool:
        return any(member.client_id == client_id for member in self._members)

    def _member(self, client_id: str, *states: State) -> Member | None:
        return next((item for item in self._members if item.client_id == client_id and item.state in states), None)


class _Runner(locust.runners.MasterRunner):  # type: ignore[misc]
    """Locust's master, deaf to nonsense and strangers: as it comes, one message that cannot be read would end its
    listening, and whoever can reach the port could fill its memory."""

    is_member: Callable[[str], bool]

    def stop(self, send_stop_to_client: bool = True) -> None:
        """Nothing: the load ends when our master says so, not when Locust misses a worker that may come back."""

    def hear_of(self, client_id: str) -> None:
        """What it told says that it is there, as a heartbeat does: the next may be late, and without it one that is
        back would be lost again at once, and nobody would wait for the rest it has to tell."""
        node = self.clients.get(client_id)
        if node is not None:
            node.heartbeat = locust.runners.HEARTBEAT_LIVENESS
            if node.state == locust.runners.STATE_MISSING:
                node.state = locust.runners.STATE_RUNNING

    def client_listener(self) -> None:
        """Take messages for ever."""
        while True:
            try:
                client_id, message = self.server.recv_from_client()
                if message.node_id != client_id:
                    raise ValueError("it names another sender")
                if not child_talk.is_taken(message.type, message.data, is_member=self.is_member(client_id)):
                    raise ValueError(f"it is none for a master: {str(message.type)[:40]!r}")
                if client_id not in self.clients and len(self.clients) >= _MOST_PEERS:
                    raise ValueError(f"more than {_MOST_PEERS:,} have come")
                self.handle_message(client_id, message)
            except Exception as error:  # noqa: BLE001 - whatever a stranger sends must not end this
                log.warning("a message that cannot be read: %s", error)
                gevent.sleep(0.01)


def _has_ended(member: Member) -> bool:
    return member.process is not None and member.process.poll() is not None
