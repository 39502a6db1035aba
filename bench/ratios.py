"""Two tools' figures of the same rounds, as ratios. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Ours over theirs: of the medians, and round by round, which a machine that changes its pace disturbs less."""

    of_medians: float
    median_of_pairs: float
    lowest_pair: float
    highest_pair: float

    def __str__(self) -> str:
        pairs = f"{self.lowest_pair:.2f} .. {self.highest_pair:.2f}"
        return f"{self.of_medians:.2f} of medians, {self.median_of_pairs:.2f} median of pairs ({pairs})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Both in the order of the rounds, of the same length, not empty, more than 0."""
    pairs = [mine / yours for mine, yours in zip(ours, theirs, strict=True)]
    of_medians = statistics.median(ours) / statistics.median(theirs)
    return Ratio(of_medians, statistics.median(pairs), min(pairs), max(pairs))
