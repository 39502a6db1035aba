"""How many calls along an edge may be under way at once: places of its own, or with a defect a pool for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from seatrial.demo.calls import CallRejected
from seatrial.demo.edges import Edge

POOLED = 10
"""Places of a pool that all dependencies of a service share."""


class Places(Protocol):
    """Where a call finds its place, for as long as it is under way."""

    def place(self) -> AbstractAsyncContextManager[None]:
        """Around one call; `CallRejected` or a wait where none is free, as the kind has it."""
        ...


class OwnPlaces:
    """The places of one edge; with none free a call is refused at once, by `CallRejected`."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._under_way = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        if self._under_way >= self._edge.places:
            raise CallRejected(self._edge.callee, "no place free", retry_after_s=1.0)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1


class Pool:
    """`POOLED` places for whoever comes first; with none free a call waits, and its time does not count yet."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(POOLED)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        async with self._free:
            yield
