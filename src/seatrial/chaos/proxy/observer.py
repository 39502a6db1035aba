"""Watches one connection: its bytes both ways, and the HTTP/1 exchanges in them, without touching a byte.

A request counts from the moment its head arrived, before any toxic: the caller did send it. An answer counts as done
when its last byte was passed to the caller, after every toxic. On anything that is not HTTP/1 the observer gives up
quietly and the connection is counted as opaque.

Most messages come in one piece, on a connection where none is under way: these take a short way, on which everything
that can be remembered is. The scanners follow all others, and say the same.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.events import Counters, EventLog, Exchange, Fate
from seatrial.chaos.proxy.heads import (
    SWITCHING_PROTOCOLS,
    answer_body_in,
    may_be_request,
    may_be_status,
    request_head,
    status_in,
    whole_answer,
    whole_request,
)
from seatrial.chaos.proxy.scanner import Body, NotHttp, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.chaos.proxy.heads import RequestHead

_now_s = time.monotonic


class _Watched(Exchange):
    """An exchange while it is open, with where its parts lie in the two streams."""

    __slots__ = ("answer_start", "answer_stop", "head_stop", "request_start", "started_s")

    def __init__(self, observer: Observer, head: RequestHead, *, start: int, size: int) -> None:
        log = observer.log
        self.started_s = started_s = _now_s()
        self.id = log.next
        self.edge = observer.edge
        self.connection = observer.connection
        self.started_at = log.clock.epoch_of_monotonic + started_s
        self.method, self.path, self.trace_id, _, head_bytes = head
        self.forwarded_s = self.answered_s = self.first_byte_s = self.duration_s = None
        self.status: int | None = None
        self.request_bytes = size
        self.response_bytes = 0
        self.fate = Fate.OPEN
        self.request_start = start
        self.head_stop = start + head_bytes
        self.answer_start: int | None = None
        self.answer_stop: int | None = None


class _Requests:
    """Reads the caller's direction for an observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def head(self, head: bytes, start: int) -> int | Body:
        request = request_head(head)
        self._observer.request(request, start=start)
        if request.body is None:
            raise NotHttp
        return request.body

    def complete(self, stop: int) -> None:
        self._observer.request_complete(stop)


class _Answers:
    """Reads the upstream's direction for an observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._interim = False

    def head(self, head: bytes, start: int) -> int | Body:
        status = status_in(head)
        self._interim = status < 200 and status != SWITCHING_PROTOCOLS
        if self._interim:
            return 0
        method = self._observer.answer(status, start=start)
        if status == SWITCHING_PROTOCOLS:
            self._observer.answer_complete(start + len(head))
            raise NotHttp
        return answer_body_in(head, status=status, method=method)

    def complete(self, stop: int) -> None:
        if not self._interim:
            self._observer.answer_complete(stop)


class Observer:
    """The observer of connection number `connection` of the proxy `edge`.

    `held_up` and `held_down` bytes had been read before it came, and are still to be passed on. `on_idle` is called
    when it is to go, by a word of `leave` or because what comes is no HTTP, and nothing is open.
    """

    def __init__(
        self,
        edge: str,
        connection: int,
        *,
        counters: Counters,
        log: EventLog,
        on_idle: Callable[[], None] | None = None,
        held_up: int = 0,
        held_down: int = 0,
    ) -> None:
        self.edge = edge
        self.connection = connection
        self.log = log
        self._counters = counters
        self._on_idle = on_idle
        self._leaves = False
        self._follows = True
        self.opaque = False
        self._upstream_over = False
        self._requests = Scanner(_Requests(self), may_be_request)
        self._answers = Scanner(_Answers(self), may_be_status)
        self._open: deque[_Watched] = deque()
        self._unforwarded: deque[_Watched] = deque()
        self._unanswered: deque[_Watched] = deque()
        self._sending: _Watched | None = None
        self._answering: _Watched | None = None
        self._gaps: deque[tuple[int, int]] = deque()
        self._up_bytes = -held_up
        self._down_bytes = -held_down

    def sent(self, data: bytes) -> None:
        """The caller's next bytes have arrived."""
        if not self._follows:
            return
        requests = self._requests
        head = whole_request(data) if requests.between else None
        if head is None:
            self._follow(requests, data)
            if self._leaves:
                self.settle()  # the answer may have come before the request was over
            return
        start = requests.offset
        requests.offset = start + len(data)
        self._begin(_Watched(self, head, start=start, size=len(data)))

    def answered(self, data: bytes) -> None:
        """The upstream's next bytes have arrived."""
        if not self._follows:
            return
        answers, unanswered = self._answers, self._unanswered
        is_usual = answers.between and unanswered and unanswered[0].method != "HEAD"
        status = whole_answer(data) if is_usual else None
        if status is None:
            self._follow(answers, data)
            return
        watched = unanswered.popleft()
        watched.answered_s = _now_s() - watched.started_s
        watched.status = status
        watched.answer_start = start = answers.offset
        watched.answer_stop = answers.offset = start + len(data)
        watched.response_bytes = len(data)
        self._counters.by_status[status] += 1

    def passed_up(self, size: int) -> None:
        """So many bytes were written to the upstream."""
        self._up_bytes += size
        gaps = self._gaps
        while gaps and gaps[0][0] <= self._up_bytes:
            start, stop = gaps.popleft()
            self._up_bytes += stop - start
        waiting = self._unforwarded
        while waiting and waiting[0].head_stop <= self._up_bytes:
            watched = waiting.popleft()
            watched.forwarded_s = _now_s() - watched.started_s

    def withheld(self, start: int, stop: int) -> None:
        """The caller's bytes from `start` to before `stop` are answered here, and never passed to the upstream."""
        self._gaps.append((start, stop))
        self._unforwarded = deque(each for each in self._unforwarded if not start <= each.request_start < stop)
        self.passed_up(0)

    def scanners(self) -> tuple[Scanner, Scanner] | None:
        """Where the two directions stand, requests first; None when they are not followed."""
        return (self._requests, self._answers) if self._follows else None

    def unanswered_methods(self) -> list[str]:
        """The methods of the requests whose answers have not begun, oldest first."""
        return [each.method for each in self._unanswered]

    def leave(self) -> None:
        """Go as soon as nothing is open, and no message under way."""
        self._leaves = True
        self.settle()

    def stay(self) -> None:
        """Do not go, after all."""
        self._leaves = self.opaque

    def settle(self) -> None:
        """Go now, if it is to go and nothing is open, nor a message under way that is followed."""
        idle = self.opaque or (self._requests.between and self._answers.between)
        if self._leaves and idle and not self._open and self._on_idle is not None:
            self._on_idle()

    def passed_down(self, size: int) -> None:
        """So many bytes were written to the caller."""
        self._down_bytes = passed = self._down_bytes + size
        while self._open:
            first = self._open[0]
            if first.answer_start is None or first.answer_start >= passed:
                return
            if first.first_byte_s is None:
                first.first_byte_s = _now_s() - first.started_s
            if first.answer_stop is None or first.answer_stop > passed:
                return
            self._open.popleft()
            self._finish(first, Fate.DONE)

    def client_ended(self) -> None:
        """The caller ended its sending. An HTTP/1 caller that does so with an answer outstanding has given up."""
        self.closed(Fate.CLIENT_CLOSED)

    def upstream_ended(self) -> None:
        """The upstream sends no more: a body without a length is complete, other answers are not to come."""
        self._upstream_over = True
        answering = self._answering
        if answering is not None and not self.opaque and self._answers.is_until_close():
            self.answer_complete(self._answers.offset)
            self.passed_down(0)
        for watched in [each for each in self._open if each.answer_stop is None]:
            self._open.remove(watched)
            self._finish(watched, Fate.UPSTREAM_CLOSED)

    def closed(self, fate: Fate) -> None:
        """The connection is over, or might as well be: all that is open ends so, and nothing is followed after."""
        self._follows = False
        self._unforwarded.clear()
        while self._open:
            watched = self._open.popleft()
            unanswerable = self._upstream_over and watched.answer_stop is None
            self._finish(watched, Fate.UPSTREAM_CLOSED if unanswerable and fate is Fate.CUT else fate)

    def request(self, head: RequestHead, *, start: int) -> None:
        """A request's head, which began at `start`, has arrived."""
        self._sending = _Watched(self, head, start=start, size=head.size)
        self._begin(self._sending)

    def request_complete(self, stop: int) -> None:
        """The request under way ended before `stop`."""
        if self._sending is not None:
            self._sending.request_bytes = stop - self._sending.request_start
            self._sending = None

    def answer(self, status: int, *, start: int) -> str:
        """The final answer to the oldest unanswered request begins at `start`; gives that request's method."""
        if not self._unanswered:
            raise NotHttp
        watched = self._unanswered.popleft()
        watched.answer_start = start
        watched.status = status
        watched.answered_s = _now_s() - watched.started_s
        self._counters.by_status[status] += 1
        self._answering = watched
        return watched.method

    def answer_complete(self, stop: int) -> None:
        """The answer under way ended before `stop`."""
        answering, self._answering = self._answering, None
        if answering is not None and answering.answer_start is not None:
            answering.answer_stop = stop
            answering.response_bytes = stop - answering.answer_start

    def _follow(self, scanner: Scanner, data: bytes) -> None:
        try:
            scanner.feed(data)
        except NotHttp:
            self._follows = False
            self.opaque = True
            self._counters.connections_opaque += 1
            self.leave()

    def _begin(self, watched: _Watched) -> None:
        counters = self._counters
        counters.requests_total += 1
        counters.requests_open += 1
        self.log.add(watched)
        self._open.append(watched)
        self._unforwarded.append(watched)
        self._unanswered.append(watched)

    def _finish(self, watched: _Watched, fate: Fate) -> None:
        watched.fate = fate
        watched.duration_s = _now_s() - watched.started_s
        if watched is self._sending and not self.opaque:
            watched.request_bytes = self._requests.offset - watched.request_start
        if watched is self._answering and watched.answer_start is not None and not self.opaque:
            watched.response_bytes = self._answers.offset - watched.answer_start
        self._counters.requests_open -= 1
        self._counters.by_route.count(watched.method, watched.path, watched.status)
        self.log.add(watched)
        if self._leaves:
            self.settle()
