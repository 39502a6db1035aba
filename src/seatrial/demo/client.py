"""The client of one edge: everything a caller does so that a failing dependency stays that one's problem.

Around each call, from the outside in: a place (bulkhead; none free, refused at once), a deadline over the
call as a whole, retries (idempotent calls only, within deadline and budget, after a jittered pause), the
breaker, and the request itself by httpx, whose answer is checked before it is believed.

A call that ran out of time has none left, so timeouts are never retried. An answer that says *I am well but
my own dependency is out* (`UNAVAILABLE` header) is not held against the
peer and not retried: whoever is next to the trouble has done so already.
"""

import asyncio
import time

import httpx
import orjson

from seatrial.demo import log
from seatrial.demo.believing import believing, unavailable
from seatrial.demo.breaker import BreakerOpen
from seatrial.demo.calls import (
    IDEMPOTENCY_KEY,
    Call,
    CallFailed,
    CallRejected,
    CallTimedOut,
    EdgeError,
    Reply,
)
from seatrial.demo.context import Context
from seatrial.demo.defects import Defects
from seatrial.demo.edges import Edge
from seatrial.demo.guarded import way_of
from seatrial.demo.guards import Guards
from seatrial.demo.line import Line
from seatrial.demo.reading import reading
from seatrial.demo.resending import delivering, resending, sendings_in_a_row
from seatrial.demo.transport import transport_of
from seatrial.demo.waiting import as_waited_for, waiting_of

KEEPALIVE_S = 2.0
"""How long an idle connection is kept; shorter than any peer keeps it, so that it is ours to close."""

FRESH_S = 1.0
"""For how long a successful call shows that a peer is there."""


class EdgeClient:
    """Calls along one edge. ``url`` is the peer's root; ``transport`` replaces the network in tests.

    ``guards`` are those of the service whose edge it is; without them the edge is guarded as if it were the only one.
    """

    def __init__(
        self,
        edge: Edge,
        url: str,
        *,
        defects: Defects,
        guards: Guards | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.edge = as_waited_for(edge, defects)
        self._waiting = waiting_of(self.edge, defects, sendings=sendings_in_a_row(defects))
        guards = guards or Guards(defects)
        self._guard = guards.of(self.edge)
        self._places = guards.places_of(self.edge)
        self._way = way_of(defects)
        self._send = delivering(self._exchange, defects)
        self._attempts = resending(self._attempt, self.edge, self._guard, defects=defects)
        self._succeeded_at_s = -FRESH_S
        self._url = url.rstrip("/")
        self._transport = transport
        self._defects = defects
        self._believe = believing(defects)
        self._addresses: dict[str, str] = {}
        self._line = Line(self._connect, reading(defects))

    async def call(self, call: Call, context: Context) -> Reply:
        """Make a call on behalf of a request; raises `EdgeError`."""
        async with self._places.place():
            deadline = self._waiting.deadline(context)
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
        limits = httpx.Limits(max_keepalive_connections=self.edge.places, keepalive_expiry=KEEPALIVE_S)
        return httpx.AsyncClient(
            timeout=self._waiting.each,
            transport=self._transport or transport_of(self._defects, limits, self._addresses),
            trust_env=False,
        )

    async def _attempt(self, call: Call, context: Context) -> Reply:
        try:
            response, reply = await self._way(
                self._guard,
                lambda: self._send(call, context),
                lambda response: self._believe(self.edge.callee, call, response),
            )
        except BreakerOpen as error:
            raise CallRejected(self.edge.callee, "circuit open", retry_after_s=error.retry_after_s) from None
        except EdgeError as error:
            log.failed_call(self.edge.name, context, what=f"{call.method} {call.path}", reason=error.reason)
            raise
        if reply.status >= 500:
            raise unavailable(self.edge.callee, response)
        self._succeeded_at_s = time.monotonic()
        return reply

    async def _exchange(self, call: Call, context: Context) -> httpx.Response:
        callee = self.edge.callee
        try:
            async with asyncio.timeout(context.deadline.timeout_s()):
                return await self._line.send(
                    call.method, self._url + call.path, headers=_headers(call, context), content=_content(call)
                )
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            raise CallTimedOut(callee, "timed out") from None
        except httpx.ConnectTimeout:
            raise CallFailed(callee, "connecting timed out", is_transient=True) from None
        except httpx.TransportError as error:
            raise CallFailed(callee, f"{type(error).__name__}: {error}", is_transient=True) from None


def _headers(call: Call, context: Context) -> dict[str, str]:
    headers = context.headers()
    if call.key is not None:
        headers[IDEMPOTENCY_KEY] = call.key
    if call.body is not None:
        headers["content-type"] = "application/json"
    return headers


def _content(call: Call) -> bytes | None:
    return None if call.body is None else orjson.dumps(call.body)
