"""The files of a run at its end hold no secret, and say of what is undecided whether it passes."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from seatrial.assess.run import Assessed, publish
from seatrial.errors import ExitCode
from seatrial.journal import Run
from seatrial.redact import Secrets
from seatrial.reports.build import build
from seatrial.reports.page import RunFacts
from seatrial.verdict import Finding, Grade, Subject, Verdict

SECRET = "s3cr3t-of-the-run"


@pytest.fixture
def published(tmp_path):
    """Writes the files of an undecided run, whose reason holds a secret; gives the run."""

    def write(**more) -> Run:
        undecided = Finding(Subject.OBJECTIVE, "shop", "fast", Grade.UNDECIDED, f"no data of {SECRET}")
        verdict = Verdict(Grade.UNDECIDED, None, (undecided,), f"UNDECIDED: {SECRET}")
        secrets = Secrets()
        secrets.add("token", SECRET)
        page = build(RunFacts("r", "here", 0.0), verdict)
        assessed = Assessed(Run(tmp_path / "run"), verdict, page, secrets, ExitCode.UNDECIDED, **more)
        publish(assessed, templates=tmp_path / "templates")
        return assessed.run

    return write


def test_no_file_of_a_run_holds_a_secret(published):
    run = published()
    for path in (run.verdict, run.report, run.junit):
        assert "no data of ***" in path.read_text()
        assert SECRET not in path.read_text()


def test_what_is_undecided_fails_in_junit_unless_the_gate_lets_it_through(published):
    (failing,) = ET.parse(published().junit).iter("testcase")
    assert failing.find("error") is not None
    (passing,) = ET.parse(published(let_through="let through: on_undecided: pass").junit).iter("testcase")
    assert passing.find("error") is None
    assert "let through: on_undecided: pass" in passing.find("skipped").get("message")
