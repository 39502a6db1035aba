"""The benchmarks can be started: what they import of the tests is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent.parent / "bench"


def test_the_benchmarks_say_how_they_are_called():
    told = subprocess.run([sys.executable, BENCH / "run.py", "--help"], capture_output=True, text=True, timeout=60)

    assert told.returncode == 0, told.stderr
    assert "--only" in told.stdout
