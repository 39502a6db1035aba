"""What the system will not keep of a run is told as what could not be run, naming the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import CannotRun
from seatrial.journal import Journal, create_run
from seatrial.sample import Evidence

FULL = Path("/dev/full")


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path, clock):
    (tmp_path / "reports").write_text("a file where the folder should be")
    with pytest.raises(CannotRun, match=r"reports/out.*: cannot be written: Not a directory; .*writable"):
        create_run(tmp_path, "here", clock=clock)


def test_a_journal_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(CannotRun, match=r"gone/journal\.jsonl: cannot be written: No such file or directory"):
        Journal(tmp_path / "gone" / "journal.jsonl")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_record_that_a_full_disk_refuses_ends_the_run():
    journal = Journal(FULL)
    with pytest.raises(CannotRun, match="/dev/full: cannot be written: No space left on device"):
        journal.write(Evidence("r", "pay", "charge", "expected 201"))
    with pytest.raises(CannotRun, match="No space left on device"):
        journal.close()
