"""A clock that only moves when told, and a monitor to vary."""

import dataclasses

import pytest

from seatrial.synthetic.model import Monitor


class FakeClock:
    """Wall and monotonic time move together, unless the wall clock is set."""

    def __init__(self, now=1_700_000_000.0):
        self._now = now
        self._monotonic = 5.0
        self.slept = []

    def now(self):
        return self._now

    def monotonic(self):
        return self._monotonic

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))

    def advance(self, seconds):
        self._now += seconds
        self._monotonic += seconds

    def set_by(self, seconds):
        self._now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def make_clock():
    return FakeClock


@pytest.fixture
def monitor_of():
    base = Monitor("payments", ("pay with a card",), every_s=30.0, deadline_s=20.0)
    return lambda **fields: dataclasses.replace(base, **fields)
