"""A journey ends in `assess` as in `check`: failed outside its steps is failed; a skipped one blocks nothing."""

from __future__ import annotations

import pytest

from seatrial.errors import ExitCode
from seatrial.journal import find_run

pytestmark = pytest.mark.e2e

GATE = "gate: default\nacceptance: {tags: [smoke]}\n"
UNCHECKED = """\
scenario: look around
tags: [smoke]
service: shop
steps: [{name: look, request: {url: /goods/rope}}]
"""
UNRENDERABLE = """\
scenario: look around
tags: [smoke]
service: shop
vars: {rope: "{{ 1 // 0 }}"}
steps: [{name: look, request: {url: /goods/rope}, expect: {status: 200}}]
"""
SKIPPED = """\
scenario: look around
tags: [smoke]
skip: the shop moves house
service: shop
steps: [{name: look, request: {url: /goods/rope}, expect: {status: 200}}]
"""


@pytest.fixture
def both(shop_workspace, here):
    """Checks and assesses the shop with one more journey, without load; how each ended."""

    def run(journey):
        (shop_workspace / "slo" / "gate.yaml").write_text(GATE)
        (shop_workspace / "scenarios" / "look.yaml").write_text(journey)
        return here(shop_workspace, "check"), here(shop_workspace, "assess"), find_run(shop_workspace, "last")

    return run


@pytest.mark.parametrize(
    ("journey", "why"),
    [(UNCHECKED, "evaluated no check"), (UNRENDERABLE, "cannot be rendered")],
    ids=["unchecked", "unrenderable"],
)
def test_a_journey_that_failed_outside_its_steps_is_missed_by_both(journey, why, both):
    checked, assessed, run = both(journey)
    assert (checked.code, assessed.code) == (ExitCode.MISSED, ExitCode.MISSED)
    assert why in " ".join(assessed.out.split())
    assert "look around: FAILED" in assessed.err
    assert "<failure" in run.junit.read_text()


def test_a_skipped_journey_is_told_and_blocks_nothing(both):
    checked, assessed, run = both(SKIPPED)
    assert (checked.code, assessed.code) == (ExitCode.MET, ExitCode.MET)
    assert "look around: skipped, the shop moves house" in assessed.err
    junit = run.junit.read_text()
    assert '<skipped message="the shop moves house"' in junit
    assert "<failure" not in junit
    assert "skipped: the shop moves house" in run.report.read_text()
