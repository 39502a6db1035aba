"""`slo/long_run.py` against numpy, and what an autoregression's mean really varies by."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation import resembling

from seatrial.slo.long_run import MOST_RESEMBLANCE, Seconds, seen

UNHURRIED = settings(deadline=None)


@UNHURRIED
@given(st.lists(st.integers(0, 500), min_size=3, max_size=120))
def test_the_running_sums_are_numpys_moments(counts):
    found, x = seen(counts), np.array(counts, dtype=float)
    assert found.mean == pytest.approx(x.mean())
    assert found.variance == pytest.approx(max(x.var(ddof=1), (x.sum() + 1) / len(x)))
    off = x - x.mean()
    if not off.any():
        assert found.resemblance == 0.0
        return
    short = (off[1:] * off[:-1]).sum() / (off**2).sum()
    phi = short + (1 + 3 * short) / len(x)
    expected = phi + math.sqrt(max(0.0, 1 - phi**2) / len(x))
    assert found.resemblance == pytest.approx(min(MOST_RESEMBLANCE, max(0.0, expected)), abs=1e-6)


@UNHURRIED
@given(st.lists(st.integers(0, 500), max_size=60))
def test_no_counts_make_seconds_worth_more_than_their_number(counts):
    found = seen(counts)
    assert 1 <= found.inflation <= (1 + MOST_RESEMBLANCE) / (1 - MOST_RESEMBLANCE) + 1e-9
    assert found.independent_seconds <= found.seconds
    assert found.long_run_variance > 0 or not counts


def test_without_seconds_nothing_is_known():
    assert (Seconds().mean, Seconds().inflation, Seconds().seconds) == (0.0, 1.0, 0)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_the_mean_of_an_autoregression_varies_by_about_its_long_run_variance(phi):
    runs = resembling(np.random.default_rng(5), (300, 300), mean=150, phi=phi, spread=0.2)
    really = 300 * runs.mean(axis=1).var()
    estimated = np.median([seen(run).long_run_variance for run in runs.tolist()])
    assert really * 0.85 < estimated < really * 1.8
