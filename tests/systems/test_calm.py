"""An observation is made again where the machine stalled, and only there."""

from __future__ import annotations

import ctypes
import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from calm import ATTEMPTS, STALL_S, calmly, longest_stall


def stalls(*seconds):
    """Machines stall for that long, observation after observation."""
    each = iter(seconds)
    return lambda observation: next(each)


def test_what_was_seen_in_a_calm_is_believed_at_once():
    assert calmly(itertools.count(1).__next__, stalls(0.0)) == 1


def test_what_was_seen_while_the_machine_stalled_is_looked_at_again():
    assert calmly(itertools.count(1).__next__, stalls(2.0, STALL_S, 0.0)) == 3


def test_what_was_seen_last_is_believed_where_the_machine_always_stalls():
    assert calmly(itertools.count(1).__next__, stalls(*[2.0] * ATTEMPTS)) == ATTEMPTS


def test_a_failure_in_a_calm_is_not_looked_at_again():
    with pytest.raises(ZeroDivisionError):
        calmly(lambda: 1 // 0, stalls(0.0))


def test_a_failure_while_the_machine_stalled_is_looked_at_again():
    outcomes = itertools.count()
    assert calmly(lambda: 1 // next(outcomes), stalls(2.0, 0.0)) == 1


def test_a_stall_is_seen_by_a_clock_that_could_not_tick():
    usleep_for_all = ctypes.PyDLL(None).usleep  # keeps the interpreter's lock

    def observe():
        time.sleep(0.05)
        usleep_for_all(400_000)

    with ThreadPoolExecutor(1) as pool:
        assert longest_stall(pool.submit(observe)) >= 0.3
