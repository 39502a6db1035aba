"""Injecting and healing: the order, the errors, the interrupts, the leases, and what a dead harness leaves."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos import faults
from seatrial.chaos.faults.injectable import AtOnce, Lease, Means, Reached, Undone
from seatrial.chaos.faults.toxics import Renewed, Toxic
from seatrial.chaos.healing import undo
from seatrial.chaos.healing.ledger import Entry, Ledger, open_entries
from seatrial.chaos.healing.recover import realm_lock, recover, require_healed
from seatrial.chaos.inject import Injector, Resolved
from seatrial.chaos.model import EdgeFault, FaultKind, Latency
from seatrial.errors import FaultFailed, Interrupted, Refused
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


def no_watchdog(ledger: Ledger) -> None:
    """Nobody kills the process of these tests."""


def resolved(name: str, how: str = "") -> Resolved:
    return Resolved(EdgeFault(Edge("a", name), Latency(0.1)), Means.PROXY, FakeFault(name, how))


@pytest.fixture
def world():
    """What was done, in order."""
    WORLD.clear()
    return WORLD


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


def ledger_of(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "out" / "run" / "faults.jsonl"


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


def test_a_second_harness_on_a_realm_is_refused(tmp_path: Path):
    with realm_lock(tmp_path, "demo"):
        with pytest.raises(
            Refused, match=rf"chaos is going on in realm 'demo' \(process {os.getpid()}, with faults of its own\)"
        ):
            realm_lock(tmp_path, "demo").__enter__()
        with realm_lock(tmp_path, "other"):
            pass
    with realm_lock(tmp_path, "demo"):
        pass


@pytest.fixture
def fake_kind(monkeypatch: pytest.MonkeyPatch):
    """Latency by proxy is the fake fault, also for `recover`."""
    monkeypatch.setitem(faults.FAULTS, (Means.PROXY, FaultKind.LATENCY), FakeFault)


def test_recover_undoes_what_is_open_newest_first_and_is_idempotent(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", "b")
    assert [item.healed for item in recover(tmp_path, clock=clock).undone] == [True, True]
    assert world[-2:] == ["heal b", "heal a"]
    assert recover(tmp_path, clock=clock).undone == ()


def test_recover_goes_on_past_what_it_cannot_undo(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", "b", how={"b": "breaks"})
    left, healed = recover(tmp_path, clock=clock).undone
    assert (left.healed, healed.healed) == (False, True)
    assert "a defect of ours" in left.text
    assert [item.entry.target for item in recover(tmp_path, clock=clock).undone] == ["a->b"]


def test_recover_does_not_touch_a_living_experiment(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a")
    with realm_lock(tmp_path, "demo"):
        recovered = recover(tmp_path, clock=clock)
    assert (recovered.undone, [str(why).partition(" (")[0] for why in recovered.refused]) == (
        (),
        ["chaos is going on in realm 'demo'"],
    )
    assert world == ["inject a"]


def _leave_open(workspace: Path, clock, *names: str, how: dict[str, str] | None = None) -> None:
    """What a harness that was killed leaves: faults in its ledger that nobody healed."""
    injector = Injector(Ledger(ledger_of(workspace)), "demo", clock=clock, say=lambda _: None)
    for name in names:
        injector.inject(resolved(name, (how or {}).get(name, "")), experiment="x")


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


HARNESS = """
    import sys, time
    from pathlib import Path
    from seatrial.chaos.faults import resolve
    from seatrial.chaos.faults.injectable import Site
    from seatrial.chaos.inject import Injector, Resolved
    from seatrial.chaos.healing.ledger import Ledger
    from seatrial.chaos.model import EdgeFault, Latency
    from seatrial.clock import SystemClock
    from seatrial.realm import EdgeProxy, Place, Realm, RuntimeKind
    from seatrial.service import Edge

    api, proxy, workspace = sys.argv[1:]
    edge = Edge("cards", "ledger")
    realm = Realm("demo", RuntimeKind.EXTERNAL, {}, edges={str(edge): EdgeProxy(api, proxy)})
    fault = EdgeFault(edge, Latency(0.1))
    site = Site(Path(workspace), realm, None, "doomed", 2.0)
    ledger = Ledger(Path(workspace) / "reports" / "out" / "run" / "faults.jsonl")
    with Injector(ledger, "demo", clock=SystemClock(), say=print, renew_every_s=0.2) as injector:
        injector.inject(Resolved(fault, *resolve(fault, site)), experiment="x")
        print("on", flush=True)
        time.sleep(120)
"""


@pytest.fixture
def harness(tmp_path: Path):
    """Starts a harness that holds a toxic with a lease of two seconds; gives its process."""
    started: list[subprocess.Popen[str]] = []

    def start(proxy) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(HARNESS), proxy.server.api, proxy.name, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_kill_9_of_the_harness_leaves_no_toxic_after_its_lease(
    our_server, echo, harness, clock, tmp_path: Path, wait_until: Callable[..., None]
):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    assert len(proxy.ask("GET", "/toxics").json()) == 1
    process.kill()
    process.wait()
    wait_until(lambda: proxy.ask("GET", "/toxics").json() == [])
    (recovered,) = recover(tmp_path, clock=clock).undone
    assert (recovered.healed, recovered.text) == (True, "nothing to do: the toxic is gone")
    assert recover(tmp_path, clock=clock).undone == ()


def test_a_living_harness_keeps_its_toxic_beyond_the_lease(our_server, echo, harness):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3.0)
    assert len(proxy.ask("GET", "/toxics").json()) == 1


def test_a_frozen_harness_loses_its_toxic_and_says_so_when_it_goes_on(
    our_server, echo, harness, wait_until: Callable[..., None]
):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: proxy.ask("GET", "/toxics").json() == [])
    process.send_signal(signal.SIGCONT)
    said = process.stdout.readline()
    assert said.startswith(f"the lease of {proxy.name}/seatrial_latency_downstream_")
    assert said.endswith(" ran out by itself (a starved machine?)\n")


def test_a_watchdog_that_was_ended_is_replaced_while_something_is_on(tmp_path: Path, clock, world: list[str]):
    started: list[object] = []

    class Short:
        """One that is gone by the first heartbeat."""

        lives = True

        def __init__(self, ledger: Ledger) -> None:
            del ledger
            started.append(self)

        def require(self) -> None: ...

        def beat(self) -> None:
            self.lives = False

        def let_go(self, *, wait: bool) -> None:
            del wait

    ledger = Ledger(ledger_of(tmp_path))
    with Injector(
        ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=60.0, start_watchdog=Short
    ) as injector:
        injector.inject(resolved("a"), experiment="x")
        injector.beat()
        assert len(started) == 2
        injector.heal_all()
        injector.beat()
        assert len(started) == 2


class Beaten:
    """A watchdog that is there for good; its first beat lasts until it is let go of, or for a while."""

    lives = True

    def __init__(self, ledger: Ledger) -> None:
        del ledger
        self.beating = threading.Event()
        self.let_go_of = threading.Event()
        self.in_a_beat: bool | None = None

    def require(self) -> None: ...

    def beat(self) -> None:
        self.beating.set()
        self.let_go_of.wait(0.5)
        self.beating.clear()

    def let_go(self, *, wait: bool) -> None:
        del wait
        self.in_a_beat = self.beating.is_set()
        self.let_go_of.set()


def test_the_watchdog_is_let_go_of_when_no_beat_is_under_way(tmp_path: Path, clock, world: list[str]):
    started: list[Beaten] = []

    def start(ledger: Ledger) -> Beaten:
        started.append(Beaten(ledger))
        return started[-1]

    ledger = Ledger(ledger_of(tmp_path))
    with Injector(
        ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=0.01, start_watchdog=start
    ) as injector:
        injector.inject(resolved("a"), experiment="x")
        assert started[0].beating.wait(20.0)
    assert [watchdog.in_a_beat for watchdog in started] == [False]


def test_a_watchdog_that_cannot_be_replaced_is_told_once_and_the_heart_goes_on(tmp_path: Path, clock, world):
    class Ended(Beaten):
        """One that was ended."""

        lives = False

        def beat(self) -> None: ...

    tries: list[bool] = []

    def start(ledger: Ledger) -> Ended:
        tries.append(True)
        if len(tries) > 1:
            raise FaultFailed("the watchdog cannot be started: Resource temporarily unavailable")
        return Ended(ledger)

    said: list[str] = []
    renewed: list[Lease] = []
    injector = Injector(
        Ledger(ledger_of(tmp_path)),
        "demo",
        clock=clock,
        say=said.append,
        renew_lease=lambda lease: renewed.append(lease) or Renewed((), ()),
        renew_every_s=60.0,
        start_watchdog=start,
    )
    with injector:
        injector.inject(resolved("a"), experiment="x")
        injector.inject(resolved("b", "leased"), experiment="x")
        injector.beat()
        injector.beat()
    assert len(tries) == 3
    assert len(renewed) == 2
    assert [line for line in said if "watchdog" in line] == [
        "the watchdog was ended and cannot be started again: nobody heals what is on if we are killed"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_harness_heals_before_it_ends(our_server, echo, harness, tmp_path: Path, number):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    process.send_signal(number)
    process.wait(30.0)
    assert proxy.ask("GET", "/toxics").json() == []
    events = [json.loads(line)["event"] for line in ledger_of(tmp_path).read_text().splitlines()]
    assert events == ["open", "acting", "healed"]


def test_what_a_dead_harness_left_is_undone_by_recover_on_either_server(
    toxiproxy_server, echo, harness, clock, tmp_path: Path
):
    proxy = toxiproxy_server.proxy(echo)
    process = harness(proxy)
    process.kill()
    process.wait()
    recover(tmp_path, clock=clock)
    assert proxy.ask("GET", "/toxics").json() == []
    assert recover(tmp_path, clock=clock).undone == ()


def test_kill_9_of_the_harness_leaves_no_toxic_on_a_server_without_leases(
    toxiproxy_server, echo, harness, clock, tmp_path: Path, wait_until: Callable[..., None]
):
    proxy = toxiproxy_server.proxy(echo)
    process = harness(proxy)
    assert len(proxy.ask("GET", "/toxics").json()) == 1
    process.kill()
    process.wait()
    wait_until(lambda: proxy.ask("GET", "/toxics").json() == [])
    assert [item for item in recover(tmp_path, clock=clock).undone if item.needed] == []


def test_a_proxy_that_is_gone_is_told_at_once_with_what_was_on(start_ours, echo, clock, tmp_path: Path):
    server = start_ours()
    proxy = server.proxy(echo)
    said: list[str] = []
    ledger = Ledger(ledger_of(tmp_path))
    with Injector(ledger, "demo", clock=clock, say=said.append, renew_every_s=60.0) as injector:
        injector.inject(_toxic(proxy), experiment="x")
        injector.beat()
        injector.require()
        os.kill(server.pid, signal.SIGKILL)
        deadline_s = time.monotonic() + 20.0
        while not said and time.monotonic() < deadline_s:
            injector.beat()
        with pytest.raises(FaultFailed, match=f"the proxy at {server.api} is gone, and with it what was on: a->b"):
            injector.require()
    assert said[0] == f"the proxy at {server.api} is gone, and with it what was on: a->b"
    assert [window.ended for window in injector.windows] == ["expired"]


def _toxic(proxy) -> Resolved:
    toxic = Toxic(proxy.server.api, proxy.name, "a->b", "late", "latency", "downstream", {"latency": 1}, "run", 5.0)
    return Resolved(EdgeFault(Edge("a", "b"), Latency(0.001)), Means.PROXY, toxic)


def test_what_an_earlier_run_left_is_undone_before_the_next(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a")
    said: list[str] = []
    require_healed(tmp_path, "other", clock=clock, say=said.append)
    assert said == []
    require_healed(tmp_path, "demo", clock=clock, say=said.append)
    assert said == ["left by an earlier run: latency on a->a: done"]
    assert recover(tmp_path, clock=clock).undone == ()


def test_what_an_earlier_run_left_for_good_refuses_the_next(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", how={"a": "stays"})
    with pytest.raises(
        FaultFailed, match="latency on a->a is left of an earlier run: it stays; then: seatrial chaos"
    ):
        require_healed(tmp_path, "demo", clock=clock, say=lambda _: None)


def test_deadlines_of_healing_are_kept():
    with pytest.raises(FaultFailed, match=r"healing took longer than 0\.01 s"):
        undo.within(0.01, lambda: threading.Event().wait(5.0) or Undone(True, ""))
