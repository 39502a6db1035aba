"""What was healed behind a killed run is kept until it was told, once."""

from __future__ import annotations

import pytest

from seatrial.runtime.healings import note_healed, tell_healed


def told(workspace) -> list[str]:
    said: list[str] = []
    tell_healed(workspace, said.append)
    return said


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / ".seatrial").mkdir()
    note_healed(tmp_path, "of one run")
    note_healed(tmp_path, "of another")
    return tmp_path


def test_what_is_noted_is_told_once_in_its_order(workspace):
    assert told(workspace) == ["of one run", "of another"]
    assert told(workspace) == []


def test_who_is_killed_while_telling_leaves_the_rest_to_the_next(workspace):
    class Killed(BaseException):
        pass

    def die(text: str) -> None:
        raise Killed

    with pytest.raises(Killed):
        tell_healed(workspace, die)
    assert told(workspace) == ["of one run", "of another"]


def test_what_is_noted_while_another_line_is_told_is_told_too(workspace):
    tell_healed(workspace, lambda text: note_healed(workspace, f"meanwhile, {text}"))
    assert told(workspace) == ["meanwhile, of one run", "meanwhile, of another"]


def test_of_two_who_tell_at_once_one_does(workspace):
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        tell_healed(workspace, said.append)

    tell_healed(workspace, say)
    assert said == ["of one run", "of another"]


def test_where_no_realm_was_ever_up_there_is_nothing_to_tell_and_no_place_to_note(tmp_path):
    assert told(tmp_path) == []
    with pytest.raises(OSError, match=r"\.seatrial"):
        note_healed(tmp_path, "of a run")
    assert list(tmp_path.iterdir()) == []
