"""`make clean` forgets no realm that is up and no fault that is on: it ends them first, or removes nothing."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="no make on the path")

SEATRIAL = """\
#!/bin/sh
echo "$@" >> called
exit CODE
"""


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A folder with the Makefile and what it removes; two realms are up."""
    shutil.copy(root / "Makefile", tmp_path)
    for folder in ("src", "tests", "bench", "reports/out/run", ".seatrial", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    for realm in ("demo", "eu-1.d"):
        (tmp_path / ".seatrial" / f"{realm}.json").write_text("{}")
    (tmp_path / "reports" / "out" / "run" / "faults.jsonl").write_text("")
    return tmp_path


def _clean(checkout: Path, *, seatrial_exits: int | None) -> subprocess.CompletedProcess[str]:
    if seatrial_exits is not None:
        command = checkout / "bin" / "seatrial"
        command.write_text(SEATRIAL.replace("CODE", str(seatrial_exits)))
        command.chmod(0o755)
    words = ["make", "clean", "BIN=bin", "READY=bin/.ready"]
    return subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False, timeout=60)


def _is_kept(checkout: Path) -> bool:
    return (checkout / ".seatrial" / "demo.json").exists() and (checkout / "reports" / "out" / "run").exists()


def test_clean_heals_and_stops_before_it_removes(checkout: Path) -> None:
    assert _clean(checkout, seatrial_exits=0).returncode == 0
    called = (checkout / "called").read_text().splitlines()
    assert called == ["chaos recover", "down --realm demo", "down --realm eu-1.d"]
    assert not (checkout / ".seatrial").exists()
    assert not (checkout / "reports" / "out").exists()


def test_clean_removes_nothing_where_healing_failed(checkout: Path) -> None:
    assert _clean(checkout, seatrial_exits=4).returncode != 0
    assert (checkout / "called").read_text() == "chaos recover\n"
    assert _is_kept(checkout)


def test_clean_removes_nothing_where_it_cannot_heal(checkout: Path) -> None:
    done = _clean(checkout, seatrial_exits=None)
    assert done.returncode != 0
    assert "bin/seatrial is not there to end it: make bin/.ready first" in done.stderr
    assert _is_kept(checkout)


def test_clean_needs_no_seatrial_where_nothing_was_done(checkout: Path) -> None:
    shutil.rmtree(checkout / ".seatrial")
    shutil.rmtree(checkout / "reports" / "out" / "run")
    assert _clean(checkout, seatrial_exits=None).returncode == 0
    assert not (checkout / "reports" / "out").exists()


def test_what_takes_a_minute_is_said_before_it_begins(checkout: Path) -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        (checkout / name).touch()
    words = ["make", "--dry-run", "demo", "BIN=bin", "READY=bin/.ready"]
    said = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=True, timeout=60).stdout
    assert 0 <= said.index('echo "installing what seatrial needs') < said.index("pip install")
