"""An unfit generator says what would decide it, by what was measured of it and of its machine."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.sample import LATE_STEPS_MS, Pacing, Phase
from seatrial.service import Indicator, Objective, Service
from seatrial.slo.remedy import FEWER_USERS, LOWER_RATE, Room, remedy

ON_TIME = Pacing("r", Phase.HOLD, 100, 100, 100, 0, 0, 0.0, 0.06, late_over_ms=dict.fromkeys(LATE_STEPS_MS, 0))
LATE = dataclasses.replace(ON_TIME, late_over_ms={step: 10 if step < 20 else 0 for step in LATE_STEPS_MS})
FULL = Room(0.1, 2)
FREE = Room(1.5, 2)


def _services(limit_s: float) -> dict[str, Service]:
    fast = Objective("fast", Indicator.LATENCY, limit_s, quantile=0.95)
    return {"shop": Service("shop", objectives=(fast,))}


def test_a_generator_that_was_fit_needs_no_remedy():
    assert remedy([ON_TIME], _services(0.1), FULL, less=LOWER_RATE) == ""
    assert remedy([], _services(0.1), None, less=LOWER_RATE) == ""


@pytest.mark.parametrize(
    ("cpu_ratio", "room", "said"),
    [
        (0.06, FULL, "free cores (0.1 of 2 cores were free, a process of the generator used 6 % of one)"),
        (0.95, FULL, "free cores (0.1 of 2 cores were free, a process of the generator used 95 % of one)"),
        (0.80, FREE, "play by more processes (--processes 2; 1.5 of 2 cores were free, a process"),
        (0.06, FREE, "look for what stalls the machine (1.5 of 2 cores were free"),
        (0.06, None, "free cores (a process of the generator used 6 % of one)"),
        (0.95, None, "play by more processes (--processes 2; a process"),
    ],
)
def test_late_starts_are_blamed_on_what_was_full(cpu_ratio, room, said):
    told = remedy([dataclasses.replace(LATE, cpu_ratio=cpu_ratio)], {}, room, less=LOWER_RATE)
    assert told.startswith(f"to decide it: {said}")
    assert "lower the rate or use the closed model" in told


def test_a_full_core_without_late_starts_is_not_helped_by_the_closed_model():
    told = remedy([dataclasses.replace(ON_TIME, cpu_ratio=0.97, workers=3)], {}, FREE, less=LOWER_RATE)
    assert "--processes 4" in told
    assert "closed" not in told


def test_a_load_is_made_smaller_in_its_own_words():
    busy = [dataclasses.replace(ON_TIME, cpu_ratio=0.97)]
    assert remedy(busy, {}, FREE, less=LOWER_RATE).endswith(" or lower the rate")
    assert remedy(busy, {}, FREE, less=FEWER_USERS).endswith(" or use fewer users")


@pytest.mark.parametrize(("limit_s", "said"), [(0.1, True), (0.05, False)])
def test_a_larger_limit_is_a_remedy_where_it_is_not_far_away(limit_s, said):
    hint = "with no latency limit below 400 ms these starts would not have been late"
    assert (hint in remedy([LATE], _services(limit_s), FULL, less=LOWER_RATE)) is said
