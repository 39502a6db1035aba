"""Commands that start or stop one realm at the same time: one after the other, and none twice."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from seatrial.errors import CannotRun
from seatrial.journal import read_json, write_json
from seatrial.realm import Place, Realm, RuntimeKind, Start
from seatrial.runtime import process
from seatrial.runtime.lock import turn
from seatrial.runtime.standing import standing
from seatrial.runtime.state import ProcessId, load_state
from seatrial.runtime.up import down, restart_service, up

REALM = Realm("local", RuntimeKind.PROCESS, {"front": Place("front", start=Start(("front",)))})
PATIENCE_S = 30.0


class Aside:
    """A call in a thread of its own; `waits` is set when it says that it waits for its turn."""

    def __init__(self, call):
        self.waits = threading.Event()
        self.given = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def goes_on_for(self, seconds):
        self._thread.join(seconds)
        return self._thread.is_alive()

    def say(self, text):
        if text.startswith("waiting for"):
            self.waits.set()

    def end(self):
        assert not self.goes_on_for(PATIENCE_S)
        return self.given

    def _run(self, call):
        self.given = call(self.say)


def _quiet(text):
    del text


def _up(workspace, say=_quiet):
    return up(REALM, workspace, variables={}, say=say)


def test_two_ups_at_once_start_each_service_once(tmp_path, stopped, monkeypatch):
    spawned, begun, second_waits = [], threading.Event(), threading.Event()

    def spawn(command, *, env, cwd, log):
        spawned.append(command)
        begun.set()
        assert second_waits.wait(PATIENCE_S)
        return ProcessId(2, 2.0)

    monkeypatch.setattr(process, "spawn", spawn)
    first = Aside(lambda say: _up(tmp_path, say))
    assert begun.wait(PATIENCE_S)
    second = Aside(lambda say: _up(tmp_path, say))
    assert second.waits.wait(PATIENCE_S)
    second_waits.set()
    assert first.end().started
    assert not second.end().started
    assert spawned == [["front"]]


def test_down_waits_until_the_realm_is_not_being_started_any_more(tmp_path, stopped):
    _up(tmp_path)
    with turn(tmp_path, "local", say=_quiet):
        downing = Aside(lambda say: down(REALM, tmp_path, say=say))
        assert downing.waits.wait(PATIENCE_S)
        assert stopped == []
    assert downing.end()
    assert set(stopped) == {ProcessId(1, 1.0), ProcessId(2, 2.0)}


def test_a_service_is_not_started_again_while_the_realm_is_being_stopped(tmp_path, stopped):
    _up(tmp_path)
    with turn(tmp_path, "local", say=_quiet):
        restarting = Aside(lambda _: restart_service(REALM, tmp_path, "front"))
        assert restarting.goes_on_for(0.2)
        assert stopped == []
    assert restarting.end() == load_state(tmp_path, "local")


def test_of_two_commands_the_one_that_did_not_start_the_realm_does_not_stop_it(tmp_path, stopped):
    with standing(REALM, tmp_path, variables={}, say=_quiet):
        with standing(REALM, tmp_path, variables={}, say=_quiet) as state:
            assert state.services
        assert load_state(tmp_path, "local") is not None
        assert stopped == []
    assert load_state(tmp_path, "local") is None


def test_a_turn_that_does_not_come_is_told_with_its_holder(tmp_path):
    with (
        turn(tmp_path, "local", say=_quiet),
        pytest.raises(CannotRun, match=f"by process {os.getpid()} for more than 0.1 s"),
        turn(tmp_path, "local", say=_quiet, deadline_s=0.1),
    ):
        pass


def test_a_turn_ends_with_its_block_and_other_realms_have_their_own(tmp_path):
    said = []
    with pytest.raises(ZeroDivisionError), turn(tmp_path, "local", say=said.append):
        raise ZeroDivisionError
    with turn(tmp_path, "local", say=said.append), turn(tmp_path, "other", say=said.append):
        assert said == []


def test_two_who_write_one_state_file_at_once_do_not_take_each_others_draft(tmp_path, monkeypatch):
    file, replace = tmp_path / "local.json", Path.replace

    def replace_after_another_has_written(draft, target):
        monkeypatch.setattr(Path, "replace", replace)
        write_json(file, {"by": "the second"})
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", replace_after_another_has_written)
    write_json(file, {"by": "the first"})
    assert read_json(file) == {"by": "the first"}
    assert list(tmp_path.iterdir()) == [file]
