"""Watches one connection: its bytes both ways, and the HTTP/1 exchanges in them, without touching a byte.

A request counts from the moment its head arrived, before any toxic: the caller did send it. An answer counts as done
when its last byte was passed to the caller, after every toxic. On anything that is not HTTP/1 the observer gives up
quietly and the connection is counted as opaque.
"""

from __future__ import annotations

import re
import time
from collections import deque
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.events import Change, Counters, EventLog, Exchange, Fate
from seatrial.chaos.proxy.scanner import Body, NotHttp, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH_CHARACTERS = 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^ \r\n]+) HTTP/1\.[01]\r\n")
_REQUEST_START = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?: [^\r\n]*)?\r?\Z")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")
_STATUS_START = b"HTTP/1."
_CODING_FIELD = b"\r\ntransfer-encoding:"
_LENGTH_FIELD = b"\r\ncontent-length:"
_TRACE_PARENT_FIELD = b"\r\ntraceparent:"
_TRACE_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-")
_SWITCHING_PROTOCOLS = 101
_BODYLESS = frozenset((204, 304))


class _Watched:
    """An exchange while it is open, with where its parts lie in the two streams."""

    __slots__ = ("answer_start", "answer_stop", "exchange", "head_stop", "request_start", "started_s")

    def __init__(self, exchange: Exchange, *, request_start: int, head_stop: int) -> None:
        self.exchange = exchange
        self.request_start = request_start
        self.head_stop = head_stop
        self.started_s = time.monotonic()
        self.answer_start: int | None = None
        self.answer_stop: int | None = None

    def age_s(self) -> float:
        return time.monotonic() - self.started_s


class _Requests:
    """Reads the caller's direction for an observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def head(self, head: bytes, start: int) -> int | Body:
        line = _REQUEST_LINE.match(head)
        if line is None:
            raise NotHttp
        fields = head.lower()
        self._observer.request(
            line[1].decode("ascii"), _path(line[2]), trace_id=_trace_id(fields), start=start, size=len(head)
        )
        if line[1] == b"CONNECT":
            raise NotHttp
        body = _body_of(fields)
        return 0 if body is None or body is Body.UNTIL_CLOSE else body

    def complete(self, stop: int) -> None:
        self._observer.request_complete(stop)


class _Answers:
    """Reads the upstream's direction for an observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._interim = False

    def head(self, head: bytes, start: int) -> int | Body:
        line = _STATUS_LINE.match(head)
        if line is None:
            raise NotHttp
        status = int(line[1])
        self._interim = status < 200 and status != _SWITCHING_PROTOCOLS
        if self._interim:
            return 0
        method = self._observer.answer(status, start=start)
        if status == _SWITCHING_PROTOCOLS:
            self._observer.answer_complete(start + len(head))
            raise NotHttp
        if status in _BODYLESS or method == "HEAD":
            return 0
        body = _body_of(head.lower())
        return Body.UNTIL_CLOSE if body is None else body

    def complete(self, stop: int) -> None:
        if not self._interim:
            self._observer.answer_complete(stop)


class Observer:
    """The observer of connection number `connection` of the proxy `edge`."""

    def __init__(self, edge: str, connection: int, *, counters: Counters, log: EventLog) -> None:
        self._edge = edge
        self._connection = connection
        self._counters = counters
        self._log = log
        self._opaque = False
        self._over = False
        self._upstream_over = False
        self._requests = Scanner(_Requests(self), _may_be_request)
        self._answers = Scanner(_Answers(self), _may_be_status)
        self._open: deque[_Watched] = deque()
        self._unforwarded: deque[_Watched] = deque()
        self._unanswered: deque[_Watched] = deque()
        self._sending: _Watched | None = None
        self._answering: _Watched | None = None
        self._up_bytes = 0
        self._down_bytes = 0
        self.bytes_seen = False
        self.on_first_bytes: Callable[[], None] | None = None

    def sent(self, data: bytes) -> None:
        """The caller's next bytes have arrived."""
        self.bytes_seen = True
        self._counters.bytes_up += len(data)
        self._follow(self._requests, data)
        if self.on_first_bytes is not None:
            self.on_first_bytes()

    def answered(self, data: bytes) -> None:
        """The upstream's next bytes have arrived."""
        self._counters.bytes_down += len(data)
        self._follow(self._answers, data)

    def passed_up(self, size: int) -> None:
        """So many bytes were written to the upstream."""
        self._up_bytes += size
        waiting = self._unforwarded
        while waiting and waiting[0].head_stop <= self._up_bytes:
            watched = waiting.popleft()
            watched.exchange.forwarded_s = watched.age_s()

    def passed_down(self, size: int) -> None:
        """So many bytes were written to the caller."""
        self._down_bytes += size
        while self._open:
            first = self._open[0]
            if first.answer_start is None or first.answer_start >= self._down_bytes:
                return
            if first.exchange.first_byte_s is None:
                first.exchange.first_byte_s = first.age_s()
            if first.answer_stop is None or first.answer_stop > self._down_bytes:
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
        if answering is not None and not self._opaque and self._answers.is_until_close():
            self.answer_complete(self._answers.offset)
            self.passed_down(0)
        for watched in [each for each in self._open if each.answer_stop is None]:
            self._open.remove(watched)
            self._finish(watched, Fate.UPSTREAM_CLOSED)

    def closed(self, fate: Fate) -> None:
        """The connection is over, or might as well be: all that is open ends so, and nothing is followed after."""
        self._over = True
        self._unforwarded.clear()
        while self._open:
            watched = self._open.popleft()
            unanswerable = self._upstream_over and watched.answer_stop is None
            self._finish(watched, Fate.UPSTREAM_CLOSED if unanswerable and fate is Fate.CUT else fate)

    def request(self, method: str, path: str, *, trace_id: str | None, start: int, size: int) -> None:
        """A request's head of `size` bytes, which began at `start`, has arrived."""
        exchange = Exchange(
            id=self._log.next,
            edge=self._edge,
            connection=self._connection,
            started_at=self._log.clock.now(),
            method=method,
            path=path,
            trace_id=trace_id,
            request_bytes=size,
        )
        watched = _Watched(exchange, request_start=start, head_stop=start + size)
        self._log.add(Change.START, exchange)
        self._counters.requests_total += 1
        self._counters.requests_open += 1
        self._open.append(watched)
        self._unforwarded.append(watched)
        self._unanswered.append(watched)
        self._sending = watched

    def request_complete(self, stop: int) -> None:
        """The request under way ended before `stop`."""
        if self._sending is not None:
            self._sending.exchange.request_bytes = stop - self._sending.request_start
            self._sending = None

    def answer(self, status: int, *, start: int) -> str:
        """The final answer to the oldest unanswered request begins at `start`; gives that request's method."""
        if not self._unanswered:
            raise NotHttp
        watched = self._unanswered.popleft()
        watched.answer_start = start
        watched.exchange.status = status
        watched.exchange.answered_s = watched.age_s()
        self._counters.by_status[status] += 1
        self._answering = watched
        return watched.exchange.method

    def answer_complete(self, stop: int) -> None:
        """The answer under way ended before `stop`."""
        answering, self._answering = self._answering, None
        if answering is not None and answering.answer_start is not None:
            answering.answer_stop = stop
            answering.exchange.response_bytes = stop - answering.answer_start

    def _follow(self, scanner: Scanner, data: bytes) -> None:
        if self._opaque or self._over:
            return
        try:
            scanner.feed(data)
        except NotHttp:
            self._opaque = True
            self._counters.connections_opaque += 1

    def _finish(self, watched: _Watched, fate: Fate) -> None:
        exchange = watched.exchange
        exchange.fate = fate
        exchange.duration_s = watched.age_s()
        if watched is self._sending and not self._opaque:
            exchange.request_bytes = self._requests.offset - watched.request_start
        if watched is self._answering and watched.answer_start is not None and not self._opaque:
            exchange.response_bytes = self._answers.offset - watched.answer_start
        self._counters.requests_open -= 1
        self._log.add(Change.END, exchange)


def _may_be_request(start: bytes) -> bool:
    wanted = _REQUEST_LINE if b"\r\n" in start else _REQUEST_START
    return wanted.match(start) is not None


def _may_be_status(start: bytes) -> bool:
    return start.startswith(_STATUS_START) or _STATUS_START.startswith(start)


def _path(target: bytes) -> str:
    """The path of a request target, without query; an absolute URL loses its origin."""
    path = target.partition(b"?")[0]
    if path[:1] != b"/" and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path[:_PATH_CHARACTERS].decode("latin-1")


def _field(fields: bytes, name: bytes) -> bytes | None:
    """The first value of a header in a lower-cased head; `name` with the line end before it and its colon."""
    found = fields.find(name)
    if found < 0:
        return None
    start = found + len(name)
    return fields[start : fields.find(b"\r\n", start)].strip()


def _trace_id(fields: bytes) -> str | None:
    """The trace id of a W3C `traceparent` header."""
    value = _field(fields, _TRACE_PARENT_FIELD)
    found = _TRACE_PARENT.match(value) if value else None
    return found[1].decode("ascii") if found else None


def _body_of(fields: bytes) -> int | Body | None:
    """How long the body is; Transfer-Encoding wins over Content-Length (RFC 9112, 6.3); None: neither is there."""
    coding = _field(fields, _CODING_FIELD)
    if coding is not None:
        return Body.CHUNKED if coding.endswith(b"chunked") else Body.UNTIL_CLOSE
    length = _field(fields, _LENGTH_FIELD)
    if length is None:
        return None
    if not length.isdigit():
        raise NotHttp
    return int(length)
