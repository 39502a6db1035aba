"""Compares latencies of a new version with a baseline's, once and at the end: a quantile, and the body.

Room slo. Takes both sides' histograms second by second, gives a `Comparison`. Pure, standard library only; what
`compare` says of every comparison holds here. Sources: H. Mann, D. Whitney, Ann. Math. Stat. 18 (1947) for the body,
its variance with ties of W. Kruskal, W. Wallis, JASA 47 (1952); G. Noether, JASA 82 (1987) for its sample size;
B. Epstein, Ann. Math. Stat. 25 (1954) for exceedances of a quantile that is itself a sample's.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.slo import tails
from seatrial.slo.comparison import (
    Comparison,
    DesignEffects,
    Question,
    Side,
    conclude,
    design_effects,
    no_data,
    observed_effects,
)
from seatrial.slo.decide import ALPHA, Interval

Histogram = Mapping[int, int]
"""Counted latencies of one second: microseconds to how often; may be empty."""


def compare_quantile(
    base: Sequence[Histogram],
    new: Sequence[Histogram],
    *,
    quantile: float,
    at_most_ratio: float,
    alpha: float = ALPHA,
) -> Comparison:
    """Whether the latency quantile (0-1) rose by no more than `at_most_ratio`; takes one histogram per second.

    The test: do more than 1 - q of the new side exceed (1 + `at_most_ratio`) times the baseline's own quantile, which
    1 - q of the baseline exceed? That quantile is a sample's, and counting how many of another sample exceed it ends
    with the baseline's r-th value: the tail of that negative binomial is the binomial of the new side's share of all
    exceedances. Of effective counts, divided by q besides, since a share varies by q (1 - q) and not by 1 - q. It
    leans on no shape of the latencies, only on both sides having the same. The effect is the ratio of the quantiles;
    its interval holds what the test does not refute.
    """
    before, after = _Latencies.of(base), _Latencies.of(new)
    if not before.n or not after.n:
        return no_data(Side(before.n, 0), Side(after.n, 0))
    of = _Quantiles(before, after, quantile)
    limit = 1 + at_most_ratio
    sides = Side.of_ratio(_over(base, of.base_us)), Side.of_ratio(_over(new, limit * of.base_us))
    return conclude(_quantile_question(of, sides, limit=limit, alpha=alpha))


def _quantile_question(of: _Quantiles, sides: tuple[Side, Side], *, limit: float, alpha: float) -> Question:
    effects = design_effects(*sides)
    return Question(
        subject=f"p{100 * of.quantile:g}",
        told=f"{of.new_us / 1000:.4g} ms beside {of.base_us / 1000:.4g} ms, a ratio of {of.ratio:.3g}",
        allowed=f"at most {limit:.4g} allowed",
        effect=of.ratio,
        sides=sides,
        effects=effects,
        bare_effects=observed_effects(*sides),
        interval_at=lambda effects: of.interval(effects, alpha),
        refuted=lambda interval: interval.low > limit,
        shown=lambda interval: interval.high <= limit,
        allows_none=limit == 1,
        wanted_n=of.wanted_n(effects, limit, alpha=alpha),
    )


def compare_body(
    base: Sequence[Histogram], new: Sequence[Histogram], *, at_most_ratio: float = 0.0, alpha: float = ALPHA
) -> Comparison:
    """Whether a request of the new side tends to take longer; takes one histogram per second.

    Mann and Whitney's U with its variance for ties and its correction for continuity, of effective counts. The effect
    is P(new > base) + P(new = base) / 2 with the baseline's latencies raised by `at_most_ratio` beforehand, and 0.5
    what is allowed. Blind to a tail that only a few requests are in: `compare_quantile` is for that.
    """
    before, after = _Latencies.of(base), _Latencies.of(new)
    if not before.n or not after.n:
        return no_data(Side(before.n, 0), Side(after.n, 0))
    raised = 1 + at_most_ratio
    ranks = _Ranks.of(before.raised(raised), after)
    sides = ranks.side(base, raised=raised), ranks.side(new, raised=1)
    effects = design_effects(*sides)
    wanted_n = _body_wanted(before, effects, raised=raised, alpha=alpha)
    return conclude(_body_question(ranks, sides, at_most_ratio=at_most_ratio, alpha=alpha, wanted_n=wanted_n))


def _body_question(
    ranks: _Ranks, sides: tuple[Side, Side], *, at_most_ratio: float, alpha: float, wanted_n: float
) -> Question:
    effects = design_effects(*sides)
    beside = f" raised by {100 * at_most_ratio:.4g} %" if at_most_ratio else ""
    return Question(
        subject="the body",
        told=f"a request takes longer than one of the baseline{beside} with probability {ranks.effect:.3f}",
        allowed="at most 0.5 allowed",
        effect=ranks.effect,
        sides=sides,
        effects=effects,
        bare_effects=observed_effects(*sides),
        interval_at=lambda effects: ranks.interval(effects, alpha),
        refuted=lambda interval: interval.low > 0.5,
        shown=lambda interval: interval.high <= 0.5,
        allows_none=at_most_ratio == 0,
        wanted_n=wanted_n,
    )


@dataclass(frozen=True, slots=True)
class _Latencies:
    """All of one side, ascending: distinct microseconds, and how many requests took that long or less."""

    values: tuple[float, ...]
    up_to: tuple[int, ...]

    @staticmethod
    def of(seconds: Iterable[Histogram]) -> _Latencies:
        counts: Counter[int] = Counter()
        for second in seconds:
            counts.update(second)
        values = sorted(value for value, count in counts.items() if count)
        return _Latencies(tuple(values), tuple(itertools.accumulate(counts[value] for value in values)))

    @property
    def n(self) -> int:
        return self.up_to[-1] if self.up_to else 0

    def raised(self, factor: float) -> _Latencies:
        return _Latencies(tuple(value * factor for value in self.values), self.up_to)

    def quantile_us(self, quantile: float) -> float:
        """The nearest rank: the smallest value that at least this share does not exceed."""
        return self.values[bisect.bisect_left(self.up_to, min(self.n, max(1.0, quantile * self.n)))]

    def below(self, limit_us: float) -> int:
        """How many took less."""
        before = bisect.bisect_left(self.values, limit_us)
        return self.up_to[before - 1] if before else 0

    def not_over(self, limit_us: float) -> int:
        """How many took no longer."""
        before = bisect.bisect_right(self.values, limit_us)
        return self.up_to[before - 1] if before else 0

    def share_over(self, index: int) -> float:
        """The share that exceeds that value."""
        return 1 - self.up_to[index] / self.n

    def counted(self) -> Iterable[tuple[float, int]]:
        return zip(self.values, (b - a for a, b in itertools.pairwise((0, *self.up_to))), strict=True)


@dataclass(frozen=True, slots=True)
class _Quantiles:
    """The same quantile of both sides."""

    base: _Latencies
    new: _Latencies
    quantile: float

    @property
    def base_us(self) -> float:
        return max(1.0, self.base.quantile_us(self.quantile))

    @property
    def new_us(self) -> float:
        return self.new.quantile_us(self.quantile)

    @property
    def ratio(self) -> float:
        return self.new_us / self.base_us

    def interval(self, effects: DesignEffects, alpha: float) -> Interval:
        """The ratios at which as many of the new side exceed that multiple of the baseline's as may by chance."""
        base_n, new_n = self.base.n / effects.base / self.quantile, self.new.n / effects.new / self.quantile
        base_over, share = (1 - self.quantile) * base_n, new_n / (base_n + new_n)

        def not_too_many(index: int) -> bool:
            over = self.new.share_over(index) * new_n
            return tails.at_least(over, base_over + over, share) > alpha

        def too_few(index: int) -> bool:
            over = self.new.share_over(index) * new_n
            return tails.at_most(over, base_over + over, share) <= alpha

        indices = range(len(self.new.values))
        low = self.new.values[bisect.bisect_left(indices, True, key=not_too_many)]
        above = bisect.bisect_left(indices, True, key=too_few)
        high = self.new.values[above] / self.base_us if above < len(indices) else math.inf
        return Interval(min(low / self.base_us, self.ratio), max(high, self.ratio))

    def wanted_n(self, effects: DesignEffects, limit: float, *, alpha: float) -> float:
        """By the normal approximation, from the share of the baseline that exceeds the limit already."""
        over = 1 - self.quantile
        spare = over - (1 - self.base.not_over(limit * self.base_us) / self.base.n)
        if spare <= 0:
            return math.inf
        return tails.normal_quantile(1 - alpha) ** 2 * over * (1 - over) / spare**2 * sum(effects)


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Both sides in one order. A score is the share of all requests that took less, ties counting half."""

    base_n: int
    new_n: int
    effect: float
    tied: float
    scores: Mapping[float, float]

    @staticmethod
    def of(base: _Latencies, new: _Latencies) -> _Ranks:
        n = base.n + new.n
        not_over = {value: base.not_over(value) + new.not_over(value) for value in (*base.values, *new.values)}
        below = {value: base.below(value) + new.below(value) for value in not_over}
        ties = [not_over[value] - below[value] for value in not_over]
        return _Ranks(
            base_n=base.n,
            new_n=new.n,
            effect=_superiority(base, new),
            tied=sum(tie**3 - tie for tie in ties) / (n**3 - n),
            scores={value: (below[value] + not_over[value]) / (2 * n) for value in not_over},
        )

    def side(self, seconds: Sequence[Histogram], *, raised: float) -> Side:
        """One side in blocks of scores; `raised` as its values were."""
        sums = [self._scored(second, raised) for second in seconds]
        n = sum(second.total() for second in map(Counter, seconds))
        mean = math.fsum(score for score, _, _ in sums) / n
        variance = max(0.0, math.fsum(squared for _, squared, _ in sums) / n - mean**2)
        return Side.of_scores([(score, total) for score, _, total in sums], variance)

    def _scored(self, second: Histogram, raised: float) -> tuple[float, float, int]:
        """Sum of scores, of their squares, and how many."""
        counted = [(self.scores[value * raised], count) for value, count in second.items() if count]
        score = math.fsum(score * count for score, count in counted)
        squared = math.fsum(score * score * count for score, count in counted)
        return score, squared, sum(count for _, count in counted)

    def interval(self, effects: DesignEffects, alpha: float) -> Interval:
        """As wide as it is without a difference: with m and n effective requests and the share T of them tied,
        `var U = m n (m + n + 1) / 12 * (1 - T)`; U/(m n) is the effect."""
        m, n = self.base_n / effects.base, self.new_n / effects.new
        deviation = math.sqrt(m * n * (m + n + 1) / 12 * max(0.0, 1 - self.tied))
        half = (tails.normal_quantile(1 - alpha) * deviation + 0.5) / (m * n)
        return Interval(max(0.0, self.effect - half), min(1.0, self.effect + half))


def _superiority(base: _Latencies, new: _Latencies) -> float:
    """P(new > base) + P(new = base) / 2 = U / (m n)."""
    doubled = sum(count * (base.below(value) + base.not_over(value)) for value, count in new.counted())
    return doubled / (2 * base.n * new.n)


def _body_wanted(base: _Latencies, effects: DesignEffects, *, raised: float, alpha: float) -> float:
    """Noether's sample size at even odds, from how far the baseline lies below itself when raised."""
    below = 0.5 - _superiority(base.raised(raised), base)
    if below <= 0:
        return math.inf
    return (tails.normal_quantile(1 - alpha) / below) ** 2 / 12 * sum(effects)


def _over(seconds: Iterable[Histogram], limit_us: float) -> list[tuple[int, int]]:
    """Requests that exceed the limit, and all, of each second."""
    return [
        (sum(count for value, count in second.items() if value > limit_us), sum(second.values()))
        for second in seconds
    ]
