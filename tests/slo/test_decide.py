"""`slo/decide` against closed forms, scipy, and the properties a gate leans on."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats
from seconds import LIMITS, SECONDS, UNHURRIED, even, evidence_of, look

from seatrial.slo.decide import (
    Block,
    Interval,
    Rule,
    confidence_interval,
    decide,
    log_bernoulli_martingale,
    requests_needed,
)

COUNTS = st.integers(0, 3_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


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
