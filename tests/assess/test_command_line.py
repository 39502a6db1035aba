"""The command a run tells of itself."""

from __future__ import annotations

import shlex
import sys

from seatrial.assess.run import command_line


def test_a_recorded_command_is_the_one_to_type_again_and_masks_secrets(monkeypatch):
    words = ["chaos", "run", "the ledger hangs", "--only", "cards->ledger", "--var", "token=it's s3cret"]
    monkeypatch.setattr(sys, "argv", ["/bin/seatrial", *words])
    assert shlex.split(command_line(lambda text: text)) == ["seatrial", *words]
    told = command_line(lambda text: text.replace("it's s3cret", "***"))
    assert "s3cret" not in told
    assert shlex.split(told)[-1] == "token=***"
