"""The audit of the demo bank, narrowed: no finding where it is healthy, each seeded defect named where it is not."""

from __future__ import annotations

import json
import shutil

import pytest

from seatrial.errors import ExitCode

pytestmark = pytest.mark.e2e


@pytest.fixture
def bank(tmp_path, root):
    """The bank's own workspace, copied."""
    for name in ("scenarios", "slo", "chaos"):
        shutil.copytree(root / name, tmp_path / name)
    shutil.copy(root / "realms.yaml", tmp_path)
    return tmp_path


def _audit(seatrial, workspace, *words):
    ended = seatrial(workspace, "chaos", "audit", "--realm", "demo", "--json", "audit.json", *words)
    return ended, json.loads((workspace / "audit.json").read_text())


def test_an_audit_of_the_healthy_bank_finds_nothing(seatrial, bank):
    only = ("--only", "cards->ledger", "--only", "hang")
    ended, content = _audit(seatrial, bank, *only)
    if ended.code == ExitCode.UNDECIDED:  # as a starved machine may leave it: a lease that ran out, lost events
        ended, content = _audit(seatrial, bank, *only)
    assert content["findings"] == []
    assert ended.code == ExitCode.MET, ended.err
    assert content["score"] == 100.0
    assert "no finding" in ended.out
    assert "22 no bulkhead" in ended.out


def test_an_audit_names_two_defects_at_their_edges(seatrial, bank):
    only = [word for edge in ("cards->ledger", "gateway->merchants") for word in ("--only", edge)]
    ended, content = _audit(
        seatrial, bank, "--var", "defects=5:cards,24:gateway", *only, "--only", "5", "--only", "24"
    )
    named = [(finding["defects"], finding["edges"]) for finding in content["findings"]]
    assert named == [([5, 13, 14, 15], ["cards->ledger"]), ([24, 25], ["gateway->merchants"])]
    assert ended.code == ExitCode.MISSED
    assert "1. cards: no working breaker" in ended.out
    assert "defect 5/13/14/15 on cards->ledger, severity high" in ended.out


def test_an_audit_names_a_leak_and_stale_connections(seatrial, bank):
    edges = ("cards->ledger", "gateway->cards")
    only = [word for each in (*edges, "30", "26") for word in ("--only", each)]
    for _ in range(3):  # too few idle connections, or a request just when they were closed, leave 26 not judged
        ended, content = _audit(seatrial, bank, "--var", "defects=26:gateway,30:cards", *only)
        stale = [each for each in content["rulings"] if (each["defects"], each["edge"]) == ([26], edges[1])]
        if stale[0]["sign"] != "not judged":
            break
    named = [(finding["defects"], finding["edges"]) for finding in content["findings"]]
    assert named == [([30], ["cards->ledger"]), ([26], ["gateway->cards"])], ended.out


def test_an_assessment_with_an_audit_misses_by_its_finding_and_is_judged_anew_as_it_was(seatrial, bank):
    (bank / "slo" / "gate.yaml").write_text(
        "gate: default\nacceptance: {tags: [smoke]}\naudit: {only: [cards->ledger, hang]}\n"
    )
    words = ("--realm", "demo", "--var", "defects=5:cards", "--json", "verdict.json", "--markdown", "verdict.md")
    ended = seatrial(bank, "assess", *words)
    assert ended.code == ExitCode.MISSED, ended.err
    assert "of 1 strain can show something" in ended.err
    name = "no working breaker (defect 5/13/14/15)"
    (finding,) = [
        each for each in json.loads((bank / "verdict.json").read_text())["findings"] if each["subject"] == "audit"
    ]
    assert (finding["objective"], finding["service"], finding["grade"]) == (name, "cards", "MISSED")
    assert "cards->ledger" in (bank / "verdict.md").read_text().replace("\\", "")
    (folder,) = (bank / "reports" / "out").iterdir()
    assert {"audit.json", "audit.html", "audit.jsonl"} <= {file.name for file in folder.iterdir()}
    again = seatrial(bank, "judge", "last", "--json", "again.json")
    assert again.code == ExitCode.MISSED, again.err
    assert json.loads((bank / "again.json").read_text()) == json.loads((bank / "verdict.json").read_text())
