"""Feed entries on their way: kept in a bounded queue after the customer was answered, delivered at least once.

The feed takes an entry by PUT under the charge's id, so delivering twice does no harm. When the feed is out,
entries wait for it, up to `MOST_AGE_S`; when too many wait, the oldest are dropped, never the customer's answer.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.demo import log
from seatrial.demo.calls import Call, EdgeError, Peer
from seatrial.demo.context import Context
from seatrial.demo.deadline import Deadline

SETTLING_S = 0.050
"""How long an entry rests before it is sent: a feed follows the money, it does not race it."""

MOST_WAITING = 1000
MOST_AGE_S = 30.0
COURIERS = 2
PAUSE_S = 0.5
FLUSH_S = 1.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """One entry to deliver on behalf of the request that caused it."""

    charge_id: str
    entry: Mapping[str, Any]
    context: Context
    posted_at_s: float


class Outbox:
    """Delivers entries along ``feed`` in the background, between `start` and `stop`."""

    def __init__(self, feed: Peer) -> None:
        self._feed = feed
        self._waiting: asyncio.Queue[Parcel] = asyncio.Queue(MOST_WAITING)
        self._couriers: list[asyncio.Task[None]] = []

    def post(self, charge_id: str, entry: Mapping[str, Any], context: Context) -> None:
        """Take an entry to deliver soon; never blocks, never fails."""
        if self._waiting.full():
            oldest = self._waiting.get_nowait()
            self._waiting.task_done()
            _dropped(oldest, "too many entries wait")
        self._waiting.put_nowait(Parcel(charge_id, entry, context, time.monotonic()))

    def start(self) -> None:
        self._couriers = [asyncio.create_task(self._work()) for _ in range(COURIERS)]

    async def stop(self) -> None:
        """Deliver what can be delivered within `FLUSH_S`, then end."""
        try:
            async with asyncio.timeout(FLUSH_S):
                await self._waiting.join()
        except TimeoutError:
            log.entries_lost(self._waiting.qsize())
        for courier in self._couriers:
            courier.cancel()
        await asyncio.gather(*self._couriers, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            parcel = await self._waiting.get()
            await self._deliver(parcel)
            self._waiting.task_done()

    async def _deliver(self, parcel: Parcel) -> None:
        await asyncio.sleep(parcel.posted_at_s + SETTLING_S - time.monotonic())
        while time.monotonic() - parcel.posted_at_s < MOST_AGE_S:
            context = parcel.context.until(Deadline.after(self._feed.edge.timeout_s * 2))
            try:
                await self._feed.call(Call("PUT", f"/entries/{parcel.charge_id}", parcel.entry), context)
            except EdgeError as error:
                await asyncio.sleep(random.uniform(PAUSE_S, 2 * PAUSE_S) + (error.retry_after_s or 0.0))
            else:
                return
        _dropped(parcel, "the feed was out for too long")


def _dropped(parcel: Parcel, reason: str) -> None:
    log.entry_dropped(parcel.context, charge_id=parcel.charge_id, reason=reason)
