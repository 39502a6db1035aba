"""What single keys come to while a step of a game day is under way."""

from __future__ import annotations

import os
import signal
import termios
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from seatrial.cli.gameday import Consenting
from seatrial.cli.gameday_keys import HALT, Stop, Typing
from seatrial.clock import SteadyClock
from seatrial.errors import CannotRun

PATIENCE_S = 60.0


def typed(*pieces: bytes) -> list[str]:
    typing = Typing()
    return [said for piece in pieces for said in typing.take(piece)]


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b"\x1b"], [HALT]),
        ([b"half a note", b"\x1b"], [HALT]),
        ([b"halt\n"], [HALT]),
        ([b"HALT\r"], [HALT]),
        ([b"\x1b[A"], []),
        ([b"\x1bOP"], []),
        ([b"\x1bx"], [HALT]),
        ([b"we halt here\n"], ["we halt here"]),
        ([b"\n", b"  \n"], []),
        ([b"a", b"b", b"\x7f", b"c\n"], ["ac"]),
        ([b"wrong\x15right\n"], ["right"]),
        (["früh\n".encode()[:3], "früh\n".encode()[3:]], ["früh"]),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"bell\x07\n"], ["bell"]),
    ],
)
def test_keys_are_a_note_or_a_halt(pieces, said):
    assert typed(*pieces) == said


def test_what_was_not_ended_is_not_lost():
    typing = Typing()
    assert list(typing.take(b"half a thou")) == []
    assert typing.line == "half a thou"
    assert list(typing.end()) == ["half a thou"]
    assert list(typing.end()) == []


@pytest.fixture
def typing_at(monkeypatch) -> Iterator[Callable[[str], int]]:
    """A terminal is stdin: types keys there. It is as it was when the test is over."""
    ours, theirs = os.openpty()
    before = termios.tcgetattr(theirs)
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield lambda keys: os.write(ours, keys.encode())
        assert termios.tcgetattr(theirs) == before
    os.close(ours)


@pytest.fixture
def stop() -> Iterator[Stop]:
    """What heeds the signals of a day."""
    heeding = Stop()
    with heeding.heeding():
        yield heeding


def is_interrupted(act: Callable[[], object]) -> bool:
    """Whether a KeyboardInterrupt came out of it, which would end the tests."""
    try:
        act()
    except KeyboardInterrupt:
        return True
    return False


def wait_until(claim: Callable[[], object]) -> None:
    """Return as soon as the claim holds."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < give_up_at, "it did not become true"
        time.sleep(0.01)


def interrupts(stop: Stop, meanwhile: Callable[[], object], *, note: Callable[[str], object]) -> bool:
    """Whether a KeyboardInterrupt came out of a step under way, of which nothing is shown, while that was done."""
    planned = SimpleNamespace(checked=SimpleNamespace(breakers=(), hit={}, promises={}))

    def step():
        with Consenting(stop, SteadyClock()).underway(planned, note=note):
            meanwhile()

    return is_interrupted(step)


def test_a_halt_that_stands_there_when_a_step_ends_by_itself_does_not_end_the_day(stop, typing_at):
    notes: list[str] = []

    def meanwhile():
        typing_at("a note\nhalt")
        wait_until(lambda: notes)

    assert not interrupts(stop, meanwhile, note=notes.append)
    assert notes == ["a note"]
    assert not stop.halted


def test_a_halt_while_a_step_is_under_way_raises_in_it(stop, typing_at):
    def meanwhile():
        typing_at("\x1b")
        wait_until(lambda: False)

    assert interrupts(stop, meanwhile, note=print)
    assert stop.halted


def test_a_note_that_cannot_be_kept_leaves_the_halt_key_working(stop, typing_at, capsys):
    def refuse(text):
        raise CannotRun("the disk is full")

    def meanwhile():
        typing_at("a note\n")
        wait_until(lambda: "not noted: the disk is full" in capsys.readouterr().err)
        typing_at("\x1b")
        wait_until(lambda: False)

    assert interrupts(stop, meanwhile, note=refuse)
    assert stop.halted


def test_an_interrupt_while_the_record_is_written_does_not_disturb_it(stop, capsys):
    stop.last()
    assert not is_interrupted(lambda: signal.raise_signal(signal.SIGINT))
    assert "please wait" in capsys.readouterr().err
