"""Every example of docs/compare.md is run, and prints what the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recorded_runs import record_run
from seatrial import documents
from seatrial.cli.main import app
from seatrial.slo.gate import read_gate
from seatrial.slo.read import read_services

PAGE = (Path(__file__).parent.parent / "docs" / "compare.md").read_text()
OLD, NEW = "20260302-081500-staging-1f3a", "20260303-081500-staging-77c0"


def examples() -> list[tuple[str, str]]:
    """Each command with the lines it prints."""
    blocks = re.findall(r"```\n(\$ .*?)```", PAGE, flags=re.DOTALL)
    return [
        (command, printed)
        for block in blocks
        for command, printed in re.findall(r"^\$ (.*?)\n((?:(?!\$ ).*\n)*)", block, flags=re.MULTILINE)
    ]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The workspace of the page: Monday's run was MET and has a name, Tuesday's was not."""
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    usual = {"realm": "staging", "profile": "steady", "gate": "default", "command": "seatrial assess"}
    old = {"failing": 0.01, "started_at": 1_772_439_300.0, "revisions": {"shop": "a1b2"}}
    new = {"failing": 0.03, "started_at": 1_772_525_700.0, "revisions": {"shop": "c3d4"}, "slower": 1.1}
    record_run(tmp_path, OLD, seed=1, **(usual | old)).verdict.write_text(json.dumps({"grade": "MET"}))
    record_run(tmp_path, NEW, seed=2, **(usual | new)).verdict.write_text(json.dumps({"grade": "MISSED"}))
    (tmp_path / "reports" / "out" / "baselines.json").write_text(json.dumps({"baselines": {"release-1": OLD}}))


def test_every_command_prints_what_the_page_says(here):
    commands = examples()
    assert len(commands) >= 5
    for command, printed in commands:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.stdout == printed, command


def test_every_document_of_the_page_is_read(tmp_path):
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL):
        (tmp_path / f"{documents.loads(block, 'page').kind}.yaml").write_text(block)
    assert len(read_services(tmp_path)["shop"].comparisons) == 3
    assert read_gate(tmp_path).versus.last == 1
