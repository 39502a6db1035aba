"""Faults that only note what is done with them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from seatrial.chaos.faults.injectable import AtOnce, Lease, Means, Reached, Undone
from seatrial.chaos.inject import Resolved
from seatrial.chaos.model import EdgeFault, Latency
from seatrial.errors import FaultFailed
from seatrial.service import Edge

WORLD: list[str] = []


@dataclass(frozen=True, slots=True)
class FakeFault(AtOnce):
    """A fault that notes what is done with it; `how` says what goes wrong."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 0.3

    name: str
    how: str = ""

    @property
    def lease(self) -> Lease | None:
        return Lease("http://x", "run") if "leased" in self.how else None

    @property
    def sight(self) -> str:
        return self.name

    @classmethod
    def resolve(cls, fault, site):
        raise NotImplementedError

    def inject(self) -> None:
        WORLD.append(f"inject {self.name}")
        if "refuses" in self.how:
            raise FaultFailed("it does not take")

    def heal(self) -> Undone:
        WORLD.append(f"heal {self.name}")
        if "stays" in self.how:
            raise FaultFailed("it stays")
        if "breaks" in self.how:
            raise ZeroDivisionError("a defect of ours")
        if "hangs" in self.how:
            threading.Event().wait(5.0)
        return Undone("gone" not in self.how, "done", Reached(12, 3) if "counts" in self.how else None)


def resolved(name: str, how: str = "") -> Resolved:
    return Resolved(EdgeFault(Edge("a", name), Latency(0.1)), Means.PROXY, FakeFault(name, how))


def ledger_of(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "out" / "run" / "faults.jsonl"
