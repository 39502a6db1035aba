"""What comparing two versions gives, and how an interval becomes a call.

Room slo. Takes a `Question`: an effect, its interval at any design effects, and what is allowed; gives a
`Comparison`. Pure; may import its own room; must never give MET without data. `compare` asks the questions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from seatrial.slo.decide import (
    BLOCK_MIN_REQUESTS,
    MET_MIN_BLOCKS,
    MISSED_MIN_BLOCKS,
    PRIOR_BLOCKS,
    PRIOR_DESIGN_EFFECT,
    Call,
    Interval,
    Why,
    block_sums,
)

BLOCKS = 30
"""A run that has ended is cut into about that many blocks, so that they outlast bursts as long as its length allows;
fewer would say too little of how bad requests bunch."""

NOT_CONTRADICTED_MIN_REQUESTS = MET_MIN_BLOCKS * BLOCK_MIN_REQUESTS
"""On each side. Below it, "not contradicted" would be said of almost anything."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One call about the new version beside the baseline, with the numbers behind it.

    `effect` is a ratio of new to baseline, 1 being no difference, or for the body a probability, 0.5 being none; None
    where the baseline gives nothing to divide by. The upper end of `interval` may be infinite. `n_base` and `n_new`
    count requests, for throughput OK requests. `wanted_n` is about how many of them each side takes for MET, were
    the two equal; None once decided, and where no number would do. `reason` is a sentence with its numbers, `why` its
    kind.
    """

    state: Call
    why: Why
    reason: str
    effect: float | None
    interval: Interval
    n_base: int
    n_new: int
    base_design_effect: float
    new_design_effect: float
    wanted_n: int | None = None


class DesignEffects(NamedTuple):
    """How many requests count as one, on either side."""

    base: float
    new: float


@dataclass(frozen=True, slots=True)
class Side:
    """One version's requests in blocks.

    `observed_effect` is unshrunk; None where its blocks show no variance; learnt from `telling_blocks`.
    """

    n: int
    blocks: int
    telling_blocks: int = 0
    observed_effect: float | None = None

    @staticmethod
    def of_ratio(per_second: Iterable[tuple[int, int]]) -> Side:
        """Of bad and all requests of each second."""
        seconds = list(per_second)
        sums = block_sums(seconds, block_s=len(seconds) // BLOCKS)
        observed = sums.observed_effect
        telling = 0 if observed is None else sums.blocks_with_bad
        return Side(sum(total for _, total in seconds), sums.blocks, telling, observed)

    @staticmethod
    def of_scores(per_second: Iterable[tuple[float, int]], variance: float) -> Side:
        """Of the sum of a score 0-1 and all requests of each second; `variance` is that of one request's score."""
        seconds = list(per_second)
        sums = block_sums(seconds, block_s=len(seconds) // BLOCKS)
        shows = sums.blocks > 1 and variance > 0
        observed = sums.effect_against(variance) if shows else None
        return Side(sum(total for _, total in seconds), sums.blocks, sums.blocks if shows else 0, observed)


def design_effects(base: Side, new: Side) -> DesignEffects:
    """Each side's own, shrunk towards that of both together, which is shrunk towards the cautious prior.

    With k_i blocks that tell something, `D = (k0 D0 + k_1 D_obs1 + k_2 D_obs2) / (k0 + k_1 + k_2)` and
    `D_i = max(1, D_obsi, (k0 D + k_i D_obsi) / (k0 + k_i)) * (1 + 4 / (k0 + k_i))`. Two versions of one service under
    one profile bunch alike, and a side without a bad request, which shows nothing of its own, would weigh ten times
    too little at D0. Half of the last factor is what Student's t adds to the normal's square for a variance that was
    itself learnt from few blocks, the other half stands for bursts that the blocks cut in two.
    """
    told = [(side.telling_blocks, side.observed_effect or 0.0) for side in (base, new)]
    both = _shrunk(told, PRIOR_DESIGN_EFFECT)
    return DesignEffects(*(_cautious(*own, both) for own in told))


def observed_effects(base: Side, new: Side) -> DesignEffects:
    """What either side shows by itself, without caution."""
    return DesignEffects(max(1.0, base.observed_effect or 1.0), max(1.0, new.observed_effect or 1.0))


@dataclass(frozen=True, slots=True)
class Question:
    """One comparison, ready to be decided.

    `interval_at` gives the effect's interval at given design effects; `refuted` and `shown` say whether it lies
    wholly beyond, or wholly within, what is allowed. `allows_none`: two equal versions can never show it.
    """

    subject: str
    told: str
    allowed: str
    effect: float | None
    sides: tuple[Side, Side]
    effects: DesignEffects
    bare_effects: DesignEffects
    interval_at: Callable[[DesignEffects], Interval]
    refuted: Callable[[Interval], bool]
    shown: Callable[[Interval], bool]
    allows_none: bool
    wanted_n: float

    @property
    def n(self) -> int:
        """Requests of the smaller side."""
        return min(side.n for side in self.sides)

    @property
    def blocks(self) -> int:
        """Blocks of the side that has fewer."""
        return min(side.blocks for side in self.sides)


def no_data(base: Side, new: Side) -> Comparison:
    """Where one side has no request at all."""
    which = "the baseline" if not base.n else "the new version"
    return Comparison(
        state=Call.UNDECIDED,
        why=Why.NO_DATA,
        reason=f"no data: not one request of {which} was counted",
        effect=None,
        interval=Interval(0.0, math.inf),
        n_base=base.n,
        n_new=new.n,
        base_design_effect=PRIOR_DESIGN_EFFECT,
        new_design_effect=PRIOR_DESIGN_EFFECT,
        wanted_n=NOT_CONTRADICTED_MIN_REQUESTS,
    )


NO_BOUND = "no bound"
BOUNDS_NOTHING = 10_000
"""A version that may be ten thousand times as bad may be as bad as any."""


def conclude(question: Question) -> Comparison:
    """The call its interval allows."""
    interval = question.interval_at(question.effects)
    state, why, more = _called(question, interval)
    base, new = question.sides
    return Comparison(
        state=state,
        why=why,
        reason=f"{_told(question, interval)}{more}",
        effect=question.effect,
        interval=interval,
        n_base=base.n,
        n_new=new.n,
        base_design_effect=question.effects.base,
        new_design_effect=question.effects.new,
        wanted_n=_wanted_n(question) if state is Call.UNDECIDED else None,
    )


def _shrunk(told: Iterable[tuple[int, float]], towards: float) -> float:
    told = list(told)
    learnt = math.fsum(blocks * effect for blocks, effect in told)
    return (PRIOR_BLOCKS * towards + learnt) / (PRIOR_BLOCKS + sum(blocks for blocks, _ in told))


def _cautious(blocks: int, observed: float, both: float) -> float:
    return max(1.0, observed, _shrunk([(blocks, observed)], both)) * (1 + 4 / (PRIOR_BLOCKS + blocks))


def _called(question: Question, interval: Interval) -> tuple[Call, Why, str]:
    """The call, what it rests on, and what the reason adds."""
    if question.refuted(interval):
        return _with_blocks(question, Call.MISSED, MISSED_MIN_BLOCKS)
    if question.shown(interval):
        return _with_blocks(question, Call.MET, MET_MIN_BLOCKS)
    bare = question.interval_at(question.bare_effects)
    if question.refuted(bare) or (question.shown(bare) and not question.allows_none):
        return Call.UNDECIDED, Why.CORRELATED, _correlated(question)
    if not question.allows_none:
        return Call.UNDECIDED, Why.TOO_LITTLE, _too_little(question)
    if question.n >= NOT_CONTRADICTED_MIN_REQUESTS and question.blocks >= MET_MIN_BLOCKS:
        return Call.MET, Why.NOT_CONTRADICTED, "; not contradicted"
    return Call.UNDECIDED, Why.TOO_LITTLE, _too_little(question)


def _with_blocks(question: Question, call: Call, wanted: int) -> tuple[Call, Why, str]:
    if question.blocks >= wanted:
        return call, Why.EVIDENCE, ""
    return Call.UNDECIDED, Why.TOO_FEW_BLOCKS, f"; too few blocks: {question.blocks} of {wanted}"


def _told(question: Question, interval: Interval) -> str:
    return f"{question.subject}: {question.told} ({show_interval(interval)}; {question.allowed})"


def show_interval(interval: Interval) -> str:
    """`0.98 to 1.11`; `2.9 or more` where its upper end bounds nothing, `no bound` where neither does."""
    low, high = interval
    if low <= 0 and high >= BOUNDS_NOTHING:
        return NO_BOUND
    return f"{low:.3g} to {high:.3g}" if high < BOUNDS_NOTHING else f"{low:.3g} or more"


def _correlated(question: Question) -> str:
    base, new = question.effects
    return f"; correlated: {base:.3g} requests of the baseline count as one, {new:.3g} of the new version"


def _too_little(question: Question) -> str:
    wanted = _wanted_n(question)
    if wanted is None:
        return "; no number of requests would show that"
    return f"; needs about {wanted:,} requests on each side, in blocks enough"


def _wanted_n(question: Question) -> int | None:
    if question.allows_none:
        return NOT_CONTRADICTED_MIN_REQUESTS
    if not math.isfinite(question.wanted_n):
        return None
    return max(NOT_CONTRADICTED_MIN_REQUESTS, math.ceil(question.wanted_n))
