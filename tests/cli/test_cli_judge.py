"""`seatrial judge` and `report` are of this workspace's runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorded_runs import START, record_run
from seatrial.assess.baselines import name_baseline
from seatrial.cli.judge import run_judge, run_report
from seatrial.errors import ExitCode, UsageError
from seatrial.journal_lines import encode
from seatrial.sample import Pacing, Phase

SAID = {"seatrial": "0.1.0"}


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


@pytest.mark.parametrize(("dropped", "code"), [(0, ExitCode.MET), (50, ExitCode.UNDECIDED)])
def test_the_report_of_a_load_is_written_anew_and_ends_as_the_load_did(dropped, code, tmp_path, monkeypatch, capsys):
    write_workspace(tmp_path)
    run = record_run(
        tmp_path, "one", seed=1, seconds=20, started_at="2023-11-14T22:13:20.000Z", ended_at=None, **SAID
    )
    with run.journal.open("ab") as journal:
        journal.write(encode(Pacing("one", Phase.HOLD, START + 20, 100, 100 - dropped, dropped, 1, 0.001, 0.2)))
    monkeypatch.chdir(tmp_path)
    assert run_report("last") is code
    printed = capsys.readouterr()
    assert printed.out == f"{run.report.relative_to(tmp_path)}\n"
    assert ("undecided: generator: 50 of" in printed.err) is bool(dropped)
    assert "Load report" in run.report.read_text()
    assert not run.verdict.exists()


def test_the_report_of_a_run_is_written_by_its_baselines_name_too(tmp_path, monkeypatch, capsys):
    write_workspace(tmp_path)
    run = record_run(
        tmp_path, "one", seed=1, seconds=20, started_at="2023-11-14T22:13:20.000Z", ended_at=None, **SAID
    )
    monkeypatch.chdir(tmp_path)
    name_baseline(tmp_path, "release-1", run)
    assert run_report("release-1") is ExitCode.MET
    assert capsys.readouterr().out == "reports/out/one/report.html\n"


def test_a_load_cannot_be_judged_and_says_what_shows_it(tmp_path, monkeypatch):
    write_workspace(tmp_path)
    record_run(tmp_path, "one", seed=1, seconds=1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="`seatrial report RUN` shows how it went"):
        run_judge("one", strict=False, json_file=None)


def test_the_report_of_another_workspaces_load_is_not_written(tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    write_workspace(here)
    run = record_run(tmp_path / "there", "one", seed=1, seconds=1)
    monkeypatch.chdir(here)
    with pytest.raises(UsageError, match="not a run of this workspace"):
        run_report(str(run.folder))
    assert not run.report.exists()


def write_workspace(folder: Path) -> None:
    """A realm, a journey that is the recorded runs' own, and the profile they name."""
    (folder / "scenarios" / "profiles").mkdir(parents=True)
    (folder / "slo").mkdir()
    (folder / "realms.yaml").write_text("realms: {here: {services: {shop: 'http://127.0.0.1:1'}}}\n")
    (folder / "scenarios" / "buy.yaml").write_text(
        "scenario: buy\nservice: shop\nsteps: [{name: get, request: {url: /goods}}]\n"
    )
    (folder / "scenarios" / "profiles" / "some.yaml").write_text(
        "profile: some\nscenarios: [buy]\nstages: [{ramp_to: 100/s}, {hold: 20s}]\n"
    )
