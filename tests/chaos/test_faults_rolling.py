"""What healing does to the parts of a rolling restart that was cut short, by parts that are made up."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest

from seatrial.chaos.faults import rolling
from seatrial.chaos.faults.injectable import Undone
from seatrial.chaos.faults.rolling import HEAL_MOST_S, InTurn
from seatrial.errors import FaultFailed

DONE: list[str] = []


@dataclass(frozen=True, slots=True)
class Part:
    """`state` is former, down, back (restarted, well once it is waited for) or ill (restarted, never well)."""

    heal_deadline_s: ClassVar[float] = 60.0

    label: str
    state: str

    @property
    def is_up(self) -> bool:
        return self.state != "down"

    @property
    def is_former(self) -> bool:
        return self.state == "former"

    def inject(self) -> None:
        DONE.append(f"restart {self.label}")

    def wait_well(self) -> None:
        if self.state == "ill":
            raise FaultFailed(f"{self.label} is not well")
        if self.state == "back":
            DONE.append(f"wait for {self.label}")

    def heal(self) -> Undone:
        DONE.append(f"heal {self.label}")
        return Undone(True, f"{self.label} started again")


@dataclass(frozen=True, slots=True)
class Parts(InTurn):
    """A rolling restart of them."""

    noun: ClassVar[str] = "parts"
    part: ClassVar[type[Part]] = Part


def parts_in(*states: str, begun: int = 0) -> InTurn:
    DONE.clear()
    parts = [Part(f"p{number}", state) for number, state in enumerate(states, 1)]
    return dataclasses.replace(Parts.of(parts, 7.0, where=None), begun=begun)


@pytest.mark.parametrize(
    ("states", "begun", "done"),
    [
        (("back", "down", "former"), 2, ["heal p2"]),
        (("down", "down"), 2, ["heal p1", "heal p2"]),
        (("down", "former"), 2, ["heal p1"]),
        (("former", "former"), 1, ["heal p1"]),
        (("back", "former", "former"), 2, ["wait for p1", "heal p2"]),
        (("back", "back"), 2, ["wait for p1", "wait for p2"]),
    ],
)
def test_what_is_down_is_started_else_the_one_whose_turn_it_is_once_the_others_are_well(states, begun, done):
    fault = parts_in(*states, begun=begun)
    assert fault.heal().needed is any(text.startswith("heal") for text in done)
    assert done == DONE


@pytest.mark.parametrize(
    ("states", "begun", "done"),
    [
        (("former", "former"), 0, []),
        (("back", "former"), 1, ["wait for p1"]),
        (("back", "down"), 1, ["wait for p1"]),  # by somebody else
    ],
)
def test_what_had_no_turn_is_left_alone(states, begun, done):
    assert parts_in(*states, begun=begun).heal().needed is False
    assert done == DONE


def test_each_turn_is_told_before_it_comes(monkeypatch):
    monkeypatch.setattr(rolling, "pause", lambda *_: DONE.append("pause"))
    told = parts_in("former", "former").in_turn(threading.Event())
    assert [(further.begun, list(DONE)) for further in told] == [(1, []), (2, ["restart p1", "pause"])]
    assert DONE == ["restart p1", "pause", "restart p2"]


def test_what_is_told_to_stop_in_its_pause_restarts_no_further_one(monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(rolling, "pause", lambda stopped, _: stopped.set())
    assert [further.begun for further in parts_in("former", "former").in_turn(stop)] == [1]
    assert DONE == ["restart p1"]


def test_a_pause_is_over_at_once_when_told_to_stop():
    stop = threading.Event()
    stop.set()
    assert rolling.pause(stop, 3600.0)


def test_healing_has_the_time_of_each_part_that_had_its_turn_up_to_a_bound():
    of_ten = [parts_in(*["back"] * 10, begun=begun).heal_deadline_s for begun in (0, 1, 3, 10)]
    assert of_ten == [60.0, 60.0, 180.0, HEAL_MOST_S]


def test_no_replica_is_restarted_while_the_one_before_it_is_not_well():
    fault = parts_in("ill", "former", begun=2)
    with pytest.raises(FaultFailed, match="p1 is not well"):
        fault.heal()
    assert DONE == []
