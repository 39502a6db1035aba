"""What a harness leaves on when it is killed is undone by its watchdog, once, and nothing a living one holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from healthy_service import SERVICE, answers, pid

from seatrial.chaos.healing.ledger import read_ledger
from seatrial.chaos.healing.recover import recover
from seatrial.runtime import process
from seatrial.runtime.healings import tell_healed
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.up import down, up
from watchdogs import watchdogs

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
