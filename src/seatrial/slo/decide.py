"""Decides from counts whether a promise is kept, as soon as the evidence suffices, and says so when it does not.

Room slo. Takes what the hold stage counted second by second (bad and all requests, or OK requests) and one
limit; gives a `Decision`. "p99 < L" is asked as "at most 1 % of the requests are slower than L", so errors and
latency are one question about a ratio. Everything here is pure: standard library only, no I/O, no clock, no
other room. It must never give MET without data, and never a call that looking more often would make unsafe.

Words and numbers (D0, k0, blocks, hold) are those of docs/STATISTICS.md. Sources: H. Robbins, Ann. Math. Stat. 41
(1970); S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Ann. Stat. 49 (2021), arXiv 1810.08240; J. N. K. Rao,
A. J. Scott, Biometrics 48 (1992); I. Waudby-Smith et al., Ann. Stat. 52 (2024), arXiv 2103.06476.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

ALPHA = 0.05
"""Chance of a wrong call per objective, over the whole run and however often it is looked at."""

BLOCK_MIN_S = 1
BLOCK_MIN_REQUESTS = 50
"""A block must outlast a burst, or bursts would look independent; shorter ones judged wrongly in simulation."""

PRIOR_DESIGN_EFFECT = 10.0
PRIOR_BLOCKS = 5
"""D0 and k0: until blocks with bad events have shown otherwise, ten requests count as one. A Markov chain with bad
events in runs of five has a design effect of 9, and a few blocks cannot tell it from one without runs."""

MISSED_MIN_BLOCKS = 5
MET_MIN_BLOCKS = 20
"""With fewer blocks their variance says next to nothing about bursts."""

MIN_HOLD_S = 60.0
"""Rare outages need time to show, so MET takes longer than its request count alone would ask."""

PHASE_MIN_REQUESTS = 30
"""Below it, "not contradicted" would be said of almost anything."""

THROUGHPUT_MIN_BLOCKS = 20
"""The interval leans on an estimated variance and a central limit theorem; both need some blocks, either way."""

THROUGHPUT_TUNED_BLOCKS = 60
"""The interval is narrowest at this many one-second blocks: the first look that may say MET."""

# Sixty-four halvings narrow a bracket to less than one part in 1e19, finer than a double resolves.
_HALVINGS = 64

PerSecond = tuple[int, int]
"""Bad and all requests of one second of the hold stage."""


class Call(enum.StrEnum):
    """What the evidence says about one limit."""

    MET = "met"
    MISSED = "missed"
    UNDECIDED = "undecided"


class Why(enum.StrEnum):
    """What a call rests on, or what keeps it undecided."""

    EVIDENCE = "the evidence suffices"
    NOT_CONTRADICTED = "not contradicted"
    NO_DATA = "no data"
    TOO_LITTLE = "too little evidence"
    TOO_FEW_BLOCKS = "too few blocks"
    TOO_SHORT = "hold too short"
    CORRELATED = "correlated"


class Interval(NamedTuple):
    """Both ends belong to it."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One call with the numbers behind it.

    `estimate` and `interval` are ratios 0-1, for throughput requests per second; `estimate` is None without
    data. `n` counts requests, for throughput OK requests, for which `bad` and `design_effect` are None.
    `decided_at_s` counts from the start of the hold; None while undecided. `wanted_n` is how many requests in
    all MET would take if no further one were bad (for a phase: the fewest that may be judged); None once
    decided, and for throughput. `reason` is a sentence with its numbers, `why` its kind.
    """

    state: Call
    why: Why
    reason: str
    estimate: float | None
    interval: Interval
    n: int
    bad: int | None = None
    design_effect: float | None = None
    decided_at_s: float | None = None
    wanted_n: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive seconds counted as one observation of how bad events bunch."""

    seconds: float
    bad: float
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.total:
            raise ValueError(f"a block of {self.bad} bad among {self.total} requests; bad must lie in 0..total")

    @property
    def is_whole(self) -> bool:
        """Long and full enough to be compared with others."""
        return self.seconds >= BLOCK_MIN_S and self.total >= BLOCK_MIN_REQUESTS

    def with_second(self, second: tuple[float, int]) -> Block:
        """This block, one second longer."""
        bad, total = second
        return Block(self.seconds + 1, self.bad + bad, self.total + total)


@dataclass(frozen=True, slots=True)
class DesignEffect:
    """How many requests count as one independent request (`value` >= 1), and what that was learnt from."""

    value: float
    blocks: int
    blocks_with_bad: int


@dataclass(frozen=True, slots=True)
class Rule:
    """The question put to the evidence: is the ratio of bad requests below `limit_ratio`?

    ValueError unless limit and alpha lie strictly between 0 and 1: no sample can show that a ratio is zero.
    """

    limit_ratio: float
    alpha: float = ALPHA
    min_hold_s: float = MIN_HOLD_S

    def __post_init__(self) -> None:
        _require_ratio("limit", self.limit_ratio)
        _require_ratio("alpha", self.alpha)


@dataclass(frozen=True, slots=True)
class BlockSums:
    """Whole blocks, kept as the running sums the design effect needs: its cost does not grow with the run."""

    blocks: int = 0
    blocks_with_bad: int = 0
    seconds: float = 0
    bad: float = 0
    total: int = 0
    bad_squared: float = 0
    bad_times_total: float = 0
    total_squared: int = 0

    def with_block(self, block: Block) -> BlockSums:
        """These sums and one block more."""
        return BlockSums(
            blocks=self.blocks + 1,
            blocks_with_bad=self.blocks_with_bad + (block.bad > 0),
            seconds=self.seconds + block.seconds,
            bad=self.bad + block.bad,
            total=self.total + block.total,
            bad_squared=self.bad_squared + block.bad**2,
            bad_times_total=self.bad_times_total + block.bad * block.total,
            total_squared=self.total_squared + block.total**2,
        )

    @property
    def observed_effect(self) -> float | None:
        """D_obs, unshrunk, so it may be below 1; None where the blocks show no variance (see `effect`)."""
        if self.blocks < 2 or self.bad in (0, self.total):
            return None
        p = self.bad / self.total
        return self.effect_against(p * (1 - p))

    def effect_against(self, variance: float) -> float:
        """D_obs beside requests that are independent with that variance each; at least two blocks, variance > 0."""
        p = self.bad / self.total
        residuals = self.bad_squared - 2 * p * self.bad_times_total + p * p * self.total_squared
        return self.blocks / (self.blocks - 1) * max(0.0, residuals) / (self.total * variance)

    @property
    def effect(self) -> DesignEffect:
        """How much bursts inflate the variance of the ratio: divide counts by it before taking them as independent.

        `D = max(1, (k0 D0 + k D_obs) / (k0 + k))` with k blocks that hold a bad event: a cautious prior until the
        blocks know better. For blocks of equal size m, D_obs = var(bad counts) / (m p (1-p)). Blocks of unequal size
        take Rao and Scott's form (1992), which equals it when they are equal: with K blocks, c_i bad of m_i and
        p = sum c / sum m, `D_obs = K/(K-1) * sum (c_i - p m_i)^2 / (sum m * p (1-p))`. Fewer than two blocks, no bad
        event or nothing but bad events show no variance: D is D0 then.
        """
        observed = self.observed_effect
        k = self.blocks_with_bad if observed is not None else 0
        prior = PRIOR_BLOCKS * PRIOR_DESIGN_EFFECT
        value = max(1.0, (prior + k * (observed or 0.0)) / (PRIOR_BLOCKS + k))
        return DesignEffect(value, self.blocks, self.blocks_with_bad)


_NO_SECONDS = Block(0, 0, 0)
_NO_BLOCKS = BlockSums()


def block_sums(per_second: Iterable[tuple[float, int]]) -> BlockSums:
    """The whole blocks these seconds make; a remainder is left out."""
    sums, block = _NO_BLOCKS, _NO_SECONDS
    for second in per_second:
        block = block.with_second(second)
        if block.is_whole:
            sums, block = sums.with_block(block), _NO_SECONDS
    return sums


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the hold has shown so far. Start with `Evidence()`, add every second with `after`, look with `decide`.

    Seconds not yet making up a whole block wait in `trailing`: their requests count in `bad` and `total`, where
    they are evidence like any other, but not in the design effect, which compares whole blocks only.
    """

    seconds: int = 0
    bad: int = 0
    total: int = 0
    trailing: Block = _NO_SECONDS
    sums: BlockSums = _NO_BLOCKS

    def after(self, second: PerSecond) -> Evidence:
        """This evidence and one second more, in constant time."""
        block = self.trailing.with_second(second)
        return Evidence(
            seconds=self.seconds + 1,
            bad=self.bad + second[0],
            total=self.total + second[1],
            trailing=_NO_SECONDS if block.is_whole else block,
            sums=self.sums.with_block(block) if block.is_whole else self.sums,
        )


class _Reason(NamedTuple):
    why: Why
    text: str


def log_bernoulli_martingale(bad: float, total: float, limit: float) -> float:
    """ln M: how much better a mixture of all ratios explains the counts than `limit` does.

    Beta mixture with prior a = 1, b = (1-p0)/p0, whose mean is the limit p0 (Robbins 1970; Howard et al. 2021,
    beta-binomial mixture); with s bad in t, `ln M = lnB(a+s, b+t-s) - lnB(a, b) - s ln p0 - (t-s) ln(1-p0)`.
    Were the ratio exactly p0, M would reach 1/alpha at any time at all with probability <= alpha (Ville), so
    looking every second costs nothing. The counts may be real: those of a correlated sample are divided by
    its design effect first.
    """
    _require_ratio("limit", limit)
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

    With the design effect nothing has been seen against (D0): 4,726 for a limit of 1 %, 930 for 5 %, 47,420 for
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


def decide(evidence: Evidence, rule: Rule) -> Decision:
    """One look at what the hold has shown so far.

    MET when the evidence refutes every ratio at or above the limit and whole blocks cover `min_hold_s` and are
    at least 20; MISSED when it refutes every ratio at or below it, from 5 blocks on; else UNDECIDED. Whoever
    looks again must let the first decision stand: only that is safe at any number of looks.
    """
    crossed = _crossed(evidence, rule, evidence.sums.effect.value)
    lacks = _lacking(evidence.sums, rule, crossed)
    if crossed is Call.UNDECIDED or lacks is not None:
        return _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=lacks or _too_little(evidence, rule))
    return _ratio_decision(evidence, rule, call=crossed, reason=_decided(evidence, rule))


def first_decision(
    per_second: Iterable[PerSecond], *, limit_ratio: float, alpha: float = ALPHA, min_hold_s: float = MIN_HOLD_S
) -> Decision:
    """Looks after every second and stops at the first decision, which stands; the last look's if none was made.

    Takes no second beyond the decision from the iterable, so a live run and its journal read later give the
    same. The numbers are those at the time of the decision. Linear in the seconds.
    """
    rule = Rule(limit_ratio, alpha, min_hold_s)
    evidence = Evidence()
    for second in per_second:
        evidence = evidence.after(second)
        crossed = _crossed(evidence, rule, evidence.sums.effect.value)
        if crossed is not Call.UNDECIDED and _lacking(evidence.sums, rule, crossed) is None:
            break
    return decide(evidence, rule)


def not_contradicted(per_second: Iterable[PerSecond], *, limit_ratio: float, alpha: float = ALPHA) -> Decision:
    """For a steady state or one phase of an experiment, too short to prove a ratio: MET unless the counts speak
    against it.

    UNDECIDED below 30 requests. The test of `decide` says MISSED without asking for blocks or hold, for those
    numbers belong to the load stage. UNDECIDED ("correlated") also where only the design effect keeps that test
    from MISSED: thirty failures of thirty are no reason for MET.
    """
    return _phase_decision(_evidence_of(per_second), Rule(limit_ratio, alpha, min_hold_s=0.0))


def first_contradiction(per_second: Iterable[PerSecond], *, limit_ratio: float, alpha: float = ALPHA) -> Decision:
    """As `not_contradicted`, looking after every second: the first MISSED stands, whatever came after it."""
    evidence, rule = Evidence(), Rule(limit_ratio, alpha, min_hold_s=0.0)
    for second in per_second:
        evidence = evidence.after(second)
        if evidence.total >= PHASE_MIN_REQUESTS and _is_missed(evidence, rule):
            break
    return _phase_decision(evidence, rule)


def _is_missed(evidence: Evidence, rule: Rule) -> bool:
    return _crossed(evidence, rule, evidence.sums.effect.value) is Call.MISSED


def _phase_decision(evidence: Evidence, rule: Rule) -> Decision:
    if evidence.total < PHASE_MIN_REQUESTS:
        small = _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=_too_small_a_phase(evidence.total))
        return replace(small, wanted_n=PHASE_MIN_REQUESTS)
    if _is_missed(evidence, rule):
        return _ratio_decision(evidence, rule, call=Call.MISSED, reason=_decided(evidence, rule))
    if _crossed(evidence, rule, 1.0) is Call.MISSED:
        return _ratio_decision(evidence, rule, call=Call.UNDECIDED, reason=_correlated(evidence))
    text = f"{evidence.bad:,} of {evidence.total:,} bad does not contradict a limit of {_percent(rule.limit_ratio)}"
    return _ratio_decision(evidence, rule, call=Call.MET, reason=_Reason(Why.NOT_CONTRADICTED, text))


def decide_throughput(
    ok_per_second: Iterable[int], *, at_least_per_s: float, alpha: float = ALPHA, min_hold_s: float = MIN_HOLD_S
) -> Decision:
    """Whether the mean of OK requests per second reaches `at_least_per_s`; takes whole seconds of the hold only.

    A second without OK requests is a zero; where nothing was sent at all there are no seconds to give. Looks
    after every second and lets the first decision stand: MET when the whole `throughput_interval` has reached
    the limit and `min_hold_s` have passed, MISSED when all of it lies below; neither before 20 seconds.
    """
    seen = _Throughput()
    for ok in ok_per_second:
        seen = seen.after(ok)
        if _throughput_call(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s) is not Call.UNDECIDED:
            break
    return _throughput_decision(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)


def throughput_interval(mean_per_s: float, variance: float, *, seconds: int, alpha: float = ALPHA) -> Interval:
    """Confidence sequence of the mean of a count per second, from its mean and variance over `seconds`.

    Robbins' two-sided normal mixture at an estimated variance (Howard et al. 2021, section 3.2; asymptotically
    valid by Waudby-Smith et al. 2024): `mean +- sd * sqrt((t+rho) ln((t+rho) / (rho alpha^2))) / t`. Fixed
    beforehand, `rho = m / (c + ln(1+c))` with c = 2 ln(1/alpha) makes it narrowest about t = m = 60.
    """
    _require_ratio("alpha", alpha)
    if seconds == 0:
        return Interval(0.0, math.inf)
    c = -2 * math.log(alpha)
    rho = THROUGHPUT_TUNED_BLOCKS / (c + math.log1p(c))
    spread = seconds + rho
    half = math.sqrt(variance * spread * (math.log(spread / rho) + c)) / seconds
    return Interval(max(0.0, mean_per_s - half), mean_per_s + half)


@dataclass(frozen=True, slots=True)
class _Throughput:
    """Seconds seen, and the sums of their counts and of the counts' squares."""

    seconds: int = 0
    total: int = 0
    squared: int = 0

    def after(self, ok: int) -> _Throughput:
        return _Throughput(self.seconds + 1, self.total + ok, self.squared + ok * ok)

    @property
    def variance(self) -> float:
        """Never below that of a Poisson count with one event more than was seen: a paced generator is more even
        than the service it measures, and equal counts, or none, must not make an interval of no width."""
        floor = (self.total + 1) / max(1, self.seconds)
        if self.seconds < 2:
            return floor
        return max(floor, (self.squared - self.total**2 / self.seconds) / (self.seconds - 1))

    def interval(self, alpha: float) -> Interval:
        mean_per_s = self.total / max(1, self.seconds)
        return throughput_interval(mean_per_s, self.variance, seconds=self.seconds, alpha=alpha)


def _evidence_of(per_second: Iterable[PerSecond]) -> Evidence:
    evidence = Evidence()
    for second in per_second:
        evidence = evidence.after(second)
    return evidence


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


def _crossed(evidence: Evidence, rule: Rule, design_effect: float) -> Call:
    """What the test alone says, whatever the blocks and the hold."""
    s, t = evidence.bad / design_effect, evidence.total / design_effect
    if log_bernoulli_martingale(s, t, rule.limit_ratio) < -math.log(rule.alpha):
        return Call.UNDECIDED
    return Call.MET if s < t * rule.limit_ratio else Call.MISSED


def _lacking(sums: BlockSums, rule: Rule, crossed: Call) -> _Reason | None:
    """What the call still lacks beside evidence; None when nothing."""
    if crossed is Call.MISSED:
        return _lacking_blocks(sums.blocks, MISSED_MIN_BLOCKS)
    if crossed is Call.MET:
        return _lacking_hold(sums.seconds, rule.min_hold_s) or _lacking_blocks(sums.blocks, MET_MIN_BLOCKS)
    return None


def _lacking_blocks(blocks: int, wanted: int) -> _Reason | None:
    return _Reason(Why.TOO_FEW_BLOCKS, f"too few blocks: {blocks} of {wanted}") if blocks < wanted else None


def _lacking_hold(seconds: float, min_hold_s: float) -> _Reason | None:
    if seconds >= min_hold_s:
        return None
    return _Reason(Why.TOO_SHORT, f"hold too short: {seconds:g} of {min_hold_s:g} s in whole blocks")


def _too_little(evidence: Evidence, rule: Rule) -> _Reason:
    """Why the test said nothing."""
    if evidence.total == 0:
        return _Reason(Why.NO_DATA, "no data: not one request was counted")
    if evidence.bad > 0 and _crossed(evidence, rule, 1.0) is not Call.UNDECIDED:
        return _correlated(evidence)
    more = _wanted_n(evidence, rule) - evidence.total
    return _Reason(Why.TOO_LITTLE, f"needs about {more:,} more requests to be met, with none of them bad")


def _too_small_a_phase(total: int) -> _Reason:
    if total == 0:
        return _Reason(Why.NO_DATA, "no data: not one request was counted")
    return _Reason(Why.TOO_LITTLE, f"too few requests: {total} of {PHASE_MIN_REQUESTS}")


def _correlated(evidence: Evidence) -> _Reason:
    effect = evidence.sums.effect
    return _Reason(
        Why.CORRELATED,
        f"correlated: enough if requests were independent, but {effect.value:.3g} of them count as one"
        f" ({effect.blocks_with_bad} of {effect.blocks} blocks hold a bad one)",
    )


def _decided(evidence: Evidence, rule: Rule) -> _Reason:
    low, high = _interval(evidence, rule)
    return _Reason(
        Why.EVIDENCE,
        f"{evidence.bad:,} of {evidence.total:,} bad, so {_percent(low)} to {_percent(high)}"
        f" against a limit of {_percent(rule.limit_ratio)}",
    )


def _interval(evidence: Evidence, rule: Rule) -> Interval:
    return confidence_interval(
        evidence.bad,
        evidence.total,
        limit=rule.limit_ratio,
        design_effect=evidence.sums.effect.value,
        alpha=rule.alpha,
    )


def _wanted_n(evidence: Evidence, rule: Rule) -> int:
    effect = evidence.sums.effect.value
    return requests_needed(rule.limit_ratio, rule.alpha, bad=evidence.bad, design_effect=effect)


def _ratio_decision(evidence: Evidence, rule: Rule, *, call: Call, reason: _Reason) -> Decision:
    undecided = call is Call.UNDECIDED
    return Decision(
        state=call,
        why=reason.why,
        reason=reason.text,
        estimate=evidence.bad / evidence.total if evidence.total else None,
        interval=_interval(evidence, rule),
        n=evidence.total,
        bad=evidence.bad,
        design_effect=evidence.sums.effect.value,
        decided_at_s=None if undecided else float(evidence.seconds),
        wanted_n=_wanted_n(evidence, rule) if undecided else None,
    )


def _throughput_call(seen: _Throughput, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> Call:
    low, high = seen.interval(alpha)
    if seen.seconds < THROUGHPUT_MIN_BLOCKS:
        return Call.UNDECIDED
    if high < at_least_per_s:
        return Call.MISSED
    return Call.MET if low >= at_least_per_s and seen.seconds >= min_hold_s else Call.UNDECIDED


def _throughput_reason(seen: _Throughput, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> _Reason:
    low, high = seen.interval(alpha)
    if seen.seconds == 0:
        return _Reason(Why.NO_DATA, "no data: not one second was counted")
    lacks = _lacking_blocks(seen.seconds, THROUGHPUT_MIN_BLOCKS)
    if lacks is None and low >= at_least_per_s:
        lacks = _lacking_hold(seen.seconds, min_hold_s)
    if lacks is not None:
        return lacks
    why = Why.TOO_LITTLE if low < at_least_per_s <= high else Why.EVIDENCE
    return _Reason(why, f"{low:.4g} to {high:.4g}/s against at least {at_least_per_s:.4g}/s")


def _throughput_decision(seen: _Throughput, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> Decision:
    call = _throughput_call(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)
    reason = _throughput_reason(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)
    return Decision(
        state=call,
        why=reason.why,
        reason=reason.text,
        estimate=seen.total / seen.seconds if seen.seconds else None,
        interval=seen.interval(alpha),
        n=seen.total,
        decided_at_s=None if call is Call.UNDECIDED else float(seen.seconds),
    )


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.3g} %"


def _require_ratio(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value:g}; it must lie between 0 and 1, neither included")
