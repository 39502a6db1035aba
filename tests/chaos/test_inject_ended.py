"""An injection that is ended while it is under way: what heals before it is over, and what becomes of it."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from seatrial.chaos import inject
from seatrial.chaos.active import Resolved
from seatrial.chaos.faults import rolling
from seatrial.chaos.faults.injectable import AtOnce, Means, Undone
from seatrial.chaos.faults.rolling import InTurn
from seatrial.chaos.healing.ledger import Ledger, open_entries
from seatrial.chaos.in_time import Aside
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import EdgeFault, Latency
from seatrial.errors import FaultFailed, Interrupted
from seatrial.service import Edge

PATIENCE_S = 30.0  # of what is expected at once


class World:
    """What is done, in order, and what tells a slow injection to be over."""

    done: ClassVar[list[str]] = []
    over: ClassVar[threading.Event]


@dataclass(frozen=True, slots=True)
class Slow(AtOnce):
    """Injected when the world says so; healing one that is named `quick` makes it say so."""

    means: ClassVar[Means] = Means.PROCESS
    heal_deadline_s: ClassVar[float] = PATIENCE_S
    lease: ClassVar[None] = None

    name: str

    def inject(self) -> None:
        World.done.append(f"inject {self.name}")
        if self.name == "slow":
            World.over.wait(PATIENCE_S)
            World.done.append("slow is injected")

    def heal(self) -> Undone:
        World.done.append(f"heal {self.name}")
        if self.name == "quick":
            World.over.set()
        return Undone(True, "done")


@dataclass(frozen=True, slots=True)
class Part:
    """One that is restarted at once."""

    heal_deadline_s: ClassVar[float] = PATIENCE_S
    is_up: ClassVar[bool] = True
    is_former: ClassVar[bool] = False

    label: str

    def inject(self) -> None:
        World.done.append(f"restart {self.label}")

    def wait_well(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts(InTurn):
    """Those, one after the other."""

    means: ClassVar[Means] = Means.PROCESS
    noun: ClassVar[str] = "parts"
    part: ClassVar[type[Part]] = Part


class StoppedLooking(Exception):
    """What somebody who looks on ends an injection by."""


@pytest.fixture
def injector(tmp_path: Path, clock) -> Injector:
    World.done.clear()
    World.over = threading.Event()
    ledger = Ledger(tmp_path / "faults.jsonl")
    return Injector(
        ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=60.0, start_watchdog=lambda _: None
    )


def found(fault) -> Resolved:
    return Resolved(EdgeFault(Edge("a", "b"), Latency(0.1)), Means.PROCESS, fault)


def stop_looking() -> None:
    raise StoppedLooking


def interrupt() -> None:
    signal.raise_signal(signal.SIGTERM)


def inject_both(injector: Injector, meanwhile: Callable[[], None]) -> None:
    with injector:
        injector.inject(found(Slow("quick")), experiment="x")
        injector.inject(found(Slow("slow")), experiment="x", meanwhile=meanwhile)


@pytest.mark.parametrize(("meanwhile", "ends_by"), [(stop_looking, StoppedLooking), (interrupt, Interrupted)])
def test_what_else_is_on_is_healed_before_an_injection_under_way_is_over(
    injector: Injector, monkeypatch, meanwhile: Callable[[], None], ends_by: type[Exception]
):
    monkeypatch.setattr(inject, "LOOK_EVERY_S", 0.001)
    with pytest.raises(ends_by):
        inject_both(injector, meanwhile)
    assert World.done == ["inject quick", "inject slow", "heal quick", "slow is injected", "heal slow"]
    assert [window.ended for window in injector.windows] == ["healed", "healed"]


def test_a_fault_whose_injection_does_not_end_is_healed_and_counts_as_left(
    injector: Injector, monkeypatch, tmp_path: Path
):
    monkeypatch.setattr(inject, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(inject, "END_WITHIN_S", 0.01)
    said: list[str] = []
    monkeypatch.setattr(injector, "_say", said.append)
    with pytest.raises(FaultFailed, match="not healed: latency on a->b; then: seatrial chaos recover"), injector:
        injector.inject(found(Slow("slow")), experiment="x", meanwhile=stop_looking)
    assert World.done == ["inject slow", "heal slow"]
    assert said == [
        "latency on a->b: its injection is under way; waiting for its end",
        "latency on a->b could not be healed: its injection did not end within 0.01 s and may act later; done",
    ]
    assert [entry.target for entry in open_entries(tmp_path / "faults.jsonl")] == ["a->b"]
    World.over.set()


def test_an_interrupt_in_the_moment_an_injection_begins_leaves_none_that_goes_on(injector: Injector, monkeypatch):
    monkeypatch.setattr(rolling, "pause", lambda stop, _: stop.wait(PATIENCE_S))
    begun: list[Aside] = []

    class BegunAndInterrupted(Aside):
        def __init__(self, act) -> None:
            super().__init__(act)
            begun.append(self)
            interrupt()

    monkeypatch.setattr(inject, "Aside", BegunAndInterrupted)
    parts = Parts.of([Part("p1"), Part("p2")], 1.0, where=None)
    with pytest.raises(Interrupted), injector:
        injector.inject(found(parts), experiment="x")
    assert begun[0].is_over(within_s=0.0)
    assert "restart p2" not in World.done
    assert [window.ended for window in injector.windows] == ["healed"]


def test_what_was_taken_further_is_handed_out_as_it_is_at_the_end(injector: Injector, monkeypatch):
    monkeypatch.setattr(rolling, "pause", lambda *_: None)
    parts = Parts.of([Part("p1"), Part("p2")], 1.0, where=None)
    with injector:
        active = injector.inject(found(parts), experiment="x")
        assert active.resolved.injectable == dataclasses.replace(parts, begun=2)
        injector.heal(active)
    assert [window.ended for window in injector.windows] == ["healed"]


def test_a_turn_that_cannot_be_noted_is_not_taken(injector: Injector, monkeypatch):
    monkeypatch.setattr(rolling, "pause", lambda *_: None)
    note = Ledger.turn

    def full(ledger: Ledger, entry_id: str, undo) -> None:
        if undo["begun"] == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        note(ledger, entry_id, undo)

    monkeypatch.setattr(Ledger, "turn", full)
    parts = Parts.of([Part("p1"), Part("p2")], 1.0, where=None)
    with injector, pytest.raises(FaultFailed, match=r"No space left on device; no further one was restarted"):
        injector.inject(found(parts), experiment="x")
    assert World.done == ["restart p1"]
