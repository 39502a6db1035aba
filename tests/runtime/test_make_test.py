"""`make test` plays what failed once more: what passes then is told and no failure, all else is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="no make on the path")

TOLD = "what failed is played once more, by itself"
SIDE_BY_SIDE, IN_TURN = "tests/beside", "tests/alone"
ROOMS = [pytest.param(SIDE_BY_SIDE, id="side by side"), pytest.param(IN_TURN, id="in turn")]

PASSES = "def test_it(): pass\n"
FAILS = "def test_it(): assert False\n"
FAILS_ONCE = """\
import pathlib
def test_it():
    played = pathlib.Path(__file__).with_suffix(".played")
    before = played.exists()
    played.touch()
    assert before
"""
DIES = "import os\ndef test_other(): os._exit(1)\n"
CANNOT_BE_READ = "import no_such_module\n"

Made = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def made(tmp_path: Path, root: Path) -> Made:
    """Runs `make test` over two rooms, each with a test that passes."""
    shutil.copy(root / "Makefile", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "-p xdist"\ntestpaths = ["tests"]\n'
    )
    for room in (SIDE_BY_SIDE, IN_TURN):
        _write(tmp_path, room, PASSES, name="passes")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

    def run() -> subprocess.CompletedProcess[str]:
        (tmp_path / "bin" / ".ready").touch()
        words = ["make", "test", "BIN=bin", "READY=bin/.ready", f"SIDE_BY_SIDE={SIDE_BY_SIDE}"]
        return subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=150
        )

    return run


def _write(folder: Path, room: str, test: str, *, name: str = "it") -> None:
    (folder / room).mkdir(parents=True, exist_ok=True)
    (folder / room / f"test_{name}_{Path(room).name}.py").write_text(test)


def test_what_passes_at_once_is_played_once(made: Made) -> None:
    done = made()
    assert (done.returncode, done.stderr.count(TOLD)) == (0, 0), done.stdout


def test_what_passes_when_it_is_played_once_more_is_told_and_no_failure(tmp_path: Path, made: Made) -> None:
    for room in (SIDE_BY_SIDE, IN_TURN):
        _write(tmp_path, room, FAILS_ONCE)
    done = made()
    assert (done.returncode, done.stderr.count(TOLD)) == (0, 2), done.stdout


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("test", [FAILS, DIES, CANNOT_BE_READ], ids=["fails", "dies", "cannot be read"])
def test_what_fails_again_or_could_not_be_played_is_a_failure(
    tmp_path: Path, made: Made, room: str, test: str
) -> None:
    _write(tmp_path, room, test)
    assert made().returncode != 0


def test_what_an_earlier_play_left_failed_does_not_stand_in_for_what_ended_this_one(
    tmp_path: Path, made: Made
) -> None:
    _write(tmp_path, IN_TURN, FAILS)
    assert made().returncode != 0
    assert (tmp_path / ".pytest_cache" / "v" / "cache" / "lastfailed").exists()
    _write(tmp_path, IN_TURN, DIES + PASSES)
    assert made().returncode != 0
