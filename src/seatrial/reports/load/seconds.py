"""A load as CSV (RFC 4180): a row per step and second, with the generator's own numbers of that second. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from seatrial.clock import iso
from seatrial.histograms import quantiles_of_one
from seatrial.sample import Interval, Pacing, Record

COLUMNS = (
    "time",
    "second",
    "phase",
    "level",
    "experiment",
    "side",
    "scenario",
    "step",
    "service",
    "method",
    "route",
    "ok",
    "failed",
    "polls",
    "unrendered",
    "causes",
    "bytes_in",
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "max_ms",
    "service_p99_ms",
    "planned",
    "started",
    "dropped",
    "in_flight",
    "cpu_ratio",
)
_QUANTILES = (0.5, 0.95, 0.99, 1.0)
_P99 = 2
_NONE = ("",) * len(_QUANTILES)


def head() -> str:
    """The row of names."""
    return _row(COLUMNS)


def rows(second: Iterable[Record]) -> Iterator[str]:
    """A row per step of a second's records. Quantiles (milliseconds, OK requests, from the due time) are empty where
    no request was OK; `service_p99_ms` counts from the sending; the last five columns are the generator's and the
    same in all rows of one second."""
    listed = tuple(second)
    pacing = next((record for record in listed if isinstance(record, Pacing)), None)
    for record in listed:
        if isinstance(record, Interval):
            yield _row((*_of_step(record), *_of_generator(pacing)))


def _of_step(interval: Interval) -> tuple[object, ...]:
    return (
        iso(interval.second),
        interval.second,
        interval.phase.value,
        "" if interval.level is None else f"{interval.level:g}",
        interval.experiment or "",
        interval.side,
        interval.scenario,
        interval.step,
        interval.service,
        interval.method,
        interval.route,
        interval.ok,
        interval.failed,
        interval.polls,
        interval.unrendered,
        ";".join(f"{cause}={count}" for cause, count in interval.causes.items()),
        interval.bytes_in,
        *_latencies_ms(interval),
    )


def _of_generator(pacing: Pacing | None) -> tuple[object, ...]:
    if pacing is None:
        return ("",) * 5
    return pacing.planned, pacing.started, pacing.dropped, pacing.in_flight, f"{pacing.cpu_ratio:.3f}"


def _latencies_ms(interval: Interval) -> tuple[str, ...]:
    """p50, p95, p99 and the largest, and p99 from the sending; mostly both histograms are the same."""
    due = _quantiles_ms(interval.histogram)
    sent = due if interval.service_histogram == interval.histogram else _quantiles_ms(interval.service_histogram)
    return *due, sent[_P99]


def _quantiles_ms(histogram: str) -> tuple[str, ...]:
    return tuple(f"{value_us / 1000:.3f}" for value_us in quantiles_of_one(histogram, _QUANTILES)) or _NONE


def _row(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue()
