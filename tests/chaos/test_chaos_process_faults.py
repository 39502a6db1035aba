"""Killing and stopping a real process of a real realm, and putting it back, also after the harness is gone."""

from __future__ import annotations

import dataclasses
import signal
import threading
from pathlib import Path

import pytest
from healthy_service import SERVICE, answers, pid

from seatrial.chaos.faults import process as process_faults
from seatrial.chaos.faults import rolling
from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.healing.recover import realm_lock, recover
from seatrial.chaos.inject import Injector
from seatrial.chaos.model import Kill, Restart, RollingRestart, ServiceFault, Stop
from seatrial.chaos.plan import resolver
from seatrial.errors import CannotRun, FaultFailed, Interrupted
from seatrial.runtime import process
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.state import load_state
from seatrial.runtime.up import down, restart_service, up

REALMS = """
realms:
  demo:
    runtime: {kind: process}
    allows: {chaos: true}
    services:
      ledger: {start: {command: ["{{ python }}", service.py, "{{ port }}"]}}
      ledger2: {start: {command: ["{{ python }}", service.py, "{{ port }}"]}}
      ledger3: {start: {command: ["{{ python }}", service.py, "{{ port }}"]}}
      wrapped: {start: {command: [sh, -c, "{{ python }} service.py {{ port }}; true"]}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory):
    """A workspace whose realm is up: services that are one process, and one that a shell runs."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "service.py").write_text(SERVICE)
    (folder / "realms.yaml").write_text(REALMS)
    realm = choose_realm(read_realms(folder), "demo")
    up(realm, folder, variables={}, say=lambda _: None)
    yield folder
    down(realm, folder, say=lambda _: None)


def found(workspace: Path, settings, service: str = "ledger"):
    realm = choose_realm(read_realms(workspace), "demo")
    return resolver(workspace, realm, holder="run")(ServiceFault(service, settings))


def injector(workspace: Path, clock) -> Injector:
    ledger = Ledger(workspace / "reports" / "out" / "run" / "faults.jsonl")
    return Injector(ledger, "demo", clock=clock, say=lambda _: None)


@pytest.mark.parametrize("name", ["KILL", "TERM"])
def test_a_killed_service_is_started_again_where_it_was(workspace: Path, clock, name: str):
    before, url = pid(workspace), load_state(workspace, "demo").services["ledger"].url
    with injector(workspace, clock) as injecting:
        injecting.inject(found(workspace, Kill(name)), experiment="x")
        assert not process.is_alive(before)
        assert not answers(workspace)
    assert answers(workspace)
    assert pid(workspace) != before
    assert load_state(workspace, "demo").services["ledger"].url == url


def test_a_stopped_service_lives_but_answers_nobody_until_it_is_continued(workspace: Path, clock):
    before = pid(workspace)
    with injector(workspace, clock) as injecting:
        injecting.inject(found(workspace, Stop()), experiment="x")
        assert process.is_alive(before)
        assert not answers(workspace)
    assert answers(workspace)
    assert pid(workspace) == before


@pytest.mark.parametrize("settings", [Kill(), Stop()])
def test_a_service_that_a_shell_runs_is_broken_with_the_shell_and_put_back(workspace: Path, clock, settings):
    with injector(workspace, clock) as injecting:
        injecting.inject(found(workspace, settings, "wrapped"), experiment="x")
        assert not answers(workspace, "wrapped")
    assert answers(workspace, "wrapped")
    assert process.is_alive(pid(workspace, "wrapped"))


@pytest.mark.parametrize("settings", [Kill(), Stop()])
def test_recover_puts_back_what_a_dead_harness_left(workspace: Path, clock, settings):
    left = injector(workspace, clock)  # never entered, never left: as if killed
    left.inject(found(workspace, settings), experiment="x")
    assert not answers(workspace)
    (recovered,) = recover(workspace, clock=clock).undone
    assert recovered.healed
    assert answers(workspace)
    assert recover(workspace, clock=clock).undone == ()


DEAF = (
    """
import http.server, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""
    + SERVICE
)


def test_a_service_that_outlives_its_signal_is_not_left_to_end_later(workspace: Path, clock, monkeypatch):
    monkeypatch.setattr(process_faults, "END_DEADLINE_S", 0.2)
    realm = choose_realm(read_realms(workspace), "demo")
    (workspace / "service.py").write_text(DEAF)
    restart_service(realm, workspace, "ledger")
    (workspace / "service.py").write_text(SERVICE)
    deaf = pid(workspace)
    with (
        pytest.raises(FaultFailed, match=r"outlived signal TERM by 0\.2 s"),
        injector(workspace, clock) as injecting,
    ):
        injecting.inject(found(workspace, Kill("TERM")), experiment="x")
    assert not process.is_alive(deaf)
    assert answers(workspace)


REPLICAS = ("ledger", "ledger2", "ledger3")


@pytest.mark.parametrize("service", ["ledger", "wrapped"])
def test_a_restarted_service_is_back_where_it_was_and_needs_no_healing(workspace: Path, clock, service: str):
    before, url = pid(workspace, service), load_state(workspace, "demo").services[service].url
    with injector(workspace, clock) as injecting:
        injecting.inject(found(workspace, Restart(), service), experiment="x")
        after = pid(workspace, service)
        assert answers(workspace, service)
        assert not process.is_alive(before)
    assert pid(workspace, service) == after
    assert load_state(workspace, "demo").services[service].url == url
    assert [window.ended for window in injecting.windows] == ["healed"]


def test_a_rolling_restart_ends_the_next_only_when_the_one_before_is_healthy_and_the_pause_is_over(
    workspace: Path, clock, monkeypatch
):
    before = [pid(workspace, name) for name in REPLICAS]
    lived: list[list[bool]] = []

    def pause(_, pause_s: float) -> None:
        assert pause_s == 7.0
        assert all(answers(workspace, name) for name in REPLICAS)
        lived.append([process.is_alive(each) for each in before])

    fault = found(workspace, RollingRestart(REPLICAS[1:], 7.0)).injectable
    assert [f"{each.pid} ({name})" in fault.sight for each, name in zip(before, REPLICAS, strict=True)] == [True] * 3
    monkeypatch.setattr(rolling, "pause", pause)
    list(fault.in_turn(threading.Event()))
    assert lived == [[False, True, True], [False, False, True]]
    assert not any(map(process.is_alive, before))
    after = [pid(workspace, name) for name in REPLICAS]
    assert fault.heal().needed is False
    assert [pid(workspace, name) for name in REPLICAS] == after
    assert all(answers(workspace, name) for name in REPLICAS)


def test_a_rolling_restart_of_a_service_without_replicas_is_refused_for_nothing_would_answer_meanwhile(
    workspace: Path,
):
    before = pid(workspace)
    with pytest.raises(
        CannotRun, match=r"only .* \(ledger\) would be restarted, and no replica would answer meanwhile"
    ):
        found(workspace, RollingRestart())
    assert process.is_alive(before)


def test_a_rolling_restart_that_is_interrupted_leaves_no_replica_down(workspace: Path, clock, monkeypatch):
    before = [pid(workspace, name) for name in REPLICAS]

    def interrupt_the_second(realm, folder, service):
        if service != "ledger2":
            return restart_service(realm, folder, service)
        monkeypatch.undo()
        process.stop([before[1]])
        raise KeyboardInterrupt

    monkeypatch.setattr(process_faults, "restart_service", interrupt_the_second)
    with pytest.raises(Interrupted), injector(workspace, clock) as injecting:
        injecting.inject(found(workspace, RollingRestart(REPLICAS[1:])), experiment="x")
    assert all(answers(workspace, name) for name in REPLICAS)
    assert [process.is_alive(each) for each in before] == [False, False, True]


def test_a_rolling_restart_that_is_interrupted_in_a_pause_leaves_the_replicas_that_had_no_turn_alone(
    workspace: Path, clock
):
    before = [pid(workspace, name) for name in REPLICAS]
    fault = found(workspace, RollingRestart(REPLICAS[1:], 3600.0))

    def interrupt() -> None:
        if pid(workspace) != before[0] and answers(workspace):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted), injector(workspace, clock) as injecting:
        injecting.inject(fault, experiment="x", meanwhile=interrupt)
    assert [process.is_alive(each) for each in before] == [False, True, True]
    assert all(answers(workspace, name) for name in REPLICAS)
    [window] = injecting.windows
    assert window.ended == "healed"


def test_a_replica_that_cannot_be_started_again_keeps_no_other_from_it(workspace: Path, monkeypatch):
    fault = dataclasses.replace(found(workspace, RollingRestart(REPLICAS[1:])).injectable, begun=2)
    process.stop([pid(workspace, name) for name in REPLICAS[:2]])

    def refuse_the_first(realm, folder, service):
        if service == "ledger":
            raise CannotRun("its port is taken")
        return restart_service(realm, folder, service)

    monkeypatch.setattr(process_faults, "restart_service", refuse_the_first)
    with pytest.raises(FaultFailed, match="'ledger' was ended and could not be started again: its port is taken"):
        fault.heal()
    assert [answers(workspace, name) for name in REPLICAS] == [False, True, True]
    monkeypatch.undo()
    assert fault.heal().text == "'ledger' started again"
    assert all(answers(workspace, name) for name in REPLICAS)


def test_a_replica_that_was_restarted_and_is_not_well_keeps_the_next_from_being_restarted(
    workspace: Path, monkeypatch
):
    fault = dataclasses.replace(found(workspace, RollingRestart(REPLICAS[1:])).injectable, begun=2)
    restart_service(choose_realm(read_realms(workspace), "demo"), workspace, "ledger")
    before = [pid(workspace, name) for name in REPLICAS]
    url = load_state(workspace, "demo").services["ledger"].url
    monkeypatch.setattr("seatrial.runtime.up.HEALTH_DEADLINE_S", 0.0)
    with pytest.raises(FaultFailed, match=rf"'ledger' was restarted, and is not well: .* did not become .* {url}"):
        fault.heal()
    assert [pid(workspace, name) for name in REPLICAS] == before
    monkeypatch.undo()
    assert fault.heal().text == "'ledger2' started again"
    assert [pid(workspace, name) == former for name, former in zip(REPLICAS, before, strict=True)] == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("settings", [Restart(), RollingRestart(("ledger2",))])
def test_recover_starts_what_a_restart_that_was_cut_short_has_ended(workspace: Path, clock, monkeypatch, settings):
    before = pid(workspace)
    monkeypatch.setattr("seatrial.runtime.up._with_services", _be_killed)
    with pytest.raises(Killed):
        injector(workspace, clock).inject(found(workspace, settings), experiment="x")
    monkeypatch.undo()
    assert not process.is_alive(before)
    (recovered,) = recover(workspace, clock=clock).undone
    assert (recovered.healed, recovered.text) == (True, "'ledger' started again")
    assert answers(workspace)
    assert recover(workspace, clock=clock).undone == ()


def test_a_service_that_somebody_else_restarted_meanwhile_is_not_restarted(workspace: Path):
    fault = found(workspace, Restart()).injectable
    restart_service(choose_realm(read_realms(workspace), "demo"), workspace, "ledger")
    after = pid(workspace)
    with pytest.raises(FaultFailed, match="was gone before it could be restarted"):
        fault.inject()
    assert fault.heal().needed is False
    assert pid(workspace) == after


def test_healing_a_service_that_somebody_started_again_does_nothing(workspace: Path, clock):
    fault = found(workspace, Kill()).injectable
    fault.inject()
    assert fault.heal().needed is True
    after = pid(workspace)
    assert fault.heal().needed is False
    assert pid(workspace) == after


def test_a_service_that_a_killed_harness_started_and_did_not_note_is_not_left(
    workspace: Path, clock, monkeypatch, wait_until
):
    fault = found(workspace, Kill()).injectable
    fault.inject()
    monkeypatch.setattr("seatrial.runtime.up.save_state", _be_killed)
    with pytest.raises(Killed):
        fault.heal()
    monkeypatch.undo()
    name, value = "SEATRIAL_SERVICE", f"{workspace.resolve()}:demo:ledger"
    wait_until(lambda: process.find_marked(name, value))  # the system shows its environment a moment after its start
    [stray] = process.find_marked(name, value)
    assert fault.heal().needed is True
    assert not process.is_alive(stray)
    assert process.find_marked(name, value) == (pid(workspace),)
    assert answers(workspace)


class Killed(BaseException):
    """What kill -9 is to the code that it interrupts."""


def _be_killed(*_: object) -> None:
    raise Killed


def test_a_process_that_is_not_the_one_resolved_is_not_touched(workspace: Path):
    fault = found(workspace, Stop()).injectable
    stranger = process_faults.StopProcess(fault.workspace, fault.realm, "ledger", fault.pid, fault.created_at - 100.0)
    assert stranger.heal().needed is False
    with pytest.raises(CannotRun, match="was gone before it could be stopped"):
        stranger.inject()
    assert answers(workspace)


def test_recover_is_refused_while_the_realm_is_locked_only_if_there_is_something_to_do(workspace: Path, clock):
    with realm_lock(workspace, "demo"):
        assert recover(workspace, clock=clock).undone == ()


def test_a_realm_that_is_down_has_nothing_to_undo(tmp_path: Path):
    fault = process_faults.KillProcess(str(tmp_path), "demo", "ledger", 1, 1.0, "KILL")
    assert fault.heal().text == "nothing to do: realm 'demo' is down"
