"""`up` and `down` with real processes and the embedded proxy on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seatrial import http
from seatrial.chaos.healing.recover import realm_lock
from seatrial.errors import CannotRun, Refused
from seatrial.exchange import Response
from seatrial.runtime import process, state
from seatrial.runtime.read import read_realms
from seatrial.runtime.share import shared
from seatrial.runtime.standing import standing
from seatrial.runtime.state import RealmState
from seatrial.runtime.up import MARK, Raised, begin_service, down, reachable, restart_service, up

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


def test_a_service_that_is_only_begun_is_noted_and_nobody_waits_for_it(workspace: Path) -> None:
    first, realm = _up(workspace).state.services["back"], read_realms(workspace)["local"]
    (workspace / "back.py").write_text("import time; time.sleep(60)")
    begun = begin_service(realm, workspace, "back")
    assert begun.port == first.port
    assert process.is_alive(begun.process)
    assert not process.is_alive(first.process)
    assert down(realm, workspace, say=lambda _: None)
    assert not process.is_alive(begun.process)


@pytest.mark.parametrize("start", [restart_service, begin_service])
def test_no_single_service_is_started_in_a_realm_that_is_down(workspace: Path, start) -> None:
    with pytest.raises(CannotRun, match="realm 'local' is not up; start it: seatrial up --realm local"):
        start(read_realms(workspace)["local"], workspace, "back")
    assert state.load_state(workspace, "local") is None


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


def test_a_service_that_does_not_start_is_told_with_what_this_start_logged_from_its_first_line_on(
    workspace: Path,
) -> None:
    for said in ("'an older start'", r"'no ledger file\nknown:\n' + '\n'.join(map(str, range(30)))"):
        (workspace / "back.py").write_text(f"raise SystemExit({said})")
        with pytest.raises(CannotRun) as failed:
            _up(workspace)
    told = str(failed.value)
    assert "no ledger file\n  known:\n  ...\n  22\n" in told
    assert told.endswith("\n  29")
    assert "an older start" not in told


def test_a_port_that_somebody_else_listens_on_is_told_and_the_stranger_not_taken_for_the_service(
    workspace: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        given = REALMS.replace("back: {start: {", f"back: {{start: {{port: {port}, ")
        (workspace / "realms.yaml").write_text(given)
        with pytest.raises(
            CannotRun, match=rf"realms\.yaml:\d+.* port {port} of 127\.0\.0\.1, where 'back' .* is in use"
        ):
            _up(workspace)
    assert state.load_state(workspace, "local") is None


BREAKER = """\
import sys, time
from pathlib import Path
from seatrial.chaos.healing.recover import realm_lock
with realm_lock(Path(sys.argv[1]), "local"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def breaking(workspace: Path) -> Iterator[None]:
    """Another process breaks things in the realm meanwhile."""
    command = [sys.executable, "-c", BREAKER, str(workspace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as breaker:
        try:
            assert breaker.stdout is not None
            assert breaker.stdout.readline() == "held\n"
            yield
        finally:
            breaker.kill()


@pytest.fixture
def broken(workspace: Path) -> Iterator[Raised]:
    """The realm up, its `back` killed, and another process that breaks things in it."""
    raised = _up(workspace)
    process.send_signal(raised.state.services["back"].process, signal.SIGKILL)
    with breaking(workspace):
        yield raised


def test_while_another_process_breaks_things_nothing_is_started_that_is_down(workspace: Path, broken: Raised) -> None:
    said: list[str] = []
    again = up(read_realms(workspace)["local"], workspace, variables={}, say=said.append)
    assert (again.started, again.missing, again.state) == (False, ("back",), broken.state)
    assert not reachable(broken.state.services["back"].url)
    assert re.fullmatch(
        r"chaos is going on in realm 'local' \(process \d+, .*\): what fails there may be its doing; "
        r"not started while it is: back",
        said[-1],
    )


def test_a_realm_that_is_whole_is_used_while_another_process_breaks_things_and_that_is_said(workspace: Path) -> None:
    raised, said = _up(workspace), list[str]()
    with breaking(workspace):
        again = up(read_realms(workspace)["local"], workspace, variables={}, say=said.append)
    assert again == Raised(raised.state, started=False)
    assert [re.sub(r"\(.*\)", "(...)", text) for text in said] == [
        "chaos is going on in realm 'local' (...): what fails there may be its doing"
    ]


def test_down_is_refused_while_another_process_breaks_things(workspace: Path, broken: Raised) -> None:
    with pytest.raises(Refused, match=r"chaos is going on in realm 'local' .*seatrial chaos halt"):
        down(read_realms(workspace)["local"], workspace, say=lambda _: None)
    assert reachable(broken.state.services["front"].url)


def test_who_breaks_things_itself_may_start_and_stop_there(workspace: Path) -> None:
    realm = read_realms(workspace)["local"]
    with realm_lock(workspace, "local"):
        assert _up(workspace).started
        assert down(realm, workspace, say=lambda _: None)


@pytest.mark.parametrize("used", [standing, shared])
def test_a_realm_that_was_started_for_a_command_is_left_up_when_somebody_breaks_things_there(
    workspace: Path, used: Callable[..., contextlib.AbstractContextManager[RealmState]]
) -> None:
    said: list[str] = []
    realm = read_realms(workspace)["local"]
    with contextlib.ExitStack() as stack:
        with used(realm, workspace, variables={}, say=said.append) as found:
            stack.enter_context(breaking(workspace))
        assert said[-1].startswith("realm 'local' is left up: chaos is going on")
        assert said[-1].endswith("then: seatrial down --realm local")
        assert reachable(found.services["front"].url)
    assert down(realm, workspace, say=lambda _: None)


class Killed(BaseException):
    """What kill -9 is to the code that it interrupts."""


@pytest.fixture
def stray(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> state.ProcessId:
    """`front`, started by an `up` that was killed before it noted so."""

    def be_killed(folder: Path, known: state.RealmState) -> None:
        if known.services:
            raise Killed
        state.save_state(folder, known)

    with monkeypatch.context() as patched:
        patched.setattr("seatrial.runtime.up.save_state", be_killed)
        patched.setattr("seatrial.runtime.up._down", lambda *_: None)
        with pytest.raises(Killed):
            _up(workspace)
    mark, end = f"{workspace.resolve()}:local:front", time.monotonic() + 30
    # The system shows the environment of a process a moment after it has been started.
    while not process.find_marked(MARK, mark) and time.monotonic() < end:
        time.sleep(0.02)
    [found] = process.find_marked(MARK, mark)
    return found


def test_down_ends_a_service_that_was_started_and_not_noted(workspace: Path, stray: state.ProcessId) -> None:
    assert down(read_realms(workspace)["local"], workspace, say=lambda _: None)
    assert not process.is_alive(stray)


def test_up_starts_its_own_service_where_one_that_was_not_noted_holds_the_port(
    workspace: Path, stray: state.ProcessId
) -> None:
    address = state.load_state(workspace, "local").edges["client->front"].upstream
    end = time.monotonic() + 30
    while not reachable(f"http://{address}") and time.monotonic() < end:
        time.sleep(0.02)
    raised = _up(workspace)
    assert not process.is_alive(stray)
    assert process.is_alive(raised.state.services["front"].process)
    assert _body(f"{raised.state.addresses()['front']}/peer") == "back"


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
