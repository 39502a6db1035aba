"""Injecting and healing: the order, the errors, the interrupts, the leases, and what a dead harness leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos import faults, inject
from seatrial.chaos.faults.injectable import Lease, Means, Undone
from seatrial.chaos.faults.toxics import Renewed
from seatrial.chaos.inject import Injector, Resolved, realm_lock, recover
from seatrial.chaos.ledger import Ledger, open_entries
from seatrial.chaos.model import EdgeFault, FaultKind, Latency
from seatrial.errors import FaultFailed, Interrupted, Refused
from seatrial.service import Edge

WORLD: list[str] = []


@dataclass(frozen=True, slots=True)
class FakeFault:
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
        return Undone("gone" not in self.how, "done")


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
    return Injector(ledger, "demo", clock=clock, say=lambda _: None, renew_every_s=60.0)


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
    with Injector(Ledger(path), "demo", clock=_Still(), say=lambda _: None, renew_every_s=60.0) as injector:
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


@pytest.mark.parametrize("how", ["stays", "breaks", "hangs"])
def test_healing_goes_on_past_an_error_and_says_what_is_left(injector: Injector, world, tmp_path: Path, how: str):
    with pytest.raises(FaultFailed, match="not healed: latency on a->b; then: seatrial chaos recover"):
        run(injector, resolved("a"), resolved("b", how), resolved("c"))
    assert world[3:] == ["heal c", "heal b", "heal a"]
    assert [window.ended for window in injector.windows] == ["healed", "left", "healed"]
    assert [entry.target for entry in open_entries(ledger_of(tmp_path))] == ["a->b"]


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


def test_handlers_of_signals_are_put_back(injector: Injector):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with injector:
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_lease_that_ran_out_is_noticed_by_its_renewal(tmp_path: Path, clock, world):
    injector = Injector(
        Ledger(tmp_path / "faults.jsonl"),
        "demo",
        clock=clock,
        say=lambda _: None,
        renew_lease=lambda lease: Renewed((), (f"{lease.holder}/toxic",)),
        renew_every_s=60.0,
    )
    with injector:
        injector.inject(resolved("a", "leased"), experiment="x")
        assert injector.expired == frozenset()
        injector.beat()
        assert injector.expired == {"run/toxic"}


def test_a_leased_fault_that_is_gone_at_healing_had_expired(injector: Injector):
    with injector:
        injector.inject(resolved("a", "leased gone"), experiment="x")
    assert injector.expired == {"a->a"}
    assert injector.windows[0].ended == "expired"


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
    )
    with injector:
        injector.inject(resolved("a", "leased"), experiment="x")
        injector.beat()
    assert injector.windows[0].ended == "healed"


def test_a_second_harness_on_a_realm_is_refused(tmp_path: Path):
    with realm_lock(tmp_path, "demo"):
        with pytest.raises(Refused, match=rf"chaos is going on in realm 'demo' \(process {os.getpid()}\)"):
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
    assert [item.healed for item in recover(tmp_path, clock=clock)] == [True, True]
    assert world[-2:] == ["heal b", "heal a"]
    assert recover(tmp_path, clock=clock) == ()


def test_recover_goes_on_past_what_it_cannot_undo(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a", "b", how={"b": "breaks"})
    left, healed = recover(tmp_path, clock=clock)
    assert (left.healed, healed.healed) == (False, True)
    assert "a defect of ours" in left.text
    assert [item.entry.target for item in recover(tmp_path, clock=clock)] == ["a->b"]


def test_recover_does_not_touch_a_living_experiment(tmp_path: Path, clock, world, fake_kind):
    _leave_open(tmp_path, clock, "a")
    with realm_lock(tmp_path, "demo"), pytest.raises(Refused):
        recover(tmp_path, clock=clock)
    assert world == ["inject a"]


def _leave_open(workspace: Path, clock, *names: str, how: dict[str, str] | None = None) -> None:
    """What a harness that was killed leaves: faults in its ledger that nobody healed."""
    injector = Injector(Ledger(ledger_of(workspace)), "demo", clock=clock, say=lambda _: None)
    for name in names:
        injector.inject(resolved(name, (how or {}).get(name, "")), experiment="x")


HARNESS = """
    import sys, time
    from pathlib import Path
    from seatrial.chaos.faults import resolve
    from seatrial.chaos.faults.injectable import Site
    from seatrial.chaos.inject import Injector, Resolved
    from seatrial.chaos.ledger import Ledger
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
    (recovered,) = recover(tmp_path, clock=clock)
    assert (recovered.healed, recovered.text) == (True, "nothing to do: the toxic is gone")
    assert recover(tmp_path, clock=clock) == ()


def test_a_living_harness_keeps_its_toxic_beyond_the_lease(our_server, echo, harness):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3.0)
    assert len(proxy.ask("GET", "/toxics").json()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_harness_heals_before_it_ends(our_server, echo, harness, tmp_path: Path, number):
    proxy = our_server.proxy(echo)
    process = harness(proxy)
    process.send_signal(number)
    process.wait(30.0)
    assert proxy.ask("GET", "/toxics").json() == []
    events = [json.loads(line)["event"] for line in ledger_of(tmp_path).read_text().splitlines()]
    assert events == ["open", "healed"]


def test_what_a_dead_harness_left_is_undone_by_recover_on_either_server(
    toxiproxy_server, echo, harness, clock, tmp_path: Path
):
    proxy = toxiproxy_server.proxy(echo)
    process = harness(proxy)
    process.kill()
    process.wait()
    recover(tmp_path, clock=clock)
    assert proxy.ask("GET", "/toxics").json() == []
    assert recover(tmp_path, clock=clock) == ()


def test_deadlines_of_healing_are_kept():
    with pytest.raises(FaultFailed, match=r"healing took longer than 0\.01 s"):
        inject._within(0.01, lambda: threading.Event().wait(5.0) or Undone(True, ""))
