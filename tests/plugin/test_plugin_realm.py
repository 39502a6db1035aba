"""A realm whose services pytest starts: once a session, for every worker, and stopped by whoever leaves last."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil
import pytest

pytest_plugins = "pytester"

PATIENCE_S = 60.0
REALMS = """\
realms:
  own:
    runtime: {{kind: process}}
    services:
      shop: {{start: {{command: ["{{{{ python }}}}", service.py], env: {{PORT: "{{{{ port }}}}"}}}}, health: /}}
    allows: {{mutations: true}}
"""
SERVICE = """\
import http.server, os
with open("starts.log", "a") as file:
    file.write(f"{os.getpid()}\\n")
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"""
LOOK = "scenario: look N\nservice: shop\nsteps:\n  - request: {url: /things}\n    expect: {status: 200}\n"
COMMAND = (sys.executable, "-c", "from seatrial.cli.main import main; main()")


@pytest.fixture
def shops(workspace, pytester: pytest.Pytester):
    """A workspace of six scenarios whose one service is started; gives the ids of what was started."""
    pytester.path.joinpath("service.py").write_text(SERVICE)
    workspace({f"scenarios/look{n}.yaml": LOOK.replace("N", str(n)) for n in range(6)}, realms=REALMS)

    def started() -> list[int]:
        log = pytester.path / "starts.log"
        return [int(line) for line in log.read_text().splitlines()] if log.exists() else []

    yield started
    pytester.run(*COMMAND, "down")


def _runs(pid: int) -> bool:
    """A process that ended and that nobody waited for runs no more."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _is_up(pytester: pytest.Pytester) -> bool:
    return (pytester.path / ".seatrial/own.json").exists()


def test_services_are_started_once_and_stopped_at_the_end(shops, run_apart, pytester) -> None:
    run_apart().assert_outcomes(passed=6)
    [started] = shops()
    assert not _runs(started)
    assert not _is_up(pytester)


def test_nothing_is_started_for_what_is_deselected(shops, run_apart) -> None:
    run_apart("-k", "nothing").assert_outcomes(deselected=6)
    run_apart("--collect-only")
    assert shops() == []


def test_workers_share_what_the_first_of_them_starts(shops, run_apart, pytester) -> None:
    run_apart("-n", "2").assert_outcomes(passed=6)
    [started] = shops()
    assert not _runs(started)
    assert not _is_up(pytester)


def test_what_was_up_before_stays_up(shops, run_apart, pytester) -> None:
    assert pytester.run(*COMMAND, "up").ret == 0
    run_apart("-n", "2").assert_outcomes(passed=6)
    [started] = shops()
    assert _runs(started)
    assert _is_up(pytester)


def test_what_a_killed_session_left_is_stopped_by_the_next(shops, run_apart, pytester) -> None:
    pytester.makepyfile(test_own="import os\ndef test_own(play):\n    play('look 0')\n    os.kill(os.getpid(), 9)\n")
    run_apart("test_own.py")
    assert _is_up(pytester)
    run_apart("scenarios").assert_outcomes(passed=6)
    [started] = shops()
    assert not _runs(started)
    assert not _is_up(pytester)


def test_what_was_started_by_hand_after_a_killed_session_stays_up(shops, run_apart, pytester) -> None:
    pytester.makepyfile(test_own="import os\ndef test_own(play):\n    play('look 0')\n    os.kill(os.getpid(), 9)\n")
    run_apart("test_own.py")
    assert pytester.run(*COMMAND, "down").ret == 0
    assert pytester.run(*COMMAND, "up").ret == 0
    run_apart("scenarios").assert_outcomes(passed=6)
    assert _is_up(pytester)


def test_a_session_that_ends_first_leaves_the_realm_to_the_other(shops, run_apart, pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import pathlib, time
        def test_own(play):
            play("look 0")
            pathlib.Path("waiting").touch()
            end = time.monotonic() + 60
            while not pathlib.Path("go").exists() and time.monotonic() < end:
                time.sleep(0.05)
            play("look 1")
        """
    )
    words = (sys.executable, "-m", "pytest", "-p", "seatrial.pytest_plugin", "-p", "no:cacheprovider", "test_own.py")
    other = subprocess.Popen(words, cwd=pytester.path, stdout=subprocess.PIPE, text=True)
    end = time.monotonic() + PATIENCE_S
    while not (pytester.path / "waiting").exists() and time.monotonic() < end:
        time.sleep(0.05)
    run_apart("scenarios").assert_outcomes(passed=6)
    assert _is_up(pytester)
    (pytester.path / "go").touch()
    said, _ = other.communicate(timeout=PATIENCE_S)
    assert "1 passed" in said
    assert not _is_up(pytester)
    assert len(shops()) == 1


def test_a_service_that_never_starts_is_told_once_and_waited_for_once(shops, run_apart, pytester) -> None:
    pytester.path.joinpath("service.py").write_text(
        SERVICE.partition("class")[0] + "raise SystemExit('no shop today')"
    )
    result = run_apart()
    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(["*service 'shop' did not become healthy*", "*no shop today"])
    assert "During handling" not in result.stdout.str()
    assert len(shops()) == 1
    assert not _is_up(pytester)


def test_an_interrupted_session_stops_what_it_started(shops, run_apart, pytester) -> None:
    pytester.makepyfile(test_own="def test_own(play):\n    play('look 0')\n    raise KeyboardInterrupt\n")
    run_apart("test_own.py")
    assert len(shops()) == 1
    assert not _is_up(pytester)


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_it_works_beside_locusts_plugin(shops, run_apart, pytester, words) -> None:
    result = run_apart("--host", "http://127.0.0.1:1", *words, beside=("xdist", "pytest_locust.plugin"))
    result.assert_outcomes(passed=6)
    assert not _is_up(pytester)


def test_the_note_names_the_processes_it_is_about(shops, run_apart, pytester) -> None:
    pytester.makepyfile(
        test_own="""
        import json, pathlib
        def test_own(play):
            play("look 0")
            note = json.loads(pathlib.Path(".seatrial/own.shared.lock").read_text())
            pathlib.Path("noted.json").write_text(json.dumps(note))
        """
    )
    run_apart("test_own.py").assert_outcomes(passed=1)
    noted = json.loads((pytester.path / "noted.json").read_text())
    assert shops()[0] in [pid for pid, _ in noted]
    assert (pytester.path / ".seatrial/own.shared.lock").read_text() == ""
