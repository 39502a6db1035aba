"""`seatrial schema` prints one schema, or writes them all."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from seatrial.cli.main import main
from seatrial.cli.schema import run_schema
from seatrial.errors import ExitCode, UsageError
from seatrial.schema import KINDS, combined_schema, schema_of


def test_one_kind_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_schema("gate", None) is ExitCode.MET
    assert json.loads(capsys.readouterr().out) == schema_of("gate")


def test_without_a_kind_the_one_for_all_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run_schema(None, None)
    assert json.loads(capsys.readouterr().out) == combined_schema()


def test_every_process_prints_the_same_schema() -> None:
    command = [sys.executable, "-m", "seatrial", "schema"]
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    printed = {subprocess.run(command, env=env, capture_output=True, check=True).stdout for env in seeds}
    assert len(printed) == 1


def test_every_kind_is_written_into_a_folder(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    run_schema(None, tmp_path / "new" / "folder")
    files = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert files == {f"{name}.schema.json" for name in (*KINDS, "seatrial")}
    assert len(capsys.readouterr().out.splitlines()) == len(files)
    run_schema("flow", tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["flow.schema.json"]


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        run_schema(None, tmp_path / "file" / "folder")


def test_the_command_refuses_an_unknown_kind(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["seatrial", "schema", "scenaro"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    assert "did you mean 'scenario'?" in capsys.readouterr().err
