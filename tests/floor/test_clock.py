"""A run's clock goes on evenly, whatever is done to the system's."""

import pytest

from seatrial.clock import SteadyClock, SystemClock


@pytest.mark.parametrize("step_s", [3600.0, -3600.0])
def test_a_step_of_the_systems_clock_moves_no_instant_of_a_steady_one(monkeypatch, step_s):
    wall = SystemClock().now()
    clock = SteadyClock()
    assert clock.now() == pytest.approx(wall, abs=1.0)
    monkeypatch.setattr("time.time", lambda: wall + step_s)
    assert clock.now() == pytest.approx(wall, abs=1.0)
    assert SystemClock().now() == wall + step_s
