"""The watchdog by itself: when it takes its harness for gone, and what it does about what cannot be undone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from seatrial.chaos.faults import FAULTS
from seatrial.chaos.faults.injectable import Means, Undone
from seatrial.chaos.healing.ledger import Entry, Ledger, read_ledger
from seatrial.chaos.model import FaultKind
from seatrial.chaos.watchdog import watch as watching
from seatrial.clock import iso
from seatrial.errors import FaultFailed
from seatrial.runtime import process

LET_GO = "the harness let go with faults on"


@dataclass(frozen=True, slots=True)
class Stubborn:
    """A fault that is healed at the `tries`th try."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 5.0
    tried: ClassVar[list[str]] = []

    name: str
    tries: int

    def heal(self) -> Undone:
        self.tried.append(self.name)
        if self.tried.count(self.name) < self.tries:
            raise FaultFailed("not yet")
        return Undone(True, "gone")


@pytest.fixture
def left_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The ledger of a harness with two faults on; the older one is healed at the third try."""
    monkeypatch.setitem(FAULTS, (Means.PROXY, FaultKind.LATENCY), Stubborn)
    monkeypatch.setattr(watching, "_TRY_AGAIN_S", 0.01)
    Stubborn.tried.clear()
    ledger = Ledger(tmp_path / "faults.jsonl")
    for name, tries in (("a", 3), ("b", 1)):
        undo = {"name": name, "tries": tries}
        ledger.open(Entry(name, "x", "demo", "proxy", "latency", f"{name}->z", undo, 1.0))
    return ledger


@dataclass(slots=True)
class Pipe:
    """What a harness beats on: the watchdog's end, and its own, which is closed once."""

    read: int
    write: int
    is_let_go: bool = False

    def let_go(self) -> None:
        if not self.is_let_go:
            self.is_let_go = True
            os.close(self.write)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe(*os.pipe())
    yield made
    made.let_go()
    os.close(made.read)


def test_what_cannot_be_undone_is_tried_again_and_keeps_nothing_else(left_on: Ledger, pipe, clock):
    pipe.let_go()
    said: list[str] = []
    told: list[str] = []
    harness = process.identify(os.getpid())
    assert watching.watch(left_on, harness, pipe.read, clock=clock, say=said.append, report=told.append)
    assert Stubborn.tried == ["b", "a", "a", "a"]
    run, when = left_on.path.parent.name, iso(clock.now())[:19]
    assert told == [
        f"run {run} ended with faults on; by {when}Z its watchdog had healed latency on b->z, latency on a->z"
    ]
    assert said[1:] == [
        "the harness let go with faults on",
        "healed: latency on b->z (demo): gone",
        "LEFT: latency on a->z (demo): not yet",
        "LEFT: latency on a->z (demo): not yet",
        "healed: latency on a->z (demo): gone",
        "all is healed",
    ]
    assert read_ledger(left_on.path).open == ()


def test_the_watchdog_gives_up_after_some_minutes_and_leaves_it_to_recover(left_on: Ledger, pipe, clock, monkeypatch):
    monkeypatch.setattr(watching, "GIVE_UP_S", -1.0)
    pipe.let_go()
    said: list[str] = []
    told: list[str] = []
    harness = process.identify(os.getpid())
    assert not watching.watch(left_on, harness, pipe.read, clock=clock, say=said.append, report=told.append)
    healed, left = told
    assert healed.endswith(" its watchdog had healed latency on b->z")
    assert left.endswith("; its watchdog could not heal latency on a->z: seatrial chaos recover")
    assert said[-1] == "gave up; when what they are about is there again: seatrial chaos recover"
    assert [entry.id for entry in read_ledger(left_on.path).open] == ["a"]


def test_a_harness_that_lives_and_beats_no_more_has_lost_what_was_on(left_on: Ledger, pipe, clock, monkeypatch):
    monkeypatch.setattr(watching, "SILENT_S", 0.05)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if not read_ledger(left_on.path).open:
            pipe.let_go()

    assert watching.watch(left_on, process.identify(os.getpid()), pipe.read, clock=clock, say=say)
    assert said[1] == f"process {os.getpid()} lives, and has not beaten for 0.05 s"
    assert said[-1] == "the harness let go; nothing was on"


def test_a_harness_that_comes_to_itself_while_the_ledger_is_waited_for_keeps_what_is_on(
    left_on: Ledger, pipe, clock, monkeypatch
):
    monkeypatch.setattr(watching, "SILENT_S", 0.05)
    undone_at: list[int] = []
    said: list[str] = []

    class HeldByTheHarness(Ledger):
        """As while the harness is in the middle of a rolling restart: had by nobody else, and it beats again."""

        @contextlib.contextmanager
        def held(self, *, within_s: float = 0.0) -> Iterator[bool]:
            if said[-1].startswith(f"process {os.getpid()} lives") and said.count(said[-1]) < 3:
                os.write(pipe.write, b".")
            else:
                pipe.let_go()
            yield False
            undone_at.append(len(Stubborn.tried))

    watching.watch(
        HeldByTheHarness(left_on.path), process.identify(os.getpid()), pipe.read, clock=clock, say=said.append
    )
    assert undone_at[:3] == [0, 0, 0]
    assert said[1:5] == [*[f"process {os.getpid()} lives, and has not beaten for 0.05 s"] * 3, LET_GO]
    assert said[-1] == "all is healed"


def test_a_harness_that_beats_keeps_what_is_on(left_on: Ledger, pipe, clock, monkeypatch):
    monkeypatch.setattr(watching, "SILENT_S", 5.0)
    over = threading.Event()

    def beat() -> None:
        end = time.monotonic() + 6.0
        while time.monotonic() < end:
            os.write(pipe.write, b".")
            time.sleep(0.05)
        over.set()
        pipe.let_go()

    harness = threading.Thread(target=beat)
    harness.start()
    said: list[tuple[bool, str]] = []
    watching.watch(
        left_on,
        process.identify(os.getpid()),
        pipe.read,
        clock=clock,
        say=lambda text: said.append((over.is_set(), text)),
    )
    harness.join()
    assert [text for is_over, text in said if not is_over] == [f"watching process {os.getpid()}"]


def test_a_harness_whose_pipe_somebody_else_holds_open_is_known_by_its_process(left_on: Ledger, pipe, clock):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    harness = process.identify(gone.pid)
    gone.wait()
    assert watching.watch(left_on, harness, pipe.read, clock=clock, say=lambda _: None)
    assert read_ledger(left_on.path).open == ()
