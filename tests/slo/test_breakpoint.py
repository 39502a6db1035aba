"""A breakpoint search: the last level that held, what was missed above it, and never the generator's own limit."""

from __future__ import annotations

import itertools

import pytest

from seatrial import journal
from seatrial.sample import Phase
from seatrial.slo.breakpoint import Ended, Levels, judge_search, search, sentence
from seatrial.slo.measure import Meter, measure
from seatrial.verdict import Grade, Subject

LEVELS = Levels((100.0, 200.0, 300.0), every_s=10.0)


@pytest.fixture
def played(make):
    """Records of levels in order: each by how many requests a second were slow, of as many as its level says."""

    def of(*slow_per_second: int, seconds: int = 10, **pacing):
        clock = itertools.count(1000)
        return [
            record
            for level, slow in zip(LEVELS.levels, slow_per_second, strict=False)
            for second in itertools.islice(clock, seconds)
            for record in (
                make.counted(second, int(level), over_ok=slow, phase=Phase.PROBE, level=level),
                make.pacing(second, phase=Phase.PROBE, level=level, **pacing),
            )
        ]

    return of


@pytest.fixture
def services(make):
    """`cards`, whose p99 shall be under 300 ms."""
    return make.services(make.latency(0.99))


def found(records, services):
    return search(measure(records), services, LEVELS)


def test_the_last_level_before_the_first_miss_is_the_one_that_held(played, services):
    result = found(played(0, 0, 60), services)
    assert (result.held, result.ended) == (200.0, Ended.MISSED)
    assert sentence(result, LEVELS).startswith("held up to 200/s; at 300/s cards.fast was missed: 20 % slower (")


def test_no_level_held_when_the_first_is_missed(played, services):
    result = found(played(50), services)
    assert (result.held, result.ended) == (None, Ended.MISSED)
    assert sentence(result, LEVELS).startswith("no level held; at 100/s cards.fast was missed")


def test_a_level_of_which_too_much_was_not_rendered_does_not_hold(make, played, services):
    starved = played(0, 0, 0)
    lost = {"service": "shop", "phase": Phase.PROBE, "level": 200.0, "unrendered": 20}
    starved += [make.counted(second, 0, **lost) for second in range(1010, 1020)]
    result = found(starved, services)
    assert (result.held, result.ended, result.is_decided) == (100.0, Ended.UNDECIDED, False)
    assert sentence(result, LEVELS).startswith(
        "held up to 100/s; at 200/s nothing was decided: 200 requests could not be rendered (9.09 %), of 'pay"
    )
    assert not result.probes[-1].unfit


def test_a_search_of_which_the_first_level_was_not_rendered_meets_nothing(make, played, services):
    lost = {"service": "shop", "phase": Phase.PROBE, "level": 100.0, "unrendered": 20}
    starved = [*played(0), *(make.counted(second, 0, **lost) for second in range(1000, 1010))]
    assert {finding.grade for finding in judge_search(measure(starved), services, LEVELS)} == {Grade.UNDECIDED}
    missed = [*played(50), *(make.counted(second, 0, **lost) for second in range(1000, 1010))]
    assert found(missed, services).ended is Ended.MISSED


def test_a_search_that_reaches_the_top_says_so(played, services):
    result = found(played(0, 0, 0), services)
    assert (result.held, result.ended) == (300.0, Ended.HELD)
    assert sentence(result, LEVELS) == "held up to 300/s, the highest asked for"


def test_the_unit_is_users_in_a_closed_model(played, services):
    assert "held up to 300 users" in sentence(found(played(0, 0, 0), services), Levels(LEVELS.levels, 10.0, " users"))


@pytest.mark.parametrize(
    "trouble", [{"late_over_ms": {10: 90}}, {"cpu_ratio": 0.99}, {"late_over_ms": {10: 90}, "dropped": 5}]
)
def test_a_generator_that_held_back_is_never_the_limit_of_the_service(played, services, trouble):
    result = found(played(50, **trouble), services)
    assert (result.held, result.ended, result.probes[-1].grade) == (None, Ended.GENERATOR, Grade.UNDECIDED)
    assert sentence(result, LEVELS).startswith("no level held; the generator held back at 100/s: ")


def test_arrivals_dropped_leave_a_miss_standing_and_a_level_without_one_undecided(played, services):
    assert found(played(50, dropped=20), services).ended is Ended.MISSED
    result = found(played(0, dropped=20), services)
    assert result.ended is Ended.GENERATOR
    assert "200 of 1,000 arrivals were dropped" in sentence(result, LEVELS)


def test_too_few_requests_hold_nothing(make, services):
    records = [make.pacing(second, phase=Phase.PROBE, level=100.0) for second in range(10)]
    records += [make.counted(second, 2, phase=Phase.PROBE, level=100.0) for second in range(10)]
    result = found(records, services)
    assert (result.held, result.ended) == (None, Ended.UNDECIDED)
    assert "at 100/s nothing was decided: cards.fast: " in sentence(result, LEVELS)


def test_requests_that_no_objective_speaks_to_hold_nothing(played, make):
    result = found(played(0), make.services(make.throughput(500.0)))
    assert (result.held, result.ended) == (None, Ended.UNDECIDED)
    assert sentence(result, LEVELS).endswith("no objective was asked anything")


def test_a_level_that_was_not_played_to_its_end_holds_nothing(played, services):
    result = found([*played(0, 0)[:24]], services)
    assert (result.held, result.ended) == (100.0, Ended.CUT_SHORT)
    assert sentence(result, LEVELS) == "held up to 100/s; it was cut short at 200/s"
    assert sentence(found([], services), LEVELS) == "no level was played"
    last = found([*played(0, 0, 0)[:44]], services)
    assert (last.held, last.ended) == (200.0, Ended.CUT_SHORT)
    assert sentence(last, LEVELS) == "held up to 200/s; it was cut short at 300/s"


def test_a_miss_stands_whatever_came_after_it_and_at_every_look(played, services):
    missed = played(60, seconds=4)
    calm = [record for record in played(0, seconds=400) if record.second >= 1004]
    meter, ends = Meter(), []
    for number, record in enumerate([*missed, *calm]):
        meter.add(record)
        if number < 20 or number > 780:
            ends.append(search(meter.measures(), services, LEVELS).ended)
    assert ends.index(Ended.MISSED) < 9
    assert set(ends[ends.index(Ended.MISSED) :]) == {Ended.MISSED}


def test_the_search_can_be_redone_from_the_journal(played, services, tmp_path):
    records = played(0, 0, 60)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(map(journal.encode, records)))
    assert found(journal.read(path), services) == found(records, services)


def test_findings_are_those_of_the_last_level_that_held_and_the_search_does_not_count(played, make):
    services = make.services(make.latency(0.99), make.throughput(150.0))
    fast, roomy, told = judge_search(measure(played(0, 0, 60)), services, LEVELS)
    assert (fast.grade, fast.n) == (Grade.MET, 2000)
    assert fast.reason.startswith("at 200/s: ")
    assert (roomy.grade, roomy.measured) == (Grade.MET, 200.0)
    assert (told.subject, told.grade, told.counts) == (Subject.INFORMATION, Grade.MET, False)
    assert told.reason.startswith("breakpoint: held up to 200/s; at 300/s cards.fast was missed")


def test_where_the_first_level_was_missed_its_objectives_are(played, services):
    fast, told = judge_search(measure(played(50)), services, LEVELS)
    assert (fast.grade, told.grade) == (Grade.MISSED, Grade.MET)


@pytest.mark.parametrize("records", [{"cpu_ratio": 0.99}, {"seconds": 4}])
def test_objectives_are_undecided_where_the_search_says_nothing_of_the_first_level(played, services, records):
    fast, told = judge_search(measure(played(0, **records)), services, LEVELS)
    assert (fast.grade, told.grade) == (Grade.UNDECIDED, Grade.UNDECIDED)
