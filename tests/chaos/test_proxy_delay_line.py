"""Pieces that wait: in order, and never so many at once that other connections wait for them."""

from __future__ import annotations

import random

from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.slicer import Slicer


class Timer:
    """A timer that nobody needs to stop."""

    def cancel(self):
        pass


class LinkByHand:
    """A link whose time stands still and whose timers ring when the test says so; it is its own sink."""

    def __init__(self):
        self.tail = self
        self.received = []
        self._timers = []

    def now_s(self):
        return 0.0

    def after(self, delay_s, act):
        assert delay_s <= 0
        self._timers.append(act)
        return Timer()

    def regulate(self):
        pass

    def receive(self, data, at_s):
        self.received.append(data)

    def ring(self):
        """Ring what is set now; False when nothing was."""
        timers, self._timers = self._timers, []
        for act in timers:
            act()
        return bool(timers)


def test_pieces_that_are_due_together_leave_by_turns():
    link = LinkByHand()
    line = DelayLine(link)
    for number in range(2_500):
        line.hold(b"%d," % number, 0.0, due_s=0.0)
    seen = []
    while link.ring():
        seen.append(len(link.received))
    assert seen == [1_000, 2_000, 2_500]
    assert b"".join(link.received) == b"".join(b"%d," % number for number in range(2_500))
    assert line.held_bytes == 0


def test_release_passes_everything_at_once():
    link = LinkByHand()
    line = DelayLine(link)
    for _ in range(2_500):
        line.hold(b"x", 0.0, due_s=float("inf"))
    line.release()
    assert len(link.received) == 2_500


def test_slicer_of_single_bytes_loses_and_moves_none():
    link = LinkByHand()
    stage = Slicer(average_size_bytes=1).stage(link, random.Random(1))
    data = random.Random(2).randbytes(65_536)
    stage.receive(data, 0.0)
    while link.ring():
        pass
    assert b"".join(link.received) == data
    assert {len(piece) for piece in link.received} == {1}


def test_slices_vary_as_much_as_they_may():
    link = LinkByHand()
    stage = Slicer(average_size_bytes=100, size_variation_bytes=30).stage(link, random.Random(1))
    data = random.Random(2).randbytes(50_000)
    stage.receive(data, 0.0)
    while link.ring():
        pass
    sizes = [len(piece) for piece in link.received]
    assert b"".join(link.received) == data
    assert max(sizes) <= 130
    assert min(sizes) >= 20
    assert len(set(sizes)) > 20
