"""The fold: what is counted, in which phase, and that the journal gives back what was measured live."""

import dataclasses
import random

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial import journal
from seatrial.sample import Cause, EdgeCall, Ending, FaultWindow, Phase
from seatrial.slo.limits import limits_us
from seatrial.slo.measure import (
    LOAD,
    Measures,
    Meter,
    Route,
    Span,
    Traffic,
    matches,
    measure,
)
from seatrial.slo.tally import Tally, total

CARDS = Traffic("cards")
UNHURRIED = settings(deadline=None, max_examples=40)


def _summed(records, **asked) -> Tally:
    return total(measure(records).tallies(CARDS, **asked))


def test_an_empty_journal_measures_nothing():
    assert measure([]) == Measures()
    assert Measures().tallies(CARDS) == ()
    assert Measures().journeys() == ()
    assert Measures().latency_bands("cards") == ()


def test_only_the_hold_is_counted(make):
    phases = (Phase.WARM_UP, Phase.RAMP, Phase.HOLD, Phase.DURING, Phase.AFTER)
    measures = measure(make.counted(second, 10 + second, phase=phase) for second, phase in enumerate(phases))
    assert [tally.ok for tally in measures.tallies(CARDS)] == [12]


def test_a_second_without_a_request_counts_as_one_of_none(make):
    measures = measure([make.counted(3, 5), make.counted(6, 7), make.pacing(8)])
    assert measures.seconds_of(LOAD) == (3, 4, 5, 6, 7, 8)
    assert [tally.errors for tally in measures.tallies(CARDS)] == [(0, 5), (0, 0), (0, 0), (0, 7), (0, 0), (0, 0)]


def test_one_wrong_second_adds_a_second_and_no_silence_of_years(make):
    wrong = dataclasses.replace(make.hold(1)[0], second=200_000_000_000)
    measures = measure([*make.hold(10), wrong])
    assert len(measures.seconds_of(LOAD)) == 11
    assert measures.seconds_of(LOAD)[-1] == 200_000_000_000
    assert len(measures.tallies(CARDS)) == 11


def test_a_silence_of_an_hour_is_still_one_of_the_hold(make):
    late = dataclasses.replace(make.hold(1)[0], second=make.hold(10)[0].second + 3600)
    assert len(measure([*make.hold(10), late]).seconds_of(LOAD)) == 3601


def test_an_experiment_in_the_middle_leaves_no_hole_in_the_hold(make):
    during = [make.counted(second, 9, phase=Phase.DURING, experiment="x") for second in (5, 6, 7)]
    measures = measure([*make.hold(2, start=3), *during, *make.hold(2, start=8)])
    assert measures.seconds_of(LOAD) == (3, 4, 8, 9)
    assert measures.seconds_of(Span(Phase.DURING, "x")) == (5, 6, 7)


def test_phases_of_two_experiments_are_kept_apart(make):
    records = [
        make.counted(second, 10 * second, phase=Phase.DURING, experiment=name)
        for second, name in ((1, "one"), (2, "two"))
    ]
    measures = measure(records)
    counts = {
        name: total(measures.tallies(Traffic("cards", span=Span(Phase.DURING, name)))).ok for name in ("one", "two")
    }
    assert counts == {"one": 10, "two": 20}


def test_steps_of_one_service_are_added_and_other_services_are_not(make):
    records = [
        make.counted(1, 5),
        make.counted(1, 7, step="show", method="GET"),
        make.counted(1, 9, service="ledger"),
    ]
    assert _summed(records).ok == 12


def test_a_pattern_chooses_the_routes(make):
    records = [make.counted(1, 5), make.counted(1, 7, method="GET"), make.counted(1, 9, route="/cards/*")]
    measures = measure(records)
    chosen = {
        pattern: total(measures.tallies(Traffic("cards", (pattern,)))).ok
        for pattern in ("POST /cards/*/charges", "* /cards/*/charges", "POST /cards/*", "GET /nothing")
    }
    assert chosen == {
        "POST /cards/*/charges": 5,
        "* /cards/*/charges": 12,
        "POST /cards/*": 14,
        "GET /nothing": 0,
    }


@pytest.mark.parametrize(
    ("pattern", "route", "does"),
    [
        ("GET /a.b", Route("s", "GET", "/axb"), False),
        ("GET /a/*", Route("s", "GET", "/a/"), False),
        ("GET /a/*", Route("s", "GET", "/a/1"), True),
        ("GET /a", Route("s", "GET", "/a/1"), False),
        ("GET /a", Route("s", "POST", "/a"), False),
    ],
)
def test_a_star_stands_for_one_or_more_characters_and_all_else_for_itself(pattern, route, does):
    assert matches(route, (pattern,)) is does


def test_a_slow_failure_counts_as_slow_and_a_fast_one_is_left_out(make):
    interval = make.interval(1, [20_000] * 90 + [400_000] * 4, failed=6, over_failed=2)
    tally = _summed([interval], limit_us=300_000)
    assert tally.slow == (4 + 2, 94 + 2)
    assert tally.errors == (6, 100)
    assert tally.failed_faster == 4


def test_a_limit_that_was_counted_is_not_taken_from_the_histogram(make):
    interval = make.interval(1, [300_020] * 10, limits_us=(300_000,))
    tally = _summed([interval], limit_us=300_000)
    assert (tally.over_ok, tally.recounted) == (10, 0)


def test_a_limit_that_was_not_counted_is_and_says_so(make):
    interval = make.interval(1, [20_000] * 90 + [400_000] * 10)
    tally = _summed([interval], limit_us=100_000)
    assert (tally.over_ok, tally.recounted) == (10, 100)


def test_the_histogram_counts_any_other_limit_to_three_digits(make):
    chance = random.Random(7)
    latencies = [chance.randint(1_000, 900_000) for _ in range(3_000)]
    for limit_us in (5_000, 77_000, 250_000, 899_000):
        recounted = _summed([make.interval(1, latencies)], limit_us=limit_us).over_ok
        assert sum(value > limit_us * 1.001 for value in latencies) <= recounted
        assert recounted <= sum(value > limit_us * 0.999 for value in latencies)


def test_failures_between_two_counted_limits_are_untimed_for_one_between_them(make):
    record = dataclasses.replace(
        make.interval(1, failed=10), over_ok={100_000: 0, 500_000: 0}, over_failed={100_000: 8, 500_000: 3}
    )
    asked = {limit_us: _summed([record], limit_us=limit_us) for limit_us in (50_000, 200_000, 900_000)}
    assert {limit: (tally.over_failed, tally.untimed) for limit, tally in asked.items()} == {
        50_000: (8, 2),
        200_000: (3, 5),
        900_000: (0, 3),
    }


def test_polls_are_neither_success_nor_error(make):
    tally = _summed([make.counted(1, 5, failed=1, polls=40)])
    assert tally.errors == (1, 6)
    assert tally.polls == 40


def test_whole_seconds_are_those_the_generator_kept_and_no_other_span_shared(make):
    ramping = [make.counted(29, 20, phase=Phase.RAMP), make.counted(29, 60), make.pacing(29, phase=Phase.RAMP)]
    cut = [make.counted(33, 40), make.pacing(33), make.counted(33, 60, phase=Phase.DURING, experiment="x")]
    straggler = make.counted(35, 1)
    measures = measure([*ramping, *make.hold(3), *cut, straggler])
    assert measures.ok_in_whole_seconds(CARDS) == (100, 100, 100)


def test_a_journey_is_told_by_its_final_samples(make):
    samples = [
        make.play("open", "find", skipped=("leave",), ending=Ending.FAILED),
        make.sample("open"),
        make.sample("find", Cause.CHECK, final=False),
        make.sample("find"),
        make.sample("pay", Cause.STATUS, detail="expected 201, seen 500"),
        make.sample("look", scenario="browse"),
        make.sample("elsewhere", phase=Phase.MONITOR),
    ]
    paid, browsed = measure(samples).journeys()
    assert [sample.step for sample in paid.passed] == ["open", "find"]
    assert [sample.detail for sample in paid.failed] == ["expected 201, seen 500"]
    assert (paid.ending, paid.skipped) == (Ending.FAILED, 1)
    assert (browsed.scenario, browsed.failed, browsed.ending) == ("browse", (), None)


def test_bands_merge_the_steps_of_a_second_over_all_phases(make):
    records = [
        make.interval(1, [10_000] * 50, phase=Phase.RAMP),
        make.interval(1, [30_000] * 50, step="show", phase=Phase.RAMP),
        make.interval(2, [20_000] * 10),
        make.interval(3, failed=4),
        make.interval(2, [900_000], service="ledger"),
    ]
    first, second = measure(records).latency_bands("cards")
    assert (first.second, first.n, second.second, second.n) == (1, 100, 2, 10)
    assert first.p50_s == pytest.approx(0.010, rel=0.001)
    assert first.p95_s == pytest.approx(0.030, rel=0.001)
    assert second.p99_s == pytest.approx(0.020, rel=0.001)


def test_a_second_whose_histogram_holds_nothing_has_no_band(make):
    hollow = HdrHistogram(1, 60_000_000, 3).encode().decode("ascii")
    told = dataclasses.replace(make.interval(1, [10_000]), histogram=hollow)
    (read,) = (journal.decode(line) for line in [journal.encode(told)])
    (band,) = measure([read, make.interval(2, [20_000])]).latency_bands("cards")
    assert (band.second, band.n) == (2, 1)


def test_limits_to_count_are_every_latency_limit_once_ascending(make):
    services = make.services(
        make.latency(limit=0.3), make.latency(limit=0.1, degraded_limit=0.3, name="b"), make.errors()
    )
    assert limits_us(services, also=[("cards", 0.35), ("ledger", 0.2)]) == {
        "cards": (100_000, 300_000, 350_000),
        "ledger": (200_000,),
    }


def test_a_service_without_latency_objectives_has_no_limits_to_count(make):
    assert limits_us(make.services(make.errors())) == {}


def test_records_that_are_measured_elsewhere_change_nothing():
    call = EdgeCall(run="r", edge="cards->ledger", started_at=1.0, method="GET", path="/")
    assert measure([call, FaultWindow("x", "latency", "cards->ledger", 1.0)]) == Measures()


def test_a_snapshot_does_not_change_with_later_records(make):
    meter = Meter()
    meter.add(make.counted(1, 5))
    before = meter.measures()
    meter.add(make.counted(2, 7))
    assert total(before.tallies(CARDS)).ok == 5


@UNHURRIED
@given(st.data())
def test_the_journal_gives_back_what_was_measured_live(make, data):
    number = st.integers(0, 9)
    second = st.integers(0, 20)
    phase = st.sampled_from([Phase.WARM_UP, Phase.HOLD, Phase.DURING])
    experiment = st.sampled_from([None, "the ledger hangs"])
    latencies = st.lists(st.integers(1, 2_000_000), max_size=5)
    intervals = st.builds(
        lambda at, values, mark, name: make.interval(
            at, values, phase=mark, experiment=name, failed=2, over_failed=1
        ),
        second,
        latencies,
        phase,
        experiment,
    )
    pacings = st.builds(lambda at, late: make.pacing(at, late_over_ms={10: late}), second, number)
    samples = st.builds(lambda cause: make.sample("pay", cause), st.sampled_from([None, Cause.CHECK, Cause.DRIP]))
    records = data.draw(st.lists(st.one_of(intervals, pacings, samples), max_size=30))
    assert measure(journal.decode(journal.encode(record)) for record in records) == measure(records)


def test_a_journal_cut_in_its_last_line_measures_what_is_whole(tmp_path, make):
    lines = [journal.encode(record) for record in make.hold(10)]
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(lines)[:-20])
    measures = measure(journal.read(path))
    assert total(measures.tallies(CARDS)).ok == 1000
    assert len(measures.pacings[LOAD]) == 9
