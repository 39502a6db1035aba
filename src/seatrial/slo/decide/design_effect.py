"""By how much bursts make requests worth less than their number.

Room slo. Takes bad and all requests second by second, gives a design effect D over whole blocks. Pure, imports
nothing of seatrial. Source: J. N. K. Rao, A. J. Scott, Biometrics 48 (1992).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BLOCK_MIN_S = 1
BLOCK_MIN_REQUESTS = 50
"""A block must outlast a burst, or bursts would look independent; shorter ones judged wrongly in simulation."""

PRIOR_DESIGN_EFFECT = 9.0
PRIOR_BLOCKS = 6
"""D0 and k0: until blocks with bad events have shown otherwise, nine requests count as one. A Markov chain with rare
bad events in runs of mean length b has a design effect of 2 b - 1, so this is that of runs of five, and a few blocks
cannot tell it from one without runs. In simulation these two were best of those tried (docs/statistics.md)."""


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


NO_SECONDS = Block(0, 0, 0)
NO_BLOCKS = BlockSums()


def block_sums(per_second: Iterable[tuple[float, int]], *, block_s: float = BLOCK_MIN_S) -> BlockSums:
    """The whole blocks, of at least `block_s`, that these seconds make; a remainder is left out."""
    sums, block = NO_BLOCKS, NO_SECONDS
    for second in per_second:
        block = block.with_second(second)
        if block.is_whole and block.seconds >= block_s:
            sums, block = sums.with_block(block), NO_SECONDS
    return sums
