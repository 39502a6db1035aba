"""How soon the pure path decides, seeded: 100 judged requests/s, limit 5 %, against a fixed hold of 60 s.

`bench/deciding.py` measures the same with real assessments.
"""

from __future__ import annotations

import random
import statistics

import pytest

from seatrial.slo.judge import judge_load
from seatrial.slo.measure import measure
from seatrial.verdict import Grade

FIXED_HOLD_S = 60
RATE_PER_S = 100
LIMIT_RATIO = 0.05


@pytest.fixture(scope="module")
def decided(make):
    """The finding of a hold of 60 s whose requests are slow by themselves with that chance."""
    services = make.services(make.latency(1 - LIMIT_RATIO))

    def judge(share, seed, *, min_hold_s=FIXED_HOLD_S):
        dice = random.Random(seed)
        slow = [sum(dice.random() < share for _ in range(RATE_PER_S)) for _ in range(FIXED_HOLD_S)]
        records = [
            record
            for second, over_ok in enumerate(slow)
            for record in (make.counted(second, RATE_PER_S, over_ok=over_ok), make.pacing(second))
        ]
        (finding,) = judge_load(measure(records), services, alpha=0.05, min_hold_s=min_hold_s)
        return finding

    return judge


@pytest.mark.parametrize(("times", "part"), [(2, 1 / 2), (5, 1 / 5)])
def test_a_miss_is_said_in_a_part_of_the_fixed_hold(decided, times, part):
    findings = [decided(times * LIMIT_RATIO, seed) for seed in range(9)]
    assert {finding.grade for finding in findings} == {Grade.MISSED}
    assert statistics.median(finding.decided_at_s for finding in findings) < part * FIXED_HOLD_S


@pytest.mark.parametrize("min_hold_s", [20, 40])
def test_a_target_without_a_slow_request_is_met_as_soon_as_the_hold_suffices_and_shows_n(decided, min_hold_s):
    finding = decided(0.0, 1, min_hold_s=min_hold_s)
    assert (finding.grade, finding.decided_at_s) == (Grade.MET, min_hold_s)
    assert finding.n == min_hold_s * RATE_PER_S
    assert f"(0 of {finding.n:,})" in finding.measured_text


def test_a_target_without_a_slow_request_is_met_as_soon_as_its_requests_suffice(decided):
    finding = decided(0.0, 1, min_hold_s=1)
    assert (finding.grade, finding.decided_at_s, finding.n) == (Grade.MET, 20, 2_000)  # twenty blocks at least
