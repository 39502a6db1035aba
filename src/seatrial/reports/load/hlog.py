"""A load as an HdrHistogram interval log, version 1.3: a histogram per step and second, its step as the tag.

Format: HdrHistogram's HistogramLogWriter (Java), read by HistogramLogAnalyzer and HdrHistogram's own readers. Values
are microseconds, of OK requests, from the due time; timestamps are UTC seconds since the epoch; the largest value
of an interval is in milliseconds. hdrhistogram's own writer knows no tags and cuts the largest value to a whole
number. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from seatrial.clock import iso
from seatrial.histograms import largest_of
from seatrial.sample import Interval, Record

_NO_TAG = re.compile(r"[,\s]+")


def head(started_at: float) -> str:
    """What stands before the first interval."""
    return (
        "#[seatrial load: microseconds from the due time, OK requests, a tag per step]\n"
        "#[Histogram log format version 1.3]\n"
        f"#[StartTime: {started_at:.3f} (seconds since epoch), {iso(started_at)}]\n"
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'
    )


def lines(second: Iterable[Record]) -> Iterator[str]:
    """One line per step that had an OK request."""
    for record in second:
        if isinstance(record, Interval) and record.histogram:
            largest_ms = largest_of(record.histogram) / 1000
            yield f"Tag={tag(record)},{record.second:.3f},1.000,{largest_ms:.3f},{record.histogram}\n"


def tag(interval: Interval) -> str:
    """The journey and the step, as one word: a tag holds neither commas nor blanks."""
    return _NO_TAG.sub("_", f"{interval.scenario}/{interval.step}")
