"""How sure the mean of a count per second is, when successive seconds move together.

Room slo. Takes counts second by second, gives their mean and its long-run variance. Pure, standard library only.

Stalls and collections of garbage last for seconds, so a count per second resembles the one before it, and the mean of
t seconds varies by V/t with V far above the variance of one count. V is that of a first-order autoregression, which
a system that goes to and fro between two states, at any rates, also has: `V = variance * (1 + phi) / (1 - phi)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

MOST_RESEMBLANCE = 0.95
"""phi at most: twenty times fewer seconds count than there were. No hold is long enough to learn more."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """Counts seen so far, as the running sums that mean and long-run variance need; start with `Seconds()`."""

    seconds: int = 0
    total: int = 0
    squared: int = 0
    neighbours: int = 0
    first: int = 0
    last: int = 0

    def after(self, count: int) -> Seconds:
        """These and one second more, in constant time."""
        return Seconds(
            seconds=self.seconds + 1,
            total=self.total + count,
            squared=self.squared + count * count,
            neighbours=self.neighbours + (self.last * count if self.seconds else 0),
            first=self.first if self.seconds else count,
            last=count,
        )

    @property
    def mean(self) -> float:
        """Per second; 0 without seconds."""
        return self.total / max(1, self.seconds)

    @property
    def variance(self) -> float:
        """Of one second's count, never below that of a Poisson count with one event more than was seen: a paced
        generator is more even than the service it measures, and equal counts, or none, must not show no variance."""
        floor = (self.total + 1) / max(1, self.seconds)
        if self.seconds < 2:
            return floor
        return max(floor, (self.squared - self.total**2 / self.seconds) / (self.seconds - 1))

    @property
    def resemblance(self) -> float:
        """phi, the correlation of a second's count with the one before, 0 to `MOST_RESEMBLANCE`.

        The sample's own, raised by (1 + 3 phi) / t, by which it falls short on average (Kendall 1954), and by one
        standard error, sqrt((1 - phi^2) / t): an error to this side only makes an answer come later.
        """
        around = self.squared - self.total**2 / max(1, self.seconds)
        if self.seconds < 3 or around <= 0:
            return 0.0
        pairs_total = 2 * self.total - self.first - self.last
        together = self.neighbours - self.mean * pairs_total + (self.seconds - 1) * self.mean**2
        short = together / around
        phi = short + (1 + 3 * short) / self.seconds
        return min(MOST_RESEMBLANCE, max(0.0, phi + math.sqrt(max(0.0, 1 - phi * phi) / self.seconds)))

    @property
    def inflation(self) -> float:
        """How many seconds count as one independent second, at least 1."""
        return (1 + self.resemblance) / (1 - self.resemblance)

    @property
    def independent_seconds(self) -> float:
        """How many independent seconds tell as much."""
        return self.seconds / self.inflation

    @property
    def long_run_variance(self) -> float:
        """V: the mean's variance is V over the number of seconds."""
        return self.variance * self.inflation


def seen(counts: Iterable[int]) -> Seconds:
    """All of them."""
    seconds = Seconds()
    for count in counts:
        seconds = seconds.after(count)
    return seconds
