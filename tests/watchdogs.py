"""Which watchdogs of a workspace run."""

from __future__ import annotations

from pathlib import Path

import psutil


def watchdogs(workspace: Path) -> list[psutil.Process]:
    """Those of this workspace that run."""
    found = ((each, each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"]))
    return [
        each
        for each, words in found
        if "seatrial.chaos.watchdog" in words and any(word.startswith(str(workspace)) for word in words)
    ]
