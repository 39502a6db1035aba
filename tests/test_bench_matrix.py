"""The matrix that `bench/audits.py` keeps in docs/audit.md."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"

PAGE = """before
<!-- confusion: begin -->
| bank | 5/14/15 | 9 | because of it | score | audits |
| --- | --- | --- | --- | --- | --- |
| `5:cards` | **1** |  | 9, 10 | 80 | 1 |
| `9:cards` |  | **1** |  | 96 | 1 |
<!-- confusion: end -->
after
"""


@pytest.fixture
def audits(monkeypatch, tmp_path):
    """The script, its page one of the test's own."""
    monkeypatch.syspath_prepend(BENCH)
    module = importlib.import_module("audits")
    page = tmp_path / "audit.md"
    page.write_text(PAGE)
    monkeypatch.setattr(module, "PAGE", page)
    return module


def written(audits, case: str, *defects: tuple[int, ...], version: str = "0a813b8", score: float = 84.0) -> list[str]:
    """The lines of the page when that case was audited once and written."""
    found = tuple(audits.Finding(numbers, ("cards->ledger",), under=(10, 12)) for numbers in defects)
    one = audits.Audited(case, 1, found, score, 60.0, audits.Narrow.EDGE, version)
    audits.write(audits.Progress(audits.BANK, [one]))
    return audits.PAGE.read_text().splitlines()


def test_an_audit_of_one_case_changes_its_row_and_says_what_was_tried_by_which_version(audits):
    lines = written(audits, "5:cards", (5, 13, 14, 15))

    assert "| bank | 5/13/14/15 | 9 | because of it | score | audits | tried | version |" in lines
    assert "| `5:cards` | **1** |  | 10, 12 | 84 | 1 | edge | 0a813b8 |" in lines
    assert "| `9:cards` |  | **1** |  | 96 | 1 |  |  |" in lines
    assert (lines[0], lines[-1]) == ("before", "after")


def test_a_case_that_had_no_row_gets_one_at_its_place_and_what_it_names_a_column(audits):
    lines = written(audits, "6:cards", (6,), (11,))

    rows = [line.split("|") for line in lines if line.startswith("| ")]
    assert [cell.strip() for cell in rows[0]][2:6] == ["5/14/15", "6", "9", "11"]
    assert [row[1].strip() for row in rows[2:]] == ["`5:cards`", "`6:cards`", "`9:cards`"]
    assert [cell.strip() for cell in rows[3]][2:6] == ["", "**1**", "", "1"]


def test_what_was_written_once_is_read_again_when_another_case_is(audits):
    first = next(line for line in written(audits, "5:cards", (9,)) if line.startswith("| `5:cards`"))

    assert first in written(audits, "9:cards", (9,), version="1c922d4", score=96.0)
