"""Observations in a time in which the machine did not stall.

The services judge one another by the clock, from 90 ms on. So what is seen of them while nothing on the machine gets
on says nothing of them, and is looked at again; whether it was what a test hopes for does not matter to that.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

TICK_S = 0.01
STALL_S = 0.08
"""Less than the shortest time by which a service judges another."""

ATTEMPTS = 3


def longest_stall(observation):
    """By how many seconds the latest tick of a clock was late, of those until the future is done."""
    longest_s, before = 0.0, time.monotonic()
    while not observation.done():
        time.sleep(TICK_S)
        now = time.monotonic()
        longest_s, before = max(longest_s, now - before - TICK_S), now
    return longest_s


def calmly(observe, stall_of=longest_stall):
    """What `observe()` returns or raises in a calm, or at the last attempt."""
    for _ in range(ATTEMPTS):
        with ThreadPoolExecutor(1) as pool:
            observation = pool.submit(observe)
            stall_s = stall_of(observation)
        if stall_s < STALL_S:
            break
    return observation.result()
