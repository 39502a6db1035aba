"""A run whose harness was killed by 9 in the middle of the hold is read back from its folder: UNDECIDED, with all
that was counted so far. What a kill leaves of faults is in test_e2e_interrupts.py."""

from __future__ import annotations

import json
import signal

import pytest

from seatrial import journal
from seatrial.errors import ExitCode
from seatrial.sample import Interval, Pacing, Phase

pytestmark = pytest.mark.e2e


def _held(workspace):
    """The hold's records so far; a line may be half written."""
    runs = journal.list_runs(workspace)
    records = journal.read(runs[-1].journal) if runs else ()
    return [item for item in records if isinstance(item, (Interval, Pacing)) and item.phase is Phase.HOLD]


def _counted(workspace):
    return sum(item.ok + item.failed for item in _held(workspace) if isinstance(item, Interval))


def _findings(run):
    return {item["name"]: item for item in json.loads(run.verdict.read_bytes())["findings"]}


def test_a_run_killed_in_the_middle_of_its_hold_is_undecided_with_everything_counted_so_far(
    shop_workspace, start, here, wait_until
):
    harness = start(shop_workspace, "assess")
    harness.wait_until(lambda: sum(isinstance(item, Pacing) for item in _held(shop_workspace)) >= 3, "three seconds")
    children = harness.started()
    assert harness.end(signal.SIGKILL).code == -signal.SIGKILL
    wait_until(lambda: not any(child.is_running() for child in children), "the load is gone with who started it")
    (run,) = journal.list_runs(shop_workspace)
    assert not run.verdict.exists()

    judged = here(shop_workspace, "judge", "last")
    assert judged.code == ExitCode.UNDECIDED
    assert judged.sentence == ""
    assert "it was halted, interrupted or killed; what it did not come to is not judged" in " ".join(
        judged.out.split()
    )
    findings = _findings(run)
    assert findings["buy a rope"]["grade"] == "MET"
    assert findings["shop.available"]["grade"] == "UNDECIDED"
    assert findings["shop.available"]["n"] == _counted(shop_workspace) > 100

    reported = here(shop_workspace, "report", "last")
    assert reported.code == ExitCode.UNDECIDED
    assert "the run was cut short" in run.report.read_text()

    whole = run.journal.read_bytes()
    run.journal.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 40])  # the last line, cut in its middle
    counted = _counted(shop_workspace)
    assert here(shop_workspace, "judge", "last").code == ExitCode.UNDECIDED
    assert _findings(run)["shop.available"]["n"] == counted > 0
