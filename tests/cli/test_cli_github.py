"""GitHub Actions is told by itself, by the variables it sets; elsewhere nothing is."""

from __future__ import annotations

import pytest

from seatrial.assess.run import Assessed
from seatrial.cli.console import tell
from seatrial.cli.github import quoting, tell_github
from seatrial.errors import ExitCode, Where
from seatrial.redact import Secrets
from seatrial.reports.build import build
from seatrial.reports.page import RunFacts
from seatrial.verdict import Finding, Grade, Subject, Verdict


@pytest.fixture
def assessed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finding = Finding(Subject.OBJECTIVE, "cards", "fast", Grade.MISSED, "slow", where=Where("slo/cards.yaml", 3, 5))
    verdict = Verdict(Grade.MISSED, 0.0, (finding,), "MISSED: cards.fast")
    return Assessed(None, verdict, build(RunFacts("r", "here", 0.0), verdict), Secrets(), ExitCode.MISSED)


def test_outside_of_actions_nothing_is_told(assessed, capsys):
    tell_github(assessed, {}, taken=())
    tell_github(assessed, {"GITHUB_ACTIONS": "false"}, taken=())
    assert capsys.readouterr() == ("", "")


def test_in_actions_every_finding_is_an_annotation(assessed, capsys, tmp_path):
    tell_github(assessed, {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}, taken=(None, "out.json"))
    assert capsys.readouterr().out == "::error file=slo/cards.yaml,line=3,col=5,title=MISSED%3A cards.fast::slow\n"


def test_a_stdout_that_is_a_files_has_no_annotation_in_it(assessed, capsys):
    tell_github(assessed, {"GITHUB_ACTIONS": "true"}, taken=("-", None))
    assert capsys.readouterr().out == ""


def test_what_a_target_said_is_no_command_to_actions(capsys):
    with quoting({"GITHUB_ACTIONS": "true"}):
        tell("::error::said by a target")
    first, said, last = capsys.readouterr().out.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert (said, last) == ("::error::said by a target", f"::{token}::")
    with quoting({}):
        tell("hello")
    assert capsys.readouterr().out == "hello\n"


def test_the_summary_is_added_to_what_other_steps_wrote(assessed, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("# Built\n")
    tell_github(assessed, {"GITHUB_STEP_SUMMARY": str(summary)}, taken=())
    built, _, ours = summary.read_text().partition("\n")
    assert built == "# Built"
    assert "## ❌ MISSED" in ours
    assert "cards.fast" in ours


def test_a_summary_that_cannot_be_written_is_said_and_changes_nothing(assessed, tmp_path, capsys):
    tell_github(assessed, {"GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "summary.md")}, taken=())
    assert "summary.md: the step's summary cannot be written: No such file" in capsys.readouterr().err
