"""Made-up holds for comparisons: lognormal latencies with fixed seeds, one interval and one pacing a second."""

from __future__ import annotations

import collections
import random
from collections.abc import Iterator
from typing import Any

from seatrial.sample import Interval, Pacing, Phase, Record
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.slo.counted import Counted
from seatrial.slo.measure import measure

START = 1_700_000_000


def hold(
    *, seed: int, seconds: int = 120, per_s: int = 100, slower: float = 1.0, failing: float = 0.0, **fields: Any
) -> Iterator[Record]:
    """Seconds of `per_s` requests about 20 ms long, `slower` times as long, of which a share fails."""
    dice = random.Random(seed)
    for second in range(START, START + seconds):
        failed = sum(dice.random() < failing for _ in range(per_s))
        counts = collections.Counter(
            max(1, round(20_000 * slower * dice.lognormvariate(0.0, 0.4))) for _ in range(per_s - failed)
        )
        usual = {
            "run": "r",
            "phase": Phase.HOLD,
            "scenario": "buy",
            "step": "look",
            "service": "shop",
            "method": "GET",
            "route": "/goods",
            "causes": {"status": failed} if failed else {},
            "histogram": encode_histogram(counts),
        }
        yield Interval(second=second, ok=per_s - failed, failed=failed, **(usual | fields))


def pacings(seconds: int = 120, **fields: Any) -> Iterator[Pacing]:
    """The generator's own record, of a generator that was fit unless told otherwise."""
    usual = {"dropped": 0, "in_flight": 1, "late_p99_s": 0.001, "cpu_ratio": 0.2, "planned": 100, "started": 100}
    for second in range(START, START + seconds):
        yield Pacing(run="r", phase=Phase.HOLD, second=second, **(usual | fields))


def counted(name: str, *records: Iterator[Record], realm: str = "here", offered: str = "the same", **more) -> Counted:
    """A side of a comparison."""
    listed = [item for each in records for item in each]
    return Counted(name, (measure(listed),), realm, offered, **more)


def run(name: str, *, seed: int, seconds: int = 120, realm: str = "here", offered: str = "the same", **fields):
    """A run of one service with a fit generator."""
    return counted(name, hold(seed=seed, seconds=seconds, **fields), pacings(seconds), realm=realm, offered=offered)
