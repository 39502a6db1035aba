"""Every interval, design effect and sample size of a comparison against scipy and numpy, of effective counts."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy import special, stats

from seatrial.slo.compare import compare_body, compare_errors, compare_quantile, compare_throughput
from seatrial.slo.comparison import Side, design_effects
from seatrial.slo.decide import Call, Why, block_sums
from seatrial.slo.long_run import seen

ALPHA = 0.05
Z = stats.norm.ppf(1 - ALPHA)


def latencies(seed, *, seconds=60, per_second=100, slower=1.0, spells=False):
    """Whole milliseconds, so that many are tied; with `spells` every tenth second is slow."""
    rng = np.random.default_rng(seed)
    for second in range(seconds):
        slow = 3 if spells and second % 10 == 0 else 1
        yield Counter(int(1_000 * ms) for ms in np.ceil(slower * slow * rng.lognormal(3, 0.5, per_second)))


def bursty(seed, truth):
    """Bad and all of 90 seconds; a bad second has several."""
    rng = np.random.default_rng(seed)
    return [(int(4 * rng.binomial(50, truth)), 200) for _ in range(90)]


def all_of(side):
    return np.array([value for second in side for value, count in second.items() for _ in range(count)], dtype=float)


def test_the_risk_ratios_interval_is_the_odds_of_clopper_and_pearsons_share():
    base, new = bursty(1, 0.01), bursty(2, 0.015)[:60]
    found = compare_errors(base, new, at_most_ratio=0.1)
    d0, d1 = found.base_design_effect, found.new_design_effect
    assert min(d0, d1) > 2
    assert d0 != d1
    (s0, n0), (s1, n1) = ([sum(column) for column in zip(*side, strict=True)] for side in (base, new))
    low = stats.beta.ppf(ALPHA, s1 / d1, s0 / d0 + 1)
    high = stats.beta.ppf(1 - ALPHA, s1 / d1 + 1, s0 / d0)
    fewer = (n0 / d0) / (n1 / d1)
    assert found.interval == pytest.approx((fewer * low / (1 - low), fewer * high / (1 - high)), rel=1e-6)
    assert found.effect == pytest.approx(stats.contingency.relative_risk(s1, n1, s0, n0).relative_risk)


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_a_quantiles_interval_is_where_scipys_beta_tails_turn(quantile):
    base, new = list(latencies(3, spells=True)), list(latencies(4, seconds=80, slower=1.1, spells=True))
    found = compare_quantile(base, new, quantile=quantile, at_most_ratio=0.1)
    old, young = all_of(base), all_of(new)
    n0, n1 = len(old) / found.base_design_effect / quantile, len(young) / found.new_design_effect / quantile
    base_us = np.quantile(old, quantile, method="inverted_cdf")
    values = np.unique(young)
    over = np.array([(young > value).mean() for value in values]) * n1
    over0, share = (1 - quantile) * n0, n1 / (n0 + n1)
    # I_p(k, 0 + ...) of no exceedance is a probability of one.
    at_least = np.where(over > 0, special.betainc(np.maximum(over, 1e-300), over0 + 1, share), 1.0)
    at_most = special.betainc(over0, over + 1, 1 - share)
    low, high = values[at_least > ALPHA][0], values[at_most <= ALPHA][0]
    assert found.interval == pytest.approx((low / base_us, high / base_us))
    assert found.interval.low < found.effect < found.interval.high
    assert found.effect == np.quantile(young, quantile, method="inverted_cdf") / base_us


def test_the_bodys_interval_has_scipys_ranks_and_its_correction_for_ties():
    base, new = list(latencies(5, spells=True)), list(latencies(6, seconds=80, slower=1.05))
    found = compare_body(base, new)
    old, young = all_of(base), all_of(new)
    m, n = len(old) / found.base_design_effect, len(young) / found.new_design_effect
    ties = stats.tiecorrect(stats.rankdata(np.concatenate([old, young])))
    assert ties < 1
    half = (Z * math.sqrt(m * n * (m + n + 1) / 12 * ties) + 0.5) / (m * n)
    effect = stats.mannwhitneyu(young, old).statistic / (len(old) * len(young))
    assert found.effect == pytest.approx(effect)
    assert found.interval == pytest.approx((effect - half, effect + half))


def shrunk(told, towards):
    return (6 * towards + sum(k * d for k, d in told)) / (6 + sum(k for k, _ in told))


def cautious(k, observed, both):
    return max(1.0, observed, shrunk([(k, observed)], both)) * (1 + 4 / (6 + k))


def test_the_bodys_design_effects_are_the_variances_of_blocks_of_scipys_ranks():
    sides = [list(latencies(7, spells=True)), list(latencies(8, spells=True))]
    found = compare_body(*sides)
    ranks = stats.rankdata(np.concatenate([all_of(side) for side in sides])) - 0.5
    told = []
    for scores in np.split(ranks / len(ranks), 2):
        blocks = scores.reshape(30, -1).sum(axis=1)
        observed = blocks.var(ddof=1) / (len(scores) / 30 * scores.var())
        told.append((30, observed))
    both = shrunk(told, 9)
    assert (found.base_design_effect, found.new_design_effect) == pytest.approx(
        [cautious(*own, both) for own in told]
    )


def test_design_effects_of_errors_are_shrunk_towards_both_and_raised():
    sides = bursty(9, 0.01), bursty(10, 0.05)
    told = []
    for side in sides:
        blocks = np.array(side)[:, 0].reshape(30, 3).sum(axis=1)
        p = blocks.sum() / (30 * 600)
        told.append((np.count_nonzero(blocks), blocks.var(ddof=1) / (600 * p * (1 - p))))
    assert told[0][0] < 30
    both = shrunk(told, 9)
    expected = [cautious(*own, both) for own in told]
    assert design_effects(*map(Side.of_ratio, sides)) == pytest.approx(expected)


@pytest.mark.parametrize("blocks", [20, 30, 60])
def test_half_of_what_design_effects_are_raised_by_is_students_for_the_normals_square(blocks):
    student = (stats.t.ppf(1 - ALPHA, blocks - 1) / Z) ** 2
    assert 1 + 2 / (6 + blocks) == pytest.approx(student, abs=0.03)


@pytest.mark.parametrize("allowed", [0.1, 0.25])
def test_the_errors_sample_size_is_where_scipys_test_of_equal_sides_shows_it(allowed):
    found = compare_errors([(2, 200)] * 30, [(2, 200)] * 30, at_most_ratio=allowed)
    assert (found.state, found.why) == (Call.UNDECIDED, Why.TOO_LITTLE)
    bad = round(0.01 * found.wanted_n / found.base_design_effect)
    share = (1 + allowed) / (2 + allowed)
    assert stats.binomtest(bad, 2 * bad, share, alternative="less").pvalue == pytest.approx(ALPHA, abs=0.01)


def test_a_quantiles_sample_size_is_that_of_two_shares_by_the_normal_approximation():
    base = list(latencies(11, spells=True))
    found = compare_quantile(base, base, quantile=0.95, at_most_ratio=0.1)
    assert found.state is Call.UNDECIDED
    old = all_of(base)
    spare = 0.05 - (old > 1.1 * np.quantile(old, 0.95, method="inverted_cdf")).mean()
    effects = found.base_design_effect + found.new_design_effect
    assert found.wanted_n == math.ceil(Z**2 * 0.05 * 0.95 * effects / spare**2)


def test_the_bodys_sample_size_is_noethers_of_scipys_statistic():
    base = list(latencies(12, seconds=60, per_second=20, spells=True))
    found = compare_body(base, base, at_most_ratio=0.02)
    assert found.state is Call.UNDECIDED
    old = all_of(base)
    effect = stats.mannwhitneyu(old, 1.02 * old).statistic / len(old) ** 2
    effects = found.base_design_effect + found.new_design_effect
    assert found.wanted_n == pytest.approx(Z**2 * effects / (12 * (0.5 - effect) ** 2), rel=1e-6, abs=1)


def test_throughputs_sample_size_is_where_the_normal_interval_of_the_logarithm_reaches_what_is_allowed():
    rng = np.random.default_rng(13)
    base, new = ((10 * rng.poisson(15, 60)).tolist() for _ in "ab")
    found = compare_throughput(base, new, at_most_ratio=0.02)
    assert found.state is Call.UNDECIDED
    relative = [seen(side).long_run_variance / ((sum(side) + 1) / 60) ** 2 for side in (base, new)]
    seconds = (Z / math.log(0.98)) ** 2 * sum(relative)
    assert found.wanted_n == math.ceil(seconds * max(np.mean(base), np.mean(new)))


def test_a_design_effect_beside_a_given_variance_is_numpys():
    scores = np.random.default_rng(14).random((40, 100))
    sums = block_sums([(float(second.sum()), 100) for second in scores])
    expected = scores.sum(axis=1).var(ddof=1) / (100 * scores.var())
    assert sums.effect_against(scores.var()) == pytest.approx(expected)
