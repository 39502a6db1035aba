"""Run folders with made-up holds: what `load` or `assess` would have left, without the minutes."""

from __future__ import annotations

import collections
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

from seatrial.journal import Journal, Run
from seatrial.sample import Interval, Pacing, Phase
from seatrial.scenarios.load.recorder import encode_histogram

START = 1_700_000_000


def record_run(
    workspace: Path, name: str, *, seed: int, seconds: int = 120, per_s: int = 100, slower: float = 1.0, **more: Any
) -> Run:
    """A run of realm `here`: latencies about 20 ms, lognormal, `slower` times as long; a share of them `failing`.

    `routes` of the service `shop` share the requests; what else is given goes into run.json.
    """
    failing, routes = more.pop("failing", 0.0), more.pop("routes", ("/goods",))
    side = more.pop("side", "")
    run = Run(workspace / "reports" / "out" / name)
    run.folder.mkdir(parents=True)
    usual = {"command": "load", "run": name, "realm": "here", "profile": "some", "offered": "the open model"}
    run.about.write_text(json.dumps(usual | more))
    dice = random.Random(seed)
    writer = Journal(run.journal)
    for second in range(START, START + seconds):
        for route in routes:
            interval = _second(second, route, dice, per_s // len(routes), slower=slower, failing=failing)
            writer.write(dataclasses.replace(interval, side=side))
        writer.write(Pacing(name, Phase.HOLD, second, per_s, per_s, 0, 1, late_p99_s=0.001, cpu_ratio=0.2))
    writer.close()
    return run


def _second(
    second: int, route: str, dice: random.Random, requests: int, *, slower: float, failing: float
) -> Interval:
    failed = sum(dice.random() < failing for _ in range(requests))
    times = (round(20_000 * slower * dice.lognormvariate(0.0, 0.4)) for _ in range(requests - failed))
    return Interval(
        run="r",
        phase=Phase.HOLD,
        scenario="buy",
        step=f"get {route}",
        service="shop",
        method="GET",
        route=route,
        second=second,
        ok=requests - failed,
        failed=failed,
        causes={"status": failed} if failed else {},
        histogram=encode_histogram(collections.Counter(times)),
    )
