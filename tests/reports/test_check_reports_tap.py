"""TAP 14 of plays, read back by the specification's own rules."""

from __future__ import annotations

import re

import pytest
import yaml

from seatrial.exchange import Broken
from seatrial.redact import Secrets
from seatrial.reports.plays.form import Close
from seatrial.reports.plays.tap import Tap
from seatrial.sample import Cause
from seatrial.scenarios.wording import failure_texts

POINT = re.compile(r"(?P<word>ok|not ok) (?P<number>\d+) - (?P<name>(?:\\.|[^\\#])*?)(?: # (?P<directive>SKIP .*))?")
JOURNEY = """
scenario: "pay #1 with a \\\\ card"
service: api
steps:
  - {name: look, request: {url: /look}, expect: {status: 200}}
  - {name: pay, request: {url: /pay}, expect: {status: 200}}
"""


def parsed(text):
    """(word, name, directive, diagnostics) of each test point; fails where a line is nothing TAP knows."""
    lines = text.split("\n")
    assert lines[0] == "TAP version 14"
    assert lines[-1] == ""
    points, rest = [], lines[1:-1]
    while rest:
        line = rest.pop(0)
        found = POINT.fullmatch(line)
        if found:
            assert int(found["number"]) == len(points) + 1
            name = re.sub(r"\\(.)", r"\1", found["name"])
            points.append([found["word"], name, found["directive"], {}])
        elif line == "  ---":
            block = rest[: rest.index("  ...")]
            del rest[: len(block) + 1]
            assert all(line == "" or line.startswith("  ") for line in block)
            points[-1][3] = yaml.safe_load("\n".join(line[2:] for line in block))
        elif line.startswith("1.."):
            assert line.partition(" ")[0] == f"1..{len(points)}"
        else:
            assert line.startswith(("# ", "Bail out!"))
    assert sum(line.startswith("1..") for line in lines) == 1
    return points


@pytest.fixture
def points(written):
    """The test points of a report."""
    return lambda plays, **facts: parsed(written(Tap(Secrets()), plays, **facts))


def test_every_step_is_a_test_point(points, play):
    name = "pay #1 with a \\ card"
    assert [point[:3] for point in points(play(JOURNEY))] == [
        ["ok", f"{name} > look", None],
        ["ok", f"{name} > pay", None],
    ]


def test_a_failed_step_has_its_whole_text_as_a_diagnostic(points, play, answer):
    plays = play(JOURNEY, answer(500))
    failed, skipped = points(plays)
    assert failed[0] == "not ok"
    assert failed[3]["message"] == "status 500, expected integer <200>"
    assert failed[3]["cause"] == "status"
    assert failed[3]["at"] == {"file": "journey.yaml", "line": 4, "column": 58}
    assert failed[3]["duration_ms"] == 12.5
    assert (failed[3]["text"],) == failure_texts(plays[0].result, secrets=Secrets())
    assert skipped[:3] == ["ok", "pay #1 with a \\ card > pay", "SKIP an earlier step failed"]


def test_a_flaky_step_is_ok_and_said_to_be_flaky(points, play, answer):
    polling = JOURNEY.replace("url: /look}", "url: /look}, retry: {max: 3, interval: 0ms}")
    look, _ = points(play(polling, answer(500), answer(500), answer(200)))
    assert look[0] == "ok"
    assert (look[3]["flaky"], look[3]["attempts"]) == (True, 3)


def test_a_detail_of_the_target_cannot_break_the_stream(points, play):
    broken = Broken(Cause.PROTOCOL, "x\n...\nnot ok 7 # SKIP\n1..9\x00", 0.1)
    failed, _ = points(play(JOURNEY, broken))
    assert "not ok 7" in failed[3]["text"]


def test_what_concerns_no_step_is_a_point_of_its_own(points, play):
    whole, step = points(play("scenario: s\nservice: api\nsteps: [{name: look, request: {url: /}}]"))
    assert (whole[0], whole[1]) == ("not ok", "s")
    assert step[0] == "ok"


def test_an_interrupted_run_bails_out_and_is_valid(points, written, play):
    text = written(Tap(Secrets()), play(JOURNEY), close=Close.INTERRUPTED)
    assert "Bail out! interrupted" in text
    assert len(parsed(text)) == 2


def test_a_run_of_nothing_has_a_plan(points):
    assert points([]) == []
