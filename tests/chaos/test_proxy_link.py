"""One direction of a connection by itself: what waits for the upstream, and when its source is read."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import pytest

from seatrial.chaos.proxy.events import Traffic
from seatrial.chaos.proxy.link import Link
from seatrial.chaos.proxy.toxics.delay_line import DelayLine
from seatrial.chaos.proxy.toxics.toxic import Ending, Stage, Stream

PIECE = bytes(40 * 1024)


class SocketByHand:
    """A transport that notes what is done with it."""

    def __init__(self):
        self.written = []
        self.is_read = True
        self.ended = False

    def write(self, data):
        self.written.append(data)

    def write_eof(self):
        self.ended = True

    def is_closing(self):
        return False

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True


class Holding(DelayLine):
    """Holds all until it is told to let go."""

    def receive(self, data, at_s):
        self.hold(data, at_s, due_s=math.inf)


class Played:
    """A link between two sockets, in a connection and a loop that only note what they are asked for."""

    def __init__(self):
        self.cuts, self.later = 0, []
        connection = SimpleNamespace(cut=self._cut, settle=lambda: None, spoke_last=None, up=None, down=None)
        loop = SimpleNamespace(call_later=lambda _, act: self.later.append(act))
        self.link = connection.up = Link(connection, Stream.UPSTREAM, traffic=Traffic(), loop=loop)
        self.source, self.sink = SocketByHand(), SocketByHand()
        self.link.side = SimpleNamespace(transport=self.source, straight=None)

    def _cut(self):
        self.cuts += 1


@pytest.fixture
def played():
    return Played()


def test_what_waits_for_the_upstream_is_delivered_before_the_connection_is_cut(played):
    played.link.feed(b"x")
    played.link.tail.finish(Ending.CUT)
    assert played.cuts == 0
    played.link.connect(played.sink)
    assert (played.sink.written, played.cuts) == ([b"x"], 0)
    for act in played.later:
        act()
    assert played.cuts == 1


def test_end_that_waits_for_the_upstream_comes_behind_the_bytes(played):
    played.link.feed(b"x")
    played.link.end(Ending.END_OF_STREAM)
    assert not played.sink.ended
    played.link.connect(played.sink)
    assert (played.sink.written, played.sink.ended, played.cuts) == ([b"x"], True, 0)


@pytest.mark.parametrize("toxic_came_and_went", [False, True])
def test_source_is_read_no_further_while_much_waits_for_the_upstream(played, toxic_came_and_went):
    if toxic_came_and_went:
        played.link.add("one", Stage(played.link))
        played.link.remove("one")
    seen = []
    for _ in range(2):
        played.link.feed(PIECE)
        seen.append(played.source.is_read)
    played.link.connect(played.sink)
    assert [*seen, played.source.is_read] == [True, False, True]
    assert played.sink.written == [PIECE, PIECE]


def test_source_is_read_again_when_what_was_held_has_left_in_time(played):
    played.link.connect(played.sink)
    stage = DelayLine(played.link)
    stage.receive = lambda data, at_s: stage.hold(data, at_s, due_s=at_s)
    played.link.add("one", stage)
    for _ in range(2):
        played.link.feed(PIECE)
    assert (played.source.is_read, played.sink.written) == (False, [])
    for act in played.later:
        act()
    assert (played.source.is_read, played.sink.written) == (True, [PIECE, PIECE])


@pytest.mark.parametrize("how", ["remove", "replace"])
def test_source_is_read_again_when_a_stage_that_held_much_goes(played, how):
    played.link.connect(played.sink)
    played.link.add("one", Holding(played.link))
    for _ in range(2):
        played.link.feed(PIECE)
    assert (played.source.is_read, played.sink.written) == (False, [])
    if how == "remove":
        played.link.remove("one")
    else:
        played.link.replace("one", Stage(played.link))
    assert (played.source.is_read, played.sink.written) == (True, [PIECE, PIECE])


def test_source_that_has_ended_is_not_told_to_be_read(played):
    played.link.connect(played.sink)
    played.link.sink_full(True)
    assert played.source.is_read is False
    played.link.end(Ending.END_OF_STREAM)
    played.link.sink_full(False)
    assert played.source.is_read is False


def test_bytes_that_nothing_stands_before_are_written_by_their_socket(played):
    played.link.connect(played.sink)
    assert played.link.side.straight == played.sink.write
    played.link.add("one", Holding(played.link))
    assert played.link.side.straight is None
    played.link.remove("one")
    assert played.link.side.straight == played.sink.write


def test_instant_of_a_chunk_is_that_of_its_receipt(played):
    instants = []
    stage = Stage(played.link)
    stage.receive = lambda _, at_s: instants.append(at_s)
    played.link.add("one", stage)
    before_s = time.monotonic()
    played.link.feed(b"x")
    assert before_s <= instants[0] <= time.monotonic()
