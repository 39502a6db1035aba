"""`seatrial init` writes the starter, all of it or nothing, and never over a file that is there."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from seatrial.assess.plan import Asked, read_plan
from seatrial.cli.init import run_init
from seatrial.errors import ExitCode, UsageError
from seatrial.synthetic.read import read_synthetic


def _files(folder):
    """What was written there by hand; installing compiles what is Python."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_every_file_of_the_starter_is_written_and_told(tmp_path, capsys):
    starter = Path(str(resources.files("seatrial") / "starter"))
    assert run_init(tmp_path / "new") is ExitCode.MET
    written = _files(tmp_path / "new")
    assert written == {".gitignore" if name == "gitignore" else name: text for name, text in _files(starter).items()}
    told = capsys.readouterr().out
    assert all(name in told for name in written)
    assert f"cd {tmp_path / 'new'} && seatrial demo run" in told


def test_what_it_writes_can_be_planned_from(tmp_path):
    run_init(tmp_path)
    plan = read_plan(tmp_path, Asked("demo"))
    assert plan.acceptance
    assert plan.profile
    assert plan.experiments
    assert any(service.objectives for service in plan.services.values())
    monitors, _ = read_synthetic(tmp_path / "synthetic", scenarios={item.name: item for item in plan.mix.scenarios})
    assert monitors


def test_it_never_writes_over_a_file_and_then_writes_nothing_at_all(tmp_path):
    (tmp_path / "slo").mkdir()
    (tmp_path / "slo" / "gate.yaml").write_text("mine\n")
    with pytest.raises(UsageError, match=r"slo/gate\.yaml is already there; nothing was written"):
        run_init(tmp_path)
    assert _files(tmp_path) == {"slo/gate.yaml": b"mine\n"}


def test_a_second_time_changes_nothing(tmp_path):
    run_init(tmp_path)
    (tmp_path / "realms.yaml").write_text("mine\n")
    before = _files(tmp_path)
    with pytest.raises(UsageError, match="already there"):
        run_init(tmp_path)
    assert _files(tmp_path) == before


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine\n")
    run_init(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine\n"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/new.*cannot be written"):
        run_init(tmp_path / "file" / "new")
