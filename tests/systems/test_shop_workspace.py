"""The shop's workspace: it comes up by `seatrial up`, its journeys pass, its documents can all be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from stand import SHOP

from real_parts import find_opossum

pytestmark = [pytest.mark.needs_opossum, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def seatrial(tmp_path_factory):
    """Runs a command in a copy of the workspace, whose realm is up."""
    workspace = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(SHOP, workspace, ignore=shutil.ignore_patterns(".seatrial", "reports"))

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "seatrial", *words],
            cwd=workspace,
            env={**os.environ, "NODE_PATH": find_opossum() or ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    raised = run("up")
    try:
        assert raised.returncode == 0, raised.stderr
        yield run
    finally:
        run("down")


def test_every_journey_passes(seatrial):
    ended = seatrial("check")
    assert ended.returncode == 0, ended.stdout
    assert "4 journeys: 4 passed, 0 failed" in ended.stdout


@pytest.mark.parametrize("experiment", ["the stock hangs", "the pricing is out"])
def test_every_experiment_finds_its_target(seatrial, experiment):
    ended = seatrial("chaos", "plan", experiment)
    assert ended.returncode == 0, ended.stderr
    assert "->" in ended.stdout
