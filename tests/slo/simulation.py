"""Made-up traffic, and the rules of `slo/decide` over thousands of runs of it at once.

The rules here are vectorised twins of `first_decision` and `decide_throughput`, which look at one run at a time; a
test holds them to these on random runs. Every number of a rule is taken from `slo/decide`. Used by the tests of this
folder and by `bench/verdicts.py`, which writes the tables of docs/statistics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from seatrial.slo import decide, long_run
from seatrial.slo.decide import throughput

Counts = NDArray[np.int64]
"""One row a run, one column a second."""

MISSED, UNDECIDED, MET = -1, 0, 1


@dataclass(frozen=True)
class Calls:
    """What every run came to, and after how many seconds; 0 seconds where it stayed undecided."""

    states: NDArray[np.int64]
    seconds: NDArray[np.int64]

    def share(self, state: int) -> float:
        """Of all runs, those called so."""
        return float(np.mean(self.states == state))

    def median_s(self, state: int) -> float | None:
        """Of those called so; None when none was."""
        called = self.seconds[self.states == state]
        return float(np.median(called)) if len(called) else None


def bursty(rng: np.random.Generator, shape: tuple[int, int], *, truth: float, burst: int, rate_per_s: int) -> Counts:
    """Bad requests per run and second from a two-state Markov chain: `truth` is the share of bad requests, `burst`
    their mean run. A burst of 1 stands for independent requests."""
    runs, seconds = shape
    if burst == 1:
        return rng.binomial(rate_per_s, truth, size=shape)
    requests = rate_per_s * seconds
    starts, lengths = _stretches(rng, runs, requests, truth=truth, burst=burst)
    within = starts < requests
    run = np.broadcast_to(np.arange(runs)[:, None], within.shape)[within].repeat(lengths[within])
    place = starts[within].repeat(lengths[within]) + _counted_up(lengths[within])
    fits = place < requests
    return np.bincount(run[fits] * seconds + place[fits] // rate_per_s, minlength=runs * seconds).reshape(shape)


def spells(rng: np.random.Generator, requests: int, *, truth: float, burst: int) -> NDArray[np.bool_]:
    """Which requests of one run are bad, from the same chain."""
    return bursty(rng, (1, requests), truth=truth, burst=burst, rate_per_s=1)[0] > 0


def _stretches(
    rng: np.random.Generator, runs: int, requests: int, *, truth: float, burst: int
) -> tuple[Counts, Counts]:
    """Where bad runs start and how long they are, for more requests than asked; the chain starts as it goes on."""
    good = burst * (1 - truth) / truth
    expected = requests / (burst + good)
    many = int(expected + 10 * math.sqrt(expected) + 30)
    gaps, lengths = rng.geometric(1 / good, (runs, many)), rng.geometric(1 / burst, (runs, many))
    gaps[:, 0] = np.where(rng.random(runs) < truth, 0, gaps[:, 0])
    return np.cumsum(gaps + lengths, axis=1) - lengths, lengths


def _counted_up(lengths: Counts) -> Counts:
    """0, 1, 2, ... for every length, one after the other."""
    return np.arange(lengths.sum()) - (np.cumsum(lengths) - lengths).repeat(lengths)


def resembling(rng: np.random.Generator, shape: tuple[int, int], *, mean: float, phi: float, spread: float) -> Counts:
    """Counts per second of a first-order autoregression; `spread` is their standard deviation over their mean."""
    runs, seconds = shape
    noise = rng.normal(size=(seconds, runs))
    for second in range(1, seconds):
        noise[second] = phi * noise[second - 1] + math.sqrt(1 - phi**2) * noise[second]
    return np.maximum(0, np.rint(mean * (1 + spread * noise.T))).astype(np.int64)


def ratio_calls(
    bad: Counts, *, rate_per_s: int, limit: float, alpha: float = decide.ALPHA, min_hold_s: float = decide.MIN_HOLD_S
) -> Calls:
    """The twin of `first_decision` at a constant rate."""
    seconds = np.arange(1, bad.shape[1] + 1)
    per_block = max(decide.BLOCK_MIN_S, -(-decide.BLOCK_MIN_REQUESTS // rate_per_s))
    effect, with_bad = _effects(bad, rate_per_s=rate_per_s, per_block=per_block)
    s, t = np.cumsum(bad, axis=1) / effect, rate_per_s * seconds / effect
    crossed = _log_martingale(s, t, limit) >= -math.log(alpha)
    blocks = seconds // per_block
    held = (blocks * per_block >= min_hold_s) & (blocks >= decide.MET_MIN_BLOCKS)
    met = crossed & (s < t * limit) & held
    missed = crossed & (s >= t * limit) & (with_bad >= decide.MISSED_MIN_BLOCKS)
    return _first(met, missed)


def throughput_calls(
    ok: Counts, *, at_least_per_s: float, alpha: float = decide.ALPHA, min_hold_s: float = decide.MIN_HOLD_S
) -> Calls:
    """The twin of `decide_throughput`."""
    seconds = np.arange(1, ok.shape[1] + 1)
    mean, variance, inflation = _long_run(ok.astype(float))
    unit = np.array([throughput.throughput_interval(0.0, 1.0, seconds=int(t), alpha=alpha).high for t in seconds])
    half = np.sqrt(variance * inflation) * unit
    known = (seconds >= decide.THROUGHPUT_MIN_BLOCKS) & (seconds / inflation >= throughput.THROUGHPUT_MIN_INDEPENDENT)
    met = known & (np.maximum(0.0, mean - half) >= at_least_per_s) & (seconds >= min_hold_s)
    return _first(met, known & (mean + half < at_least_per_s))


def _effects(bad: Counts, *, rate_per_s: int, per_block: int) -> tuple[NDArray[np.float64], Counts]:
    """After every second: the design effect, and the blocks with a bad request."""
    runs, seconds = bad.shape
    many = seconds // per_block
    blocks = bad[:, : many * per_block].reshape(runs, many, per_block).sum(axis=2)
    before = np.zeros((runs, 1), dtype=np.int64)
    count, squared, with_bad = (
        np.concatenate([before, np.cumsum(column, axis=1)], axis=1) for column in (blocks, blocks**2, blocks > 0)
    )
    k, m = np.arange(many + 1), rate_per_s * per_block
    with np.errstate(divide="ignore", invalid="ignore"):
        p = count / (k * m)
        residuals = np.maximum(0.0, squared - 2 * p * count * m + p * p * m * m * k)
        observed = k / (k - 1) * residuals / (k * m * p * (1 - p))
    shows = (k >= 2) & (count > 0) & (count < k * m)
    told = np.where(shows, with_bad, 0)
    prior = decide.PRIOR_BLOCKS * decide.PRIOR_DESIGN_EFFECT
    learnt = (prior + told * np.where(shows, observed, 0.0)) / (decide.PRIOR_BLOCKS + told)
    at = np.arange(1, seconds + 1) // per_block
    return np.maximum(1.0, learnt)[:, at], with_bad[:, at]


def _log_martingale(s: NDArray[np.float64], t: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    a, b = 1.0, (1 - limit) / limit
    mixture = special.betaln(a + s, b + t - s) - special.betaln(a, b)
    return mixture - s * math.log(limit) - (t - s) * math.log1p(-limit)


def _long_run(ok: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """After every second: mean, variance of a second, and the inflation by what seconds resemble each other."""
    t = np.arange(1, ok.shape[1] + 1)
    total, squared = np.cumsum(ok, axis=1), np.cumsum(ok**2, axis=1)
    mean, around = total / t, squared - total**2 / t
    neighbours = np.zeros_like(ok)
    neighbours[:, 1:] = np.cumsum(ok[:, 1:] * ok[:, :-1], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        short = (neighbours - mean * (2 * total - ok[:, :1] - ok) + (t - 1) * mean**2) / around
    short = np.where((t >= 3) & (around > 0), short, 0.0)
    phi = short + (1 + 3 * short) / t
    phi = np.clip(phi + np.sqrt(np.maximum(0.0, 1 - phi**2) / t), 0.0, long_run.MOST_RESEMBLANCE)
    phi = np.where((t >= 3) & (around > 0), phi, 0.0)
    variance = np.maximum((total + 1) / t, np.where(t > 1, around / np.maximum(1, t - 1), 0.0))
    return mean, variance, (1 + phi) / (1 - phi)


def _first(met: NDArray[np.bool_], missed: NDArray[np.bool_]) -> Calls:
    """The first call of each run stands."""
    called = met | missed
    at = called.argmax(axis=1)
    decided = called.any(axis=1)
    states = np.where(met[np.arange(len(met)), at], MET, MISSED)
    return Calls(np.where(decided, states, UNDECIDED), np.where(decided, at + 1, 0))
