"""Who holds a realm: known to others as long as it lives, whoever looks meanwhile, and not a moment longer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seatrial.errors import Refused
from seatrial.runtime import lock
from seatrial.runtime.lock import BREAKING, UNDOING, hold, other_holder, require_not_held

HOLDER = """
import sys, time
from pathlib import Path
from seatrial.runtime.lock import hold
with hold(Path(sys.argv[1]), "local", doing=sys.argv[2]):
    print("held", flush=True)
    time.sleep(600)
"""
Holder = subprocess.Popen[str]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / ".seatrial").mkdir()
    return tmp_path


@pytest.fixture
def holding(workspace: Path) -> Iterator[Callable[[str], Holder]]:
    """Starts a process that holds the realm."""
    started: list[Holder] = []

    def start(doing: str) -> Holder:
        command = [sys.executable, "-c", HOLDER, str(workspace), doing]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout is not None
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for holder in started:
        holder.kill()
        holder.communicate()


def test_nobody_holds_a_realm_that_nobody_has_held(workspace: Path) -> None:
    assert other_holder(workspace, "local") == ""
    require_not_held(workspace, "local")


@pytest.mark.parametrize("doing", [BREAKING, UNDOING])
def test_who_holds_a_realm_is_named_with_what_for_and_that_realm_alone(workspace: Path, holding, doing: str) -> None:
    pid = holding(doing).pid
    assert other_holder(workspace, "local") == f"process {pid}{doing}"
    assert other_holder(workspace, "other") == ""
    told = rf"realm 'local' \(process {pid}{doing}\); wait for it, or end it: seatrial chaos halt"
    with pytest.raises(Refused, match=told):
        require_not_held(workspace, "local")
    with pytest.raises(Refused, match=told), hold(workspace, "local", doing=BREAKING):
        pass


def test_what_a_holder_has_written_says_nothing_when_it_is_dead(workspace: Path, holding) -> None:
    holder = holding(BREAKING)
    holder.kill()
    holder.wait()
    assert other_holder(workspace, "local") == ""
    require_not_held(workspace, "local")
    _hold(workspace)


def test_our_own_hold_is_no_other_s(workspace: Path) -> None:
    with hold(workspace, "local", doing=BREAKING):
        assert other_holder(workspace, "local") == ""
        require_not_held(workspace, "local")


def _hold(workspace: Path) -> None:
    with hold(workspace, "local", doing=BREAKING):
        pass


@pytest.mark.parametrize("enter", [_hold, lambda workspace: require_not_held(workspace, "local", within_s=30.0)])
def test_a_holder_that_is_ending_is_waited_for(workspace: Path, holding, monkeypatch, enter) -> None:
    monkeypatch.setattr(lock, "ENDING_S", 30.0)
    holder = holding(BREAKING)
    ending = threading.Timer(0.3, holder.kill)
    ending.start()
    enter(workspace)
    ending.join()
    assert other_holder(workspace, "local") == ""


def test_who_looks_keeps_nobody_from_looking_and_takes_nobody_for_a_holder(workspace: Path) -> None:
    (workspace / ".seatrial" / "local.lock").write_text(f"process {os.getppid()}{BREAKING}")
    seen: set[str] = set()

    def look() -> None:
        seen.update(other_holder(workspace, "local") for _ in range(2000))

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert seen == {""}
