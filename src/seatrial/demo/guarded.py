"""How a request stands in the guard of its edge: the sound way, and ways that look alike and are defects.

A way takes the guard, what sends the request and what believes the answer (or raises), and gives answer and belief.
It retries nothing and knows no time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import httpx

from seatrial.demo.breaker import Guard
from seatrial.demo.defects import COUNTS_4XX, IGNORES_5XX, LOCK_ACROSS_CALL, UNAWAITED, Defects

Believed = TypeVar("Believed")
Send = Callable[[], Awaitable[httpx.Response]]
Believe = Callable[[httpx.Response], Believed]


class Way(Protocol):
    """Makes one call; raises what sending or believing raises, and `BreakerOpen`."""

    async def __call__(
        self, guard: Guard, send: Send, believe: Believe[Believed]
    ) -> tuple[httpx.Response, Believed]: ...


async def sound(guard: Guard, send: Send, believe: Believe[Believed]) -> tuple[httpx.Response, Believed]:
    """Sent and believed inside: what cannot be believed is a failure, as is what does not come."""
    with guard.calling():
        response = await send()
        return response, believe(response)


async def believed_outside(guard: Guard, send: Send, believe: Believe[Believed]) -> tuple[httpx.Response, Believed]:
    """Any answer is a success to the guard, also a 5xx."""
    with guard.calling():
        response = await send()
    return response, believe(response)


async def refusals_raised(guard: Guard, send: Send, believe: Believe[Believed]) -> tuple[httpx.Response, Believed]:
    """A 4xx is raised where the guard sees it, and so counts as a failure of who said so."""
    try:
        with guard.calling():
            response = await send()
            believed = believe(response)
            if response.is_client_error:
                raise _Refusal
    except _Refusal:
        pass
    return response, believed


async def awaited_outside(guard: Guard, send: Send, believe: Believe[Believed]) -> tuple[httpx.Response, Believed]:
    """What the guard sees is the making of a coroutine, which never fails."""
    with guard.calling():
        sending = send()
    response = await sending
    return response, believe(response)


class Locked:
    """One call at a time, the others wait: a lock that was meant for the guard's counts."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._lock = asyncio.Lock()

    async def __call__(self, guard: Guard, send: Send, believe: Believe[Believed]) -> tuple[httpx.Response, Believed]:
        async with self._lock:
            return await self._way(guard, send, believe)


def way_of(defects: Defects) -> Way:
    """The way of one edge; of several wrong ones the one that counts least."""
    way: Way = sound
    if defects.has(COUNTS_4XX):
        way = refusals_raised
    if defects.has(IGNORES_5XX):
        way = believed_outside
    if defects.has(UNAWAITED):
        way = awaited_outside
    return Locked(way) if defects.has(LOCK_ACROSS_CALL) else way


class _Refusal(Exception):
    """The answer was a 4xx."""
