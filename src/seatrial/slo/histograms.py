"""Reads the base64 HDR histograms of a journal as counts per value, only the buckets that hold something.

Room slo. hdrhistogram decodes into a dense array of some 30,000 buckets; a second of load fills a hundred, and a
comparison reads thousands of seconds. The layout is HdrHistogram's V2 (its `encode`): base64, a cookie and a length,
then zlib over a header of 40 bytes and the counts as zigzag LEB128, a negative one standing for that many empty
buckets. Pure; must never judge.
"""

from __future__ import annotations

import base64
import functools
import struct
import zlib
from collections.abc import Iterator, Mapping

_PREFIX_BYTES = 8
_HEADER = struct.Struct(">IIIIqqd")
_HALF_BITS = 10  # with 3 digits, half of the 2048 sub-buckets
_HALF = 1 << _HALF_BITS
_DIGITS = 3
_LOWEST = 1


@functools.lru_cache(maxsize=65_536)
def counts_of(histogram: str) -> Mapping[int, int]:
    """How often each value was recorded, by the lowest value of its bucket; none for empty text.

    ValueError for a histogram that the load child did not write: other digits, or another lowest value.
    """
    if not histogram:
        return {}
    payload = zlib.decompress(base64.b64decode(histogram)[_PREFIX_BYTES:])
    _, _, _, digits, lowest, _, _ = _HEADER.unpack_from(payload)
    if (digits, lowest) != (_DIGITS, _LOWEST):
        raise ValueError(
            f"a histogram of {digits} digits from {lowest}; those of a load have {_DIGITS} from {_LOWEST}"
        )
    return {_value(index): count for index, count in _filled(payload[_HEADER.size :])}


def _filled(counts: bytes) -> Iterator[tuple[int, int]]:
    """Index and count of each bucket that is not empty."""
    index = 0
    for number in _numbers(counts):
        if number > 0:
            yield index, number
        index += max(1, -number)


def _numbers(data: bytes) -> Iterator[int]:
    """Zigzag LEB128 (V2 of the format: nine bytes at most, the ninth whole; counts of a second stay far below it)."""
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield (number >> 1) ^ -(number & 1)
            number = shift = 0


def _value(index: int) -> int:
    """The lowest value of a bucket."""
    bucket = (index >> _HALF_BITS) - 1
    if bucket < 0:
        return index
    return ((index & (_HALF - 1)) + _HALF) << bucket
