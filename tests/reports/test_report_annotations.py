"""GitHub shows each finding that is not MET at its place; nothing in it may break out of its line."""

from __future__ import annotations

import pytest

from seatrial.errors import Where
from seatrial.reports.annotations import MOST, annotation_lines
from seatrial.verdict import Finding, Grade, Subject


def finding(name="available", grade=Grade.MISSED, **fields):
    usual = {"reason": "failed requests: 6 % bad", "where": Where("slo/cards.yaml", 9, 5)}
    return Finding(Subject.OBJECTIVE, "cards", name, grade, **(usual | fields))


@pytest.fixture
def told(monkeypatch, tmp_path):
    """The lines of findings, told from the repository's root; `hush` is a secret."""
    monkeypatch.chdir(tmp_path)

    def tell(*findings, root=tmp_path):
        return list(annotation_lines(findings, redact=lambda text: text.replace("hush", "***"), root=root))

    return tell


def test_a_miss_is_an_error_at_its_line_with_its_numbers(told):
    missed = finding(limit_text="errors <= 3 %", measured_text="6 % failed (6 of 100)")
    (line,) = told(missed)
    head, _, message = line[2:].partition("::")
    assert head == "error file=slo/cards.yaml,line=9,col=5,title=MISSED%3A cards.available"
    assert message == "6 %25 failed (6 of 100), limit errors <= 3 %25; failed requests: 6 %25 bad"


def test_what_is_undecided_or_degraded_is_a_warning_and_what_is_met_is_nothing(told):
    lines = told(*(finding(grade=grade) for grade in (Grade.MET, Grade.DEGRADED, Grade.UNDECIDED, Grade.MISSED)))
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning", "::warning"]


def test_neither_a_line_feed_nor_a_command_of_a_target_gets_out_of_its_line(told):
    (line,) = told(finding("a,b: 100%\nc", reason="said\r\n::error::hush\x1b[2J", where=None))
    assert line == ("::error title=MISSED%3A cards.a%2Cb%3A 100%25%0Ac::said%0A::error::***\N{SYMBOL FOR ESCAPE}[2J")


def test_files_are_named_from_the_repositorys_root_whatever_folder_it_runs_in(told, tmp_path):
    (line,) = told(finding(), root=tmp_path.parent)
    assert f"file={tmp_path.name}/slo/cards.yaml,line=9" in line
    (line,) = told(finding(), root=tmp_path / "elsewhere")
    assert line.startswith("::error title=")


def test_of_many_the_worst_are_shown_and_the_rest_is_counted(told):
    lines = told(*(finding(f"{number}") for number in range(MOST + 5)))
    assert len(lines) == MOST
    assert lines[-1] == "::error title=seatrial::6 more findings, in the report"
    assert len(told(*(finding(f"{number}") for number in range(MOST)))) == MOST


def test_what_does_not_count_is_a_notice_that_says_what_it_is(tmp_path):
    finding = Finding(Subject.OBJECTIVE, "cards", "no slower", Grade.UNDECIDED, "no baseline: none yet", counts=False)
    (line,) = annotation_lines([finding], redact=str, root=tmp_path)
    assert line == "::notice title=no baseline%3A cards.no slower::no baseline: none yet"
