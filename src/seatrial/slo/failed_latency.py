"""A latency quantile with failed requests in it: between which values it lies, by what is known of their slowness.

Room slo. Takes the measures of some traffic and the limits of its criteria, gives two values. As with counted
objectives, a request that failed after a limit was slower than it, and one that failed before the lowest is left out:
a fast failure is no fast answer. Pure; may import the floor and its own room; must never let a failure that was not
timed make a latency look better.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.histograms import bucket_of, buckets_of, quantile_in
from seatrial.slo.measure import Measures, Traffic
from seatrial.slo.tally import total

SLOWEST_US = 60_000_000
"""The last bucket of a load's histograms: as slow as they can tell."""


@dataclass(frozen=True, slots=True)
class Between:
    """The least and the most the quantile can be, in seconds, None without a request; `left_out` of the `failed`
    requests stand in neither."""

    low_s: float | None
    high_s: float | None
    failed: int = 0
    left_out: int = 0


def latency_between(measures: Measures, traffic: Traffic, quantile: float, *, limits_us: Sequence[int]) -> Between:
    """The quantile (0-1) of the traffic's requests, 3 digits. `limits_us` ascending are what it will be held against;
    without any, every failure may have been the slowest of all."""
    ok: Counter[int] = Counter()
    for interval in measures.chosen(traffic):
        ok.update(buckets_of(interval.histogram))
    limits = [limit for limit in limits_us if limit < SLOWEST_US]
    counted = [total(measures.tallies(traffic, limit_us=limit)) for limit in limits]
    surely = [one.over_failed for one in counted]
    perhaps = [one.over_failed + one.untimed for one in counted]
    counts = total(measures.tallies(traffic))
    failed, unknown = counts.failed, counts.unrendered
    slowest = bucket_of(SLOWEST_US)
    low = ok + _placed(surely, [bucket_of(limit) + 1 for limit in limits])
    if not limits:
        high = ok + Counter({slowest: failed + unknown})
        return Between(_at(low, quantile), _at(high, quantile), failed, failed)
    high = ok + _placed(perhaps, [bucket_of(limit) - 1 for limit in (*limits[1:], SLOWEST_US)])
    high += Counter({slowest: unknown})
    return Between(_at(low, quantile), _at(high, quantile), failed, failed - surely[0])


def _placed(over: Sequence[int], buckets: Sequence[int]) -> Counter[int]:
    """Those over one limit and not over the next, each in the bucket given for that limit."""
    return Counter(
        {bucket: more - less for bucket, (more, less) in zip(buckets, itertools.pairwise((*over, 0)), strict=True)}
    )


def _at(buckets: Counter[int], quantile: float) -> float | None:
    latency_us = quantile_in(buckets, quantile)
    return None if latency_us is None else latency_us / 1e6
