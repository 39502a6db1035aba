"""What a report shows of a load alone, as plain values: parts of `reports.page.Page`.

Room reports. `_s` are seconds. May import the floor; must never measure or judge.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.verdict import Grade


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """One step over the whole load: `n` requests with the `failed` ones and `why`; `polls` count in neither. The
    quantiles p50, p95, p99 and the largest latency are those of OK requests from the due time, None without any."""

    journey: str
    name: str
    n: int
    failed: int
    per_s: float
    latencies_s: tuple[float, float, float, float] | None
    polls: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a breakpoint search: MET when it held; `text` says why it did not, or what was measured."""

    name: str
    grade: Grade
    n: int
    failed: int
    text: str


@dataclass(frozen=True, slots=True)
class Load:
    """How a load went in a sentence; `unfit` says why it tells nothing of the services, empty when it does. `found`
    is what a breakpoint search came to, by its `levels`."""

    profile: str
    text: str
    unfit: str = ""
    found: str = ""
    levels: tuple[Level, ...] = ()
