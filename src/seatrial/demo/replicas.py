"""The replicas of a service, called as if they were one: by the client's own choice of the faster.

A call goes to the replica that answered faster of late; now and then a read goes to another, to see how that one is.
A read that takes longer than `HEDGE_AFTER_S` goes to the next one, too (a hedge), within a budget; the first answer
counts, and the call that lost is cancelled, which ends its work at the replica. What one replica refuses or fails is
given to the next where that is safe. Each replica has an edge of its own, with its breaker, places and retries.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from seatrial.demo.calls import Call, CallFailed, CallRejected, CallTimedOut, EdgeError, Peer, Reply
from seatrial.demo.context import Context
from seatrial.demo.defects import LOSERS_RUN_ON, Defects
from seatrial.demo.edges import Edge
from seatrial.demo.retry import RetryBudget

HEDGE_AFTER_S = 0.030
LOOK_EVERY = 20
"""Of how many reads one goes to a replica that is not the fastest."""

NEWEST = 0.5
"""The weight of the newest call in how fast a replica is."""


def peer_of(edge: Edge, urls: Sequence[str], defects: Defects, connect: Callable[[Edge, str], Peer]) -> Peer:
    """What calls along an edge go to: the service at the one address, or its replicas at several."""
    peers = [connect(edge_of(edge, number), url) for number, url in enumerate(urls, start=1)]
    return peers[0] if len(peers) == 1 else Replicas(edge, peers, defects)


def edge_of(edge: Edge, number: int) -> Edge:
    """The edge to a replica by its number from 1: cards->ledger, cards->ledger2."""
    return edge if number == 1 else replace(edge, callee=f"{edge.callee}{number}")


class Replica:
    """One of them, and how long its calls took of late (seconds); what failed counts as a whole timeout."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.takes_s = 0.0

    async def call(self, call: Call, context: Context) -> Reply:
        started_s = time.monotonic()
        took_s = None
        try:
            return await self.peer.call(call, context)
        except EdgeError:
            took_s = self.peer.edge.timeout_s
            raise
        finally:  # a call that was cancelled took at least until then
            self.takes_s += NEWEST * ((took_s or time.monotonic() - started_s) - self.takes_s)


class Replicas:
    """Two or more replicas of the service at the end of an edge."""

    def __init__(self, edge: Edge, peers: Sequence[Peer], defects: Defects) -> None:
        self.edge = edge
        self._replicas = [Replica(peer) for peer in peers]
        self._reads = itertools.count(1)
        self._hedges = RetryBudget()
        self._losers_run_on = defects.has(LOSERS_RUN_ON)
        self._running: set[asyncio.Task[Reply]] = set()

    async def call(self, call: Call, context: Context) -> Reply:
        """Make a call on behalf of a request; raises the `EdgeError` of the replica that was asked last."""
        if call.method == "GET":
            return await self._read(call, context)
        return await self._write(call, context)

    async def check(self, context: Context) -> None:
        """Raise `EdgeError` if every replica is out."""
        for replica in self._fastest_first():
            try:
                return await replica.peer.check(context)
            except EdgeError as error:
                last = error
        raise last

    async def close(self) -> None:
        for replica in self._replicas:
            await replica.peer.close()

    def _fastest_first(self) -> list[Replica]:
        return sorted(self._replicas, key=lambda replica: replica.takes_s)

    async def _write(self, call: Call, context: Context) -> Reply:
        *others, last = self._fastest_first()
        for replica in others:
            try:
                return await replica.call(call, context)
            except CallRejected:
                continue  # nothing was sent
            except CallFailed as failure:
                if not (call.is_idempotent and failure.is_transient):
                    raise
        return await last.call(call, context)

    async def _read(self, call: Call, context: Context) -> Reply:
        replicas = self._fastest_first()
        if next(self._reads) % LOOK_EVERY == 0:
            replicas.append(replicas.pop(0))
        self._hedges.earn()
        return await self._raced(replicas, call, context)

    async def _raced(self, replicas: Sequence[Replica], call: Call, context: Context) -> Reply:
        """The first answer of replicas that start one after another, each when those before it failed in time, or are
        late and the budget has a hedge."""
        running: list[asyncio.Task[Reply]] = []
        try:
            for replica in replicas:
                if _is_late(running) and not self._hedges.spend():
                    await _first_answer(running, within_s=None)
                if any(map(_timed_out, running)):
                    break  # there is no time for another
                if answered := _answered(running):
                    return answered.result()
                running.append(self._started(replica.call(call, context)))
                await _first_answer(running, within_s=HEDGE_AFTER_S)
            await _first_answer(running, within_s=None)
            return (_answered(running) or running[-1]).result()
        finally:
            if not self._losers_run_on:
                for task in running:
                    task.cancel()

    def _started(self, call: Coroutine[Any, Any, Reply]) -> asyncio.Task[Reply]:
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # heard of, though the answer was another's


def _is_late(running: Sequence[asyncio.Task[Reply]]) -> bool:
    return any(not task.done() for task in running)


def _timed_out(task: asyncio.Task[Reply]) -> bool:
    return task.done() and not task.cancelled() and isinstance(task.exception(), CallTimedOut)


def _answered(running: Sequence[asyncio.Task[Reply]]) -> asyncio.Task[Reply] | None:
    """The first of them that has its answer."""
    ended = (task for task in running if task.done() and not task.cancelled())
    return next((task for task in ended if task.exception() is None), None)


async def _first_answer(running: Sequence[asyncio.Task[Reply]], *, within_s: float | None) -> None:
    """Wait until one has its answer, or all have failed, or the time is over."""
    pending = {task for task in running if not task.done()}
    while pending and _answered(running) is None:
        done, pending = await asyncio.wait(pending, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return
