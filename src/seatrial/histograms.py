"""Reads the base64 HDR histograms of a journal as counts per value, only the buckets that hold something.

hdrhistogram decodes into a dense array of some 30,000 buckets, a quarter of a megabyte that only a collection of
cycles frees; a second of load fills a hundred, and a comparison reads thousands of seconds. Floor. The layout is
HdrHistogram's V2 (its `encode`): base64, a cookie and a length, then zlib over a header of 40 bytes and the counts as
zigzag LEB128, a negative one standing for that many empty buckets. Pure; must never judge.
"""

from __future__ import annotations

import binascii
import functools
import math
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

_PREFIX_BYTES = 8
_HEADER = struct.Struct(">IIIIqqd")
_HALF_BITS = 10  # with 3 digits, half of the 2048 sub-buckets
_HALF = 1 << _HALF_BITS
_DIGITS = 3
_LOWEST = 1
_ROUNDING = 1e-9  # 0.95 * 20 is 19, and must not come out as the rank after it


def counts_of(histogram: str) -> Mapping[int, int]:
    """How often each value was recorded, by the lowest value of its bucket; none for empty text.

    ValueError for a histogram that the load child did not write: other digits, or another lowest value.
    """
    return {_value(index): count for index, count in buckets_of(histogram).items()}


def buckets_of(histogram: str) -> dict[int, int]:
    """As `counts_of`, by the bucket's index."""
    if not histogram:
        return {}
    return _filled(_payload(histogram)[_HEADER.size :])


def require_readable(histogram: str) -> None:
    """ValueError for a text that is no histogram of a load, or one that was damaged; zlib holds its checksum."""
    _payload(histogram)


def _payload(histogram: str) -> bytes:
    try:
        payload = zlib.decompress(binascii.a2b_base64(histogram)[_PREFIX_BYTES:])
        _, _, _, digits, lowest, _, _ = _HEADER.unpack_from(payload)
    except (zlib.error, struct.error) as error:
        raise ValueError(str(error)) from None
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
    rank = max(1, math.ceil(quantile * sum(counts.values()) - _ROUNDING))
    for index in sorted(counts):
        rank -= counts[index]
        if rank <= 0:
            return _value(index + 1) - 1  # the upper end of the bucket
    return None


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


def _filled(counts: bytes) -> dict[int, int]:
    """Count by index of the buckets that are not empty. One loop, because an hour of load has millions of them.

    V2 of the format gives a count nine bytes at most, the ninth whole; those of a second stay far below that.
    """
    filled: dict[int, int] = {}
    index = number = shift = 0
    for byte in counts:
        number |= (byte & 0x7F) << shift
        if byte >= 0x80:
            shift += 7
            continue
        if number & 1:  # zigzag: odd is negative, a run of empty buckets
            index += (number + 1) >> 1
        else:
            if number:
                filled[index] = number >> 1
            index += 1
        number = shift = 0
    return filled


def bucket_of(value: int) -> int:
    """The index of the bucket a value falls into."""
    shift = max(0, value.bit_length() - _HALF_BITS - 1)
    return (shift << _HALF_BITS) + (value >> shift)


def _value(index: int) -> int:
    """The lowest value of a bucket."""
    if index < 2 * _HALF:
        return index
    return ((index & (_HALF - 1)) + _HALF) << ((index >> _HALF_BITS) - 1)
