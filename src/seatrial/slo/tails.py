"""Tails of the binomial, for counts that may be real: those of a correlated sample are divided by its design effect.

Room slo. Pure, standard library only, no other room. scipy is its oracle in tests; seatrial itself does without.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

from seatrial.slo.decide import Interval

_TINY = 1e-300
_CLOSE = 1e-15
_MOST_TERMS = 100_000
# Sixty-four halvings narrow a bracket to less than one part in 1e19, finer than a double resolves.
_HALVINGS = 64


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), the regularized incomplete beta function, for a, b > 0 and x in 0-1.

    By its continued fraction (Abramowitz and Stegun 26.5.8), evaluated with Lentz's method on the side of the mean
    where it converges in about sqrt(max(a, b)) terms.
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1.0 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return min(1.0, math.exp(log_front) * _fraction(x, a, b) / a)


def at_least(events: float, trials: float, ratio: float) -> float:
    """P(X >= events) of a binomial with that many trials; `I_p(k, n - k + 1)`."""
    return 1.0 if events <= 0 else incomplete_beta(ratio, events, trials - events + 1)


def at_most(events: float, trials: float, ratio: float) -> float:
    """P(X <= events) of a binomial with that many trials; `1 - I_p(k + 1, n - k)`."""
    return 1.0 if events >= trials else incomplete_beta(1.0 - ratio, trials - events, events + 1)


def exact_interval(events: float, trials: float, alpha: float) -> Interval:
    """The ratios that neither tail refutes at `alpha` each, so 1 - 2 alpha in all (Clopper and Pearson 1934)."""
    low = _turn(lambda ratio: at_least(events, trials, ratio) - alpha) if events > 0 else 0.0
    high = _turn(lambda ratio: alpha - at_most(events, trials, ratio)) if events < trials else 1.0
    return Interval(low, high)


def normal_quantile(probability: float) -> float:
    """The standard normal's value that is not exceeded with that probability."""
    return statistics.NormalDist().inv_cdf(probability)


def _turn(rising: Callable[[float], float]) -> float:
    """Where a rising function of a ratio turns positive."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's method, modified so that nothing is divided by zero (Thompson and Barnett 1986)."""
    c, d = 1.0, 1.0 / _nonzero(1.0 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        for term in (_even_term(m, x, a, b), _odd_term(m, x, a, b)):
            d = 1.0 / _nonzero(1.0 + term * d)
            c = _nonzero(1.0 + term / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def _even_term(m: int, x: float, a: float, b: float) -> float:
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _odd_term(m: int, x: float, a: float, b: float) -> float:
    return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
