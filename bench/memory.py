"""What `seatrial check` holds in memory while it plays rows: looked at after some and after many."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from dataclasses import dataclass

import psutil
from measure import GIVEN_UP_AFTER_S, Tool, ToolFailedError, begin
from nginx import Counter

LOOK_EVERY_S = 0.05
REQUESTS_A_ROW = 5


@dataclass(frozen=True)
class Growth:
    """Resident bytes after the first rows and after the last but few."""

    early_rows: int
    early_bytes: int
    late_rows: int
    late_bytes: int

    def __str__(self) -> str:
        grown = self.late_bytes / self.early_bytes
        return (
            f"memory of one check over its rows\n"
            f"  after {self.early_rows} rows {self.early_bytes / 1e6:.1f} MB, after {self.late_rows} rows "
            f"{self.late_bytes / 1e6:.1f} MB, ratio {grown:.3f} (good: at most 1.05)"
        )


def measure(tool: Tool, counter: Counter, rows: int) -> Growth:
    """Run it to its end and look twice: after a tenth of its rows, and after all but a hundredth."""
    early, late = rows // 10, rows - rows // 100
    before = counter.requests()
    with tempfile.TemporaryFile() as output:
        process = begin(tool, output)
        try:
            sizes = [_size_after(process, counter, before + REQUESTS_A_ROW * seen) for seen in (early, late)]
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
    return Growth(early, sizes[0], late, sizes[1])


def _size_after(process: subprocess.Popen[bytes], counter: Counter, requests: int) -> int:
    deadline = time.monotonic() + GIVEN_UP_AFTER_S
    while process.poll() is None and time.monotonic() < deadline:
        if counter.requests() >= requests:
            return psutil.Process(process.pid).memory_info().rss
        time.sleep(LOOK_EVERY_S)
    raise ToolFailedError(f"the check did not come to its {requests}th request")
