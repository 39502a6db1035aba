"""The anytime-valid test of one ratio: how strongly counts speak against a limit, however often one looks.

Room slo. Takes counts, gives ln M, the interval that goes with it, and how many requests it needs. Pure. Sources:
H. Robbins, Ann. Math. Stat. 41 (1970); S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Ann. Stat. 49 (2021), arXiv
1810.08240.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from seatrial.slo.decide.design_effect import PRIOR_DESIGN_EFFECT
from seatrial.slo.decide.words import ALPHA, Interval, require_ratio

# Sixty-four halvings narrow a bracket to less than one part in 1e19, finer than a double resolves.
_HALVINGS = 64


def log_bernoulli_martingale(bad: float, total: float, limit: float) -> float:
    """ln M: how much better a mixture of all ratios explains the counts than `limit` does.

    Beta mixture with prior a = 1, b = (1-p0)/p0, whose mean is the limit p0 (Robbins 1970; Howard et al. 2021,
    beta-binomial mixture); with s bad in t, `ln M = lnB(a+s, b+t-s) - lnB(a, b) - s ln p0 - (t-s) ln(1-p0)`.
    Were the ratio exactly p0, M would reach 1/alpha at any time at all with probability <= alpha (Ville), so
    looking every second costs nothing. The counts may be real: those of a correlated sample are divided by
    its design effect first.
    """
    require_ratio("limit", limit)
    return _log_mixture(bad, total, limit) - _log_likelihood(bad, total, limit)


def confidence_interval(
    bad: int, total: int, *, limit: float, design_effect: float = 1.0, alpha: float = ALPHA
) -> Interval:
    """The ratios the counts do not refute: the confidence sequence {p : ln M(p) < ln(1/alpha)}.

    Valid at every look at once. It always holds bad/total, and is [0, 1] without data. The mixture's prior stays
    that of `limit` while p varies: were it to follow p, this would be no confidence sequence.
    """
    if total == 0:
        return Interval(0.0, 1.0)
    s, t = bad / design_effect, total / design_effect
    mixture = _log_mixture(s, t, limit)

    def refuted(p: float) -> bool:
        # With few requests the upper end can be nearer to 1 than a double can say.
        return p == 1.0 or mixture - _log_likelihood(s, t, p) >= -math.log(alpha)

    estimate = bad / total
    low = _boundary(estimate, 0.0, refuted) if bad > 0 else 0.0
    high = _boundary(estimate, 1.0, refuted) if bad < total else 1.0
    return Interval(low, high)


def requests_needed(
    limit: float, alpha: float = ALPHA, *, bad: int = 0, design_effect: float = PRIOR_DESIGN_EFFECT
) -> int:
    """How many requests in all MET takes at least, when none but `bad` of them are bad.

    With the design effect nothing has been seen against (D0): 4,253 for a limit of 1 %, 837 for 5 %, 42,678 for
    0.1 %. A floor to plan by: every further bad request raises it, and `min_hold_s` stands beside it.
    """
    s = bad / design_effect

    def met(total: float) -> bool:
        return log_bernoulli_martingale(s, total, limit) >= -math.log(alpha)

    # ln M grows with good requests only once the estimate lies below the limit, so the search starts there.
    low, high = s / limit, (s + 1) / limit
    while not met(high):
        low, high = high, 2 * high
    return math.ceil(design_effect * _boundary(low, high, met))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _log_mixture(bad: float, total: float, limit: float) -> float:
    a, b = 1.0, (1.0 - limit) / limit
    return _log_beta(a + bad, b + total - bad) - _log_beta(a, b)


def _log_likelihood(bad: float, total: float, p: float) -> float:
    return bad * math.log(p) + (total - bad) * math.log1p(-p)


def _boundary(before: float, beyond: float, is_beyond: Callable[[float], bool]) -> float:
    """Where a claim turns true between `before` (false) and `beyond` (true), rounded to the true side."""
    for _ in range(_HALVINGS):
        middle = (before + beyond) / 2
        before, beyond = (before, middle) if is_beyond(middle) else (middle, beyond)
    return beyond
