"""What several workers count becomes one load's count: nothing lost, nothing twice, and who was away is told."""

from __future__ import annotations

import dataclasses

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from seatrial.sample import Interval, Pacing, Phase
from seatrial.scenarios.load.merge import HOW, LAG_S, Merger, merge
from seatrial.scenarios.load.recorder import Series, encode_histogram

STEP = Interval("r", Phase.HOLD, "pay", "charge", "cards", "POST", "/c", 100, 0, 0, {})
PACE = Pacing("r", Phase.HOLD, 100, 0, 0, 0, 0, 0.0, 0.0)


def step(second: int, **counts) -> Interval:
    return dataclasses.replace(STEP, second=second, **counts)


def pace(second: int, started: int = 10, **counts) -> Pacing:
    return dataclasses.replace(PACE, second=second, **{"planned": started, "started": started, **counts})


def given_by(merger: Merger) -> list:
    return [record for second in merger.whole() for record in second]


def test_counts_maps_and_histograms_of_one_step_and_second_add():
    one = step(
        100, ok=3, failed=2, causes={"timeout": 2}, polls=1, bytes_in=10, over_ok={5000: 1}, over_failed={5000: 0}
    )
    two = step(100, ok=1, causes={"status": 1}, failed=1, degraded=1, over_ok={5000: 1}, over_failed={5000: 1})
    histograms = encode_histogram({1000: 3}), encode_histogram({2000: 1})
    both = [dataclasses.replace(item, histogram=text) for item, text in zip((one, two), histograms, strict=True)]
    (whole,) = merge(both)
    assert (whole.ok, whole.failed, whole.polls, whole.degraded, whole.bytes_in) == (4, 3, 1, 1, 10)
    assert whole.causes == {"timeout": 2, "status": 1}
    assert (whole.over_ok, whole.over_failed) == ({5000: 2}, {5000: 1})
    counted = HdrHistogram.decode(whole.histogram)
    assert (counted.get_total_count(), counted.get_count_at_value(1000), whole.service_histogram) == (4, 3, "")


def test_what_differs_in_phase_step_or_experiment_stays_apart():
    others = [{"phase": Phase.DURING}, {"experiment": "e"}, {"step": "look"}, {"route": "/d"}, {"level": 5.0}]
    records = [step(100, ok=1), *(dataclasses.replace(step(100, ok=1), **other) for other in others)]
    assert list(merge(records)) == records


def test_the_generators_seconds_add_and_its_worst_is_shown():
    one = pace(100, dropped=1, in_flight=2, late_p99_s=0.01, cpu_ratio=0.4, late_over_ms={1: 3})
    two = pace(100, in_flight=3, late_p99_s=0.02, cpu_ratio=0.3, late_over_ms={1: 1})
    (whole,) = merge([one, two])
    assert (whole.planned, whole.started, whole.dropped, whole.in_flight) == (20, 20, 1, 5)
    assert (whole.late_p99_s, whole.cpu_ratio, whole.late_over_ms) == (0.02, 0.4, {1: 4})


@pytest.mark.parametrize("kind", [Interval, Pacing])
def test_every_field_of_a_record_is_either_added_up_or_what_is_counted(kind):
    counted = {"run", "phase", "experiment", "second", "level", "side"} | set(Series._fields)
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields - counted == set(HOW[kind])


def test_a_second_is_given_when_every_worker_has_told_it():
    merger = Merger(2, lambda worker, second: 10)
    merger.add(0, [step(100, ok=1), pace(100)])
    assert given_by(merger) == []
    merger.add(1, [step(100, ok=2), pace(100)])
    interval, pacing = given_by(merger)
    assert (interval.ok, pacing.started, pacing.workers, pacing.lost) == (3, 20, 2, {})
    assert given_by(merger) == []


def test_a_lost_worker_is_not_waited_for_and_its_part_of_the_plan_stays():
    merger = Merger(2, lambda worker, second: 7)
    for second in (100, 101, 102):
        merger.add(0, [pace(second)])
    merger.add(1, [pace(100)])
    merger.lost(1)
    pacings = given_by(merger)
    assert [(item.planned, item.started, item.lost) for item in pacings] == [
        (20, 20, {}),
        (17, 10, {2: 1}),
        (17, 10, {2: 1}),
    ]


def test_where_nothing_is_planned_a_lost_worker_counts_like_the_others():
    merger = Merger(3, lambda worker, second: None)
    merger.add(0, [pace(100, 10)])
    merger.add(1, [pace(100, 20)])
    merger.lost(2)
    (pacing,) = given_by(merger)
    assert (pacing.planned, pacing.started) == (45, 30)


def test_a_worker_that_lags_is_waited_for_only_so_long_and_what_it_tells_late_is_added_once():
    merger = Merger(2, lambda worker, second: 10)
    merger.add(1, [pace(100)])
    for second in range(100, 102 + LAG_S):
        merger.add(0, [pace(second)])
    before = given_by(merger)
    assert [(item.second, item.planned, item.lost) for item in before] == [(100, 20, {}), (101, 20, {2: 1})]
    merger.add(1, [step(101, ok=4), pace(101 + LAG_S, started=50, planned=10 * (1 + LAG_S))])
    merger.done(0)
    merger.done(1)
    after = given_by(merger)
    assert [record.ok for record in after if isinstance(record, Interval)] == [4]
    pacings = [record for record in (*before, *after) if isinstance(record, Pacing)]
    assert sum(item.planned for item in pacings) == 20 * (2 + LAG_S)
    assert sum(item.started for item in pacings) == 10 * (2 + LAG_S) + 10 + 50
    assert not pacings[-1].lost


def test_a_late_look_that_tells_of_two_seconds_at_once_is_nobody_lost():
    merger = Merger(2, lambda worker, second: 10)
    merger.add(0, [pace(100), pace(101)])
    merger.add(1, [pace(101, 20)])
    assert [(item.started, item.lost) for item in given_by(merger)] == [(10, {}), (30, {})]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(100, 110), st.integers(0, 50)), max_size=40))
def test_in_whatever_order_workers_tell_every_request_is_given_once(told):
    merger = Merger(3, lambda worker, second: 0)
    records = []
    for worker, second, ok in told:
        merger.add(worker, [step(second, ok=ok), pace(second, ok)])
        records += given_by(merger)
    for worker in range(3):
        merger.done(worker)
    records += given_by(merger)
    total = sum(ok for _, _, ok in told)
    assert sum(item.ok for item in records if isinstance(item, Interval)) == total
    pacings = [item for item in records if isinstance(item, Pacing)]
    assert sum(item.started for item in pacings) == total
    assert [item.second for item in pacings] == sorted({item.second for item in pacings})  # each once, in order
