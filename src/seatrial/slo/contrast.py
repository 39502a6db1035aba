"""Holds one side against another, question by question: errors, latency quantiles, the body, throughput.

Room slo. Takes two `Counted`, gives `Contrast`s: the call, and what either side showed in words. Latency is that of
OK requests; failed ones stand in no histogram, so MET is said of latency only where it would hold with every failed
request of both sides taken as the slowest of all. Pure; may import the floor and its own room.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seatrial.histograms import quantile_of_values
from seatrial.quantity import show_duration, show_ratio
from seatrial.slo.compare import compare_errors, compare_throughput
from seatrial.slo.compare_latencies import compare_body, compare_quantile
from seatrial.slo.comparison import Comparison
from seatrial.slo.counted import Counted, Histogram, merged
from seatrial.slo.decide import Call, PerSecond
from seatrial.slo.failed_latency import SLOWEST_US


class What(enum.StrEnum):
    """What can be compared of two sides; a quantile's is told apart by its number."""

    ERRORS = "errors"
    QUANTILE = "quantile"
    BODY = "body"
    THROUGHPUT = "throughput"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `change_ratio` is how much worse the new side may be (0.1: a tenth; 0: not at all)."""

    what: What
    alpha: float
    change_ratio: float = 0.0
    quantile: float | None = None

    @property
    def name(self) -> str:
        """`errors`, `p95`, `body` or `throughput`."""
        return f"p{100 * self.quantile:g}" if self.quantile is not None else self.what.value


class Shown:
    """What one side showed of the requests that are compared, each counted once, when it is first asked for."""

    def __init__(self, side: Counted, service: str, routes: tuple[str, ...]) -> None:
        self._side, self._of = side, (service, routes)

    @functools.cached_property
    def errors(self) -> list[PerSecond]:
        """Failed and all requests of each second."""
        return self._side.errors(*self._of)

    @functools.cached_property
    def ok_per_second(self) -> list[int]:
        """OK requests of each whole second."""
        return self._side.ok_per_second(*self._of)

    @functools.cached_property
    def latencies(self) -> list[Histogram]:
        """Latencies of the OK requests of each second, in microseconds."""
        return self._side.latencies(*self._of)

    @functools.cached_property
    def latencies_at_worst(self) -> list[Histogram]:
        """As `latencies`, with every failed request taken as slower than any other."""
        failed = (bad for bad, _ in self.errors)
        seconds = zip(self.latencies, failed, strict=True)
        return [merged([second, {SLOWEST_US: bad}]) if bad else second for second, bad in seconds]

    @functools.cached_property
    def whole(self) -> Histogram:
        """The latencies of all seconds together."""
        return merged(self.latencies)

    @property
    def failed(self) -> int:
        """Failed requests."""
        return sum(bad for bad, _ in self.errors)


@dataclass(frozen=True)
class Pair:
    """Two sides, and the requests that are compared of them; `routes` empty means all of the service."""

    base: Counted
    new: Counted
    service: str
    routes: tuple[str, ...] = ()

    @functools.cached_property
    def shown(self) -> tuple[Shown, Shown]:
        """What the base showed, and the new side."""
        return Shown(self.base, self.service, self.routes), Shown(self.new, self.service, self.routes)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One question answered. `base_text` and `new_text` say what either side showed."""

    asked: Asked
    service: str
    base_text: str
    new_text: str
    comparison: Comparison

    @property
    def effect_text(self) -> str:
        """The effect with its interval: `x1.04 (0.98 to 1.11)`; for the body a probability."""
        effect, (low, high) = self.comparison.effect, self.comparison.interval
        if effect is None:
            return "no data" if not (self.comparison.n_base and self.comparison.n_new) else f"({_range(low, high)})"
        times = "" if self.asked.what is What.BODY else "x"
        return f"{times}{effect:.3g} ({_range(low, high)})"


def _range(low: float, high: float) -> str:
    return f"{low:.3g} or more" if math.isinf(high) else f"{low:.3g} to {high:.3g}"


def contrast(pair: Pair, asked: Asked) -> Contrast:
    """Ask one question of a pair."""
    base_text, new_text = (_TEXT[asked.what](shown, asked) for shown in pair.shown)
    return Contrast(asked, pair.service, base_text, new_text, _COMPARE[asked.what](*pair.shown, asked))


def every_question(*, alpha: float, change_ratio: float = 0.0) -> tuple[Asked, ...]:
    """All that is asked of two runs, each with that alpha."""
    quantiles = (Asked(What.QUANTILE, alpha, change_ratio, quantile) for quantile in (0.5, 0.95, 0.99))
    errors, body, throughput = (
        Asked(what, alpha, change_ratio) for what in (What.ERRORS, What.BODY, What.THROUGHPUT)
    )
    return (errors, *quantiles, body, throughput)


def _errors(base: Shown, new: Shown, asked: Asked) -> Comparison:
    return compare_errors(base.errors, new.errors, at_most_ratio=asked.change_ratio, alpha=asked.alpha)


def _throughput(base: Shown, new: Shown, asked: Asked) -> Comparison:
    return compare_throughput(
        base.ok_per_second, new.ok_per_second, at_most_ratio=asked.change_ratio, alpha=asked.alpha
    )


def _quantile(base: Shown, new: Shown, asked: Asked) -> Comparison:
    compare = functools.partial(compare_quantile, quantile=asked.quantile or 0.5)
    return _of_latencies(base, new, asked, compare)


def _body(base: Shown, new: Shown, asked: Asked) -> Comparison:
    return _of_latencies(base, new, asked, compare_body)


def _of_latencies(base: Shown, new: Shown, asked: Asked, compare: Callable[..., Comparison]) -> Comparison:
    allowed = {"at_most_ratio": asked.change_ratio, "alpha": asked.alpha}
    found = compare(base.latencies, new.latencies, **allowed)
    failed = base.failed + new.failed
    if found.state is not Call.MET or not failed:
        return found
    if compare(base.latencies_at_worst, new.latencies_at_worst, **allowed).state is Call.MET:
        return found
    reason = f"{failed:,} failed requests have no latency, and were they the slowest they would decide it"
    return dataclasses.replace(found, state=Call.UNDECIDED, reason=f"{reason}; without them: {found.reason}")


def _errors_text(shown: Shown, asked: Asked) -> str:
    total = sum(total for _, total in shown.errors)
    return f"{show_ratio(shown.failed / total)} ({shown.failed:,} of {total:,})" if total else "no data"


def _quantile_text(shown: Shown, asked: Asked) -> str:
    value_us = quantile_of_values(shown.whole, asked.quantile or 0.5)
    return "no data" if value_us is None else show_duration(value_us / 1e6)


def _body_text(shown: Shown, asked: Asked) -> str:
    value_us = quantile_of_values(shown.whole, 0.5)
    return "no data" if value_us is None else f"median {show_duration(value_us / 1e6)}"


def _throughput_text(shown: Shown, asked: Asked) -> str:
    seconds = shown.ok_per_second
    return f"{sum(seconds) / len(seconds):.4g}/s" if seconds else "no data"


_COMPARE: Mapping[What, Callable[[Shown, Shown, Asked], Comparison]] = {
    What.ERRORS: _errors,
    What.QUANTILE: _quantile,
    What.BODY: _body,
    What.THROUGHPUT: _throughput,
}
_TEXT: Mapping[What, Callable[[Shown, Asked], str]] = {
    What.ERRORS: _errors_text,
    What.QUANTILE: _quantile_text,
    What.BODY: _body_text,
    What.THROUGHPUT: _throughput_text,
}
