"""`slo/tails.py` against scipy, for counts that are whole and for those divided by a design effect."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from seatrial.slo import tails

UNHURRIED = settings(deadline=None)
SHAPES = st.floats(0.01, 20_000)
COUNTS = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@UNHURRIED
@given(st.floats(0, 1, allow_subnormal=False), SHAPES, SHAPES)
def test_incomplete_beta_is_scipys(x, a, b):
    assert tails.incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-7, abs=1e-10)


@UNHURRIED
@given(COUNTS, st.floats(0.001, 0.999))
def test_both_tails_are_the_binomials(counts, ratio):
    events, trials = counts
    below, above = stats.binom.cdf(events, trials, ratio), stats.binom.sf(events - 1, trials, ratio)
    assert tails.at_most(events, trials, ratio) == pytest.approx(below, rel=1e-6, abs=1e-10)
    assert tails.at_least(events, trials, ratio) == pytest.approx(above, rel=1e-6, abs=1e-10)


@UNHURRIED
@given(COUNTS)
def test_the_exact_interval_is_clopper_and_pearsons(counts):
    events, trials = counts
    oracle = stats.binomtest(events, trials).proportion_ci(0.9, method="exact")
    assert tails.exact_interval(events, trials, 0.05) == pytest.approx((oracle.low, oracle.high), rel=1e-6, abs=1e-9)


@UNHURRIED
@given(COUNTS, st.floats(1, 30), st.sampled_from([0.005, 0.05, 0.2]))
def test_the_exact_interval_of_effective_counts_is_made_of_beta_quantiles(counts, effect, alpha):
    events, trials = (count / effect for count in counts)
    low = stats.beta.ppf(alpha, events, trials - events + 1) if events else 0.0
    high = stats.beta.ppf(1 - alpha, events + 1, trials - events) if events < trials else 1.0
    assert tails.exact_interval(events, trials, alpha) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


@UNHURRIED
@given(st.floats(1e-6, 1 - 1e-6))
def test_the_normal_quantile_is_scipys(probability):
    assert tails.normal_quantile(probability) == pytest.approx(stats.norm.ppf(probability), rel=1e-9, abs=1e-9)
