"""The client of one edge: everything a caller does so that a failing dependency stays that one's problem.

Around each call, from the outside in: a place (bulkhead; none free, refused at once), a deadline over the
call as a whole, retries (idempotent calls only, within deadline and budget, after a jittered pause), the
breaker, and the request itself by httpx, whose answer is checked before it is believed.

A call that ran out of time has none left, so timeouts are never retried. An answer that says *I am well but
my own dependency is out* (`UNAVAILABLE` header) is not held against the
peer and not retried: whoever is next to the trouble has done so already.
"""

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import orjson

from seatrial.demo import log
from seatrial.demo.breaker import SLOW_RATIO, BreakerOpen, EdgeBreaker, Guard, NeverOpens
from seatrial.demo.context import Context
from seatrial.demo.deadline import NEVER, Deadline
from seatrial.demo.defects import NO_BREAKER, NO_TIMEOUT, Defects
from seatrial.demo.edges import Edge
from seatrial.demo.line import Line
from seatrial.demo.retry import RetryBudget, pause_s

IDEMPOTENCY_KEY = "idempotency-key"
UNAVAILABLE = "x-unavailable-dependency"

KEEPALIVE_S = 2.0
"""How long an idle connection is kept; shorter than any peer keeps it, so that it is ours to close."""

FRESH_S = 1.0
"""For how long a successful call shows that a peer is there."""

ANSWER_MARGIN_S = 0.010
"""What is kept back from a request's deadline for answering it."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_TRANSIENT = frozenset({502, 503})

Shape = Mapping[str, type]
"""Fields a successful answer must have, and their JSON types."""


class EdgeError(Exception):
    """A call brought no usable answer.

    ├── CallRejected      not sent: circuit open, or no place free
    ├── CallTimedOut      the deadline passed first
    ├── CallFailed        no connection, connection lost, unreadable answer, or 5xx
    └── PeerUnavailable   the peer is well, but a dependency of its own is out

    ``status`` is what whoever asked us is to be told.
    """

    status = 503

    def __init__(self, dependency: str, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{dependency}: {reason}")
        self.dependency = dependency
        self.reason = reason
        self.retry_after_s = retry_after_s


class CallRejected(EdgeError):
    """Nothing was sent."""


class CallTimedOut(EdgeError, TimeoutError):
    """Whether the peer did the work is unknown."""

    status = 504


class CallFailed(EdgeError):
    """``is_transient`` when the same call may well succeed a moment later."""

    def __init__(
        self, dependency: str, reason: str, *, is_transient: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(dependency, reason, retry_after_s=retry_after_s)
        self.is_transient = is_transient


class PeerUnavailable(EdgeError):
    """``status`` is what the peer answered: 503 or 504."""

    def __init__(self, dependency: str, reason: str, *, status: int, retry_after_s: float | None) -> None:
        super().__init__(dependency, reason, retry_after_s=retry_after_s)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make: ``path`` from the peer's root, ``body`` sent as JSON."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    key: str | None = None
    shape: Shape = field(default_factory=dict)

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _IDEMPOTENT or self.key is not None


@dataclass(frozen=True, slots=True)
class Reply:
    """A usable answer: 2xx of the asked shape, or 4xx. ``body`` is empty for an answer without one."""

    status: int
    body: Mapping[str, Any]


class EdgeClient:
    """Calls along one edge. ``url`` is the peer's root; ``transport`` replaces the network in tests."""

    def __init__(
        self,
        edge: Edge,
        url: str,
        *,
        defects: Defects,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.edge = edge
        self._patient = defects.has(NO_TIMEOUT)
        self._guard = _guard(edge, defects)
        self._budget = RetryBudget()
        self._under_way = 0
        self._succeeded_at_s = -FRESH_S
        self._url = url.rstrip("/")
        self._transport = transport
        self._line = Line(self._connect)

    async def call(self, call: Call, context: Context) -> Reply:
        """Make a call on behalf of a request; raises `EdgeError`."""
        with self._place():
            self._budget.earn()
            deadline = self._deadline(context)
            if deadline.remaining_s() <= 0:
                raise CallTimedOut(self.edge.callee, "no time left to call it")
            return await self._attempts(call, context.until(deadline))

    async def check(self, context: Context) -> None:
        """Raise `EdgeError` if the peer is out. Recent success counts; without it the peer's liveness is asked.

        Through the breaker as any call: an open one is answer enough, and sends nothing.
        """
        if not self._guard.is_closed() or time.monotonic() - self._succeeded_at_s > FRESH_S:
            await self.call(Call("GET", "/healthz"), context)

    async def close(self) -> None:
        await self._line.close()

    def _connect(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=None if self._patient else self.edge.timeout_s / 2),
            limits=httpx.Limits(max_keepalive_connections=self.edge.places, keepalive_expiry=KEEPALIVE_S),
            transport=self._transport,
            verify=_tls(),
            trust_env=False,
        )

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._under_way >= self.edge.places:
            raise CallRejected(self.edge.callee, "no place free", retry_after_s=1.0)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def _deadline(self, context: Context) -> Deadline:
        if self._patient:
            return NEVER
        own = Deadline.after(self.edge.timeout_s)
        return own.sooner(context.deadline.earlier_by(ANSWER_MARGIN_S))

    async def _attempts(self, call: Call, context: Context) -> Reply:
        for attempt in range(1, self.edge.retries + 1):
            try:
                return await self._attempt(call, context)
            except CallFailed as failure:
                pause = max(pause_s(attempt), failure.retry_after_s or 0.0)
                if not self._may_retry(call, failure, left_s=context.deadline.remaining_s() - pause):
                    raise
            await asyncio.sleep(pause)
        return await self._attempt(call, context)

    def _may_retry(self, call: Call, failure: CallFailed, *, left_s: float) -> bool:
        return (
            call.is_idempotent
            and failure.is_transient
            and left_s > 0
            and self._guard.is_closed()
            and self._budget.spend()
        )

    async def _attempt(self, call: Call, context: Context) -> Reply:
        try:
            with self._guard.calling():
                response = await self._send(call, context)
                reply = _believed(self.edge.callee, call, response)
        except BreakerOpen as error:
            raise CallRejected(self.edge.callee, "circuit open", retry_after_s=error.retry_after_s) from None
        except EdgeError as error:
            log.failed_call(self.edge.name, context, what=f"{call.method} {call.path}", reason=error.reason)
            raise
        if reply.status >= 500:
            raise _unavailable(self.edge.callee, response)
        self._succeeded_at_s = time.monotonic()
        return reply

    async def _send(self, call: Call, context: Context) -> httpx.Response:
        callee = self.edge.callee
        try:
            async with asyncio.timeout(context.deadline.timeout_s()):
                return await self._line.send(
                    call.method, self._url + call.path, headers=_headers(call, context), content=_content(call)
                )
        except TimeoutError:
            raise CallTimedOut(callee, "timed out") from None
        except httpx.ConnectTimeout:
            raise CallFailed(callee, "connecting timed out", is_transient=True) from None
        except httpx.TransportError as error:
            raise CallFailed(callee, f"{type(error).__name__}: {error}", is_transient=True) from None


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificates takes 20 ms, which a renewed client must not cost its callers."""
    return httpx.create_ssl_context(trust_env=False)


def _guard(edge: Edge, defects: Defects) -> Guard:
    if defects.has(NO_BREAKER):
        return NeverOpens()
    return EdgeBreaker(edge.timeout_s * SLOW_RATIO, changed=lambda state: log.breaker_changed(edge.name, state=state))


def _headers(call: Call, context: Context) -> dict[str, str]:
    headers = context.headers()
    if call.key is not None:
        headers[IDEMPOTENCY_KEY] = call.key
    if call.body is not None:
        headers["content-type"] = "application/json"
    return headers


def _content(call: Call) -> bytes | None:
    return None if call.body is None else orjson.dumps(call.body)


def _believed(callee: str, call: Call, response: httpx.Response) -> Reply:
    """The answer, if it is one to act on; raises `CallFailed` for 5xx and for what cannot be read."""
    if response.status_code >= 500 and UNAVAILABLE not in response.headers:
        raise CallFailed(
            callee,
            f"answered {response.status_code}",
            is_transient=response.status_code in _TRANSIENT,
            retry_after_s=_retry_after_s(response),
        )
    body = _json_object(callee, response)
    wrong = [name for name, kind in call.shape.items() if not isinstance(body.get(name), kind)]
    if response.is_success and wrong:
        raise CallFailed(callee, f"answer without a proper {wrong[0]!r}", is_transient=False)
    return Reply(response.status_code, body)


def _json_object(callee: str, response: httpx.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise CallFailed(callee, f"answer is no JSON: {error}", is_transient=True) from None
    if not isinstance(body, dict):
        raise CallFailed(callee, "answer is no JSON object", is_transient=False)
    return body


def _unavailable(callee: str, response: httpx.Response) -> PeerUnavailable:
    return PeerUnavailable(
        response.headers[UNAVAILABLE],
        f"out, says {callee}",
        status=504 if response.status_code == 504 else 503,
        retry_after_s=_retry_after_s(response),
    )


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header; a date is read as long enough never to be waited for."""
    value = response.headers.get("retry-after")
    if value is None:
        return None
    return float(value) if value.isdecimal() else float("inf")
