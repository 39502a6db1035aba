"""Holds one side against another, question by question: errors, latency quantiles, the body, throughput.

Room slo. Takes two `Counted`, gives `Contrast`s: the call, and what either side showed in words. Latency is that of
OK requests; failed ones stand in no histogram, so MET is said of latency only where it would hold with every failed
request of both sides taken as the slowest of all. Nobody knows what would have become of requests that could not be
rendered: MET, and a throughput's MISSED, are said only where they would hold with those as bad for it as can be, and
never where they are too many. Pure; may import the floor and its own room.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seatrial.histograms import quantile_of_values
from seatrial.quantity import show_duration, show_rate, show_ratio
from seatrial.slo.compare import compare_errors, compare_throughput
from seatrial.slo.compare_latencies import compare_body, compare_quantile
from seatrial.slo.comparison import NO_BOUND, Comparison, show_interval
from seatrial.slo.counted import Counted, Histogram, merged
from seatrial.slo.decide import Call, PerSecond, Why, unrendered_text
from seatrial.slo.failed_latency import SLOWEST_US
from seatrial.slo.measure import LOAD, Measures
from seatrial.slo.rendering import breaks_off, unrendered_of, why_unplanned

_FASTEST_US = 1


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

    @functools.cached_property
    def unrendered(self) -> list[int]:
        """Requests of each second that could not be rendered; they are in no other number."""
        return self._side.unrendered(*self._of)

    @functools.cached_property
    def with_unrendered_ok(self) -> Shown:
        """This side, had every request that could not be rendered been OK, and the fastest of all."""
        other = Shown(self._side, *self._of)
        other.errors = [(bad, total + lost) for (bad, total), lost in zip(self.errors, self.unrendered, strict=True)]
        other.ok_per_second = self._side.ok_at_best(*self._of)
        seconds = zip(self.latencies, self.unrendered, strict=True)
        other.latencies = [merged([second, {_FASTEST_US: lost}]) if lost else second for second, lost in seconds]
        return other

    @functools.cached_property
    def with_unrendered_failed(self) -> Shown:
        """This side, had every request that could not be rendered failed."""
        other = Shown(self._side, *self._of)
        seconds = zip(self.errors, self.unrendered, strict=True)
        other.errors = [(bad + lost, total + lost) for (bad, total), lost in seconds]
        other.ok_per_second, other.latencies = self.ok_per_second, self.latencies
        return other


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

    @functools.cached_property
    def runs(self) -> tuple[Measures, ...]:
        """The runs of both sides; the two of a canary are of one."""
        return tuple({id(run): run for side in (self.base, self.new) for run in side.runs}.values())


@dataclass(frozen=True, slots=True)
class Contrast:
    """One question answered. `base_text` and `new_text` say what either side showed, `kept_by` what
    beside its requests keeps it undecided."""

    asked: Asked
    service: str
    base_text: str
    new_text: str
    comparison: Comparison
    kept_by: str = ""

    @property
    def lacks(self) -> str:
        """What keeps it undecided, without the numbers both sides showed; empty once decided."""
        found = self.comparison
        if found.state is not Call.UNDECIDED:
            return ""
        return self.kept_by or _LACKS.get(found.why, _not_known)(found)

    @property
    def effect_text(self) -> str:
        """The effect with its interval: `x1.04 (0.98 to 1.11)`; for the body a probability."""
        effect, interval = self.comparison.effect, show_interval(self.comparison.interval)
        if effect is None and not (self.comparison.n_base and self.comparison.n_new):
            return "no data"
        if effect is None:
            return "nothing to compare" if interval == NO_BOUND else f"({interval})"
        times = "" if self.asked.what is What.BODY else "x"
        return f"{times}{effect:.3g} ({interval})"


def _too_little(found: Comparison) -> str:
    n = min(found.n_base, found.n_new)
    if found.wanted_n is None:
        return "no number of requests would show that"
    if found.wanted_n <= n:
        return f"needs a longer hold, with more requests on each side than these {n:,}"
    return f"needs about {found.wanted_n:,} requests on each side, and the smaller has {n:,}"


def _correlated(found: Comparison) -> str:
    base, new = found.base_design_effect, found.new_design_effect
    return f"correlated: {base:.3g} requests of the baseline count as one, {new:.3g} of the new version"


def _not_known(found: Comparison) -> str:
    return found.reason.partition(_WITHOUT)[0]


_LACKS: Mapping[Why, Callable[[Comparison], str]] = {
    Why.TOO_LITTLE: _too_little,
    Why.TOO_FEW_BLOCKS: lambda found: "too few blocks; hold for longer",
    Why.CORRELATED: _correlated,
}


def contrast(pair: Pair, asked: Asked) -> Contrast:
    """Ask one question of a pair."""
    base_text, new_text = (_TEXT[asked.what](shown, asked) for shown in pair.shown)
    return Contrast(
        asked, pair.service, base_text, new_text, _as_known(_COMPARE[asked.what](*pair.shown, asked), pair, asked)
    )


def _as_known(found: Comparison, pair: Pair, asked: Asked) -> Comparison:
    """The comparison, undecided where requests that could not be rendered may decide it."""
    unrendered = sum(unrendered_of(run, LOAD) for run in pair.runs)
    firm = Call.UNDECIDED if asked.what is What.THROUGHPUT else Call.MISSED
    if not unrendered or found.state in (Call.UNDECIDED, firm):
        return found
    if not _too_many(pair, asked) and not _is_turned(found, _at_worst(pair, asked, found.state)):
        return found
    return _kept(found, f"{unrendered_text(unrendered)}, and they may decide it")


_WITHOUT = "; without them: "


def _kept(found: Comparison, why: str) -> Comparison:
    """The comparison, kept undecided by that."""
    return dataclasses.replace(found, state=Call.UNDECIDED, reason=f"{why}{_WITHOUT}{found.reason}")


def _too_many(pair: Pair, asked: Asked) -> bool:
    if asked.what is What.THROUGHPUT:
        return any(breaks_off(run, LOAD) for run in pair.runs)
    return any(why_unplanned(run, LOAD) for run in pair.runs)


def _is_turned(found: Comparison, at_worst: Call) -> bool:
    """What is met only because nothing contradicts it stays so until something does."""
    if found.why is Why.NOT_CONTRADICTED:
        return at_worst is Call.MISSED
    return at_worst is not found.state


def _at_worst(pair: Pair, asked: Asked, state: Call) -> Call:
    """What would be called with the unrendered requests of both sides as much against that state as can be."""
    base, new = pair.shown
    if state is Call.MET:
        return _COMPARE[asked.what](base.with_unrendered_ok, new.with_unrendered_failed, asked).state
    return _COMPARE[asked.what](base.with_unrendered_failed, new.with_unrendered_ok, asked).state


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
    return _kept(
        found,
        f"{failed:,} failed requests have no latency, and were they the slowest they would decide it",
    )


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
    return show_rate(sum(seconds) / len(seconds), digits=4) if seconds else "no data"


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
