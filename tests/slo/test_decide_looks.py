"""When a verdict is said: the first decision of a hold, the phases of an experiment, throughput."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from seconds import LIMITS, SECONDS, UNHURRIED, even, look

from seatrial.slo.decide import (
    MET_MIN_BLOCKS,
    Call,
    Evidence,
    Interval,
    Rule,
    Why,
    decide,
    decide_throughput,
    first_decision,
    not_contradicted,
    throughput_interval,
)
from seatrial.slo.decide.words import percent

NEEDS_HOLD = "s in whole blocks, MET needs 60 s (min_hold); hold longer"


def test_no_data_is_undecided_never_met():
    for seconds in ([], [(0, 0)] * 300):
        for decision in (
            look(seconds, limit_ratio=0.05),
            first_decision(seconds, limit_ratio=0.05),
            not_contradicted(seconds, limit_ratio=0.05),
        ):
            assert (decision.state, decision.why) == (Call.UNDECIDED, Why.NO_DATA)
            assert decision.estimate is None
            assert decision.interval == Interval(0.0, 1.0)
            assert decision.decided_at_s is None


@UNHURRIED
@given(SECONDS, LIMITS)
def test_met_lies_wholly_below_the_limit_and_missed_wholly_above(seconds, limit):
    decision = first_decision(seconds, limit_ratio=limit, min_hold_s=10)
    if decision.state is Call.MET:
        assert decision.interval.high <= limit
    if decision.state is Call.MISSED:
        assert decision.interval.low >= limit
    is_open = decision.state is Call.UNDECIDED
    assert (decision.decided_at_s is None) == is_open
    assert (decision.wanted_n is not None) == (is_open and (not decision.n or decision.bad < limit * decision.n))


@UNHURRIED
@given(SECONDS, LIMITS)
def test_the_first_decision_is_the_first_among_the_looks_and_stands(seconds, limit):
    looks = [look(seconds[:i], limit_ratio=limit, min_hold_s=10) for i in range(1, len(seconds) + 1)]
    decided = [look for look in looks if look.state is not Call.UNDECIDED]
    expected = (decided or looks[-1:] or [look([], limit_ratio=limit)])[0]
    assert first_decision(seconds, limit_ratio=limit, min_hold_s=10) == expected


@UNHURRIED
@given(SECONDS, LIMITS, st.data())
def test_evidence_does_not_depend_on_how_seconds_are_grouped_into_looks(seconds, limit, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(seconds)), max_size=6)) | {0, len(seconds)})
    evidence, rule = Evidence(), Rule(limit)
    for start, end in itertools.pairwise(cuts):
        for second in seconds[start:end]:
            evidence = evidence.after(second)
        decide(evidence, rule)
    assert decide(evidence, rule) == look(seconds, limit_ratio=limit)


def test_a_decision_is_not_taken_back_by_what_comes_later():
    seconds = even(0, 200, seconds=90) + even(200, 200, seconds=90)
    decision = first_decision(seconds, limit_ratio=0.01)
    assert (decision.state, decision.decided_at_s, decision.n) == (Call.MET, 60.0, 12_000)


def test_first_decision_takes_no_second_beyond_it():
    left = iter(even(100, 200, seconds=30))
    decision = first_decision(left, limit_ratio=0.01)
    assert (decision.state, decision.decided_at_s) == (Call.MISSED, 5.0)
    assert len(list(left)) == 25


def test_met_waits_for_the_hold_even_when_the_evidence_suffices():
    decision = look(even(0, 200, seconds=59), limit_ratio=0.01)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.TOO_SHORT)
    assert decision.reason == f"hold too short: 59 {NEEDS_HOLD}"
    assert look(even(0, 200, seconds=60), limit_ratio=0.01).state is Call.MET


def test_met_at_a_low_rate_waits_for_twenty_blocks():
    # 10/s makes blocks of five seconds: twenty of them are 100 s, though 60 s would satisfy the hold.
    early = look(even(0, 10, seconds=99), limit_ratio=0.2)
    assert (early.state, early.reason) == (Call.UNDECIDED, f"too few blocks: 19 of {MET_MIN_BLOCKS}; hold longer")
    assert look(even(0, 10, seconds=100), limit_ratio=0.2).state is Call.MET


def test_missed_waits_for_five_blocks():
    early = look(even(200, 200, seconds=4), limit_ratio=0.01)
    assert (early.state, early.why, early.reason) == (
        Call.UNDECIDED,
        Why.TOO_FEW_BLOCKS,
        "too few blocks with a bad request: 4 of 5; hold longer",
    )
    assert look(even(200, 200, seconds=5), limit_ratio=0.01).state is Call.MISSED


def test_two_long_bursts_at_the_start_are_no_miss():
    seconds = [(30, 200), (0, 200), (30, 200), *even(0, 200, seconds=3)]
    early = look(seconds, limit_ratio=0.0005)
    assert (early.state, early.reason) == (
        Call.UNDECIDED,
        "too few blocks with a bad request: 2 of 5; hold longer",
    )
    with_bad = [(30, 200)] * 5
    assert look(with_bad, limit_ratio=0.0005).state is Call.MISSED
    assert look(with_bad[:4], limit_ratio=0.0005).why is Why.TOO_FEW_BLOCKS


def test_one_burst_is_undecided_because_correlated():
    seconds = even(0, 200, seconds=60)
    seconds[30] = (190, 200)
    decision = look(seconds, limit_ratio=0.01)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.CORRELATED)
    assert "1 of 60 blocks" in decision.reason


def test_undecided_says_how_many_requests_are_wanted():
    decision = look(even(0, 60, seconds=60), limit_ratio=0.01)
    assert (decision.state, decision.why, decision.wanted_n) == (Call.UNDECIDED, Why.TOO_LITTLE, 4_253)
    assert decision.reason == "needs about 653 more requests to be met, with none of them bad"


@pytest.mark.parametrize(("bad", "more_would_do"), [(1, True), (3, False), (4, False)])
def test_more_requests_are_asked_for_only_where_they_could_help(bad, more_would_do):
    decision = look([(bad, 100)], limit_ratio=0.03)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.TOO_LITTLE)
    assert (decision.wanted_n is not None) is more_would_do
    assert ("more requests to be met" in decision.reason) is more_would_do
    assert (f"{bad} % bad ({bad} of 100) is not below the limit of 3 %" in decision.reason) is not more_would_do


def test_a_decided_reason_shows_counts_interval_and_limit():
    decision = look(even(10, 200, seconds=20), limit_ratio=0.01)
    assert decision.state is Call.MISSED
    assert decision.reason.startswith("200 of 4,000 bad, so ")
    assert decision.reason.endswith("against a limit of 1 %")


def test_a_phase_of_few_requests_is_undecided():
    decision = not_contradicted([(0, 29)], limit_ratio=0.05)
    assert (decision.state, decision.why, decision.wanted_n) == (Call.UNDECIDED, Why.TOO_LITTLE, 30)


def test_a_short_clean_phase_is_not_contradicted():
    decision = not_contradicted([(0, 15), (1, 15)], limit_ratio=0.05)
    assert (decision.state, decision.why) == (Call.MET, Why.NOT_CONTRADICTED)


def test_a_phase_is_missed_without_hold_or_blocks():
    decision = not_contradicted(even(20, 20, seconds=4), limit_ratio=0.05)
    assert (decision.state, decision.why) == (Call.MISSED, Why.EVIDENCE)


def test_a_small_phase_that_failed_throughout_is_not_met():
    decision = not_contradicted([(30, 30)], limit_ratio=0.05)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.CORRELATED)


@UNHURRIED
@given(SECONDS, LIMITS)
def test_a_phase_is_missed_wherever_the_load_stage_would_be(seconds, limit):
    if look(seconds, limit_ratio=limit).state is Call.MISSED:
        assert not_contradicted(seconds, limit_ratio=limit).state is Call.MISSED


@pytest.mark.parametrize("seconds", [20, 60, 600])
def test_throughput_interval_is_where_the_normal_mixture_reaches_one_over_alpha(seconds):
    mean, variance, alpha = 160.0, 90.0, 0.05
    c = 2 * math.log(1 / alpha)
    rho = 60 / (c + math.log1p(c))
    _, high = throughput_interval(mean, variance, seconds=seconds, alpha=alpha)
    z = (high - mean) * seconds / math.sqrt(variance)
    scale = 1 / math.sqrt(rho)

    def weighted(theta):
        return stats.norm.pdf(theta, scale=scale) * math.exp(theta * z - theta * theta * seconds / 2)

    mixture, _ = integrate.quad(weighted, -8 * scale, 8 * scale, limit=400, points=[z / seconds])
    assert mixture == pytest.approx(1 / alpha, rel=1e-6)


def test_throughput_interval_is_nearly_narrowest_at_sixty_seconds():
    c = 2 * math.log(20)
    widths = []
    for tuned in (30, 45, 60, 80, 120):
        rho = tuned / (c + math.log1p(c))
        widths.append(math.sqrt((60 + rho) * (math.log((60 + rho) / rho) + c)) / 60)
    low, high = throughput_interval(100.0, 1.0, seconds=60)
    assert (high - low) / 2 == pytest.approx(min(widths))


def test_steady_throughput_above_the_limit_is_met_at_the_hold():
    decision = decide_throughput([170] * 120, at_least_per_s=150)
    assert (decision.state, decision.decided_at_s, decision.n) == (Call.MET, 60.0, 60 * 170)
    assert decision.interval.low >= 150
    assert (decision.bad, decision.design_effect) == (None, None)


def test_throughput_below_the_limit_is_missed_after_twenty_seconds():
    decision = decide_throughput([100] * 120, at_least_per_s=150)
    assert (decision.state, decision.decided_at_s) == (Call.MISSED, 20.0)


def test_throughput_without_a_single_ok_request_is_missed():
    assert decide_throughput([0] * 60, at_least_per_s=5).state is Call.MISSED


def test_seconds_that_hardly_change_tell_too_little_of_throughput():
    decision = decide_throughput([180] * 15 + [20] * 15, at_least_per_s=150)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.CORRELATED)
    assert decision.reason.startswith("correlated: ")
    assert decide_throughput([180, 20] * 15, at_least_per_s=150).state is Call.MISSED


def test_throughput_without_seconds_is_undecided():
    decision = decide_throughput([], at_least_per_s=150)
    assert (decision.state, decision.why, decision.estimate) == (Call.UNDECIDED, Why.NO_DATA, None)


def test_equal_counts_do_not_make_an_interval_of_no_width():
    decision = decide_throughput([151] * 60, at_least_per_s=150)
    assert (decision.state, decision.why) == (Call.UNDECIDED, Why.TOO_LITTLE)
    assert decision.interval.low < 150 < decision.interval.high


@pytest.mark.parametrize(
    ("seconds", "at_least", "why", "reason"),
    [
        (19, 100, Why.TOO_FEW_BLOCKS, "too few blocks: 19 of 20; hold longer"),
        (40, 100, Why.TOO_SHORT, f"hold too short: 40 {NEEDS_HOLD}"),
    ],
)
def test_undecided_throughput_says_what_it_lacks(seconds, at_least, why, reason):
    decision = decide_throughput([200] * seconds, at_least_per_s=at_least)
    assert (decision.state, decision.why, decision.reason) == (Call.UNDECIDED, why, reason)


@UNHURRIED
@given(st.lists(st.integers(0, 400), max_size=120), st.sampled_from([5.0, 150.0]))
def test_throughput_is_met_only_above_and_missed_only_below(counts, at_least):
    decision = decide_throughput(counts, at_least_per_s=at_least)
    if decision.state is Call.MET:
        assert decision.interval.low >= at_least
    if decision.state is Call.MISSED:
        assert decision.interval.high < at_least
    assert (decision.decided_at_s is None) == (decision.state is Call.UNDECIDED)


def test_the_end_of_an_interval_that_means_nothing_is_shown_as_none():
    assert [percent(ratio) for ratio in (2.17e-9, 0.0, 1e-6, 0.0123)] == ["0 %", "0 %", "0.0001 %", "1.23 %"]
