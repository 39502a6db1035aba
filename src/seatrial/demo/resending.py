"""Which failed call is sent again, and when: as a healthy service does it, or with a defect around it.

A `Sending` makes a call; what is here takes one and gives one that may send more than once.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx

from seatrial.demo.breaker import Guard
from seatrial.demo.calls import TRANSIENT, UNAVAILABLE, Call, CallFailed, CallRejected, CallTimedOut, Reply
from seatrial.demo.context import Context
from seatrial.demo.deadline import Deadline
from seatrial.demo.defects import (
    NO_BACK_OFF,
    RETRIES_4XX,
    RETRIES_OPEN,
    RETRIES_UNSAFE,
    RETRY_STORM,
    Defects,
)
from seatrial.demo.edges import Edge
from seatrial.demo.retry import RetryBudget, pause_s

Sending = Callable[[Call, Context], Awaitable[Reply]]
Delivery = Callable[[Call, Context], Awaitable[httpx.Response]]
Pause = Callable[[int, CallFailed], float]

STORM_TRIES = 3
STORM_PAUSE_S = 0.010
OPEN_PAUSE_S = 0.005


def resending(send: Sending, edge: Edge, guard: Guard, *, defects: Defects) -> Sending:
    """``send`` with the retries of an edge around it."""
    sent = thrice(send) if defects.has(RETRY_STORM) else Retries(edge, guard, pausing(defects)).around(send)
    if defects.has(RETRIES_UNSAFE):
        sent = again_under_another_key(sent, edge.timeout_s)
    if defects.has(RETRIES_OPEN):
        sent = until_let_through(sent)
    if defects.has(RETRIES_4XX):
        sent = twice_for_4xx(sent)
    return sent


def delivering(deliver: Delivery, defects: Defects) -> Delivery:
    """``deliver``, which is one request, or with `RETRY_STORM` the retries of a library that has some of its own."""
    return delivered_thrice(deliver) if defects.has(RETRY_STORM) else deliver


def sendings_in_a_row(defects: Defects) -> int:
    """How many times the timeout of its edge a call may take."""
    return 2 if defects.has(RETRIES_UNSAFE) else 1


def pausing(defects: Defects) -> Pause:
    """How long to wait before retry number n (from 1) of a call that failed."""

    def pause(attempt: int, failure: CallFailed) -> float:
        own_s = 0.0 if defects.has(NO_BACK_OFF) else pause_s(attempt)
        asked_s = 0.0 if defects.has(RETRIES_4XX) else failure.retry_after_s or 0.0
        return max(own_s, asked_s)

    return pause


class Retries:
    """The retries of a healthy edge: idempotent calls only, within deadline and budget, by a closed breaker."""

    def __init__(self, edge: Edge, guard: Guard, pause: Pause) -> None:
        self._most = edge.retries
        self._guard = guard
        self._pause = pause
        self._budget = RetryBudget()

    def around(self, send: Sending) -> Sending:
        async def sent(call: Call, context: Context) -> Reply:
            self._budget.earn()
            for attempt in range(1, self._most + 1):
                try:
                    return await send(call, context)
                except CallFailed as failure:
                    pause = self._pause(attempt, failure)
                    if not self._may_retry(call, failure, left_s=context.deadline.remaining_s() - pause):
                        raise
                await asyncio.sleep(pause)
            return await send(call, context)

        return sent

    def _may_retry(self, call: Call, failure: CallFailed, *, left_s: float) -> bool:
        return (
            call.is_idempotent
            and failure.is_transient
            and left_s > 0
            and self._guard.is_closed()
            and self._budget.spend()
        )


def thrice(send: Sending) -> Sending:
    """Up to `STORM_TRIES` sendings, whatever is sent again further down."""

    async def sent(call: Call, context: Context) -> Reply:
        for _ in range(STORM_TRIES - 1):
            try:
                return await send(call, context)
            except CallFailed as failure:
                if not (call.is_idempotent and failure.is_transient):
                    raise
            await asyncio.sleep(random.uniform(0.0, STORM_PAUSE_S))
        return await send(call, context)

    return sent


def delivered_thrice(deliver: Delivery) -> Delivery:
    """Up to `STORM_TRIES` requests for one sending, unseen by the breaker, which is further up."""

    async def delivered(call: Call, context: Context) -> httpx.Response:
        for _ in range(STORM_TRIES - 1 if call.is_idempotent else 0):
            try:
                response = await deliver(call, context)
            except CallFailed:
                pass
            else:
                if not _is_passing(response):
                    return response
            await asyncio.sleep(random.uniform(0.0, STORM_PAUSE_S))
        return await deliver(call, context)

    return delivered


def _is_passing(response: httpx.Response) -> bool:
    return response.status_code in TRANSIENT and UNAVAILABLE not in response.headers


def again_under_another_key(send: Sending, timeout_s: float) -> Sending:
    """A call that timed out is sent again, and its key is made anew, as if it had not been done."""

    async def sent(call: Call, context: Context) -> Reply:
        try:
            return await send(call, _within(context, timeout_s))
        except CallTimedOut:
            again = replace(call, key=None if call.key is None else secrets.token_hex(8))
            return await send(again, _within(context, timeout_s))

    return sent


def _within(context: Context, timeout_s: float) -> Context:
    return context.until(Deadline.after(timeout_s).sooner(context.deadline))


def until_let_through(send: Sending) -> Sending:
    """A call an open breaker rejects is tried again every few milliseconds, as long as there is time."""

    async def sent(call: Call, context: Context) -> Reply:
        while True:
            try:
                return await send(call, context)
            except CallRejected:
                if context.deadline.remaining_s() <= OPEN_PAUSE_S:
                    raise
            await asyncio.sleep(OPEN_PAUSE_S)

    return sent


def twice_for_4xx(send: Sending) -> Sending:
    """A 4xx is taken for trouble that passes."""

    async def sent(call: Call, context: Context) -> Reply:
        reply = await send(call, context)
        if not (call.is_idempotent and 400 <= reply.status < 500):
            return reply
        await asyncio.sleep(pause_s(1))
        return await send(call, context)

    return sent
