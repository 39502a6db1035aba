"""`up` and `down` with real processes and the embedded proxy on loopback."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from seatrial import http
from seatrial.errors import CannotRun
from seatrial.exchange import Response
from seatrial.runtime import process, state
from seatrial.runtime.read import read_realms
from seatrial.runtime.up import down, reachable, restart_service, up

pytestmark = pytest.mark.e2e

SERVER = """\
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        peer = os.environ.get("PEER_URL")
        body = urllib.request.urlopen(peer + "/name", timeout=5).read() if peer and self.path == "/peer" else b"%s"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

REALMS = """\
realms:
  local:
    runtime: {kind: process}
    services:
      front: {start: {command: ["{{ python }}", front.py], env: {PORT: "{{ port }}", PEER_URL: "{{ via.back }}"}}}
      back: {start: {command: ["{{ python }}", back.py], env: {PORT: "{{ port }}"}}}
"""


@pytest.fixture
def workspace(tmp_path: Path):
    (tmp_path / "realms.yaml").write_text(REALMS)
    for name in ("front", "back"):
        (tmp_path / f"{name}.py").write_text(SERVER % name)
    yield tmp_path
    down(read_realms(tmp_path)["local"], tmp_path, say=lambda _: None)


def _up(workspace: Path):
    return up(read_realms(workspace)["local"], workspace, variables={}, say=lambda _: None)


def _body(url: str) -> str:
    answer = http.get(url, timeout_s=10)
    assert isinstance(answer, Response), answer
    return answer.body.decode()


def test_up_starts_services_behind_one_proxy_per_edge_and_down_leaves_nothing(workspace: Path) -> None:
    raised = _up(workspace)
    assert raised.started
    assert set(raised.state.edges) == {"client->front", "client->back", "front->back"}
    addresses = raised.state.addresses()
    assert _body(f"{addresses['front']}/peer") == "back"
    running = [raised.state.proxy.process, *(item.process for item in raised.state.services.values())]
    assert down(read_realms(workspace)["local"], workspace, say=lambda _: None)
    assert not any(process.is_alive(item) for item in running)
    assert state.load_state(workspace, "local") is None
    assert not reachable(addresses["front"])


def test_up_of_a_realm_that_is_up_starts_nothing(workspace: Path) -> None:
    first, second = _up(workspace), _up(workspace)
    assert not second.started
    assert second.state == first.state


def test_up_starts_again_what_died_at_the_same_addresses(workspace: Path) -> None:
    first = _up(workspace).state
    process.stop([first.services["back"].process, first.proxy.process])
    second = _up(workspace)
    assert second.started
    assert second.state.addresses() == first.addresses()
    assert second.state.services["front"].process == first.services["front"].process
    assert _body(f"{second.state.addresses()['front']}/peer") == "back"


def test_restart_keeps_port_and_proxies(workspace: Path) -> None:
    first = _up(workspace).state
    process.send_signal(first.services["back"].process, signal.SIGKILL)
    again = restart_service(read_realms(workspace)["local"], workspace, "back")
    assert again.services["back"].port == first.services["back"].port
    assert again.services["back"].process != first.services["back"].process
    assert _body(f"{again.addresses()['front']}/peer") == "back"


def test_a_stopped_process_is_still_ended_by_down(workspace: Path) -> None:
    raised = _up(workspace)
    victim = raised.state.services["back"].process
    process.send_signal(victim, signal.SIGSTOP)
    down(read_realms(workspace)["local"], workspace, say=lambda _: None)
    assert not process.is_alive(victim)


def test_what_a_start_command_started_itself_is_ended_by_down(workspace: Path) -> None:
    wrapped = REALMS.replace('["{{ python }}", back.py]', '[sh, -c, "{{ python }} back.py; true"]')
    (workspace / "realms.yaml").write_text(wrapped)
    service = _up(workspace).state.services["back"]
    assert len(psutil.Process(service.process.pid).children()) == 1
    assert reachable(service.url)
    down(read_realms(workspace)["local"], workspace, say=lambda _: None)
    assert not reachable(service.url)


def test_a_service_that_does_not_start_is_told_with_its_log_and_nothing_is_left(workspace: Path) -> None:
    (workspace / "back.py").write_text("raise SystemExit('no ledger file')")
    with pytest.raises(CannotRun, match=r"(?s)service 'back' did not become healthy.*no ledger file"):
        _up(workspace)
    assert state.load_state(workspace, "local") is None


def test_a_reused_process_id_is_never_signalled() -> None:
    mine = process.identify(os.getpid())
    stranger = state.ProcessId(mine.pid, mine.created_at - 100)
    assert process.is_alive(mine)
    assert not process.is_alive(stranger)
    assert not process.send_signal(stranger, signal.SIGKILL)


STUBBORN = """\
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(600)
"""


def _stubborn(tmp_path: Path, *command: str) -> tuple[state.ProcessId, state.ProcessId]:
    """What was spawned, and the process of it that ignores TERM; they may be the same."""
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    log = tmp_path / "stubborn.log"
    spawned = process.spawn(command, env={}, cwd=tmp_path, log=log)
    end = time.monotonic() + 30
    while not log.read_text().endswith("\n") and time.monotonic() < end:
        time.sleep(0.02)
    return spawned, process.identify(int(log.read_text()))


def test_stop_kills_what_ignores_term(tmp_path: Path) -> None:
    spawned, stubborn = _stubborn(tmp_path, sys.executable, "stubborn.py")
    process.stop([spawned], deadline_s=0.2)
    assert spawned.pid == stubborn.pid
    assert not process.is_alive(stubborn)


def test_stop_kills_what_ignores_term_and_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    shell, stubborn = _stubborn(tmp_path, "sh", "-c", f"{sys.executable} stubborn.py; true")
    assert shell.pid != stubborn.pid
    process.stop([shell], deadline_s=1.0)
    assert not process.is_alive(shell)
    assert not process.is_alive(stubborn)


def test_of_a_process_that_leads_no_group_only_itself_is_signalled(tmp_path: Path) -> None:
    shell, stubborn = _stubborn(tmp_path, "sh", "-c", f"{sys.executable} stubborn.py; true")
    assert process.send_signal(stubborn, signal.SIGSTOP)
    end = time.monotonic() + 30
    while psutil.Process(stubborn.pid).status() != psutil.STATUS_STOPPED and time.monotonic() < end:
        time.sleep(0.02)
    assert psutil.Process(stubborn.pid).status() == psutil.STATUS_STOPPED
    assert psutil.Process(shell.pid).status() != psutil.STATUS_STOPPED
    process.stop([shell], deadline_s=0.2)
    assert not process.is_alive(stubborn)
