"""The published tables of calls, replayed small: 200 runs a row with fixed seeds, alpha 5 %, at most 300 s.

The first table is of 200/s and a limit of 1 %, the others of 60/s and 1 % and of 18/s and 5 %.

Bad requests come from a two-state Markov chain of a given mean burst. The bounds are the published shares, widened
by what 200 runs may stray from them (99 % of a binomial).
"""

import statistics

import numpy as np
import pytest
from scipy import stats

from seatrial.slo.decide import Call, decide_throughput, first_decision

RUNS = 200
RATE_PER_S = 200
SECONDS = 300
LIMIT = 0.01


def bad_per_second(*, truth, burst, seed, rate_per_s):
    """Bad requests per run and second; the chain's share of bad requests is `truth`, its mean run of them `burst`."""
    rng = np.random.default_rng(seed)
    if burst == 1:
        return rng.binomial(rate_per_s, truth, size=(RUNS, SECONDS))
    stays, starts = 1 - 1 / burst, truth / (1 - truth) / burst
    is_bad = rng.random(RUNS) < truth
    counts = np.zeros((RUNS, SECONDS), dtype=int)
    for second in range(SECONDS):
        for draw in rng.random((rate_per_s, RUNS)):
            is_bad = draw < np.where(is_bad, stays, starts)
            counts[:, second] += is_bad
    return counts


def decisions(*, truth, burst, rate_per_s=RATE_PER_S, limit=LIMIT):
    runs = bad_per_second(truth=truth, burst=burst, seed=20_260 + burst, rate_per_s=rate_per_s)
    return [first_decision([(int(bad), rate_per_s) for bad in run], limit_ratio=limit) for run in runs]


def count(found, state):
    return sum(decision.state is state for decision in found)


def median_s(found, state):
    return statistics.median(decision.decided_at_s for decision in found if decision.state is state)


def at_most(share):
    return stats.binom.ppf(0.99, RUNS, share)


@pytest.mark.parametrize(("burst", "wrong_share"), [(1, 0.002), (5, 0.036)])
def test_at_the_limit_wrong_calls_stay_below_alpha_and_at_the_published_share(burst, wrong_share):
    found = decisions(truth=LIMIT, burst=burst)
    wrong = RUNS - count(found, Call.UNDECIDED)
    assert wrong <= at_most(0.05)
    assert wrong <= at_most(wrong_share)


@pytest.mark.parametrize(
    ("burst", "met_share", "published_median_s"),
    [(1, 1.0, 60), (5, 0.958, 92)],
)
def test_half_the_limit_is_met(burst, met_share, published_median_s):
    found = decisions(truth=LIMIT / 2, burst=burst)
    assert count(found, Call.MISSED) == 0
    assert RUNS - count(found, Call.MET) <= at_most(1 - met_share)
    assert median_s(found, Call.MET) == pytest.approx(published_median_s, rel=0.2)


@pytest.mark.parametrize(
    ("burst", "factor", "published_median_s"),
    [(1, 2, 19), (1, 5, 5), (5, 2, 48), (5, 5, 7)],
)
def test_a_multiple_of_the_limit_is_missed_every_time(burst, factor, published_median_s):
    found = decisions(truth=LIMIT * factor, burst=burst)
    assert count(found, Call.MISSED) == RUNS
    assert median_s(found, Call.MISSED) == pytest.approx(published_median_s, rel=0.2)


@pytest.mark.parametrize(
    ("rate_per_s", "limit", "burst", "wrong_share"),
    [(60, 0.01, 5, 0.029), (18, 0.05, 1, 0.001), (18, 0.05, 2, 0.005), (18, 0.05, 5, 0.036)],
)
def test_at_a_low_rate_wrong_calls_stay_at_the_published_share(rate_per_s, limit, burst, wrong_share):
    found = decisions(truth=limit, burst=burst, rate_per_s=rate_per_s, limit=limit)
    assert RUNS - count(found, Call.UNDECIDED) <= at_most(wrong_share)


@pytest.mark.parametrize(
    ("rate_per_s", "limit", "burst", "factor", "state", "share", "published_median_s"),
    [
        (60, 0.01, 1, 2, Call.MISSED, 1.0, 46),
        (60, 0.01, 5, 2, Call.MISSED, 0.88, 142),
        (60, 0.01, 5, 5, Call.MISSED, 1.0, 19),
        (60, 0.01, 5, 0.5, Call.MET, 0.564, 146),
        (18, 0.05, 1, 0.5, Call.MET, 1.0, 85),
        (18, 0.05, 2, 0.5, Call.MET, 0.987, 118),
        (18, 0.05, 5, 0.5, Call.MET, 0.755, 127),
        (18, 0.05, 1, 2, Call.MISSED, 1.0, 45),
        (18, 0.05, 5, 2, Call.MISSED, 0.989, 94),
    ],
)
def test_at_a_low_rate_calls_come_as_often_and_as_soon_as_published(
    rate_per_s, limit, burst, factor, state, share, published_median_s
):
    found = decisions(truth=limit * factor, burst=burst, rate_per_s=rate_per_s, limit=limit)
    assert count(found, Call.MISSED if state is Call.MET else Call.MET) == 0
    assert RUNS - count(found, state) <= at_most(1 - share)
    assert median_s(found, state) == pytest.approx(published_median_s, rel=0.2)


def test_poisson_throughput_at_the_limit_is_seldom_called():
    counts = np.random.default_rng(7).poisson(150, size=(RUNS, SECONDS))
    found = [decide_throughput(map(int, run), at_least_per_s=150) for run in counts]
    assert RUNS - count(found, Call.UNDECIDED) <= at_most(0.05)


@pytest.mark.parametrize(("true_per_s", "state"), [(160, Call.MET), (140, Call.MISSED)])
def test_poisson_throughput_away_from_the_limit_is_called_right(true_per_s, state):
    counts = np.random.default_rng(8).poisson(true_per_s, size=(RUNS, SECONDS))
    found = [decide_throughput(map(int, run), at_least_per_s=150) for run in counts]
    assert count(found, state) == RUNS
