"""Reads the base64 HDR histograms of a journal as counts per value, only the buckets that hold something.

hdrhistogram decodes into a dense array of some 30,000 buckets, a quarter of a megabyte that only a collection of
cycles frees; a second of load fills a hundred, and a comparison reads thousands of seconds. Floor. The layout is
HdrHistogram's V2 (its `encode`): base64, a cookie and a length, then zlib over a header of 40 bytes and the counts as
zigzag LEB128, a negative one standing for that many empty buckets. Pure; must never judge.
"""

from __future__ import annotations

import binascii
import bisect
import functools
import itertools
import math
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

_PREFIX = struct.Struct(">II")
_COMPRESSED = 0x1C849314  # the cookie of V2, compressed, with counts as LEB128
_HEADER = struct.Struct(">IIIIqqd")
_HALF_BITS = 10  # with 3 digits, half of the 2048 sub-buckets
_HALF = 1 << _HALF_BITS
_DIGITS = 3
_LOWEST = 1
_ROUNDING = 1e-9  # 0.95 * 20 is 19, and must not come out as the rank after it


def counts_of(histogram: str) -> Mapping[int, int]:
    """How often each value was recorded, by the lowest value of its bucket; none for empty text.

    ValueError for a histogram that the load child did not write: another version, other digits or lowest value.
    """
    return {_value(index): count for index, count in buckets_of(histogram).items()}


def buckets_of(histogram: str) -> dict[int, int]:
    """As `counts_of`, by the bucket's index."""
    if not histogram:
        return {}
    return _filled(_payload(histogram)[_HEADER.size :])


def require_readable(histogram: str) -> None:
    """ValueError for a text that is no histogram of a load, or one that was damaged; zlib holds its checksum.

    What passes can be decoded by hdrhistogram, too.
    """
    _payload(histogram)


def _payload(histogram: str) -> bytes:
    try:
        whole = binascii.a2b_base64(histogram)
        cookie, length = _PREFIX.unpack_from(whole)
        payload = zlib.decompress(whole[_PREFIX.size :])
        _, _, _, digits, lowest, _, _ = _HEADER.unpack_from(payload)
    except (zlib.error, struct.error) as error:
        raise ValueError(str(error)) from None
    if cookie != _COMPRESSED or length != len(whole) - _PREFIX.size:
        raise ValueError("it does not begin as HdrHistogram's V2, or is not as long as it says")
    if (digits, lowest) != (_DIGITS, _LOWEST):
        raise ValueError(
            f"a histogram of {digits} digits from {lowest}; those of a load have {_DIGITS} from {_LOWEST}"
        )
    return payload


def quantile_of(histograms: Iterable[str], quantile: float) -> int | None:
    """The value below or at which that share of all recorded ones lies (nearest rank), in the histograms' own unit;
    None for none. It is the upper end of its bucket, so that rounding to 3 digits flatters nobody."""
    return quantile_in(together(histograms), quantile)


def quantile_in(counts: Mapping[int, int], quantile: float) -> int | None:
    """The same of counts by their bucket's index."""
    return next(iter(quantiles_in(counts, (quantile,))), None)


def quantiles_in(counts: Mapping[int, int], quantiles: Iterable[float]) -> tuple[int, ...]:
    """Several at once, which takes hardly longer than one; none for no counts."""
    indices = sorted(counts)
    recorded = list(itertools.accumulate(map(counts.__getitem__, indices)))
    return tuple(_upper_end(indices[at]) for at in _ranked(recorded, quantiles))


def quantiles_of_one(histogram: str, quantiles: Iterable[float]) -> tuple[int, ...]:
    """Several of one histogram, without making its counts by index; none for empty text."""
    if not histogram:
        return ()
    counts, steps = _numbers(_payload(histogram)[_HEADER.size :])
    places = _ranked(list(itertools.accumulate(counts)), quantiles)
    return tuple(_upper_end(sum(steps[:at])) for at in places)


def largest_of(histogram: str) -> int:
    """The upper end of the last bucket that holds something; 0 for none."""
    counts, steps = _numbers(_payload(histogram)[_HEADER.size :]) if histogram else ([], [])
    last = next((at for at in range(len(counts) - 1, -1, -1) if counts[at]), None)
    return 0 if last is None else _upper_end(sum(steps[:last]))


def _ranked(recorded: Sequence[int], quantiles: Iterable[float]) -> Iterator[int]:
    """Where each quantile's value stands (nearest rank), by how many were recorded up to there."""
    if recorded and recorded[-1]:
        ranks = (max(1, math.ceil(quantile * recorded[-1] - _ROUNDING)) for quantile in quantiles)
        yield from (bisect.bisect_left(recorded, rank) for rank in ranks)


def _upper_end(index: int) -> int:
    """The highest value of a bucket."""
    return _value(index + 1) - 1


def quantile_of_values(counts: Mapping[int, int], quantile: float) -> int | None:
    """The same of counts by value, as `counts_of` gives them."""
    buckets: dict[int, int] = defaultdict(int)
    for value, count in counts.items():
        buckets[bucket_of(value)] += count
    return quantile_in(buckets, quantile)


def together(histograms: Iterable[str]) -> Mapping[int, int]:
    """All of them as one, by the bucket's index."""
    return _together(tuple(histograms))


@functools.lru_cache(maxsize=4)
def _together(histograms: tuple[str, ...]) -> Mapping[int, int]:
    """All of them as one. An hour takes a second, and objectives mostly ask for several quantiles of the same."""
    counts: dict[int, int] = defaultdict(int)
    for histogram in histograms:
        for index, count in buckets_of(histogram).items():
            counts[index] += count
    return counts


def _filled(payload: bytes) -> dict[int, int]:
    """Count by index of the buckets that are not empty."""
    counts, steps = _numbers(payload)
    at = itertools.accumulate(steps, initial=0)
    return dict(zip(itertools.compress(at, counts), filter(None, counts), strict=True))


def _numbers(payload: bytes) -> tuple[list[int], list[int]]:
    """Of every number in it how much its bucket holds, 0 for a run of empty ones, and how many buckets it stands for.

    Most are one byte, and those are looked up all at once: an hour of load has tens of millions. V2 of the format
    gives a count nine bytes at most, the ninth whole; those of a second stay far below that.
    """
    parts = _LONG.split(payload)
    short, longs = _HELD.join(parts[::2]), parts[1::2]
    counts, steps = list(short.translate(_COUNTS)), list(short.translate(_STEPS))
    at = -1
    for long in longs:
        at = short.index(_HELD, at + 1)
        counts[at], steps[at] = _meaning(_joined(long))
    return counts, steps


def _joined(long: bytes) -> int:
    """LEB128: seven bits a byte, the lowest first."""
    number = 0
    for byte in reversed(long):
        number = number << 7 | byte & 0x7F
    return number


def _meaning(number: int) -> tuple[int, int]:
    """Zigzag: an odd one is negative, a run of empty buckets."""
    return (0, (number + 1) >> 1) if number & 1 else (number >> 1, 1)


_LONG = re.compile(rb"([\x80-\xff]+[\x00-\x7f]?)")
_HELD = b"\x80"  # stands in the place of a longer number
_COUNTS, _STEPS = (bytes(column) for column in zip(*map(_meaning, range(256)), strict=True))


def bucket_of(value: int) -> int:
    """The index of the bucket a value falls into."""
    shift = max(0, value.bit_length() - _HALF_BITS - 1)
    return (shift << _HALF_BITS) + (value >> shift)


def _value(index: int) -> int:
    """The lowest value of a bucket."""
    if index < 2 * _HALF:
        return index
    return ((index & (_HALF - 1)) + _HALF) << ((index >> _HALF_BITS) - 1)
