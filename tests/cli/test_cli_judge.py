"""`seatrial runs list` tells of every run, whatever one of them left behind."""

from __future__ import annotations

import json

import pytest

from seatrial.cli.judge import run_list
from seatrial.errors import ExitCode


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (None, "not judged"),
        (json.dumps({"grade": "MET"}), "MET"),
        (json.dumps({"verdict": "of another version"}), "unreadable"),
        ("{half", "unreadable"),
    ],
)
def test_a_run_is_listed_whatever_its_verdict_is(verdict, told, tmp_path, monkeypatch, capsys):
    (tmp_path / "realms.yaml").write_text("realms: {}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("20260101-000000-here-0000", "20260102-000000-here-0000"):
        folder = tmp_path / "reports" / "out" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text('{"command": "seatrial assess"}')
    if verdict is not None:
        (tmp_path / "reports" / "out" / "20260101-000000-here-0000" / "verdict.json").write_text(verdict)
    assert run_list() is ExitCode.MET
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"20260101-000000-here-0000  {told:<10}  seatrial assess"
    assert second.split()[1:] == ["not", "judged", "seatrial", "assess"]
