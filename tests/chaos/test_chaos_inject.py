"""Injecting and healing: the order, the errors, the interrupts, the leases."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_faults import WORLD, FakeFault, ledger_of, resolved
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import Lease, Means, Undone
from seatrial.chaos.faults.toxics import Renewed
from seatrial.chaos.healing import undo
from seatrial.chaos.healing.ledger import Entry, Ledger, open_entries
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.inject import Injector, Resolved
from seatrial.chaos.model import EdgeFault, FaultKind, Latency
from seatrial.errors import FaultFailed, Interrupted
from seatrial.service import Edge


def no_watchdog(ledger: Ledger) -> None:
    """Nobody kills the process of these tests."""


@pytest.fixture
def injector(tmp_path: Path, clock, world) -> Injector:
    ledger = Ledger(tmp_path / "reports" / "out" / "run" / "faults.jsonl")
    return Injector(ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=60.0, start_watchdog=no_watchdog)


def run(injector: Injector, *them: Resolved, then: Callable[[], None] = lambda: None) -> None:
    """Inject them all, and leave by whatever `then` does."""
    with injector:
        for each in them:
            injector.inject(each, experiment="x")
        then()


def test_what_is_injected_is_healed_in_reverse(injector: Injector, world: list[str]):
    with injector:
        for name in "abc":
            injector.inject(resolved(name), experiment="x")
    assert world == ["inject a", "inject b", "inject c", "heal c", "heal b", "heal a"]
    assert [window.ended for window in injector.windows] == ["healed"] * 3


@given(names=st.lists(st.text("abcdef", min_size=1, max_size=3), max_size=8), early=st.sets(st.integers(0, 7)))
def test_healing_order_is_the_reverse_of_injection(tmp_path_factory: pytest.TempPathFactory, names, early):
    """Property: also when some were healed before, each on its own."""
    WORLD.clear()
    path = tmp_path_factory.mktemp("run") / "faults.jsonl"
    still = Injector(
        Ledger(path), "demo", clock=_Still(), say=lambda _: None, renew_every_s=60.0, start_watchdog=no_watchdog
    )
    with still as injector:
        active = [injector.inject(resolved(name), experiment="x") for name in names]
        for index in sorted(early & set(range(len(names)))):
            injector.heal(active[index])
        WORLD.clear()
    left = [name for index, name in enumerate(names) if index not in early]
    assert [f"heal {name}" for name in reversed(left)] == WORLD
    assert open_entries(path) == ()


class _Still:
    def now(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def test_the_ledger_holds_a_fault_before_it_is_injected(injector: Injector, tmp_path: Path):
    seen: list[int] = []

    @dataclass(frozen=True, slots=True)
    class Looking(FakeFault):
        def inject(self) -> None:
            seen.append(len(open_entries(ledger_of(tmp_path))))

    fault = Resolved(EdgeFault(Edge("a", "b"), Latency(0.1)), Means.PROXY, Looking("b"))
    with injector:
        injector.inject(fault, experiment="x")
    assert seen == [1]


def test_an_injection_that_fails_is_healed_all_the_same(injector: Injector, world: list[str]):
    with pytest.raises(FaultFailed, match="it does not take"):
        run(injector, resolved("a"), resolved("b", "refuses"))
    assert world[-2:] == ["heal b", "heal a"]


def late(name: str, *, acts_at_look: int) -> Resolved:
    """A fault whose injection times out, and acts all the same when it is looked at for that many times."""

    @dataclass(frozen=True, slots=True)
    class Late(FakeFault):
        def inject(self) -> None:
            WORLD.append(f"inject {name}")
            raise FaultFailed("the engine did not answer in time")

        def heal(self) -> Undone:
            WORLD.append(f"heal {name}")
            acts = WORLD.count(f"heal {name}") == acts_at_look
            return Undone(acts, "undone at last" if acts else "nothing to do")

    return Resolved(EdgeFault(Edge("a", name), Latency(0.1)), Means.PROCESS, Late(name))


def test_an_injection_that_timed_out_is_undone_when_it_acts_after_all_else(
    injector: Injector, world: list[str], tmp_path: Path
):
    with pytest.raises(FaultFailed, match="did not answer in time"):
        run(injector, resolved("a"), late("b", acts_at_look=4))
    assert world == ["inject a", "inject b", "heal b", "heal a", "heal b", "heal b", "heal b"]
    assert [window.ended for window in injector.windows] == ["healed", "healed"]
    last = json.loads(ledger_of(tmp_path).read_text().splitlines()[-1])
    assert (last["event"], last["text"]) == ("healed", "undone at last")


def test_an_injection_that_failed_and_never_acts_is_waited_for_no_longer_than_a_while(
    injector: Injector, clock, tmp_path: Path
):
    began = clock.monotonic()
    with pytest.raises(FaultFailed, match="did not answer in time"):
        run(injector, late("b", acts_at_look=10_000))
    assert clock.monotonic() - began == pytest.approx(undo.SETTLE_S, abs=0.5)
    assert open_entries(ledger_of(tmp_path)) == ()


@pytest.mark.parametrize("how", ["stays", "breaks", "hangs"])
def test_healing_goes_on_past_an_error_and_says_what_is_left(injector: Injector, world, tmp_path: Path, how: str):
    with pytest.raises(FaultFailed, match="not healed: latency on a->b; then: seatrial chaos recover"):
        run(injector, resolved("a"), resolved("b", how), resolved("c"))
    assert world[3:] == ["heal c", "heal b", "heal a"]
    assert [window.ended for window in injector.windows] == ["healed", "left", "healed"]
    assert [entry.target for entry in open_entries(ledger_of(tmp_path))] == ["a->b"]


def test_window_and_progress_have_how_far_a_fault_had_reached_where_that_was_counted(
    tmp_path: Path, clock, world: list[str]
):
    said: list[str] = []
    ledger = Ledger(tmp_path / "faults.jsonl")
    injector = Injector(ledger, "demo", clock=clock, say=said.append, renew_every_s=60.0, start_watchdog=no_watchdog)
    run(injector, resolved("a"), resolved("b", "counts"))
    assert [(window.matched, window.hit) for window in injector.windows] == [(12, 3), (None, None)]
    assert said == ["latency on a->b: done (it matched 12 and hit 3)", "latency on a->a: done"]


def test_ctrl_c_heals_and_is_an_interruption(injector: Injector, world: list[str]):
    with pytest.raises(Interrupted, match=r"1 fault\(s\) healed"):
        run(injector, resolved("a"), then=lambda: signal.raise_signal(signal.SIGINT))
    assert world[-1] == "heal a"


def test_sigterm_heals_and_is_an_interruption(injector: Injector, world: list[str]):
    with pytest.raises(Interrupted):
        run(injector, resolved("a"), then=lambda: signal.raise_signal(signal.SIGTERM))
    assert world[-1] == "heal a"


def test_an_interrupt_during_healing_waits_for_it(injector: Injector, world: list[str]):
    @dataclass(frozen=True, slots=True)
    class Interrupting(FakeFault):
        def heal(self) -> Undone:
            os.kill(os.getpid(), signal.SIGINT)
            WORLD.append("healed whole")
            return Undone(True, "done")

    fault = Resolved(EdgeFault(Edge("a", "b"), Latency(0.1)), Means.PROXY, Interrupting("b"))
    with pytest.raises(Interrupted):
        run(injector, resolved("a"), fault)
    assert world[-2:] == ["healed whole", "heal a"]


def test_a_second_ctrl_c_on_the_way_out_does_not_end_the_healing(injector: Injector, world: list[str]):
    def twice() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            WORLD.append("on the way out")

    with pytest.raises(Interrupted, match=r"1 fault\(s\) healed"):
        run(injector, resolved("a"), then=twice)
    assert world[-2:] == ["on the way out", "heal a"]


def test_a_hangup_heals_and_is_an_interruption(injector: Injector, world: list[str]):
    with pytest.raises(Interrupted):
        run(injector, resolved("a"), then=lambda: signal.raise_signal(signal.SIGHUP))
    assert world[-1] == "heal a"


def test_handlers_of_signals_are_put_back(injector: Injector):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with injector:
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_lease_that_ran_out_is_noticed_by_its_renewal(tmp_path: Path, clock, world):
    said: list[str] = []
    injector = Injector(
        Ledger(tmp_path / "faults.jsonl"),
        "demo",
        clock=clock,
        say=said.append,
        renew_lease=lambda lease: Renewed((), (f"{lease.holder}/toxic",)),
        renew_every_s=60.0,
        start_watchdog=no_watchdog,
    )
    with injector:
        injector.inject(resolved("a", "leased"), experiment="x")
        assert said == []
        injector.beat()
        injector.beat()
        assert said == ["the lease of run/toxic ran out by itself (a starved machine?)"]


def test_a_leased_fault_that_is_gone_at_healing_had_expired(injector: Injector):
    with injector:
        injector.inject(resolved("a", "leased gone"), experiment="x")
    assert injector.windows[0].ended == "expired"


@dataclass(frozen=True, slots=True)
class FaultAtAProxy(FakeFault):
    """The same, at a proxy that can be looked at."""

    api: str = "http://x"


def test_a_beat_renews_leases_before_it_looks_for_their_proxies(tmp_path: Path, clock, world, monkeypatch):
    def renewed(lease: Lease) -> Renewed:
        WORLD.append("renew")
        return Renewed((), ())

    monkeypatch.setattr("seatrial.chaos.heartbeat.proxy_is_gone", lambda api: WORLD.append("look"))
    ledger = Ledger(tmp_path / "faults.jsonl")
    fault = Resolved(EdgeFault(Edge("a", "a"), Latency(0.1)), Means.PROXY, FaultAtAProxy("a", "leased"))
    with Injector(
        ledger, "demo", clock=clock, say=lambda _: None, renew_lease=renewed, renew_every_s=60.0
    ) as injector:
        injector.inject(fault, experiment="x")
        WORLD.clear()
        injector.beat()
        assert WORLD == ["renew", "look"]


def test_a_renewal_that_fails_does_not_end_the_heartbeat(tmp_path: Path, clock, world):
    def deaf(_: Lease) -> Renewed:
        raise FaultFailed("nobody answers")

    injector = Injector(
        Ledger(tmp_path / "faults.jsonl"),
        "demo",
        clock=clock,
        say=lambda _: None,
        renew_lease=deaf,
        renew_every_s=60.0,
        start_watchdog=no_watchdog,
    )
    with injector:
        injector.inject(resolved("a", "leased"), experiment="x")
        injector.beat()
    assert injector.windows[0].ended == "healed"


def test_a_fault_the_ledger_cannot_take_is_not_injected_and_the_others_are_healed(
    injector: Injector, world: list[str], monkeypatch: pytest.MonkeyPatch
):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def inject_on_a_full_disk() -> None:
        monkeypatch.setattr(os, "fsync", full)
        injector.inject(resolved("b"), experiment="x")

    with pytest.raises(FaultFailed, match="No space left on device; nothing was injected"):
        run(injector, resolved("a"), then=inject_on_a_full_disk)
    assert world == ["inject a", "heal a"]
    assert [window.ended for window in injector.windows] == ["healed"]


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, os.strerror(errno.EIO)), RuntimeError("reentrant call inside <_io.BufferedWriter>")]
)
def test_healing_goes_on_where_nobody_hears_of_it(tmp_path: Path, clock, world: list[str], error: Exception):
    def closed(_: str) -> None:
        raise error

    ledger = Ledger(ledger_of(tmp_path))
    with Injector(ledger, "demo", clock=clock, say=closed, start_watchdog=no_watchdog) as injector:
        injector.inject(resolved("a"), experiment="x")
        injector.inject(resolved("b"), experiment="x")
    assert world[-2:] == ["heal b", "heal a"]


def test_what_somebody_else_has_undone_is_not_undone_again(
    injector: Injector, tmp_path: Path, clock, world, fake_kind
):
    with injector:
        injector.inject(resolved("a"), experiment="x")
        assert [item.healed for item in undo.undo_open(Ledger(ledger_of(tmp_path)), clock=clock)] == [True]
    assert world == ["inject a", "heal a"]
    assert [window.ended for window in injector.windows] == ["expired"]


def test_without_a_watchdog_no_fault_without_a_lease_is_injected(tmp_path: Path, clock, world: list[str]):
    class Dead:
        lives = False

        def __init__(self, ledger: Ledger) -> None:
            del ledger

        def require(self) -> None:
            raise FaultFailed("the watchdog did not start")

        def let_go(self, *, wait: bool) -> None:
            del wait

    ledger = Ledger(ledger_of(tmp_path))
    with (
        pytest.raises(FaultFailed, match="the watchdog did not start"),
        Injector(ledger, "demo", clock=clock, say=lambda _: None, start_watchdog=Dead) as injector,
    ):
        injector.inject(resolved("a"), experiment="x")
    assert world == []


def test_an_injection_that_was_still_under_way_is_undone_when_it_acts(tmp_path: Path, clock, world, monkeypatch):
    @dataclass(frozen=True, slots=True)
    class Late(FakeFault):
        def heal(self) -> Undone:
            WORLD.append("look")
            return Undone(len(WORLD) == 4, "undone at last" if len(WORLD) == 4 else "nothing to do")

    monkeypatch.setitem(faults.FAULTS, (Means.PROXY, FaultKind.LATENCY), Late)
    ledger = Ledger(ledger_of(tmp_path))
    ledger.open(Entry("a", "x", "demo", "proxy", "latency", "a->b", {"name": "b"}, clock.now()))
    (recovered,) = recover(tmp_path, clock=clock).undone
    assert (recovered.text, recovered.needed) == ("undone at last", True)


def test_deadlines_of_healing_are_kept():
    with pytest.raises(FaultFailed, match=r"healing took longer than 0\.01 s"):
        undo.within(0.01, lambda: threading.Event().wait(5.0) or Undone(True, ""))
