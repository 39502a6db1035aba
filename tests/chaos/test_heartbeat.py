"""What keeps a harness's faults on: told once of each thing that is lost, and let go of as it was left."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.chaos.active import Active, Resolved
from seatrial.chaos.faults.injectable import Lease, Means
from seatrial.chaos.faults.toxics import Renewed
from seatrial.chaos.healing.ledger import Entry, Ledger
from seatrial.chaos.heartbeat import Heartbeat
from seatrial.chaos.model import EdgeFault, Latency
from seatrial.errors import FaultFailed
from seatrial.service import Edge

API = "http://127.0.0.1:1"  # where nobody listens


class Watchdog:
    """One that notes how it was let go of."""

    def __init__(self) -> None:
        self.lives = True
        self.waited: list[bool] = []

    def beat(self) -> None: ...

    def let_go(self, *, wait: bool) -> None:
        self.waited.append(wait)


class Fault:
    """One that nothing but its lease, if it has one, or the watchdog undoes."""

    def __init__(self, lease: Lease | None = None) -> None:
        self.lease = lease


class Harness:
    """A heartbeat that beats when it is told to, with what it said; watchdogs are started while there are any."""

    def __init__(self, tmp_path: Path, *watchdogs: Watchdog, lease: Lease | None = None) -> None:
        self.said: list[str] = []
        self.tried = 0
        self._left = list(watchdogs)
        fault, means = EdgeFault(Edge("a", "b"), Latency(0.1)), Means.PROXY if lease else Means.PROCESS
        self.resolved = Resolved(fault, means, Fault(lease))
        entry = Entry("1", "x", "demo", means, "latency", "a->b", {"api": API} if lease else {}, 1.0)
        self.heart = Heartbeat(
            Ledger(tmp_path / "faults.jsonl"),
            lambda: (Active(entry, self.resolved, 1.0),),
            tell=self.said.append,
            renew_lease=lambda lease: Renewed(held=(), expired=("a->b",)),
            every_s=3600.0,
            start_watchdog=self._start,
        )
        self.heart.begin()

    def _start(self, ledger: Ledger) -> Watchdog:
        self.tried += 1
        if not self._left:
            raise FaultFailed("no more processes")
        return self._left.pop(0)


@pytest.mark.parametrize("all_healed", [True, False])
def test_a_watchdog_is_waited_for_only_where_nothing_is_left_to_it(tmp_path: Path, all_healed: bool):
    watchdog = Watchdog()
    harness = Harness(tmp_path, watchdog)
    harness.heart.guard(harness.resolved)
    harness.heart.end(all_healed=all_healed)
    assert watchdog.waited == [all_healed]


def test_a_watchdog_that_cannot_be_replaced_is_told_once_and_tried_again_with_every_beat(tmp_path: Path):
    first, second = Watchdog(), Watchdog()
    harness = Harness(tmp_path, first)
    harness.heart.guard(harness.resolved)
    first.lives = False
    for _ in range(3):
        harness.heart.beat()
    assert harness.said == [
        "the watchdog was ended and cannot be started again: nobody heals what is on if we are killed"
    ]
    assert harness.tried == 4
    harness._left.append(second)
    harness.heart.beat()
    harness.heart.end(all_healed=True)
    assert second.waited == [True]


def test_what_a_lease_holds_needs_no_watchdog(tmp_path: Path):
    harness = Harness(tmp_path, lease=Lease(API, "run"))
    harness.heart.guard(harness.resolved)
    assert harness.tried == 0
    harness.heart.end(all_healed=True)


def test_a_lease_that_ran_out_and_a_proxy_that_is_gone_are_told_once(tmp_path: Path):
    harness = Harness(tmp_path, lease=Lease(API, "run"))
    for _ in range(2):
        harness.heart.beat()
    assert harness.said == [
        "the lease of a->b ran out by itself (a starved machine?)",
        f"the proxy at {API} is gone, and with it what was on: a->b",
    ]
    with pytest.raises(FaultFailed, match="is gone, and with it what was on: a->b"):
        harness.heart.require()
    harness.heart.end(all_healed=True)
