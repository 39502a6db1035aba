"""The undo ledger: what was written is read back, whatever a crash cut."""

from pathlib import Path

import pytest

from seatrial.chaos.ledger import Entry, Ledger, ledgers, open_entries
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
