"""What was healed behind a killed run is kept until it is taken, once."""

from __future__ import annotations

import pytest

from seatrial.runtime.healings import note_healed, take_healed


def test_what_is_noted_is_taken_once_in_its_order_and_leaves_nothing_behind(tmp_path):
    (tmp_path / ".seatrial").mkdir()
    note_healed(tmp_path, "of one run")
    note_healed(tmp_path, "of another")
    assert take_healed(tmp_path) == ("of one run", "of another")
    assert take_healed(tmp_path) == ()
    assert list((tmp_path / ".seatrial").iterdir()) == []


def test_where_no_realm_was_ever_up_there_is_nothing_to_take_and_no_place_to_note(tmp_path):
    assert take_healed(tmp_path) == ()
    with pytest.raises(OSError, match=r"\.seatrial"):
        note_healed(tmp_path, "of a run")
    assert list(tmp_path.iterdir()) == []
