"""Every shell line of docs/distributed.md runs, on a workspace of its own and loopback."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ports import free_port
from seatrial import journal
from seatrial.errors import ExitCode
from seatrial.sample import Interval

JOURNEY = "scenario: look\nservice: api\nsteps: [{name: look, request: {url: /look}, expect: {status: 200}}]\n"
BLOCKS = re.findall(
    r"```sh\n(.*?)```", (Path(__file__).parents[2] / "docs" / "distributed.md").read_text(), flags=re.DOTALL
)


@pytest.fixture
def workspace(tmp_path: Path, root: Path, target) -> Path:
    """A realm `staging`, which is the target, and a profile `steady` of a second."""
    (tmp_path / "scenarios" / "profiles").mkdir(parents=True)
    (tmp_path / "realms.yaml").write_text(
        f"realms:\n  staging: {{services: {{api: '{target.url}'}}, allows: {{load: {{max_rate: 100/s}}}}}}\n"
    )
    (tmp_path / "scenarios" / "look.yaml").write_text(JOURNEY)
    (tmp_path / "scenarios" / "profiles" / "steady.yaml").write_text(
        "profile: steady\nscenarios: [look]\nstages: [{ramp_to: 20/s}, {hold: 1s}]\n"
    )
    (tmp_path / "scenarios" / "locustfile.py").write_text((root / "scenarios" / "locustfile.py").read_text())
    return tmp_path


def run_block(block: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    """As written, with the console scripts of this Python and ports that are free."""
    seatrial = f"{shlex.quote(sys.executable)} -c 'from seatrial.cli.main import main; main()'"
    locust = shlex.quote(str(Path(sys.executable).with_name("locust")))
    port = str(free_port())
    lines = re.sub(r"\bseatrial load", f"{seatrial} load", block)
    lines = re.sub(r"\blocust -f", f"{locust} -f", lines)
    lines = lines.replace("--master", f"--master --port {port}").replace(
        "--worker 127.0.0.1", f"--worker 127.0.0.1:{port}"
    )
    lines = lines.replace("8090", str(free_port()))
    return subprocess.run(
        ["sh", "-ec", lines], cwd=workspace, capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_shell_block_of_the_page_runs(block, workspace, target):
    ran = run_block(block, workspace)
    assert ran.returncode in (ExitCode.MET, ExitCode.UNDECIDED), ran.stderr  # a busy machine makes late starts
    if "locust" not in block:
        (run,) = journal.list_runs(workspace)
        counted = sum(item.ok for item in journal.read(run.journal) if isinstance(item, Interval))
        assert counted == target.seen["GET /look"] == 20
    assert target.seen["GET /look"] > 0


def test_the_page_has_what_is_to_be_run():
    assert len(BLOCKS) == 4
