"""`slo/compare.py` against scipy, and what a gate leans on. How often it is wrong is in
`test_compare_simulation.py`, its intervals and sample sizes in `test_compare_oracles.py`."""

import bisect
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from seatrial.slo import comparison
from seatrial.slo.compare import (
    NOT_CONTRADICTED_MIN_REQUESTS,
    compare_body,
    compare_errors,
    compare_quantile,
    compare_throughput,
)
from seatrial.slo.comparison import DesignEffects, Side, design_effects, show_interval
from seatrial.slo.decide import Call, Interval, Why
from seatrial.slo.long_run import Seconds

UNHURRIED = settings(deadline=None)
INDEPENDENT = DesignEffects(1.0, 1.0)


@pytest.fixture
def independent(monkeypatch):
    """Every request counts as one: what the closed forms of scipy take for granted."""
    for module in ("compare", "compare_latencies"):
        monkeypatch.setattr(f"seatrial.slo.{module}.design_effects", lambda base, new: INDEPENDENT)


def seconds_of(values, *, per_second=50):
    """Histograms of `per_second` values each."""
    return [Counter(map(int, values[i : i + per_second])) for i in range(0, len(values), per_second)]


def even(bad, total, *, seconds=60):
    return [(bad, total)] * seconds


@UNHURRIED
@given(
    st.integers(0, 400),
    st.integers(0, 400),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([(200, 200), (200, 60)]),
)
def test_errors_are_called_as_scipys_binomial_test_of_the_share(base_bad, new_bad, allowed, rates):
    base, new = spread(base_bad, rates[0]), spread(new_bad, rates[1])
    assume(base_bad + new_bad > 0)
    share = (1 + allowed) * rates[1] / ((1 + allowed) * rates[1] + rates[0])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seatrial.slo.compare.design_effects", lambda base, new: INDEPENDENT)
        found = compare_errors(base, new, at_most_ratio=allowed)
    worse = stats.binomtest(new_bad, base_bad + new_bad, share, alternative="greater").pvalue
    better = stats.binomtest(new_bad, base_bad + new_bad, share, alternative="less").pvalue
    assume(min(abs(worse - 0.05), abs(better - 0.05)) > 1e-6)
    assert (found.state is Call.MISSED) == (worse < 0.05)
    assert (found.state is Call.MET and found.why is Why.EVIDENCE) == (better < 0.05)


def spread(bad, rate_per_s):
    """That many bad requests over sixty seconds, as evenly as may be."""
    return [(bad * (i + 1) // 60 - bad * i // 60, rate_per_s) for i in range(60)]


@UNHURRIED
@given(st.integers(0, 2**32 - 1), st.floats(0.7, 1.4), st.sampled_from([3, 12, 4_000]))
def test_the_body_is_called_as_scipys_mann_whitney(seed, factor, ties):
    rng = np.random.default_rng(seed)
    base, new = (np.ceil(ties * rng.lognormal(0, 0.5, size=1_500) * f) for f in (1, factor))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seatrial.slo.compare_latencies.design_effects", lambda base, new: INDEPENDENT)
        found = compare_body(seconds_of(base), seconds_of(new))
    oracle = {
        side: stats.mannwhitneyu(new, base, alternative=side, method="asymptotic", use_continuity=True)
        for side in ("greater", "less")
    }
    assert found.effect == pytest.approx(oracle["greater"].statistic / 1_500**2, rel=1e-12)
    assume(min(abs(side.pvalue - 0.05) for side in oracle.values()) > 1e-6)
    assert (found.state is Call.MISSED) == (oracle["greater"].pvalue < 0.05)
    assert (found.why is Why.EVIDENCE and found.state is Call.MET) == (oracle["less"].pvalue < 0.05)


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("base_n", "new_n"), [(1_200, 1_200), (4_000, 1_000)])
def test_a_quantile_is_missed_where_the_exact_exceedance_test_is(independent, quantile, base_n, new_n):
    """Of the baseline's r-th value in n0, the exceedances among n1 are beta-binomial (n1, n0 - r + 1, r)."""
    base, rank = seconds_of(range(1, base_n + 1)), math.ceil(quantile * base_n)

    def found(over):
        new = [10**6] * over + [1] * (new_n - over)
        return compare_quantile(base, seconds_of(new), quantile=quantile, at_most_ratio=0)

    def is_shown(comparison):
        return comparison.state is Call.MET and comparison.why is Why.EVIDENCE

    counts = range(new_n)
    worse = bisect.bisect_left(counts, True, key=lambda over: found(over).state is Call.MISSED)
    better = bisect.bisect_left(counts, True, key=lambda over: not is_shown(found(over))) - 1
    oracle = stats.betabinom(new_n, base_n - rank + 1, rank)
    assert 0.02 < oracle.sf(worse - 1) < 0.055
    assert 0.02 < oracle.cdf(better) < 0.055


def test_a_quantile_that_doubled_is_missed_and_one_that_halved_is_met():
    rng = np.random.default_rng(3)
    base = rng.lognormal(11, 0.5, size=12_000)
    worse = compare_quantile(
        seconds_of(base, per_second=200), seconds_of(2 * base, per_second=200), quantile=0.95, at_most_ratio=0.1
    )
    better = compare_quantile(
        seconds_of(base, per_second=200), seconds_of(base / 2, per_second=200), quantile=0.95, at_most_ratio=0.1
    )
    assert (worse.state, better.state) == (Call.MISSED, Call.MET)
    assert worse.interval.low <= worse.effect == pytest.approx(2, rel=0.01)
    assert "a ratio of 2 " in worse.reason


def test_two_equal_sides_with_enough_data_are_met_at_a_tenth_more():
    rng = np.random.default_rng(4)
    base, new = (seconds_of(rng.lognormal(11, 0.5, size=24_000), per_second=200) for _ in "ab")
    for found in (
        compare_quantile(base, new, quantile=0.95, at_most_ratio=0.1),
        compare_body(base, new, at_most_ratio=0.1),
        compare_throughput([200, 190, 201] * 40, [198, 199, 195] * 40, at_most_ratio=0.1),
        compare_errors(even(20, 200, seconds=120), even(20, 200, seconds=120), at_most_ratio=0.1),
    ):
        assert (found.state, found.why) == (Call.MET, Why.EVIDENCE), found.reason
        assert found.wanted_n is None


def test_too_little_for_a_tenth_more_is_undecided_and_says_what_would_do():
    found = compare_errors(even(2, 200), even(2, 200), at_most_ratio=0.1)
    assert (found.state, found.why) == (Call.UNDECIDED, Why.TOO_LITTLE)
    wanted = found.wanted_n
    assert 12_000 < wanted < 1_000_000
    assert f"{wanted:,}" in found.reason
    enough = even(2, 200, seconds=math.ceil(1.1 * wanted / 200))
    assert compare_errors(enough, enough, at_most_ratio=0.1).state is Call.MET


def test_no_worse_is_met_when_not_contradicted_by_enough_requests():
    found = compare_errors(even(2, 200), even(2, 200), at_most_ratio=0)
    assert (found.state, found.why) == (Call.MET, Why.NOT_CONTRADICTED)
    assert found.interval.low < 1 < found.interval.high
    few = compare_errors(even(1, 50, seconds=19), even(1, 50, seconds=19), at_most_ratio=0)
    assert (few.state, few.why, few.wanted_n) == (Call.UNDECIDED, Why.TOO_LITTLE, NOT_CONTRADICTED_MIN_REQUESTS)


def test_a_new_side_without_a_bad_request_is_met_whatever_the_baseline_had():
    for bad in (0, 1):
        found = compare_errors(spread(bad, 200), spread(0, 200), at_most_ratio=0.1)
        assert (found.state, found.why) == (Call.MET, Why.NOT_CONTRADICTED)
    assert compare_errors(spread(0, 200), spread(0, 200), at_most_ratio=0.1).effect is None


def test_twenty_errors_beside_none_are_missed():
    found = compare_errors(spread(0, 200), spread(20, 200), at_most_ratio=0)
    assert (found.state, found.why, found.effect) == (Call.MISSED, Why.EVIDENCE, None)
    assert found.interval.high == math.inf


def test_one_burst_beside_none_is_not_missed():
    found = compare_errors(spread(0, 200), [*even(0, 200, seconds=59), (60, 200)], at_most_ratio=0)
    assert (found.state, found.why) == (Call.UNDECIDED, Why.CORRELATED)
    assert "correlated" in found.reason


def test_missed_waits_for_five_blocks_and_met_for_twenty():
    bad = compare_errors(even(0, 200), even(100, 200, seconds=4), at_most_ratio=0)
    assert (bad.state, bad.why) == (Call.UNDECIDED, Why.TOO_FEW_BLOCKS)
    assert bad.reason.endswith("too few blocks: 4 of 5")
    good = compare_errors(even(100, 200, seconds=19), even(1, 200), at_most_ratio=0)
    assert (good.state, good.why) == (Call.UNDECIDED, Why.TOO_FEW_BLOCKS)


@pytest.mark.parametrize(
    ("base", "new", "which"), [([], [(0, 9)], "the baseline"), ([(0, 9)], [], "the new version")]
)
def test_without_requests_nothing_is_met(base, new, which):
    found = compare_errors(base, new, at_most_ratio=0.1)
    assert (found.state, found.why, found.effect) == (Call.UNDECIDED, Why.NO_DATA, None)
    assert which in found.reason
    base_us, new_us = ([Counter({1_000: total}) for _, total in side] for side in (base, new))
    for found in (
        compare_body(base_us, new_us),
        compare_quantile(base_us, new_us, quantile=0.9, at_most_ratio=0.1),
        compare_throughput([9] * len(base), [9] * len(new), at_most_ratio=0.1),
    ):
        assert (found.state, found.why) == (Call.UNDECIDED, Why.NO_DATA)


def test_an_outage_of_the_new_version_is_missed_throughput():
    found = compare_throughput([150] * 60, [0] * 60, at_most_ratio=0.1)
    assert (found.state, found.effect, found.interval.low) == (Call.MISSED, 0.0, 0.0)


def test_the_ratio_of_throughputs_has_the_normal_interval_of_its_logarithm(monkeypatch):
    rng = np.random.default_rng(6)
    base, new = rng.poisson(150, 60), rng.poisson(140, 90)
    monkeypatch.setattr(Seconds, "inflation", 1.0)
    found = compare_throughput(base.tolist(), new.tolist(), at_most_ratio=0.1)
    per_second = [max(x.var(ddof=1), (x.sum() + 1) / len(x)) for x in (base, new)]
    relative = [v / len(x) / ((x.sum() + 1) / len(x)) ** 2 for v, x in zip(per_second, (base, new), strict=True)]
    ratio = (new.sum() + 1) / 90 / base.mean()
    low, high = ratio * np.exp(stats.norm.ppf([0.05, 0.95]) * math.sqrt(sum(relative)))
    assert found.interval == pytest.approx((low, high))
    assert found.effect == pytest.approx(new.mean() / base.mean())


def test_throughput_that_fell_by_a_third_is_missed_and_one_that_rose_is_met():
    assert compare_throughput([150, 147] * 30, [100, 99] * 30, at_most_ratio=0.1).state is Call.MISSED
    assert compare_throughput([150, 147] * 30, [170, 171] * 30, at_most_ratio=0.1).state is Call.MET


SECONDS = st.lists(st.integers(0, 90).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=40)


@UNHURRIED
@given(SECONDS, SECONDS, st.sampled_from([0.0, 0.1, 1.0]))
def test_a_call_by_evidence_is_where_the_interval_lies(base, new, allowed):
    found = compare_errors(base, new, at_most_ratio=allowed)
    low, high = found.interval
    assert low <= high
    if found.effect is not None and found.base_design_effect == found.new_design_effect:
        assert low <= found.effect * (1 + 1e-9)
        assert found.effect <= high * (1 + 1e-9)
    if found.state is Call.MISSED:
        assert low > 1 + allowed
    if found.state is Call.MET and found.why is Why.EVIDENCE:
        assert high <= 1 + allowed
    assert found.state is Call.UNDECIDED or found.wanted_n is None


@UNHURRIED
@given(st.lists(st.dictionaries(st.integers(1, 10**6), st.integers(0, 40), max_size=8), max_size=12), st.data())
def test_latencies_allow_any_histograms(base, data):
    new = data.draw(st.permutations(base))
    for found in (compare_body(base, new), compare_quantile(base, new, quantile=0.95, at_most_ratio=0)):
        assert found.state is not Call.MISSED
        assert found.interval.low <= (found.effect or 1) <= found.interval.high
        assert found.n_base == found.n_new


def test_design_effects_of_alike_sides_are_their_own_and_of_a_clean_side_the_others():
    rng = np.random.default_rng(2)
    bursty = Side.of_ratio([(20 * int(rng.random() < 0.1), 200) for _ in range(300)])
    clean = Side.of_ratio(even(0, 200, seconds=300))
    alike, borrowed = design_effects(bursty, bursty), design_effects(clean, bursty)
    assert alike.base == alike.new == pytest.approx(bursty.observed_effect, rel=0.2)
    assert 10 < borrowed.base <= borrowed.new * 1.5
    assert design_effects(clean, clean).base == pytest.approx(9 * (1 + 4 / 6))


def test_effect_of_scores_is_one_for_independent_requests_and_rises_with_slow_spells():
    rng = np.random.default_rng(11)
    calm = seconds_of(rng.lognormal(11, 0.5, size=12_000), per_second=200)
    spells = [
        Counter(map(int, rng.lognormal(11, 0.5, size=200) * (3 if second % 10 < 3 else 1))) for second in range(60)
    ]
    assert compare_body(calm, calm).base_design_effect < 3
    assert compare_body(calm, spells).new_design_effect > 10
    assert comparison.NOT_CONTRADICTED_MIN_REQUESTS == 1_000


def test_an_interval_whose_upper_end_bounds_nothing_is_told_without_it():
    assert show_interval(Interval(0.98, 1.113)) == "0.98 to 1.11"
    assert show_interval(Interval(0.5, 3.98e11)) == show_interval(Interval(0.5, math.inf)) == "0.5 or more"
    assert show_interval(Interval(0.0, math.inf)) == "no bound"
