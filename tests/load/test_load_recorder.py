"""Counting: exact per outcome and limit, drained by the second, histograms as HDR would have them."""

from __future__ import annotations

import math

from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from seatrial.sample import Cause, Phase
from seatrial.scenarios.load.recorder import (
    DIGITS,
    HIGHEST_US,
    LOWEST_US,
    Ended,
    Mark,
    Recorder,
    Series,
    encode_histogram,
    microseconds_up,
)

HOLD = Mark(Phase.HOLD)
CHARGE = Series("pay", "charge", "cards", "POST", "/cards/*/charges")


def recorder(**limits_us: tuple[int, ...]) -> Recorder:
    return Recorder("run", limits_us)


def decoded(text: str) -> HdrHistogram:
    return HdrHistogram.decode(text)


def test_every_request_is_counted_once_by_its_outcome():
    rec = recorder()
    for cause in (None, None, Cause.STATUS, Cause.TIMEOUT, Cause.STATUS):
        rec.ended(HOLD, CHARGE, second=7, end=Ended(cause, 1000, 900, bytes_in=10, degraded=cause is None))
    rec.polled(HOLD, CHARGE, second=7)
    (interval,) = rec.drain(8)
    assert (interval.ok, interval.failed, interval.causes) == (2, 3, {"status": 2, "timeout": 1})
    assert (interval.polls, interval.degraded, interval.bytes_in) == (1, 2, 50)
    assert (interval.scenario, interval.step, interval.route) == ("pay", "charge", "/cards/*/charges")


def test_each_limit_is_counted_exactly_for_ok_and_failed_apart():
    rec = recorder(cards=(300_000, 1_000_000))
    for cause, latency_s in ((None, 0.3), (None, 0.3000001), (None, 2.0), (Cause.TIMEOUT, 2.0), (Cause.STATUS, 0.1)):
        rec.ended(HOLD, CHARGE, second=1, end=Ended(cause, microseconds_up(latency_s), 1))
    (interval,) = rec.drain(2)
    assert interval.over_ok == {300_000: 2, 1_000_000: 1}
    assert interval.over_failed == {300_000: 1, 1_000_000: 1}


def test_failed_requests_are_in_no_histogram():
    rec = recorder()
    rec.ended(HOLD, CHARGE, second=1, end=Ended(Cause.STATUS, 5, 5))
    (interval,) = rec.drain(2)
    assert (interval.histogram, interval.service_histogram) == ("", "")


def test_latency_from_due_and_from_sending_are_kept_apart():
    rec = recorder()
    rec.ended(HOLD, CHARGE, second=1, end=Ended(None, 2_000_000, 1500))
    (interval,) = rec.drain(2)
    assert decoded(interval.histogram).get_max_value() >= 1_999_000
    assert decoded(interval.service_histogram).get_max_value() <= 1600


def test_draining_leaves_the_running_second_and_forgets_what_it_gave():
    rec = recorder()
    for second in (5, 3, 4, 6):
        rec.ended(HOLD, CHARGE, second=second, end=Ended(None, 1, 1))
    assert [interval.second for interval in rec.drain(6)] == [3, 4, 5]
    assert [interval.second for interval in rec.drain(7)] == [6]
    assert rec.drain(7) == ()


def test_phases_experiments_and_steps_are_counted_apart():
    rec = recorder()
    marks = (HOLD, Mark(Phase.DURING, "a"), Mark(Phase.DURING, "b"))
    for mark in marks:
        for series in (CHARGE, CHARGE._replace(step="see it")):
            rec.ended(mark, series, second=1, end=Ended(None, 1, 1))
    intervals = rec.drain(2)
    assert {(i.phase, i.experiment, i.step) for i in intervals} == {
        (mark.phase, mark.experiment, step) for mark in marks for step in ("charge", "see it")
    }


@given(st.lists(st.integers(0, 10 * HIGHEST_US), min_size=1, max_size=50))
def test_the_histogram_is_the_one_hdr_itself_would_have_recorded(values_us):
    rec = recorder()
    expected = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for value in values_us:
        rec.ended(HOLD, CHARGE, second=1, end=Ended(None, value, value))
        expected.record_value(min(max(value, LOWEST_US), HIGHEST_US))
    (interval,) = rec.drain(2)
    ours = decoded(interval.histogram)
    assert ours.get_total_count() == len(values_us)
    for percentile in (0, 50, 90, 99, 100):
        assert ours.get_value_at_percentile(percentile) == expected.get_value_at_percentile(percentile)


def test_no_values_make_no_histogram():
    assert encode_histogram({}) == ""


@given(st.integers(1, 10**8))
def test_whole_microseconds_are_never_rounded_down(value_us):
    assert microseconds_up(value_us / 1e6) - value_us in (0, 1)
    assert microseconds_up(value_us / 1e6) >= math.floor(value_us / 1e6 * 1e6)
