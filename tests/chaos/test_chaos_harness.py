"""What a harness that is killed, frozen or told to end leaves, and a watchdog that has to be replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_faults import ledger_of, resolved

from seatrial.chaos.faults.injectable import Lease, Means
from seatrial.chaos.faults.toxics import Renewed, Toxic
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.inject import Injector, Resolved
from seatrial.chaos.model import EdgeFault, Latency
from seatrial.errors import FaultFailed
from seatrial.service import Edge

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
