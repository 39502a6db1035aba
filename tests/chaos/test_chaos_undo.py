"""Undoing what a ledger holds open beside others who do: each fault once, and nobody waits for more than one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from seatrial.chaos.faults import FAULTS
from seatrial.chaos.faults.injectable import Means, Undone
from seatrial.chaos.healing import undo
from seatrial.chaos.healing.ledger import Entry, Ledger, read_ledger
from seatrial.chaos.healing.undo import SETTLE_S, undo_open
from seatrial.chaos.model import FaultKind


@dataclass(frozen=True, slots=True)
class Noted:
    """A fault that notes who heals it, by the ledger's lock: nobody else has it meanwhile."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 20.0
    healed: ClassVar[list[str]] = []
    ledger: ClassVar[Ledger]

    name: str
    is_needed: bool = True

    def heal(self) -> Undone:
        with self.ledger.held(within_s=0.0) as had:
            assert not had, "it is healed and the ledger is not held"
        self.healed.append(self.name)
        return Undone(self.is_needed, "gone")


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The ledger of a dead harness with three faults on, `a` the oldest."""
    monkeypatch.setitem(FAULTS, (Means.PROXY, FaultKind.LATENCY), Noted)
    Noted.healed.clear()
    Noted.ledger = Ledger(tmp_path / "faults.jsonl")
    for name in "abc":
        open_one(Noted.ledger, name)
    return Noted.ledger


def open_one(ledger: Ledger, name: str, *, needed: bool = True, at: float = 1.0) -> None:
    ledger.open(Entry(name, "x", "demo", "proxy", "latency", "y->z", {"name": name, "is_needed": needed}, at))


def test_who_waits_for_the_ledger_has_it_between_two_faults(left: Ledger, clock, monkeypatch):
    had: list[tuple[str, float, bool]] = []

    def sleep(seconds: float) -> None:
        with Ledger(left.path).held(within_s=0.0) as held:
            had.append(("".join(Noted.healed), seconds, held))

    monkeypatch.setattr(clock, "sleep", sleep)
    assert [item.entry.id for item in undo_open(left, clock=clock)] == ["c", "b", "a"]
    assert had == [("c", undo.LET_GO_S, True), ("cb", undo.LET_GO_S, True)]


def test_what_somebody_else_undoes_between_two_is_not_undone_again(left: Ledger, clock, monkeypatch):
    theirs: list[str] = []

    def sleep(_: float) -> None:
        monkeypatch.setattr(clock, "sleep", lambda _: None)
        theirs.extend(item.entry.id for item in undo_open(Ledger(left.path), clock=clock))

    monkeypatch.setattr(clock, "sleep", sleep)
    assert [item.entry.id for item in undo_open(left, clock=clock)] == ["c"]
    assert theirs == ["b", "a"]
    assert Noted.healed == ["c", "b", "a"]


def test_a_harness_that_comes_to_itself_between_two_keeps_what_is_still_on(left: Ledger, clock):
    undone = undo_open(left, clock=clock, unless=lambda: bool(Noted.healed))
    assert [item.entry.id for item in undone] == ["c"]
    assert [entry.id for entry in read_ledger(left.path).open] == ["a", "b"]


def test_what_may_still_act_is_waited_for_when_all_else_is_undone_unless_somebody_else_did(
    left: Ledger, clock, monkeypatch
):
    open_one(left, "d", needed=False)

    def sleep(_: float) -> None:
        if "".join(Noted.healed) == "dcb":
            left.healed("d", at=2.0, text="by somebody else")

    monkeypatch.setattr(clock, "sleep", sleep)
    assert [item.entry.id for item in undo_open(left, clock=clock)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("asked_s_ago", "waited_s"), [(0.0, SETTLE_S), (3.0, SETTLE_S - 3.0), (3600.0, 0.0), (-3600.0, SETTLE_S)]
)
def test_what_may_still_act_is_waited_for_as_long_as_what_was_asked_for_takes_since_it_was(
    tmp_path: Path, clock, monkeypatch, asked_s_ago: float, waited_s: float
):
    monkeypatch.setitem(FAULTS, (Means.PROXY, FaultKind.LATENCY), Noted)
    Noted.ledger = Ledger(tmp_path / "faults.jsonl")
    began = clock.now()
    open_one(Noted.ledger, "a", needed=False, at=began - asked_s_ago)
    (only,) = undo_open(Noted.ledger, clock=clock)
    assert (only.healed, only.needed) == (True, False)
    assert clock.now() - began == pytest.approx(waited_s, abs=0.3)


def test_what_is_known_to_have_been_injected_to_the_end_is_not_waited_for(tmp_path: Path, clock, monkeypatch):
    monkeypatch.setitem(FAULTS, (Means.PROXY, FaultKind.LATENCY), Noted)
    Noted.ledger = Ledger(tmp_path / "faults.jsonl")
    began = clock.now()
    open_one(Noted.ledger, "a", needed=False, at=began)
    Noted.ledger.acting("a")
    (only,) = undo_open(Noted.ledger, clock=clock)
    assert (only.needed, clock.now()) == (False, began)
