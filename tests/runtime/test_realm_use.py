"""Who uses a realm: others do not stop it meanwhile, whoever looks, and not a moment longer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.errors import Refused
from seatrial.realm import Place, Realm, RuntimeKind, Start
from seatrial.runtime.lock import require_unused, use
from seatrial.runtime.standing import raised, standing
from seatrial.runtime.up import down, up

USER = """
import sys, time
from pathlib import Path
from seatrial.runtime.lock import use
with use(Path(sys.argv[1]), "local"):
    print("used", flush=True)
    time.sleep(600)
"""
User = subprocess.Popen[str]
REALM = Realm("local", RuntimeKind.PROCESS, {"front": Place("front", start=Start(("front",), {}))})


@pytest.fixture
def using(tmp_path: Path) -> Iterator[Callable[[], User]]:
    """Starts a process that uses the realm."""
    started: list[User] = []

    def start() -> User:
        started.append(
            subprocess.Popen([sys.executable, "-c", USER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        )
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "used\n"
        return started[-1]

    yield start
    for user in started:
        user.kill()
        user.communicate()


def test_all_who_use_a_realm_are_named_with_how_to_end_them_and_of_that_realm_alone(tmp_path: Path, using) -> None:
    pids = sorted(str(using().pid) for _ in range(2))
    named = "process {}, process {}".format(*pids)
    with pytest.raises(Refused, match=rf"realm 'local' is in use \({named}\): .*: kill {' '.join(pids)}$"):
        require_unused(tmp_path, "local")
    require_unused(tmp_path, "other")


def test_a_user_that_was_killed_keeps_nobody_and_leaves_nothing(tmp_path: Path, using) -> None:
    user = using()
    user.kill()
    user.wait()
    require_unused(tmp_path, "local")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_user_that_is_ending_is_waited_for(tmp_path: Path, using) -> None:
    user = using()
    ending = threading.Timer(0.3, user.kill)
    ending.start()
    require_unused(tmp_path, "local", within_s=30.0)
    ending.join()


def test_our_own_use_keeps_us_from_nothing_and_ends_with_its_block(tmp_path: Path) -> None:
    with use(tmp_path, "local"):
        require_unused(tmp_path, "local")
        assert [path for path in tmp_path.rglob("*") if path.is_file()] != []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_who_looks_while_a_user_comes_leaves_it_known(tmp_path: Path) -> None:
    folder = tmp_path / ".seatrial" / "used" / "local"
    folder.mkdir(parents=True)
    (folder / "1").touch()  # made, and not locked yet
    require_unused(tmp_path, "local")
    assert (folder / "1").exists()


def test_down_is_refused_while_others_use_the_realm_and_does_not_stop_it(tmp_path: Path, stopped, using) -> None:
    up(REALM, tmp_path, variables={}, say=lambda _: None)
    user = using()
    with pytest.raises(Refused, match=rf"in use \(process {user.pid}\)"):
        down(REALM, tmp_path, say=lambda _: None)
    assert stopped == []
    user.kill()
    assert down(REALM, tmp_path, say=lambda _: None)


def test_down_waits_for_a_user_that_is_ending(tmp_path: Path, stopped, using, monkeypatch) -> None:
    monkeypatch.setattr("seatrial.runtime.up.ENDING_S", 30.0)
    up(REALM, tmp_path, variables={}, say=lambda _: None)
    ending = threading.Timer(0.3, using().kill)
    ending.start()
    assert down(REALM, tmp_path, say=lambda _: None)
    ending.join()


def test_what_was_started_for_a_command_is_left_up_for_others_who_use_it_and_that_is_told(
    tmp_path: Path, stopped, using
) -> None:
    said: list[str] = []
    with standing(REALM, tmp_path, variables={}, say=said.append):
        using()
    assert said[-1].startswith("realm 'local' is left up: realm 'local' is in use (process")
    assert said[-1].endswith("then: seatrial down --realm local")
    assert stopped == []


@pytest.mark.parametrize(("enter", "keeps"), [(standing, True), (raised, False)])
def test_who_sends_requests_to_a_realm_uses_it_and_who_only_watches_it_does_not(
    tmp_path: Path, stopped, enter, keeps: bool
) -> None:
    look = (
        "from pathlib import Path; from seatrial.runtime.lock import require_unused; "
        f"require_unused(Path({str(tmp_path)!r}), 'local')"
    )
    with enter(REALM, tmp_path, variables={}, say=lambda _: None):
        seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert ("Refused" in seen.stderr) is keeps, seen.stderr
