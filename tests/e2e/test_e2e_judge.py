"""What was recorded is judged again: the same verdict, another one under other limits, and what a kill has left."""

from __future__ import annotations

import json
import shutil

import pytest

from seatrial.journal import find_run

pytestmark = pytest.mark.e2e


@pytest.fixture
def recorded(assessed, tmp_path):
    """A copy of the assessed workspace and its run."""
    workspace = tmp_path / "copy"
    shutil.copytree(assessed[0], workspace)
    return workspace, find_run(workspace, "last")


def _limit(workspace, limit):
    file = workspace / "slo" / "shop.yaml"
    text = file.read_text()
    assert "limit: 5s" in text
    file.write_text(text.replace("limit: 5s", f"limit: {limit}"))


def _findings(run):
    return {item["name"]: item for item in json.loads(run.verdict.read_bytes())["findings"]}


def test_judging_again_gives_the_verdict_the_assessment_gave(assessed, recorded, here):
    workspace, run = recorded
    before = run.verdict.read_bytes()
    run.verdict.unlink()
    ended = here(workspace, "judge", "last")
    assert ended.code == assessed[1].code == 0
    assert run.verdict.read_bytes() == before
    assert _without_report(ended.out) == _without_report(assessed[1].out)
    assert _findings(run).keys() == {"buy a rope", "shop.available", "shop.fast"}


def _without_report(text):
    return [line for line in text.splitlines() if not line.startswith("report: ")]


def test_a_tighter_limit_changes_the_verdict_and_is_counted_from_the_histograms(recorded, here):
    workspace, run = recorded
    own = [file.read_bytes() for file in (run.verdict, run.report, run.junit)]
    assert "histogram" not in _findings(run)["shop.fast"]["reason"]
    _limit(workspace, "10us")  # no answer over HTTP is that fast
    ended = here(workspace, "judge")
    assert ended.code == 1
    assert "what if: judged by other documents than the run was made with; its own verdict stays: MET" in ended.out
    assert ended.out.splitlines()[-1] == f"report: {run.what_if.report.relative_to(workspace)}"
    assert [file.read_bytes() for file in (run.verdict, run.report, run.junit)] == own
    fast = _findings(run.what_if)["shop.fast"]
    assert fast["grade"] == "MISSED"
    assert fast["bad"] == fast["n"] > 0
    assert "counted from the histograms" in fast["reason"]
    assert "counted from the histograms" in " ".join(ended.out.split())
    assert _findings(run.what_if)["shop.available"]["grade"] == "MET"


def test_a_looser_limit_is_counted_from_the_histograms_too(recorded, here):
    workspace, run = recorded
    _limit(workspace, "10s")
    assert here(workspace, "judge").code == 0
    fast = _findings(run.what_if)["shop.fast"]
    assert fast["grade"] == "MET"
    assert "counted from the histograms" in fast["reason"]


def test_a_report_written_again_from_the_same_data_has_the_same_bytes(recorded, here):
    workspace, run = recorded
    before, junit = run.report.read_bytes(), run.junit.read_bytes()
    run.report.unlink()
    ended = here(workspace, "report", "last")
    assert ended.code == 0
    assert ended.out.strip() == str(run.report.relative_to(workspace))
    assert run.report.read_bytes() == before
    assert run.junit.read_bytes() == junit


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.98])
def test_a_journal_cut_anywhere_can_still_be_judged(kept, recorded, here):
    workspace, run = recorded
    whole = run.journal.read_bytes()
    run.journal.write_bytes(whole[: int(len(whole) * kept)])
    ended = here(workspace, "judge")
    assert ended.code == (0 if kept > 0.9 else 5), ended
    assert ended.sentence == ""
    assert ended.out.startswith("verdict: ")
    assert run.report.read_text().startswith("<!")
