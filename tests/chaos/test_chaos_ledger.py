"""The undo ledger: what was written is read back, whatever a crash cut."""

import dataclasses
from pathlib import Path

import pytest

from seatrial.chaos.faults import FAULTS
from seatrial.chaos.faults.rolling import HEAL_MOST_S, InTurn
from seatrial.chaos.healing.ledger import HOLD_WITHIN_S, Entry, Ledger, ledgers, open_entries, read_ledger
from seatrial.errors import DocumentError


def entry(name: str) -> Entry:
    return Entry(name, "hang", "demo", "proxy", "timeout", "cards->ledger", {"api": "http://x", "proxy": "p"}, 1.5)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "reports" / "out" / "run" / "faults.jsonl")


def test_an_entry_is_open_until_it_is_healed(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.open(entry("b"))
    ledger.healed("a", at=2.0, text="toxic removed")
    assert open_entries(ledger.path) == (entry("b"),)


def test_a_fault_that_was_left_stays_open(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.left("a", at=2.0, text="nobody answers")
    assert open_entries(ledger.path) == (entry("a"),)


def test_a_last_line_cut_by_a_crash_is_no_event(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.open(entry("b"))
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-20])
    assert open_entries(ledger.path) == (entry("a"),)


def test_a_cut_line_does_not_swallow_the_next(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.path.write_bytes(ledger.path.read_bytes() + b'{"event":"op')
    ledger.healed("a", at=2.0, text="toxic removed")
    assert open_entries(ledger.path) == ()


def test_an_entry_of_another_version_is_said_to_be_one(ledger: Ledger):
    ledger.path.parent.mkdir(parents=True)
    ledger.path.write_text('{"event":"open","id":"a","wing":"left"}\n')
    with pytest.raises(DocumentError, match=":1:1: an entry of another version"):
        open_entries(ledger.path)


def test_no_ledger_holds_nothing(tmp_path: Path):
    assert open_entries(tmp_path / "faults.jsonl") == ()
    assert ledgers(tmp_path) == ()


def test_every_run_of_a_workspace_is_found(tmp_path: Path, ledger: Ledger):
    ledger.open(entry("a"))
    assert ledgers(tmp_path) == (ledger.path,)


def test_what_is_damaged_hides_nothing_else(ledger: Ledger):
    ledger.open(entry("a"))
    with ledger.path.open("a") as file:
        file.write('{"event":"open","id":"b","wing":"left"}\n')
    ledger.open(entry("c"))
    content = read_ledger(ledger.path)
    assert content.open == (entry("a"), entry("c"))
    assert [error.where.line for error in content.damaged] == [2]


def test_what_was_injected_to_its_end_is_known(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.open(entry("b"))
    ledger.acting("a")
    assert read_ledger(ledger.path).acting == {"a"}


def test_how_far_a_fault_was_taken_is_what_undoes_it(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.turn("a", {"proxy": "q"})
    [taken] = open_entries(ledger.path)
    assert taken == dataclasses.replace(entry("a"), undo={"api": "http://x", "proxy": "q"})


def test_a_turn_of_another_version_is_said_to_be_one(ledger: Ledger):
    ledger.open(entry("a"))
    ledger.turn("a", {"begun": 1})
    [error] = read_ledger(ledger.path).damaged
    assert str(error).partition(": ")[2].startswith("not a turn of the fault it names")
    assert read_ledger(ledger.path).open == (entry("a"),)


def test_a_ledger_is_waited_for_longer_than_any_healing_may_take():
    in_turn = {kind for kind in FAULTS.values() if issubclass(kind, InTurn)}
    assert max(HEAL_MOST_S, *(kind.heal_deadline_s for kind in set(FAULTS.values()) - in_turn)) < HOLD_WITHIN_S


def test_only_one_at_a_time_holds_a_ledger(ledger: Ledger):
    with ledger.held() as first, Ledger(ledger.path).held(within_s=0.0) as second:
        assert (first, second) == (True, False)
    with Ledger(ledger.path).held(within_s=0.0) as after:
        assert after
