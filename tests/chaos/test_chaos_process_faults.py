"""Killing and stopping a real process of a real realm, and putting it back, also after the harness is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial import http
from seatrial.chaos.faults import process as process_faults
from seatrial.chaos.inject import Injector, realm_lock, recover
from seatrial.chaos.ledger import Ledger
from seatrial.chaos.model import Kill, ServiceFault, Stop
from seatrial.chaos.plan import resolver
from seatrial.errors import CannotRun
from seatrial.exchange import Response
from seatrial.runtime import process
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.state import load_state
from seatrial.runtime.up import down, up

SERVICE = """
import http.server, sys

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""
REALMS = """
realms:
  demo:
    runtime: {kind: process}
    allows: {chaos: true}
    services:
      ledger: {start: {command: ["{{ python }}", service.py, "{{ port }}"]}}
      wrapped: {start: {command: [sh, -c, "{{ python }} service.py {{ port }}; true"]}}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory):
    """A workspace whose realm is up: a service that is one process, and one that a shell runs."""
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


def pid(workspace: Path, service: str = "ledger"):
    return load_state(workspace, "demo").services[service].process


def answers(workspace: Path, service: str = "ledger") -> bool:
    url = load_state(workspace, "demo").services[service].url
    return isinstance(http.get(f"{url}/healthz", timeout_s=0.5), Response)


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
    (recovered,) = recover(workspace, clock=clock)
    assert recovered.healed
    assert answers(workspace)
    assert recover(workspace, clock=clock) == ()


def test_healing_a_service_that_somebody_started_again_does_nothing(workspace: Path, clock):
    fault = found(workspace, Kill()).injectable
    fault.inject()
    assert fault.heal().needed is True
    after = pid(workspace)
    assert fault.heal().needed is False
    assert pid(workspace) == after


def test_a_process_that_is_not_the_one_resolved_is_not_touched(workspace: Path):
    fault = found(workspace, Stop()).injectable
    stranger = process_faults.StopProcess(fault.workspace, fault.realm, "ledger", fault.pid, fault.created_at - 100.0)
    assert stranger.heal().needed is False
    with pytest.raises(CannotRun, match="was gone before it could be stopped"):
        stranger.inject()
    assert answers(workspace)


def test_recover_is_refused_while_the_realm_is_locked_only_if_there_is_something_to_do(workspace: Path, clock):
    with realm_lock(workspace, "demo"):
        assert recover(workspace, clock=clock) == ()


def test_a_realm_that_is_down_has_nothing_to_undo(tmp_path: Path):
    fault = process_faults.KillProcess(str(tmp_path), "demo", "ledger", "KILL", 1, 1.0)
    assert fault.heal().text == "nothing to do: realm 'demo' is down"
