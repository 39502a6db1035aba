"""`assess --processes N`: the gate's load is played by so many processes, and a wrong number shows at once."""

from __future__ import annotations

import pytest

from seatrial.assess import stage
from seatrial.assess.budget import budget
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.stage import Bridge
from seatrial.errors import UsageError
from seatrial.journal import Run
from seatrial.scenarios.load.spread import Spread
from seatrial.scenarios.moves import Context


def test_the_load_of_the_gate_is_spread_over_the_processes_asked_for(
    workspace, recorder, tmp_path, clock, monkeypatch
):
    spreads = []

    def start(order, *, spread, **_):
        spreads.append(spread)
        raise RuntimeError("enough")

    within = budget(clock, None)
    monkeypatch.setattr("seatrial.assess.stage.start_load", start)
    for processes in (3, 1):
        plan = read_plan(workspace, Asked(processes=processes))
        bridge = Bridge(plan, Run(tmp_path), recorder, Context("here", {}), None, clock, print, print, within)
        with pytest.raises(RuntimeError, match="enough"), stage.load(bridge, plan.profile):
            pass
    assert spreads == [Spread(3, own=3, port=0), None]


def test_no_process_is_no_load(workspace):
    with pytest.raises(UsageError, match="--processes 0: a load needs at least one process"):
        read_plan(workspace, Asked(processes=0))
