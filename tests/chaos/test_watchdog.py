"""The watchdog: what a harness leaves on when it is killed is undone by it, once, and nothing a living one holds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from healthy_service import SERVICE, answers, pid
from killing import watchdogs

from seatrial.chaos.faults import FAULTS
from seatrial.chaos.faults.injectable import Means, Undone
from seatrial.chaos.healing.ledger import Entry, Ledger, read_ledger
from seatrial.chaos.healing.recover import recover
from seatrial.chaos.model import FaultKind
from seatrial.chaos.watchdog import watch as watching
from seatrial.clock import iso
from seatrial.errors import FaultFailed
from seatrial.runtime import process
from seatrial.runtime.healings import tell_healed
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.up import down, up

SLOW = (
    """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(float(sys.argv[2])), os._exit(0)))
"""
    + SERVICE
)
REALMS = """
realms:
  demo:
    runtime: {kind: process}
    allows: {chaos: true}
    services:
      ledger: {start: {command: ["{{ python }}", service.py, "{{ port }}", "0"]}}
      feed: {start: {command: ["{{ python }}", service.py, "{{ port }}", "0"]}}
      slow: {start: {command: ["{{ python }}", service.py, "{{ port }}", "5"]}}  # to end
"""
HARNESS = """
    import sys, time
    from pathlib import Path
    from seatrial.chaos.inject import Injector
    from seatrial.chaos.healing.ledger import Ledger
    from seatrial.chaos.model import Kill, Restart, RollingRestart, ServiceFault, Stop
    from seatrial.chaos.plan import resolver
    from seatrial.clock import SystemClock
    from seatrial.runtime.read import choose_realm, read_realms

    workspace = Path(sys.argv[1])
    resolve = resolver(workspace, choose_realm(read_realms(workspace), "demo"), holder="run")
    ledger = Ledger(workspace / "reports" / "out" / "run" / "faults.jsonl")
    kinds = {"kill": Kill, "stop": Stop, "restart": Restart}
    kinds["roll"] = lambda: RollingRestart(("feed", "slow"), 600.0)
    kinds["roll_from"] = lambda: RollingRestart(("ledger", "feed"), 600.0)
    with Injector(ledger, "demo", clock=SystemClock(), say=lambda _: None) as injector:
        for word in sys.argv[2:]:
            kind, _, service = word.partition(":")
            injector.inject(resolve(ServiceFault(service, kinds[kind]())), experiment="x")
        print("on", flush=True)
        time.sleep(600)
"""


LET_GO = "the harness let go with faults on"


@pytest.fixture(scope="module")
def realm_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace whose realm of three services is up."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "service.py").write_text(SLOW)
    (folder / "realms.yaml").write_text(REALMS)
    realm = choose_realm(read_realms(folder), "demo")
    up(realm, folder, variables={}, say=lambda _: None)
    yield folder
    down(realm, folder, say=lambda _: None)


@pytest.fixture
def workspace(realm_folder: Path, wait_until: Callable[..., None]) -> Iterator[Path]:
    """The same with no run in it, no watchdog, and nothing to tell."""
    yield realm_folder
    wait_until(lambda: not watchdogs(realm_folder))
    tell_healed(realm_folder, lambda _: None)
    for name in ("faults.jsonl", "watchdog.log"):
        (run_folder(realm_folder) / name).unlink(missing_ok=True)


def run_folder(workspace: Path) -> Path:
    return workspace / "reports" / "out" / "run"


def log(workspace: Path) -> str:
    path = run_folder(workspace) / "watchdog.log"
    return path.read_text() if path.exists() else ""


@pytest.fixture
def injecting(workspace: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a harness, in a group of its own, that injects those faults and holds them."""
    started: list[subprocess.Popen[str]] = []

    def start(*faults: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(HARNESS), str(workspace), *faults]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0)
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


@pytest.fixture
def harness(injecting) -> Callable[..., subprocess.Popen[str]]:
    """Starts such a harness, and waits until the faults are on."""

    def start(*faults: str) -> subprocess.Popen[str]:
        running = injecting(*faults)
        assert running.stdout.readline() == "on\n"
        return running

    return start


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


@pytest.mark.parametrize("fault", ["stop", "kill"])
def test_kill_9_of_the_harness_puts_back_what_it_had_broken(workspace, harness, wait_until, clock, fault: str):
    before = pid(workspace, "ledger")
    running = harness(f"{fault}:ledger")
    assert not answers(workspace, "ledger")
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    assert answers(workspace, "ledger")
    assert (pid(workspace, "ledger") == before) is (fault == "stop")
    assert recover(workspace, clock=clock).undone == ()
    wait_until(lambda: not watchdogs(workspace))
    told: list[str] = []
    tell_healed(workspace, told.append)
    tell_healed(workspace, told.append)
    assert len(told) == 1
    assert "ended with faults on; by 20" in told[0]
    assert told[0].endswith(f"its watchdog had healed {fault} on ledger")


def test_a_service_that_the_watchdog_has_started_again_is_not_as_deaf_as_the_watchdog(workspace, harness, wait_until):
    running = harness("kill:ledger")
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    again = pid(workspace, "ledger")
    assert process.send_signal(again, signal.SIGHUP)  # the service handles SIGTERM itself
    wait_until(lambda: not process.is_alive(again))
    up(choose_realm(read_realms(workspace), "demo"), workspace, variables={}, say=lambda _: None)


def test_kill_9_in_the_middle_of_a_restart_leaves_a_service_that_was_started_again(workspace, injecting, wait_until):
    before = pid(workspace, "slow")
    running = injecting("restart:slow")
    wait_until(lambda: not answers(workspace, "slow"))
    assert process.is_alive(before)  # on its way out
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    assert "healed: restart on slow (demo): 'slow' started again" in log(workspace)
    assert answers(workspace, "slow")
    assert not process.is_alive(before)


def test_kill_9_in_the_middle_of_a_rolling_restart_leaves_what_had_no_turn_alone(workspace, injecting, wait_until):
    services = ("ledger", "feed", "slow")
    before = {name: pid(workspace, name) for name in services}
    running = injecting("roll:ledger")
    wait_until(lambda: pid(workspace, "ledger") != before["ledger"] and answers(workspace, "ledger"))
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    assert all(answers(workspace, name) for name in services)
    assert [pid(workspace, name) != before[name] for name in services] == [True, False, False]


def test_kill_9_while_a_replica_of_a_rolling_restart_is_on_its_way_out_starts_it_again(
    workspace, injecting, wait_until
):
    services = ("slow", "ledger", "feed")
    before = {name: pid(workspace, name) for name in services}
    running = injecting("roll_from:slow")
    wait_until(lambda: not answers(workspace, "slow"))
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    assert all(answers(workspace, name) for name in services)
    assert [pid(workspace, name) != before[name] for name in services] == [True, False, False]


def test_the_watchdog_survives_the_group_of_its_harness(workspace, harness, wait_until):
    running = harness("stop:ledger")
    os.killpg(running.pid, signal.SIGKILL)
    wait_until(lambda: answers(workspace, "ledger"))


def test_the_watchdog_is_not_ended_by_what_ends_a_job(workspace, harness, wait_until):
    running = harness("stop:ledger")
    [watchdog] = watchdogs(workspace)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        watchdog.send_signal(number)
    running.kill()
    wait_until(lambda: answers(workspace, "ledger"))


def test_a_watchdog_that_is_killed_is_replaced_and_the_other_does_its_work(workspace, harness, wait_until):
    running = harness("stop:ledger")
    [first] = watchdogs(workspace)
    first.kill()
    wait_until(lambda: log(workspace).count("watching process") == 2)
    running.kill()
    wait_until(lambda: answers(workspace, "ledger"))


def test_faults_are_undone_newest_first_and_all_of_them(workspace, harness, wait_until):
    running = harness("stop:feed", "kill:ledger")
    running.kill()
    wait_until(lambda: "all is healed" in log(workspace))
    said = [line.split(" ", 1)[1] for line in log(workspace).splitlines()]
    assert said == [
        f"watching process {running.pid}",
        "the harness is gone with faults on",
        "healed: kill on ledger (demo): 'ledger' started again",
        "healed: stop on feed (demo): 'feed' continued",
        "all is healed",
    ]


def test_what_a_living_harness_holds_stays_and_an_orderly_end_needs_no_watchdog(workspace, harness, wait_until):
    running = harness("stop:ledger")
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(1.5)
    assert not answers(workspace, "ledger")
    running.terminate()
    running.wait(30)
    assert log(workspace).splitlines()[-1].endswith("the harness let go; nothing was on")
    assert answers(workspace, "ledger")
    assert watchdogs(workspace) == []


def test_recover_at_the_same_time_undoes_nothing_twice(workspace, harness, wait_until, clock):
    before = pid(workspace, "ledger")
    running = harness("kill:ledger")
    running.kill()
    recovered = recover(workspace, clock=clock).undone
    wait_until(lambda: not watchdogs(workspace))
    by_watchdog = log(workspace).count("healed: kill")
    assert len(recovered) + by_watchdog == 1
    assert answers(workspace, "ledger")
    after = pid(workspace, "ledger")
    assert after != before
    assert process.is_alive(after)
    assert read_ledger(run_folder(workspace) / "faults.jsonl").open == ()
