"""Decides whether OK requests per second reach what was promised.

Room slo. Takes whole seconds of the hold, gives a `Decision`. Pure. Sources: S. R. Howard, A. Ramdas, J. McAuliffe,
J. Sekhon, Ann. Stat. 49 (2021), arXiv 1810.08240; I. Waudby-Smith et al., Ann. Stat. 52 (2024), arXiv 2103.06476.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from seatrial.slo.decide.words import (
    ALPHA,
    MIN_HOLD_S,
    Call,
    Decision,
    Interval,
    Reason,
    Why,
    lacking_blocks,
    lacking_hold,
    require_ratio,
)
from seatrial.slo.long_run import Seconds

THROUGHPUT_MIN_BLOCKS = 20
"""The interval leans on an estimated variance and a central limit theorem; both need some blocks, either way."""

THROUGHPUT_MIN_INDEPENDENT = 8
"""Seconds that resemble their neighbours count as fewer; below eight their resemblance itself is hardly known."""

THROUGHPUT_TUNED_BLOCKS = 60
"""The interval is narrowest at this many one-second blocks: the first look that may say MET."""


def decide_throughput(
    ok_per_second: Iterable[int], *, at_least_per_s: float, alpha: float = ALPHA, min_hold_s: float = MIN_HOLD_S
) -> Decision:
    """Whether the mean of OK requests per second reaches `at_least_per_s`; takes whole seconds of the hold only.

    A second without OK requests is a zero; where nothing was sent at all there are no seconds to give. Looks
    after every second and lets the first decision stand: MET when the whole `throughput_interval` has reached
    the limit and `min_hold_s` have passed, MISSED when all of it lies below; neither before 20 seconds, nor before
    these tell as much as 8 independent ones.
    """
    seen = Seconds()
    for ok in ok_per_second:
        seen = seen.after(ok)
        if _throughput_call(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s) is not Call.UNDECIDED:
            break
    return _throughput_decision(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)


def _interval(seen: Seconds, alpha: float) -> Interval:
    return throughput_interval(seen.mean, seen.long_run_variance, seconds=seen.seconds, alpha=alpha)


def throughput_interval(mean_per_s: float, variance: float, *, seconds: int, alpha: float = ALPHA) -> Interval:
    """Confidence sequence of the mean of a count per second, from its mean and long-run variance over `seconds`.

    Robbins' two-sided normal mixture at an estimated variance (Howard et al. 2021, section 3.2; asymptotically
    valid by Waudby-Smith et al. 2024): `mean +- sd * sqrt((t+rho) ln((t+rho) / (rho alpha^2))) / t`. Fixed
    beforehand, `rho = m / (c + ln(1+c))` with c = 2 ln(1/alpha) makes it narrowest about t = m = 60.
    """
    require_ratio("alpha", alpha)
    if seconds == 0:
        return Interval(0.0, math.inf)
    c = -2 * math.log(alpha)
    rho = THROUGHPUT_TUNED_BLOCKS / (c + math.log1p(c))
    spread = seconds + rho
    half = math.sqrt(variance * spread * (math.log(spread / rho) + c)) / seconds
    return Interval(max(0.0, mean_per_s - half), mean_per_s + half)


def _throughput_call(seen: Seconds, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> Call:
    low, high = _interval(seen, alpha)
    if seen.seconds < THROUGHPUT_MIN_BLOCKS or seen.independent_seconds < THROUGHPUT_MIN_INDEPENDENT:
        return Call.UNDECIDED
    if high < at_least_per_s:
        return Call.MISSED
    return Call.MET if low >= at_least_per_s and seen.seconds >= min_hold_s else Call.UNDECIDED


def _throughput_reason(seen: Seconds, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> Reason:
    low, high = _interval(seen, alpha)
    if seen.seconds == 0:
        return Reason(Why.NO_DATA, "no data: not one second was counted")
    lacks = lacking_blocks(seen.seconds, THROUGHPUT_MIN_BLOCKS)
    if lacks is None and low >= at_least_per_s:
        lacks = lacking_hold(seen.seconds, min_hold_s)
    if lacks is not None:
        return lacks
    text = f"{low:.4g} to {high:.4g}/s against at least {at_least_per_s:.4g}/s"
    if seen.independent_seconds < THROUGHPUT_MIN_INDEPENDENT:
        return Reason(Why.CORRELATED, f"correlated: {seen.inflation:.3g} seconds count as one; {text}")
    return Reason(Why.TOO_LITTLE if low < at_least_per_s <= high else Why.EVIDENCE, text)


def _throughput_decision(seen: Seconds, at_least_per_s: float, *, alpha: float, min_hold_s: float) -> Decision:
    call = _throughput_call(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)
    reason = _throughput_reason(seen, at_least_per_s, alpha=alpha, min_hold_s=min_hold_s)
    return Decision(
        state=call,
        why=reason.why,
        reason=reason.text,
        estimate=seen.total / seen.seconds if seen.seconds else None,
        interval=_interval(seen, alpha),
        n=seen.total,
        decided_at_s=None if call is Call.UNDECIDED else float(seen.seconds),
    )
