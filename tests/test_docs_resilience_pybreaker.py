"""What docs/resilience-defects.md says of pybreaker is so: its trials, what it counts, and its lock."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pybreaker
import pytest


def test_all_calls_that_come_at_once_in_its_half_open_state_are_made():
    breaker = pybreaker.CircuitBreaker(fail_max=1)
    breaker.half_open()
    made = 0

    async def call() -> None:
        nonlocal made
        with breaker.calling():
            made += 1
            await asyncio.sleep(0)

    async def at_once() -> None:
        await asyncio.gather(*(call() for _ in range(6)))

    asyncio.run(at_once())
    assert made == 6


def test_it_counts_nothing_that_is_awaited_outside_of_it():
    breaker = pybreaker.CircuitBreaker(fail_max=1)

    async def fetch() -> None:
        raise OSError("out")

    async def inside() -> None:
        with breaker.calling():
            await fetch()

    for made in (lambda: breaker.call(fetch), breaker(fetch)):
        with pytest.raises(OSError, match="out"):
            asyncio.run(made())
    assert breaker.fail_counter == 0
    with pytest.raises(pybreaker.CircuitBreakerError):
        asyncio.run(inside())
    assert breaker.current_state == pybreaker.STATE_OPEN


def test_it_holds_its_lock_while_a_blocking_call_lasts_and_not_round_a_block():
    breaker = pybreaker.CircuitBreaker(fail_max=1)
    taken = breaker.call(lambda: _is_taken(breaker._lock))
    with breaker.calling():
        free = not _is_taken(breaker._lock)
    assert taken
    assert free


def _is_taken(lock: Any) -> bool:
    """Whether another thread could not have it."""
    with ThreadPoolExecutor(1) as other:
        got = other.submit(lock.acquire, blocking=False).result()
        if got:
            other.submit(lock.release).result()
        return not got
