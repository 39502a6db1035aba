"""`slo/decide` against closed forms, scipy, and the properties a gate leans on."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from seatrial.slo.decide import (
    MET_MIN_BLOCKS,
    Block,
    Call,
    Evidence,
    Interval,
    Rule,
    Why,
    confidence_interval,
    decide,
    decide_throughput,
    first_decision,
    log_bernoulli_martingale,
    not_contradicted,
    requests_needed,
    throughput_interval,
)
from seatrial.slo.decide.words import percent

UNHURRIED = settings(deadline=None)
"""No example may depend on how fast the machine is."""

LIMITS = st.sampled_from([0.0005, 0.001, 0.01, 0.05, 0.25, 0.5, 0.9])
COUNTS = st.integers(0, 3_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
SECONDS = st.lists(
    st.integers(0, 120).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))), max_size=80
)


def even(bad, total, *, seconds):
    return [(bad, total)] * seconds


def evidence_of(seconds):
    evidence = Evidence()
    for second in seconds:
        evidence = evidence.after(second)
    return evidence


def look(seconds, *, limit_ratio, **rule):
    """One look at all seconds together."""
    return decide(evidence_of(seconds), Rule(limit_ratio, **rule))


def effect_of(seconds):
    return evidence_of(seconds).sums.effect


def whole_blocks(seconds):
    """(seconds, bad, total) of every block, found by looking back instead of carrying on."""
    blocks, begin = [], 0
    for end in range(1, len(seconds) + 1):
        bad, total = (sum(column) for column in zip(*seconds[begin:end], strict=True))
        if total >= 50:
            blocks.append((end - begin, bad, total))
            begin = end
    return blocks


def test_a_full_second_is_a_block_of_its_own():
    sums = evidence_of([(1, 50), (0, 200)]).sums
    assert (sums.blocks, sums.seconds, sums.blocks_with_bad) == (2, 2, 1)
    assert (sums.bad, sums.total, sums.total_squared) == (1, 250, 50**2 + 200**2)


def test_thin_seconds_merge_until_fifty_requests():
    sums = evidence_of([(1, 20), (0, 0), (2, 29), (0, 1), (0, 60)]).sums
    assert (sums.blocks, sums.seconds, sums.blocks_with_bad) == (2, 5, 1)
    assert (sums.bad, sums.total, sums.total_squared) == (3, 110, 50**2 + 60**2)


def test_a_trailing_remainder_is_no_block_but_still_evidence():
    evidence = evidence_of([(0, 60), (3, 20)])
    assert evidence.sums == evidence_of([(0, 60)]).sums
    assert evidence.trailing == Block(1, 3, 20)
    decision = decide(evidence, Rule(0.01))
    assert (decision.bad, decision.n) == (3, 80)
    assert decision.design_effect == evidence.sums.effect.value


@UNHURRIED
@given(SECONDS)
def test_the_running_sums_are_those_of_the_whole_blocks(seconds):
    evidence, blocks = evidence_of(seconds), whole_blocks(seconds)
    sums = evidence.sums
    assert (sums.blocks, sums.blocks_with_bad) == (len(blocks), sum(bad > 0 for _, bad, _ in blocks))
    assert (sums.bad_squared, sums.bad_times_total) == (
        sum(bad**2 for _, bad, _ in blocks),
        sum(bad * total for _, bad, total in blocks),
    )
    assert sums.total + evidence.trailing.total == evidence.total == sum(t for _, t in seconds)
    assert sums.seconds + evidence.trailing.seconds == evidence.seconds == len(seconds)


@pytest.mark.parametrize("counts", [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match=r"bad must lie in 0\.\.total"):
        Block(1, *counts)


@UNHURRIED
@given(COUNTS, LIMITS)
def test_log_martingale_is_the_closed_form_of_scipy(counts, limit):
    bad, total = counts
    a, b = 1.0, (1 - limit) / limit
    expected = (
        special.betaln(a + bad, b + total - bad)
        - special.betaln(a, b)
        - special.xlogy(bad, limit)
        - special.xlog1py(total - bad, -limit)
    )
    assert log_bernoulli_martingale(bad, total, limit) == pytest.approx(expected, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize(("bad", "total", "limit"), [(0, 40, 0.05), (3, 60, 0.05), (7.5, 31.25, 0.3), (20, 20, 0.5)])
def test_martingale_is_the_likelihood_ratio_averaged_over_the_prior(bad, total, limit):
    prior = stats.beta(1, (1 - limit) / limit)

    def weighted(p):
        return prior.pdf(p) * (p / limit) ** bad * ((1 - p) / (1 - limit)) ** (total - bad)

    mixture, _ = integrate.quad(weighted, 0, 1, epsabs=1e-13, limit=200)
    assert math.exp(log_bernoulli_martingale(bad, total, limit)) == pytest.approx(mixture, rel=1e-6)


@UNHURRIED
@given(st.integers(0, 60), LIMITS)
def test_martingale_has_mean_one_at_the_limit(total, limit):
    bad = np.arange(total + 1)
    weights = stats.binom.pmf(bad, total, limit)
    values = [math.exp(log_bernoulli_martingale(int(s), total, limit)) for s in bad]
    assert float(weights @ values) == pytest.approx(1.0, rel=1e-6)


@UNHURRIED
@given(st.integers(0, 12), LIMITS)
def test_no_set_of_looks_makes_a_wrong_call_likelier_than_alpha(horizon_exponent, limit):
    """Exact: the chance of ever crossing within the horizon, by dynamic programming over all paths at the limit."""
    threshold, alive, crossed = math.log(20), {0: 1.0}, 0.0
    for t in range(1, 10 + 15 * horizon_exponent):
        step: dict[int, float] = {}
        for s, weight in alive.items():
            step[s] = step.get(s, 0.0) + weight * (1 - limit)
            step[s + 1] = step.get(s + 1, 0.0) + weight * limit
        gone = {s for s in step if log_bernoulli_martingale(s, t, limit) >= threshold}
        crossed += sum(step[s] for s in gone)
        alive = {s: weight for s, weight in step.items() if s not in gone}
    assert crossed <= 0.05


@UNHURRIED
@given(COUNTS, LIMITS)
def test_one_more_good_request_below_the_limit_never_weakens_the_evidence(counts, limit):
    bad, total = counts
    assume(bad <= total * limit)
    now, next_ = (log_bernoulli_martingale(bad, t, limit) for t in (total, total + 1))
    assert next_ >= now - 1e-7


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1, 1.5])
def test_a_limit_no_sample_can_show_is_refused(limit):
    with pytest.raises(ValueError, match="it must lie between 0 and 1"):
        log_bernoulli_martingale(1, 2, limit)
    with pytest.raises(ValueError, match="it must lie between 0 and 1"):
        look([(0, 100)], limit_ratio=limit)


def test_without_a_bad_event_the_design_effect_is_the_prior():
    assert effect_of(even(0, 200, seconds=90)).value == 9.0
    assert effect_of([]).value == 9.0


def test_blocks_that_are_all_bad_show_no_variance_and_keep_the_prior():
    assert effect_of(even(200, 200, seconds=30)).value == 9.0


def test_equal_blocks_give_the_variance_ratio_shrunk_towards_nine():
    bad = [0, 5, 1, 0, 9, 2, 2, 0]
    p = sum(bad) / (200 * len(bad))
    observed = np.var(bad, ddof=1) / (200 * p * (1 - p))
    effect = effect_of([(c, 200) for c in bad])
    assert effect.value == pytest.approx((6 * 9 + 5 * observed) / (6 + 5))
    assert (effect.blocks, effect.blocks_with_bad) == (8, 5)


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 300)), min_size=2, max_size=40))
def test_unequal_blocks_give_rao_and_scotts_variance_of_a_ratio(seconds):
    bad, total = (np.array(column, dtype=float) for column in zip(*seconds, strict=True))
    p = bad.sum() / total.sum()
    assume(0 < p < 1)
    many = len(seconds)
    variance = many / (many - 1) * ((bad - p * total) ** 2).sum() / total.sum() ** 2
    observed = variance * total.sum() / (p * (1 - p))
    k = np.count_nonzero(bad)
    expected = max(1.0, (54 + k * observed) / (6 + k))
    assert effect_of(seconds).value == pytest.approx(expected, rel=1e-6)


def test_bursts_raise_the_design_effect_and_evenness_lowers_it():
    even_out = effect_of(even(2, 200, seconds=60)).value
    bunched = effect_of(([(0, 200)] * 9 + [(20, 200)]) * 6).value
    assert even_out == 1.0
    assert bunched > 10.0


@UNHURRIED
@given(COUNTS, LIMITS, st.floats(1, 20), st.sampled_from([0.01, 0.05, 0.2]))
def test_interval_holds_the_estimate_and_its_ends_are_where_the_test_turns(counts, limit, effect, alpha):
    bad, total = counts
    assume(total > 0)
    low, high = confidence_interval(bad, total, limit=limit, design_effect=effect, alpha=alpha)
    assert 0 <= low <= bad / total <= high <= 1
    a, b, s, t = 1.0, (1 - limit) / limit, bad / effect, total / effect
    mixture = special.betaln(a + s, b + t - s) - special.betaln(a, b)
    for end in (low, high):
        if not 1e-9 < end < 1 - 1e-9:
            continue  # too near an edge for a double to say where ln M turns
        log_m = mixture - special.xlogy(s, end) - special.xlog1py(t - s, -end)
        assert log_m == pytest.approx(math.log(1 / alpha), rel=1e-4, abs=1e-4)


@UNHURRIED
@given(COUNTS, LIMITS)
def test_interval_excludes_the_limit_exactly_when_the_test_decides(counts, limit):
    bad, total = counts
    log_m = log_bernoulli_martingale(bad, total, limit)
    assume(abs(log_m - math.log(20)) > 1e-6)
    low, high = confidence_interval(bad, total, limit=limit)
    assert (low < limit < high) == (log_m < math.log(20))


@UNHURRIED
@given(COUNTS, LIMITS, st.floats(1, 20))
def test_interval_widens_with_the_design_effect_and_with_smaller_alpha(counts, limit, effect):
    bad, total = counts
    narrow = confidence_interval(bad, total, limit=limit)
    wide = confidence_interval(bad, total, limit=limit, design_effect=effect)
    surer = confidence_interval(bad, total, limit=limit, alpha=0.01)
    assert surer.low <= narrow.low <= narrow.high <= surer.high
    assert wide.high - wide.low >= (narrow.high - narrow.low) * (1 - 1e-9)


def test_interval_without_data_is_everything():
    assert confidence_interval(0, 0, limit=0.01) == Interval(0.0, 1.0)


@pytest.mark.parametrize(
    ("limit", "independent", "cautious"), [(0.01, 473, 4_253), (0.05, 93, 837), (0.001, 4_742, 42_678)]
)
def test_requests_needed_without_a_bad_one(limit, independent, cautious):
    assert requests_needed(limit, design_effect=1.0) == independent
    assert requests_needed(limit) == cautious


@UNHURRIED
@given(LIMITS, st.integers(0, 50), st.sampled_from([1.0, 2.5, 10.0]))
def test_requests_needed_is_the_first_number_that_decides(limit, bad, effect):
    wanted = requests_needed(limit, bad=bad, design_effect=effect)
    before, at = (log_bernoulli_martingale(bad / effect, n / effect, limit) for n in (wanted - 1, wanted))
    assert before < math.log(20) + 1e-7
    assert at >= math.log(20) - 1e-7


@pytest.mark.parametrize(
    ("limit", "bad", "effect"), [(0.01, 0, 1.0), (0.01, 7, 9.0), (0.05, 40, 2.5), (0.001, 3, 9.0)]
)
def test_requests_needed_is_the_root_of_scipys_closed_form(limit, bad, effect):
    a, b, s = 1.0, (1 - limit) / limit, bad / effect

    def beyond(total):
        mixture = special.betaln(a + s, b + total - s) - special.betaln(a, b)
        return mixture - s * math.log(limit) - (total - s) * math.log1p(-limit) - math.log(20)

    root = optimize.brentq(beyond, s / limit, 1e6, xtol=1e-9)
    assert requests_needed(limit, bad=bad, design_effect=effect) == math.ceil(effect * root)


@UNHURRIED
@given(LIMITS, st.integers(0, 50))
def test_every_further_bad_request_asks_for_more(limit, bad):
    assert requests_needed(limit, bad=bad + 1) > requests_needed(limit, bad=bad)


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
    assert decision.reason == "hold too short: 59 of 60 s in whole blocks"
    assert look(even(0, 200, seconds=60), limit_ratio=0.01).state is Call.MET


def test_met_at_a_low_rate_waits_for_twenty_blocks():
    # 10/s makes blocks of five seconds: twenty of them are 100 s, though 60 s would satisfy the hold.
    early = look(even(0, 10, seconds=99), limit_ratio=0.2)
    assert (early.state, early.reason) == (Call.UNDECIDED, f"too few blocks: 19 of {MET_MIN_BLOCKS}")
    assert look(even(0, 10, seconds=100), limit_ratio=0.2).state is Call.MET


def test_missed_waits_for_five_blocks():
    early = look(even(200, 200, seconds=4), limit_ratio=0.01)
    assert (early.state, early.why, early.reason) == (
        Call.UNDECIDED,
        Why.TOO_FEW_BLOCKS,
        "too few blocks with a bad request: 4 of 5",
    )
    assert look(even(200, 200, seconds=5), limit_ratio=0.01).state is Call.MISSED


def test_two_long_bursts_at_the_start_are_no_miss():
    seconds = [(30, 200), (0, 200), (30, 200), *even(0, 200, seconds=3)]
    early = look(seconds, limit_ratio=0.0005)
    assert (early.state, early.reason) == (Call.UNDECIDED, "too few blocks with a bad request: 2 of 5")
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
        (19, 100, Why.TOO_FEW_BLOCKS, "too few blocks: 19 of 20"),
        (40, 100, Why.TOO_SHORT, "hold too short: 40 of 60 s in whole blocks"),
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
