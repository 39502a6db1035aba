"""Compares a new version with a baseline, once and at the end, and says how sure it is.

Room slo. Takes what both sides counted second by second, and by how much the new one may be worse; gives a
`Comparison`. The baseline is a sample like the new one, so its own error counts; bursts are accounted for by each
side's design effect. Pure: standard library only, no I/O, no clock. It must never give MET without data, and is not
to be looked at again and again: these are tests of one look, unlike those of `decide`.

Every comparison has an effect and an interval whose two ends are wrong with probability alpha each. MISSED: the whole
interval is beyond what is allowed. MET: the whole interval is within. Where no worsening is allowed
(`at_most_ratio=0`) two equal versions can never show that, so there MET also means *not contradicted*, with at least
`NOT_CONTRADICTED_MIN_REQUESTS` on each side; the interval says what may still hide.

Sources: J. Przyborowski, H. Wilenski, Biometrika 31 (1940) for the conditional test of two rates; C. Clopper,
E. Pearson, Biometrika 26 (1934) for its interval; J. Rao, A. Scott, Biometrics 48 (1992) for effective counts.
Latencies have a module of their own, `compare_latencies`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.quantity import show_rate
from seatrial.slo import long_run, tails
from seatrial.slo.compare_latencies import compare_body, compare_quantile
from seatrial.slo.comparison import (
    NOT_CONTRADICTED_MIN_REQUESTS,
    Comparison,
    DesignEffects,
    Question,
    Side,
    conclude,
    design_effects,
    no_data,
    observed_effects,
)
from seatrial.slo.decide import ALPHA, Interval, PerSecond

__all__ = [
    "NOT_CONTRADICTED_MIN_REQUESTS",
    "Comparison",
    "compare_body",
    "compare_errors",
    "compare_quantile",
    "compare_throughput",
]


def compare_errors(
    base: Sequence[PerSecond], new: Sequence[PerSecond], *, at_most_ratio: float, alpha: float = ALPHA
) -> Comparison:
    """Whether the ratio of bad requests rose by no more than `at_most_ratio` (0.1: a tenth of what it was).

    The conditional test: of all bad requests together, the new side's share is binomial, with the new side's share of
    the requests once the risks are equal; of effective counts s/D and n/D. The effect is the risk ratio, its
    interval the exact one of that share. A new side without a bad request is not contradicted, whatever is allowed.
    """
    sides = Side.of_ratio(base), Side.of_ratio(new)
    if not sides[0].n or not sides[1].n:
        return no_data(*sides)
    risks, limit = _Risks.of(base, new), 1 + at_most_ratio
    effects = design_effects(*sides)
    return conclude(
        Question(
            subject="bad requests",
            told=risks.told,
            allowed=f"at most {limit:.4g} times as many allowed" if at_most_ratio else "no more than before allowed",
            effect=risks.ratio,
            sides=sides,
            effects=effects,
            bare_effects=observed_effects(*sides),
            interval_at=lambda effects: risks.interval(effects, alpha),
            refuted=lambda interval: interval.low > limit,
            shown=lambda interval: interval.high <= limit,
            allows_none=at_most_ratio == 0 or risks.new_bad == 0,
            wanted_n=risks.wanted_n(effects, at_most_ratio, alpha=alpha),
        )
    )


def compare_throughput(
    base: Sequence[int], new: Sequence[int], *, at_most_ratio: float, alpha: float = ALPHA
) -> Comparison:
    """Whether OK requests per second fell by no more than `at_most_ratio` (0.1: a tenth of what they were).

    Takes whole seconds. The effect is the ratio of the means; its interval is the normal one of its logarithm, each
    mean varying by its long-run variance (`long_run`), which takes the place of the design effect.
    """
    before, after = long_run.seen(base), long_run.seen(new)
    sides = Side(before.total, before.seconds), Side(after.total, after.seconds)
    if not before.total or not after.seconds:
        return no_data(*sides)
    rates, limit = _Rates(before, after), 1 - at_most_ratio
    inflations = DesignEffects(before.inflation, after.inflation)
    return conclude(
        Question(
            subject="OK requests per second",
            told=f"{show_rate(after.mean, digits=4)} beside {show_rate(before.mean, digits=4)}, "
            f"a ratio of {rates.ratio:.4g}",
            allowed=f"at least {limit:.4g} allowed",
            effect=rates.ratio,
            sides=sides,
            effects=inflations,
            bare_effects=inflations,
            interval_at=lambda _: rates.interval(alpha),
            refuted=lambda interval: interval.high < limit,
            shown=lambda interval: interval.low >= limit,
            allows_none=at_most_ratio == 0,
            wanted_n=rates.wanted_n(at_most_ratio, alpha),
        )
    )


@dataclass(frozen=True, slots=True)
class _Risks:
    """Bad and all requests of both sides."""

    base_bad: int
    base_total: int
    new_bad: int
    new_total: int

    @staticmethod
    def of(base: Sequence[PerSecond], new: Sequence[PerSecond]) -> _Risks:
        return _Risks(*_both(base), *_both(new))

    @property
    def told(self) -> str:
        counts = f"{self.new_bad:,} of {self.new_total:,} beside {self.base_bad:,} of {self.base_total:,}"
        return counts if self.ratio is None else f"{counts}, a ratio of {self.ratio:.3g}"

    @property
    def ratio(self) -> float | None:
        if not self.base_bad:
            return None
        return (self.new_bad / self.new_total) / (self.base_bad / self.base_total)

    def interval(self, effects: DesignEffects, alpha: float) -> Interval:
        """Risk ratios that neither tail refutes at `alpha`."""
        base_bad, new_bad = self.base_bad / effects.base, self.new_bad / effects.new
        if not base_bad + new_bad:
            return Interval(0.0, math.inf)
        share = tails.exact_interval(new_bad, base_bad + new_bad, alpha)
        fewer = (self.base_total / effects.base) / (self.new_total / effects.new)
        return Interval(fewer * _odds(share.low), fewer * _odds(share.high))

    def wanted_n(self, effects: DesignEffects, allowed: float, *, alpha: float) -> float:
        """By the normal approximation of ln(risk ratio), whose variance is D/s on either side."""
        bad = self.base_bad + self.new_bad
        if not allowed or not bad:
            return math.inf
        wanted_bad = (tails.normal_quantile(1 - alpha) / math.log1p(allowed)) ** 2 * sum(effects)
        return wanted_bad * (self.base_total + self.new_total) / bad


@dataclass(frozen=True, slots=True)
class _Rates:
    """Counts per second of both sides; the baseline's mean is above 0."""

    base: long_run.Seconds
    new: long_run.Seconds

    @property
    def ratio(self) -> float:
        return self.new.mean / self.base.mean

    def interval(self, alpha: float) -> Interval:
        """One event more than was seen keeps an outage, which has no logarithm, in the formula."""
        ratio = (self.new.total + 1) / self.new.seconds / self.base.mean
        spread = tails.normal_quantile(1 - alpha) * math.sqrt(_relative(self.base) + _relative(self.new))
        return Interval(min(self.ratio, ratio * math.exp(-spread)), ratio * math.exp(spread))

    def wanted_n(self, allowed: float, alpha: float) -> float:
        """In OK requests, of as many seconds on either side as the relative error takes to reach what is allowed."""
        if not 0 < allowed < 1:
            return math.inf
        per_second = _relative(self.base) * self.base.seconds + _relative(self.new) * self.new.seconds
        seconds = (tails.normal_quantile(1 - alpha) / math.log1p(-allowed)) ** 2 * per_second
        return seconds * max(self.base.mean, self.new.mean)


def _relative(seconds: long_run.Seconds) -> float:
    """Variance of the logarithm of the mean."""
    mean = (seconds.total + 1) / seconds.seconds
    return seconds.long_run_variance / seconds.seconds / mean**2


def _both(per_second: Sequence[PerSecond]) -> tuple[int, int]:
    return sum(bad for bad, _ in per_second), sum(total for _, total in per_second)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
