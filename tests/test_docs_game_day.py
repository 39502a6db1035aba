"""docs/game-day.md is true: its files are the starter's, its lines are run; on containers in `chaos/`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import seatrial
from seatrial import journal
from seatrial.assess.gameday.about import is_gameday
from seatrial.assess.gameday.guide import DONE, END, GO, NO_GO
from seatrial.chaos.gameday import read_gameday
from seatrial.cli.init import run_init
from seatrial.errors import ExitCode

PATIENCE_S = 170.0
SOURCES = str(Path(seatrial.__file__).parents[1])
FIRST = "chaos/gamedays/first_game_day.yaml"


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "game-day.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)


def shell(text: str, here: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run lines of the page as they stand, with a `seatrial` that is this one."""
    words = 'seatrial() { "$PYTHON" -c "from seatrial.cli.main import main; main()" "$@"; }\n'
    return subprocess.run(
        ["bash", "-u", "-c", words + text],
        cwd=here,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHON": sys.executable},
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def record_in(workspace: Path) -> str:
    (run,) = filter(is_gameday, journal.list_runs(workspace))
    return run.gameday.read_text()


def test_the_file_of_the_page_is_the_one_init_writes_and_our_own(page, root):
    written, _ = blocks(page, "yaml")
    assert written == (resources.files("seatrial") / "starter" / FIRST).read_text()
    assert written == (root / FIRST).read_text()


def test_every_answer_the_page_names_is_one(page):
    assert {GO, NO_GO, END, DONE, "yes", "no", "unclear"} <= set(re.findall(r"`([\w-]+)`", page))


def test_the_lines_of_the_day_lead_to_its_first_question_and_its_record(page, tmp_path):
    day, _, _ = blocks(page, "sh")
    done = shell(day, tmp_path, "no-go\n")
    assert done.returncode == ExitCode.MET, done.stderr  # that of `down`
    assert "game day: UNDECIDED: 0 of 2 steps run" in done.stdout
    assert "the ledger hangs (realm demo; nothing was done)" in done.stdout
    assert "Does everybody who would be paged know that this is a game day? [go/no-go]" in done.stderr
    assert "ended before the first step" in record_in(tmp_path / "bank")


def test_the_rehearsal_runs_the_second_step_alone(page, tmp_path):
    run_init(tmp_path / "bank")
    _, rehearsal, _ = blocks(page, "sh")
    done = shell(rehearsal, tmp_path / "bank")
    assert "Step 2, the ledger is slow: go?" in done.stderr
    record = record_in(tmp_path / "bank")
    assert "| 2 | note | payments took 0.1 s longer |" in record
    (lasted_s,) = re.findall(r"- Fault: latency on cards-\\>ledger, ([\d.]+) s: toxic removed", record)
    assert 15.0 <= float(lasted_s) < 60.0  # a busy machine heals it later
    assert "- Answer: no-go" in record
    assert done.returncode in (ExitCode.MET, ExitCode.UNDECIDED), done.stderr  # a busy machine may leave it open


def test_the_day_on_containers_is_read(page, tmp_path):
    _, day = blocks(page, "yaml")
    (tmp_path / "day.yaml").write_text(day)
    assert [step.experiment for step in read_gameday(tmp_path / "day.yaml").steps] == [
        "the ledger's container is paused"
    ]
