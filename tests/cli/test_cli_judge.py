"""`seatrial judge` and `report` are of this workspace's runs."""

from __future__ import annotations

import pytest

from seatrial.cli.judge import run_judge, run_report
from seatrial.errors import UsageError


@pytest.mark.parametrize("redo", [run_report, lambda name: run_judge(name, strict=False, json_file=None)])
def test_a_run_of_another_workspace_is_not_judged_by_this_ones_documents(redo, tmp_path, monkeypatch):
    here, run = tmp_path / "here", tmp_path / "there" / "reports" / "out" / "one"
    here.mkdir()
    run.mkdir(parents=True)
    (here / "realms.yaml").write_text("realms: {}\n")
    (run / "run.json").write_text('{"gate": "default"}')
    monkeypatch.chdir(here)
    with pytest.raises(UsageError, match="not a run of this workspace"):
        redo(str(run))
    assert [file.name for file in run.iterdir()] == ["run.json"]
