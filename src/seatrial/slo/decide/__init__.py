"""Decides from counts whether a promise is kept, as soon as the evidence suffices, and says so when it does not.

Room slo. Takes what the hold stage counted second by second (bad and all requests, or OK requests) and one
limit; gives a `Decision`. "p99 < L" is asked as "at most 1 % of the requests are slower than L", so errors and
latency are one question about a ratio (`ratio`), put to the test of `martingale` with counts divided by the
`design_effect`; `throughput` is a question about a mean. Everything here is pure: standard library only, no I/O, no
clock, no other room. It must never give MET without data, and never a call that looking more often would make unsafe.

Words and numbers (D0, k0, blocks, hold) are those of docs/statistics.md; sources stand where the formulas do.
"""

from seatrial.slo.decide.design_effect import (
    BLOCK_MIN_REQUESTS,
    BLOCK_MIN_S,
    PRIOR_BLOCKS,
    PRIOR_DESIGN_EFFECT,
    Block,
    BlockSums,
    DesignEffect,
    block_sums,
)
from seatrial.slo.decide.martingale import confidence_interval, log_bernoulli_martingale, requests_needed
from seatrial.slo.decide.ratio import Evidence, Rule, decide, first_contradiction, first_decision, not_contradicted
from seatrial.slo.decide.throughput import (
    THROUGHPUT_MIN_BLOCKS,
    THROUGHPUT_TUNED_BLOCKS,
    decide_throughput,
    throughput_interval,
)
from seatrial.slo.decide.words import (
    ALPHA,
    MET_MIN_BLOCKS,
    MIN_HOLD_S,
    MISSED_MIN_BLOCKS,
    PHASE_MIN_REQUESTS,
    Call,
    Decision,
    Interval,
    PerSecond,
    Why,
    unrendered_text,
)

__all__ = [
    "ALPHA",
    "BLOCK_MIN_REQUESTS",
    "BLOCK_MIN_S",
    "MET_MIN_BLOCKS",
    "MIN_HOLD_S",
    "MISSED_MIN_BLOCKS",
    "PHASE_MIN_REQUESTS",
    "PRIOR_BLOCKS",
    "PRIOR_DESIGN_EFFECT",
    "THROUGHPUT_MIN_BLOCKS",
    "THROUGHPUT_TUNED_BLOCKS",
    "Block",
    "BlockSums",
    "Call",
    "Decision",
    "DesignEffect",
    "Evidence",
    "Interval",
    "PerSecond",
    "Rule",
    "Why",
    "block_sums",
    "confidence_interval",
    "decide",
    "decide_throughput",
    "first_contradiction",
    "first_decision",
    "log_bernoulli_martingale",
    "not_contradicted",
    "requests_needed",
    "throughput_interval",
    "unrendered_text",
]
