"""`seatrial chaos halt`: a harness in another process ends and heals; what cannot be ended is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.chaos.faults import FAULTS
from seatrial.chaos.faults.rolling import HEAL_MOST_S, InTurn
from seatrial.chaos.healing.halt import HALT_WITHIN_S, Halted, halt
from seatrial.chaos.healing.recover import realm_lock
from seatrial.chaos.healing.undo import END_WITHIN_S
from seatrial.cli.chaos import run_halt
from seatrial.errors import ExitCode
from seatrial.runtime.lock import UNDOING, turn

BREAKING = """
    import sys, time
    from pathlib import Path
    from seatrial.chaos.inject import Injector
    from seatrial.chaos.healing.recover import realm_lock
    from seatrial.chaos.healing.ledger import Ledger
    from seatrial.chaos.model import EdgeFault, Timeout
    from seatrial.chaos.plan import resolver
    from seatrial.clock import SystemClock
    from seatrial.runtime.read import read_realms
    from seatrial.service import Edge

    workspace = Path(sys.argv[1])
    resolve = resolver(workspace, read_realms(workspace)["staging"], holder="run")
    ledger = Ledger(workspace / "reports" / "out" / "run" / "faults.jsonl")
    with realm_lock(workspace, "staging"), Injector(ledger, "staging", clock=SystemClock(), say=print) as injector:
        injector.inject(resolve(EdgeFault(Edge("cards", "ledger"), Timeout(0.0))), experiment="hang")
        print("on", flush=True)
        while True:
            time.sleep(0.05)  # a signal just before a sleep is seen after it
"""
DEAF = """
    import signal, sys, time
    from pathlib import Path
    from seatrial.chaos.healing.recover import realm_lock

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with realm_lock(Path(sys.argv[1]), "staging"):
        print("on", flush=True)
        while True:
            time.sleep(0.05)  # a signal just before a sleep is seen after it
"""
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, our_server, echo):
    """A workspace of one external realm, and the proxy of its edge."""
    proxy = our_server.proxy(echo)
    edge = f'{{toxiproxy: "{our_server.api}", proxy: {proxy.name}}}'
    (tmp_path / "realms.yaml").write_text(
        "realms:\n  staging:\n    services: {cards: http://127.0.0.1:1, ledger: http://127.0.0.1:1}\n"
        f"    allows: {{chaos: true}}\n    edges: {{cards->ledger: {edge}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path, proxy


@pytest.fixture
def start(workspace) -> Iterator[Start]:
    """Starts a harness of the workspace in another process, as another terminal would, and waits for its fault."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", textwrap.dedent(script), str(workspace[0])]
        harness = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(harness)
        assert harness.stdout is not None
        assert harness.stdout.readline() == "on\n"
        return harness

    yield run
    for harness in started:
        harness.kill()
        harness.communicate()


def test_a_harness_in_another_terminal_ends_and_its_fault_is_healed(workspace, start: Start, capsys):
    proxy = workspace[1]
    harness = start(BREAKING)
    assert proxy.ask("GET", "/toxics").json() != []
    assert run_halt() is ExitCode.MET
    assert proxy.ask("GET", "/toxics").json() == []
    assert harness.wait(timeout=10) != 0
    said = capsys.readouterr()
    assert f"halting process {harness.pid} in realm 'staging'" in said.err
    assert f"halted: process {harness.pid} in realm 'staging'" in said.out


def test_a_harness_that_is_stopped_in_its_terminal_is_woken_to_heal(workspace, start: Start):
    harness = start(BREAKING)
    os.kill(harness.pid, signal.SIGSTOP)
    assert run_halt() is ExitCode.MET
    assert workspace[1].ask("GET", "/toxics").json() == []


def test_where_no_experiment_runs_it_says_so_and_harms_nothing(workspace, capsys):
    with realm_lock(workspace[0], "staging"):
        pass
    assert run_halt() is ExitCode.MET
    assert capsys.readouterr().out.splitlines() == [
        "no experiment is running in this workspace",
        "nothing to do: no fault is left in this workspace",
    ]


def test_who_holds_another_lock_of_the_realm_goes_on(workspace, capsys):
    with turn(workspace[0], "staging", say=print):
        assert run_halt() is ExitCode.MET
    assert "no experiment is running in this workspace" in capsys.readouterr().out


def test_a_harness_that_does_not_end_is_told_and_is_no_success(workspace, start: Start, capsys, monkeypatch):
    monkeypatch.setattr("seatrial.chaos.healing.halt.HALT_WITHIN_S", 0.3)
    harness = start(DEAF)
    assert run_halt() is ExitCode.COULD_NOT_RUN
    assert f"LEFT: process {harness.pid} in realm 'staging' did not end within" in capsys.readouterr().out
    assert harness.poll() is None


def test_a_halt_waits_for_the_longest_healing_there_is_and_tells_that_it_waits(workspace, start: Start, monkeypatch):
    assert HALT_WITHIN_S >= END_WITHIN_S + HEAL_MOST_S
    assert all(kind.heal_deadline_s <= HEAL_MOST_S for kind in FAULTS.values() if not issubclass(kind, InTurn))
    monkeypatch.setattr("seatrial.chaos.healing.halt.TOLD_AFTER_S", 0.1)
    said: list[str] = []
    harness = start(DEAF)
    halt(workspace[0], say=said.append, within_s=3.0)
    assert said[1:] == [f"process {harness.pid} is not done yet; waiting for 3 s at most"]


def test_who_undoes_faults_is_waited_for_and_not_disturbed(workspace):
    with realm_lock(workspace[0], "staging", doing=UNDOING):
        (only,) = halt(workspace[0], say=lambda _: None, within_s=0.2)
    assert only == Halted("staging", f"process {os.getpid()}{UNDOING}", ended=False)
