"""How a worker is told to stop by the process that started it."""

from __future__ import annotations

import sys

import pytest

from seatrial.scenarios.load import parent
from seatrial.scenarios.load.order import NOTE
from seatrial.scenarios.load.spread import Joining

DEAF = f"""\
import os
os.read(0, 1 << 16)
os.close(0)
os.write(1, {NOTE!r} + b"ready\\n")
"""


def test_an_interrupt_stays_one_beside_a_worker_that_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(parent, "_WORKER", (sys.executable, "-c", DEAF))

    def interrupted(line: str) -> None:
        raise KeyboardInterrupt(line)

    with pytest.raises(KeyboardInterrupt, match="ready"):
        parent.work_for(Joining("127.0.0.1", 1, tmp_path), say=interrupted)
