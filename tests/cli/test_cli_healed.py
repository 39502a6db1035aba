"""The first command after a run that was killed says what its watchdog healed, whichever command that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.cli.chaos import run_halt, run_recover
from seatrial.cli.check import CheckOptions, run_check
from seatrial.cli.gameday import run_gameday
from seatrial.cli.load import run_load
from seatrial.cli.runs import run_list
from seatrial.cli.up import run_down, run_up
from seatrial.errors import Unsupported, UsageError
from seatrial.runtime.healings import note_healed


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace in which two runs were killed."""
    (tmp_path / "realms.yaml").write_text("realms: {here: {services: {shop: 'http://127.0.0.1:1'}}}\n")
    for folder in (".seatrial", "scenarios"):
        (tmp_path / folder).mkdir()
    for run in ("one", "two"):
        note_healed(tmp_path, f"run {run} ended with faults on")
    monkeypatch.chdir(tmp_path)


def _up():
    with pytest.raises(Unsupported):  # a realm that is not started here: it was told before
        run_up("here", ())


def _load():
    with pytest.raises(UsageError):  # no such profile
        run_load("none", "here")


def _gameday():
    with pytest.raises(UsageError):  # no such file
        run_gameday(Path("none.yaml"), "here", variables=(), yes=True)


def _down():
    run_down("here")


def _check():
    run_check(CheckOptions())


@pytest.mark.parametrize(
    "command",
    [
        _up,
        lambda: run_down("here"),
        run_list,
        lambda: run_check(CheckOptions()),
        run_recover,
        run_halt,
        _load,
        _gameday,
    ],
    ids=["up", "down", "runs list", "check", "chaos recover", "chaos halt", "load", "gameday"],
)
def test_the_next_command_says_it_on_stderr_and_the_one_after_does_not(command, workspace, capsys):
    command()
    told = capsys.readouterr()
    assert told.err.splitlines()[:2] == ["run one ended with faults on", "run two ended with faults on"]
    assert "ended with faults on" not in told.out
    command()
    assert "ended with faults on" not in capsys.readouterr().err
