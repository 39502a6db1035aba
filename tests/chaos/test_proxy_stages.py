"""What the stages of toxics do in time: pieces, pauses and ends, by a clock that the test moves."""

from __future__ import annotations

import random

import pytest

from seatrial.chaos.proxy.toxics.bandwidth import Bandwidth
from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.latency import Latency
from seatrial.chaos.proxy.toxics.reset_peer import ResetPeer
from seatrial.chaos.proxy.toxics.slicer import Slicer
from seatrial.chaos.proxy.toxics.slow_close import SlowClose
from seatrial.chaos.proxy.toxics.timeout import Timeout
from seatrial.chaos.proxy.toxics.toxic import Ending


class Timer:
    def __init__(self, due_s, act):
        self.due_s, self.act, self.is_on = due_s, act, True

    def cancel(self):
        self.is_on = False


class LinkByHand:
    """A link whose clock the test moves; it is its own sink, and notes what arrives there and when."""

    def __init__(self):
        self.tail = self
        self.time_s = 0.0
        self.passed = []
        self.instants = []
        self.endings = []
        self.resets = 0
        self.timers = []

    def now_s(self):
        return self.time_s

    def after(self, delay_s, act):
        self.timers.append(Timer(self.time_s + delay_s, act))
        return self.timers[-1]

    def regulate(self):
        pass

    def reset(self):
        self.resets += 1

    def receive(self, data, at_s):
        self.passed.append((round(self.time_s, 3), len(data)))
        self.instants.append(at_s)

    def finish(self, ending):
        self.endings.append((round(self.time_s, 3), ending))

    def go_on_until(self, time_s):
        while due := sorted((each for each in self.timers if each.is_on and each.due_s <= time_s), key=_due_s):
            self.time_s = max(self.time_s, due[0].due_s)
            due[0].cancel()
            due[0].act()
        self.time_s = time_s


def _due_s(timer):
    return timer.due_s


@pytest.fixture
def link():
    return LinkByHand()


def stage_of(toxic, link):
    return toxic.stage(link, random.Random(1))


def test_narrow_pipe_gives_a_tenth_of_a_second_at_once_and_saves_nothing_while_it_is_idle(link):
    stage = stage_of(Bandwidth(rate_kb_per_s=1), link)
    stage.receive(bytes(150), 0.0)
    link.go_on_until(10.0)
    assert link.passed == [(0.1, 100), (0.15, 50)]
    stage.receive(bytes(200), 10.0)
    link.go_on_until(20.0)
    assert link.passed[2:] == [(10.1, 100), (10.2, 100)]


def test_slices_are_apart_also_after_a_time_of_silence(link):
    stage = stage_of(Slicer(average_size_bytes=10, delay_us=100_000), link)
    for begun_s in (0.0, 10.0):
        link.go_on_until(begun_s)
        stage.receive(bytes(20), begun_s)
    link.go_on_until(20.0)
    assert link.passed == [(0.0, 10), (0.1, 10), (10.0, 10), (10.1, 10)]


def test_latency_varies_to_both_sides_by_its_jitter(link):
    stage = stage_of(Latency(latency_ms=100, jitter_ms=40), link)
    for _ in range(300):
        stage.receive(b"x", 0.0)
    link.go_on_until(1.0)
    assert 0.06 <= min(link.instants) < 0.07
    assert 0.13 < max(link.instants) <= 0.14


def test_latency_with_more_jitter_than_delay_is_never_early(link):
    stage = stage_of(Latency(latency_ms=10, jitter_ms=1_000), link)
    for _ in range(100):
        stage.receive(b"x", 5.0)
    link.go_on_until(9.0)
    assert min(link.instants) == 5.0


def test_latency_has_room_for_megabytes_and_not_for_all(link):
    stage = stage_of(Latency(latency_ms=1_000), link)
    stage.receive(bytes(16 * 1024**2), 0.0)
    assert not stage.is_full()
    stage.receive(bytes(16 * 1024**2 + 1), 0.0)
    assert stage.is_full()


def test_what_a_latency_is_made_to_let_go_counts_as_received_then(link):
    stage = stage_of(Latency(latency_ms=60_000), link)
    stage.receive(b"x", 0.0)
    link.time_s = 3.0
    stage.release()
    assert link.instants == [3.0]


@pytest.mark.parametrize(
    "stage_at", [DelayLine, lambda link: stage_of(SlowClose(delay_ms=1_000), link)], ids=["line", "slow"]
)
def test_cut_behind_what_is_held_stays_one_though_the_source_ends_then(link, stage_at):
    stage = stage_at(link)
    if isinstance(stage, DelayLine):
        stage.hold(b"x", 0.0, due_s=1.0)
    stage.finish(Ending.CUT)
    stage.finish(Ending.END_OF_STREAM)
    link.go_on_until(2.0)
    assert link.endings == [(1.0, Ending.CUT)]


def test_end_that_becomes_a_cut_is_held_no_longer(link):
    stage = stage_of(SlowClose(delay_ms=1_000), link)
    stage.finish(Ending.END_OF_STREAM)
    link.go_on_until(0.5)
    stage.finish(Ending.CUT)
    link.go_on_until(5.0)
    assert link.endings == [(1.0, Ending.CUT)]


@pytest.mark.parametrize("begin", ["bytes", "end"])
def test_reset_comes_its_time_after_the_first_bytes_or_the_end(link, begin):
    stage = stage_of(ResetPeer(timeout_ms=500), link)
    for _ in range(2):
        stage.receive(b"x", link.time_s) if begin == "bytes" else stage.finish(Ending.END_OF_STREAM)
        link.go_on_until(link.time_s + 0.4)
    assert (link.resets, link.passed, link.endings) == (1, [], [])


def test_reset_does_not_come_to_a_connection_that_is_gone(link):
    stage = stage_of(ResetPeer(timeout_ms=500), link)
    stage.receive(b"x", 0.0)
    stage.discard()
    link.go_on_until(1.0)
    assert (link.resets, link.passed) == (0, [])


def test_black_hole_that_closes_is_worth_waiting_for(link):
    assert [stage_of(Timeout(timeout_ms=ms), link).swallows_end for ms in (0, 5)] == [True, False]
