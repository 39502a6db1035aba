"""`assess --markdown`: the summary of a run for a CI job, in a file or alone on stdout."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def workspace(shop_workspace):
    (shop_workspace / "slo" / "gate.yaml").write_text("gate: default\nacceptance: {tags: [smoke]}\n")
    return shop_workspace


def test_a_summary_is_written_beside_what_is_told(workspace, here):
    ended = here(workspace, "assess", "--markdown", "summary.md")
    assert ended.out.startswith("verdict: MET")
    assert (workspace / "summary.md").read_text().startswith("## ✅ MET")
    assert ended.code == 0


def test_a_summary_on_stdout_is_alone_there_and_shows_what_failed(workspace, here):
    file = workspace / "scenarios" / "buy.yaml"
    file.write_text(file.read_text().replace("price: 250", "price: 251"))
    ended = here(workspace, "assess", "--markdown", "-")
    assert ended.out.startswith("## ❌ MISSED")
    assert "### Journey: buy a rope" in ended.out
    assert "verdict:" not in ended.out
    assert ended.code == 1


def test_a_summary_that_cannot_be_written_is_a_usage_error(workspace, here):
    ended = here(workspace, "assess", "--markdown", "nowhere/summary.md")
    assert ended.code == 2
    assert "nowhere/summary.md: cannot be written" in ended.sentence
