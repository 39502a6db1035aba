"""Grades and exit codes."""

from __future__ import annotations

import pytest

from seatrial.errors import ExitCode, did_you_mean
from seatrial.verdict import Finding, Grade, Subject, exit_code, worst


def test_no_data_is_never_met() -> None:
    assert worst([]) is Grade.UNDECIDED


def test_the_worst_grade_is_the_whole() -> None:
    assert worst([Grade.MET, Grade.DEGRADED]) is Grade.DEGRADED
    assert worst([Grade.UNDECIDED, Grade.DEGRADED]) is Grade.UNDECIDED
    assert worst([Grade.UNDECIDED, Grade.MISSED, Grade.MET]) is Grade.MISSED


@pytest.mark.parametrize(
    ("grade", "strict", "code"),
    [
        (Grade.MET, False, 0),
        (Grade.MET, True, 0),
        (Grade.DEGRADED, False, 0),
        (Grade.DEGRADED, True, 1),
        (Grade.UNDECIDED, False, 5),
        (Grade.UNDECIDED, True, 5),
        (Grade.MISSED, False, 1),
    ],
)
def test_a_grade_has_its_exit_code(grade: Grade, strict: bool, code: int) -> None:
    assert exit_code(grade, strict=strict) == code


def test_exit_codes_are_the_documented_numbers() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 5, 130]


def test_an_unknown_name_is_answered_by_the_nearest_or_by_all() -> None:
    assert did_you_mean("latancy", ["latency", "timeout"]) == "did you mean 'latency'?"
    assert did_you_mean("zzz", ["latency", "timeout"]) == "known: latency, timeout"
    assert did_you_mean("zzz", []) == ""


@pytest.mark.parametrize(
    ("subject", "grade", "against"),
    [
        (Subject.OBJECTIVE, Grade.MET, False),
        (Subject.OBJECTIVE, Grade.DEGRADED, True),
        (Subject.OBJECTIVE, Grade.UNDECIDED, True),
        (Subject.INFORMATION, Grade.MET, False),
        (Subject.INFORMATION, Grade.UNDECIDED, False),
    ],
)
def test_information_never_stands_against_a_verdict(subject, grade, against):
    assert Finding(subject, "cards", "x", grade, "because").is_against is against


def test_what_does_not_count_never_stands_against_a_verdict():
    assert not Finding(Subject.OBJECTIVE, "cards", "x", Grade.UNDECIDED, "no baseline: none", counts=False).is_against
