"""The HTTP-aware faults of one connection: what is asked and answered passes here message by message.

    caller -> requests -> [toxics] -> upstream
    caller <- [toxics] <- answers <- upstream
                 (some requests are answered right here)

It stands before all other toxics of both directions, so a network fault hits what is answered here, too. Answers keep
the order of their requests. The observer is told of requests before a fault and of answers after it: it sees what the
caller sees. On anything that is not HTTP/1, and once a connection was upgraded, everything passes untouched.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.edit import GATHERED_BYTES, NOTHING, Original, edited, edited_head
from seatrial.chaos.proxy.heads import (
    SWITCHING_PROTOCOLS,
    answer_body_in,
    expects_continue,
    request_body_of,
    request_line,
    status_line,
    stays_open,
)
from seatrial.chaos.proxy.link import Intake
from seatrial.chaos.proxy.pieces import Pieces
from seatrial.chaos.proxy.rule import Asked
from seatrial.chaos.proxy.scanner import Body, NotHttp
from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.http_toxic import UNTOUCHED, Plan, render
from seatrial.chaos.proxy.toxics.toxic import Ending

if TYPE_CHECKING:
    from seatrial.chaos.proxy.connection import Connection
    from seatrial.chaos.proxy.link import Link
    from seatrial.chaos.proxy.observer import Observer
    from seatrial.chaos.proxy.rule import Rule
    from seatrial.chaos.proxy.scanner import Scanner


@dataclass(slots=True)
class Due:
    """An answer that is owed to the caller; `ready` when it is to be given here and its request is complete."""

    method: str
    plan: Plan
    minor: int = 1
    stays_open: bool = True
    ready: bool = False


class HttpDesk:
    """The two directions of one connection, the rules they are held to, and the answers still owed."""

    def __init__(self, connection: Connection, observer: Observer, scanners: tuple[Scanner, Scanner]) -> None:
        self.rules: dict[str, Rule] = {}
        self.owed = deque(Due(method, UNTOUCHED) for method in observer.unanswered_methods())
        self.requests = Requests(self, connection.up, observer, followed=scanners[0])
        self.answers = Answers(self, connection.down, observer, followed=scanners[1])
        self._connection = connection
        connection.up.put_front(self.requests.stage)
        connection.down.put_front(self.answers.stage)

    def plan(self, asked: Asked) -> Plan:
        """What is to be done with a request and its answer."""
        plan = UNTOUCHED
        for rule in self.rules.values():
            if plan.instead is None:
                plan = rule.alter(plan, asked)
        return plan

    def drop(self, name: str) -> None:
        """Hold the exchanges to a rule no more, and let go what is held back."""
        if self.rules.pop(name, None) is not None:
            self.requests.stage.release()
            self.answers.stage.release()
            self._connection.regulate()
        self.retire()

    def retire(self) -> None:
        """Stand aside once nothing is left to do; bytes then go their shortest way."""
        opaque = self.requests.opaque and self.answers.opaque
        if (self.rules and not opaque) or self.owed or self._connection.desk is not self:
            return
        lines = (self.requests, self.answers)
        if all(each.is_idle() and not each.stage.held_bytes for each in lines):
            self._connection.retire_desk()


class Requests(Pieces):
    """What the caller sends. A request that is answered here does not go on."""

    def __init__(self, desk: HttpDesk, link: Link, observer: Observer, *, followed: Scanner) -> None:
        super().__init__(followed)
        self.stage = _RequestStage(link, self, desk)
        self._desk = desk
        self._observer = observer
        self._withheld: Due | None = None

    def begin(self, head: bytes, *, start: int, passed: int) -> int | Body:
        line = request_line(head)
        fields = head.lower()
        body = request_body_of(fields)
        if line.method == "CONNECT":
            raise NotHttp
        plan = UNTOUCHED if passed else self._desk.plan(Asked(line, head, fields))
        due = Due(line.method, plan, line.minor, stays_open(fields, minor=line.minor))
        self._desk.owed.append(due)
        if plan.forward:
            self.stage.pass_on(head[passed:], late_s=plan.request_late_s)
        else:
            self._withheld = due
            self._observer.withheld(start, start + len(head))
            if body and expects_continue(fields):
                self._answer_and_close(due)
        return body

    def carry(self, data: bytes, at: int) -> None:
        if self._withheld is None:
            self.stage.pass_on(data)
        else:
            self._observer.withheld(at, at + len(data))

    def over(self) -> None:
        withheld, self._withheld = self._withheld, None
        if withheld is not None:
            withheld.ready = True
            self._desk.answers.give_what_is_ready()

    def follow_no_more(self) -> None:
        """A request that is withheld cannot be let go any more: it is answered, and the connection closed."""
        if self._withheld is not None and not self.opaque:
            self._answer_and_close(self._withheld)
        super().follow_no_more()

    def _answer_and_close(self, due: Due) -> None:
        """Answer a request before its body is over: what the caller sends next would be anybody's guess."""
        due.stays_open, due.ready = False, True
        self._desk.answers.give_what_is_ready()


class Answers(Pieces):
    """What the upstream sends, and what is answered here, in the order of the requests."""

    def __init__(self, desk: HttpDesk, link: Link, observer: Observer, *, followed: Scanner) -> None:
        super().__init__(followed)
        self.stage = _AnswerStage(link, self, desk, observer)
        self._desk = desk
        self._lost: Due | None = None
        self._gathering: _Gathering | None = None
        self._room: int | None = None
        self._under_way = not followed.is_in_head()
        self._interim = False

    def begin(self, head: bytes, *, start: int, passed: int) -> int | Body:
        line = status_line(head)
        self._interim = line.status < 200 and line.status != SWITCHING_PROTOCOLS
        if self._interim:
            self.stage.pass_on(head[passed:])
            return 0
        if not self._desk.owed or (line.status == SWITCHING_PROTOCOLS and not self._desk.owed[0].plan.instead):
            raise NotHttp
        due = self._desk.owed[0]
        body = answer_body_in(head, status=line.status, method=due.method)
        self._desk.owed.popleft()
        self._under_way = True
        if due.plan.instead is not None:
            due.stays_open &= body is not Body.UNTIL_CLOSE and stays_open(head.lower(), minor=line.minor)
            self._lost = due
            return body
        original = Original(head, line.status, due.method, body)
        if due.plan.edit.touches_body:
            self._gathering = _Gathering(due.plan, original)
        else:
            edited = head[passed:] if due.plan.edit == NOTHING else edited_head(original, due.plan.edit)
            self._give(due.plan, edited)
        return body

    def carry(self, data: bytes, at: int) -> None:
        if self._gathering is not None:
            self._gather(self._gathering, data)
        elif self._lost is None:
            self._give_body(data)

    def over(self) -> None:
        if self._interim:
            self._interim = False
            return
        self._under_way = False
        self.give_what_is_kept(whole=True)
        self.give_what_is_ready()
        self._room = None

    def follow_no_more(self) -> None:
        """What follows is no HTTP, or another protocol from now on: nothing that is owed can be told apart in it."""
        if not self.opaque:
            if self._lost is not None:
                self._lost.stays_open = False
            self.give_what_is_kept(whole=False)
        self._desk.owed.clear()
        super().follow_no_more()
        self._desk.requests.follow_no_more()

    def give_what_is_kept(self, *, whole: bool) -> None:
        """The upstream's answer is over: give the error in its place, or what it becomes; as it is if not `whole`."""
        lost, self._lost = self._lost, None
        gathering, self._gathering = self._gathering, None
        if lost is not None:
            self._give_own(lost)
        elif gathering is not None:
            self._give(gathering.plan, *(gathering.edited() if whole else gathering.untouched()))

    def give_what_is_ready(self) -> None:
        """Give the answers that are made here, as far as none of the upstream's comes before them."""
        owed = self._desk.owed
        while not self._under_way and owed and owed[0].ready:
            self._give_own(owed.popleft())

    def _give_own(self, due: Due) -> None:
        answer = due.plan.instead
        assert answer is not None
        self._give(due.plan, *render(answer, method=due.method, minor=due.minor, stays_open=due.stays_open))
        if not due.stays_open:
            self._desk.owed.clear()
            self.stage.close()

    def _give(self, plan: Plan, head: bytes, body: bytes = b"") -> None:
        self._room = plan.cut_after_bytes
        self._give_body(body, behind=head, late_s=plan.answer_late_s)

    def _give_body(self, data: bytes, *, behind: bytes = b"", late_s: float = 0.0) -> None:
        """Give of a body what may pass, in one piece with what stands before it."""
        allowed = data
        if self._room is not None:
            allowed, self._room = data[: self._room], max(0, self._room - len(data))
        self.stage.pass_on(behind + allowed, late_s=late_s)
        if len(allowed) < len(data):
            self.stage.close()

    def _gather(self, gathering: _Gathering, data: bytes) -> None:
        gathering.add(data)
        if gathering.is_too_long:
            self._gathering = None
            self._give(gathering.plan, *gathering.untouched())


class _Gathering:
    """An answer of the upstream that is kept until it is whole, because it becomes another."""

    def __init__(self, plan: Plan, original: Original) -> None:
        self.plan = plan
        self._original = original
        self._body = bytearray()

    def add(self, data: bytes) -> None:
        """More of the body; of one that is replaced whole nothing is kept."""
        if self.plan.edit.body is None:
            self._body += data

    @property
    def is_too_long(self) -> bool:
        """Claims that it is not to be kept any longer."""
        return len(self._body) > GATHERED_BYTES

    def edited(self) -> tuple[bytes, bytes]:
        """Head and body as they become."""
        return edited(replace(self._original, body=bytes(self._body)), self.plan.edit)

    def untouched(self) -> tuple[bytes, bytes]:
        """Head and body as far as they came; nothing of the body is changed."""
        return edited_head(self._original, self.plan.edit.without_body()), bytes(self._body)


class _Stage(DelayLine):
    """Gives pieces on at once, or late; what comes behind a late one waits for it."""

    def pass_on(self, data: bytes, *, late_s: float = 0.0) -> None:
        """Give bytes on, unless the connection is to be closed behind what came before."""
        if not data or self._ending is Ending.CUT:
            return
        now_s = self.link.now_s()
        if late_s or self.held_bytes:
            self.hold(data, now_s + late_s, due_s=now_s + late_s)
        else:
            self.outlet.receive(data, now_s)

    def close(self) -> None:
        """Close the connection behind what has been passed on."""
        DelayLine.finish(self, Ending.CUT)


class _RequestStage(_Stage):
    """Where the caller's bytes enter, and go on to the toxics of their direction."""

    def __init__(self, link: Link, pieces: Requests, desk: HttpDesk) -> None:
        super().__init__(link)
        self.outlet = Intake(link)
        self._pieces = pieces
        self._desk = desk

    def receive(self, data: bytes, at_s: float) -> None:
        self.link.note_read(data)
        self._pieces.feed(data)
        self._desk.retire()

    def finish(self, ending: Ending) -> None:
        self._pieces.end()
        super().finish(ending)

    def is_full(self) -> bool:
        """A caller that does not read its answers is not read from: many of them may be made here."""
        return super().is_full() or self.link.connection.down.is_full()


class _AnswerStage(_Stage):
    """Where the upstream's bytes enter; what goes on is what the observer is told of."""

    def __init__(self, link: Link, pieces: Answers, desk: HttpDesk, observer: Observer) -> None:
        super().__init__(link)
        self.outlet = _Told(link, observer)
        self._pieces = pieces
        self._desk = desk

    def receive(self, data: bytes, at_s: float) -> None:
        self._pieces.feed(data)
        self._desk.retire()

    def finish(self, ending: Ending) -> None:
        self._pieces.give_what_is_kept(whole=self._pieces.scanner.is_until_close())
        self._pieces.end()
        super().finish(ending)


class _Told(Intake):
    """Tells the observer of what goes on to the caller."""

    def __init__(self, link: Link, observer: Observer) -> None:
        super().__init__(link)
        self._observer = observer

    def receive(self, data: bytes, at_s: float) -> None:
        self._link.note_read(data)
        super().receive(data, at_s)

    def finish(self, ending: Ending) -> None:
        self._observer.upstream_ended()
        super().finish(ending)
