"""The audit of a system it was not made with: nothing is found in the healthy shop, and each defect where it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
from stand import SHOP

from real_parts import find_opossum
from seatrial.errors import ExitCode

pytestmark = [pytest.mark.needs_opossum, pytest.mark.timeout(240)]


@pytest.fixture
def audit(tmp_path):
    """Audits the shop with those defects, narrowed: the exit code, and what was written by `--json`."""
    workspace = tmp_path / "shop"
    shutil.copytree(SHOP, workspace, ignore=shutil.ignore_patterns(".seatrial", "reports"))

    def once(defects, only):
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "seatrial", "chaos", "audit", "--json", "audit.json"),
                *("--var", f"defects={defects}"),
                *(word for each in only for word in ("--only", each)),
            ],
            cwd=workspace,
            env={**os.environ, "NODE_PATH": find_opossum() or ""},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert ended.returncode in (ExitCode.MET, ExitCode.MISSED, ExitCode.UNDECIDED), ended.stdout + ended.stderr
        return ended.returncode, json.loads((workspace / "audit.json").read_text())

    def run(defects, *only):
        code, content = once(defects, only)
        # as a starved machine may leave it: a lease that ran out, lost events, a moment in which it stood still
        is_starved = any("stood still" in ruling["evidence"] for ruling in content["rulings"])
        return once(defects, only) if is_starved or code == ExitCode.UNDECIDED else (code, content)

    return run


def test_an_audit_of_the_healthy_shop_finds_nothing(audit):
    code, content = audit("", "storefront->catalog", "hang")
    assert content["findings"] == []
    assert code == ExitCode.MET
    judged = {number for ruling in content["rulings"] if ruling["sign"] == "clear" for number in ruling["defects"]}
    assert {1, 4, 5, 7, 20} <= judged


@pytest.mark.parametrize(
    ("switch", "edge", "family"),
    [
        ("5:storefront->catalog", "storefront->catalog", [5, 13, 14, 15]),
        ("24:storefront->pricing", "storefront->pricing", [24, 25]),
        ("33:storefront", "storefront->orders", [33]),
    ],
)
def test_an_audit_names_the_defect_of_the_shop_at_its_edge_and_nothing_else(audit, switch, edge, family):
    code, content = audit(switch, edge, switch.partition(":")[0])
    named = [(finding["defects"], finding["edges"]) for finding in content["findings"]]
    assert named == [(family, [edge])]
    assert code == ExitCode.MISSED
