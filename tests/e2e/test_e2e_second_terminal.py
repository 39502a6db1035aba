"""What another terminal does to a realm where something is broken on purpose, or was when its harness was killed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from seatrial.chaos.healing.ledger import ledgers, open_entries
from seatrial.errors import ExitCode
from seatrial.runtime import process
from seatrial.runtime.state import load_state
from watchdogs import watchdogs

pytestmark = pytest.mark.e2e

SHORT = "profile: short\nscenarios: [ask both]\nstages: [{ramp_to: 5/s}, {hold: 2s}]\n"
MONITOR = "monitor: both\nscenarios: [ask both]\nevery: 10s\n"
GOING_ON = "chaos is going on in realm 'pair' (process {pid}, with faults of its own)"
NOT_STARTED = f"{GOING_ON}: what fails there may be its doing; not started while it is: back"
UNDOING = "waiting for the watchdog of a harness that is gone, undoing faults, in realm 'pair'"


def _service(workspace: Path, name: str):
    return load_state(workspace, "pair").services[name].process


def _processes(workspace: Path):
    """Services and proxy of the realm."""
    state = load_state(workspace, "pair")
    return [*(service.process for service in state.services.values()), state.proxy.process]


def _left_open(workspace: Path):
    return [entry for path in ledgers(workspace) for entry in open_entries(path)]


@pytest.fixture
def broken(pair, start, seatrial):
    """The workspace with its realm up, and a harness in it that has killed `back` and keeps it so."""
    assert seatrial(pair, "up").code == 0
    harness = start(pair, "assess", "--gate", "kill")
    harness.wait_for_words("kill: kill on back")
    back = _service(pair, "back")
    harness.wait_until(lambda: not process.is_alive(back), "the back is killed")
    yield harness
    if harness.popen.poll() is None:
        harness.end(signal.SIGINT)


def test_down_is_refused_until_the_experiment_is_halted(pair, broken, seatrial):
    before = _processes(pair)
    refused = seatrial(pair, "down")
    assert refused.code == ExitCode.COULD_NOT_RUN
    assert refused.sentence == (
        f"error: {GOING_ON.format(pid=broken.popen.pid)}; wait for it, or end it: seatrial chaos halt\n"
    )
    assert _processes(pair) == before

    halted = seatrial(pair, "chaos", "halt")
    assert halted.code == 0, halted
    ended = broken.wait()
    assert ended.code == ExitCode.INTERRUPTED
    assert "it was halted before its end; seen: requests that need" in " ".join(ended.out.split())
    after = _processes(pair)
    downed = seatrial(pair, "down")
    assert downed.code == 0, downed
    assert not any(process.is_alive(each) for each in (*before, *after))


def test_down_is_refused_while_something_is_assessed_and_leaves_it_its_services(pair, start, seatrial):
    assert seatrial(pair, "up").code == 0
    before = _processes(pair)
    assessing = start(pair, "assess", "--gate", "long load")
    assessing.wait_for_words("acceptance: ask both: passed")
    refused = seatrial(pair, "down")
    assert refused.code == ExitCode.COULD_NOT_RUN
    assert refused.sentence == (
        f"error: realm 'pair' is in use (process {assessing.popen.pid}): what is asked there would fail; "
        f"wait for it, or end it: kill {assessing.popen.pid}\n"
    )
    assert all(map(process.is_alive, before))
    assert assessing.end(signal.SIGTERM).code == ExitCode.INTERRUPTED
    assert seatrial(pair, "down").code == 0


@pytest.mark.parametrize("words", [("check", "--tag", "quick"), ("watch", "--once"), ("load", "short")])
def test_a_command_in_another_terminal_starts_nothing_that_the_experiment_has_killed(pair, broken, seatrial, words):
    (pair / "synthetic").mkdir()
    (pair / "synthetic" / "both.yaml").write_text(MONITOR)
    (pair / "scenarios" / "profiles" / "short.yaml").write_text(SHORT)
    before = _processes(pair)
    ended = seatrial(pair, *words)
    told = (
        f"{GOING_ON.format(pid=broken.popen.pid)}: what fails there may be its doing; not started while it is: back"
    )
    assert told in ended.sentence.splitlines()
    assert ended.code == ExitCode.MET, ended
    assert _processes(pair) == before
    assert not process.is_alive(_service(pair, "back"))
    assert "kill: kill on back" in broken.said
    assert broken.popen.poll() is None


def test_a_gate_without_faults_judges_nothing_while_another_terminal_breaks_things(pair, broken, seatrial):
    (pair / "slo" / "plain.yaml").write_text("gate: plain\nacceptance: {tags: [quick]}\n")
    before = set((pair / "reports" / "out").iterdir())
    ended = seatrial(pair, "assess", "--gate", "plain")
    assert ended.code == ExitCode.COULD_NOT_RUN
    assert f"{GOING_ON.format(pid=broken.popen.pid)}; wait for it" in ended.sentence
    assert set((pair / "reports" / "out").iterdir()) == before
    assert broken.popen.poll() is None


def test_up_in_another_terminal_says_what_is_down_on_purpose_and_could_not_run(pair, broken, seatrial):
    before = _processes(pair)
    ended = seatrial(pair, "up")
    assert (ended.code, ended.out) == (ExitCode.COULD_NOT_RUN, "")
    assert ended.sentence == NOT_STARTED.format(pid=broken.popen.pid) + "\n"
    assert _processes(pair) == before


@pytest.mark.parametrize("command", ["down", "up"])
def test_right_after_kill_9_of_the_harness_what_it_broke_is_undone_first(pair, broken, seatrial, wait_until, command):
    former = _service(pair, "back")
    assert broken.end(signal.SIGKILL).code == -signal.SIGKILL
    ended = seatrial(pair, command)
    assert ended.code == 0, ended
    assert ended.sentence.splitlines().count(UNDOING) == 1
    assert "its watchdog had healed kill on back" in ended.sentence
    assert _left_open(pair) == []
    if command == "up":
        assert ended.out.startswith("realm pair is up (it was already)")
        assert _service(pair, "back") != former
        assert all(process.is_alive(each) for each in _processes(pair))
        again = _processes(pair)
        assert seatrial(pair, "down").sentence == "stopping front, back\n"
        assert not any(process.is_alive(each) for each in again)
    assert load_state(pair, "pair") is None
    wait_until(lambda: not watchdogs(pair), "the watchdog is gone")


@pytest.mark.parametrize("command", ["recover", "halt"])
def test_right_after_kill_9_of_the_harness_nobody_refuses_to_heal(pair, broken, seatrial, wait_until, command):
    broken.popen.kill()  # and not waited for: it may not have ended yet
    ended = seatrial(pair, "chaos", command)
    assert ended.code == 0, ended
    assert _left_open(pair) == []
    assert process.is_alive(_service(pair, "back"))
    wait_until(lambda: not watchdogs(pair), "the watchdog is gone")
    broken.wait()


def test_a_harness_that_was_killed_with_its_watchdog_keeps_nobody_from_going_down(pair, broken, seatrial):
    before = _processes(pair)
    [watchdog] = watchdogs(pair)
    broken.popen.send_signal(signal.SIGSTOP)  # or it would start another
    watchdog.kill()
    broken.end(signal.SIGKILL)
    downed = seatrial(pair, "down")
    assert downed.code == 0, downed
    assert downed.sentence == "stopping front, back\n"
    assert not any(process.is_alive(each) for each in before)
    assert seatrial(pair, "chaos", "recover").code == 0
    assert _left_open(pair) == []
