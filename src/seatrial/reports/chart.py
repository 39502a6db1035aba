"""Charts as places: what the templates' SVG macros draw, worked out beforehand.

Room reports. Takes a `Page`, gives plots whose places across are percent of the width (paths: 0 to 1000) and upright
pixels from the top. Long runs are thinned to the worst value of each stretch, so that no spike is lost. Pure; may
import `axis` and `page`.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from seatrial.chaos.seen.states import State
from seatrial.reports.axis import Scale, Tick, TimeAxis, linear_scale, log_scale
from seatrial.reports.experiment.page import EdgeLane
from seatrial.reports.page import Band, Journey, JourneyStep, Page, RatePoint, ServiceLatency
from seatrial.reports.places import Bar, Point, Shade, bars, shade, thin

LATENCY_PX = 190.0
RATE_PX = 120.0
LANE_PX = 26.0
_FOOT_PX = 30.0
_LABEL_GAP_PX = 13.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its SVG path, and where its label stands at the right; None for a line without points."""

    kind: str
    label: str
    path: str
    label_y: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit across the chart."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart over time, ready to draw."""

    title: str
    height_px: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    rules: tuple[Rule, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One lane of the timeline: stretches, moments and bars of calls, each in percent."""

    title: str
    shades: tuple[Shade, ...]
    marks: tuple[Tick, ...] = ()
    bars: tuple[Bar, ...] = ()
    most_calls: int = 0


def time_axis(page: Page) -> TimeAxis:
    """The one axis all charts of a page share."""
    return TimeAxis(page.started_at, page.ended_at)


def phase_shades(page: Page) -> tuple[Shade, ...]:
    """The phases of the load, in order."""
    return tuple(
        shade(time_axis(page), (span.started_at, span.ended_at), label=span.label, kind=span.phase)
        for span in page.phases
    )


def fault_shades(page: Page) -> tuple[Shade, ...]:
    """Every fault while it acted; one that was never healed lasts to the end."""
    return tuple(
        shade(
            time_axis(page),
            (window.started_at, window.ended_at),
            label=f"{window.kind} {window.target}",
            kind="fault",
            detail=f"{window.experiment}: {window.ended or 'not healed'}",
        )
        for window in page.windows
    )


def lane_rows(page: Page) -> tuple[Row, ...]:
    """The faults, one row for each target, then every edge with its breaker and calls."""
    shades: dict[str, list[Shade]] = {}
    for window, acted in zip(page.windows, fault_shades(page), strict=True):
        shades.setdefault(window.target, []).append(replace(acted, label=window.kind))
    faults = (Row(f"fault on {target}", tuple(members)) for target, members in shades.items())
    return (*faults, *(_lane_row(page, lane) for lane in page.lanes))


def latency_plots(page: Page) -> tuple[Plot, ...]:
    """One chart a service, all on one logarithmic scale so that they can be compared at a glance."""
    values = [value for one in page.latencies for value in _shown_values(one) if value > 0]
    if not values:
        return ()
    scale = log_scale(min(values), max(values), LATENCY_PX)
    return tuple(_latency_plot(page, one, scale) for one in page.latencies)


def rate_plots(page: Page) -> tuple[Plot, ...]:
    """Plays planned and started, those in flight, then requests OK and failed; nothing without a load."""
    if not page.rates:
        return ()
    return (
        _rate_plot(page, "Plays per second", ("planned", "started"), bars=_dropped(page)),
        _rate_plot(page, "Plays in flight", ("in_flight",)),
        _rate_plot(page, "Requests per second", ("ok", "failed")),
    )


def waterfall(journey: Journey) -> tuple[Shade, ...]:
    """Where each step stands in its journey's time; a step of unknown start begins when the one before it ended."""
    started = [step.started_at for step in journey.steps if step.started_at is not None]
    cursor = first = min(started, default=0.0)
    spans: list[tuple[float, float]] = []
    for step in journey.steps:
        begin = cursor if step.started_at is None else step.started_at
        cursor = begin + step.latency_s
        spans.append((begin, cursor))
    axis = TimeAxis(first, max((end for _, end in spans), default=first))
    return tuple(_step_shade(axis, span, step) for span, step in zip(spans, journey.steps, strict=True))


def _step_shade(axis: TimeAxis, span: tuple[float, float], step: JourneyStep) -> Shade:
    left, right = axis.percent(span[0]), axis.percent(span[1])
    return Shade(left, round(right - left, 3), step.name, step.outcome or "skipped")


def line_path(points: Sequence[Point], axis: TimeAxis, scale: Scale) -> str:
    """An SVG path through the points, broken where a value is missing or seconds were not observed."""
    gap_s = 2.5 * min((b[0] - a[0] for a, b in itertools.pairwise(points)), default=1.0)
    parts: list[str] = []
    last: float | None = None
    for instant, value in points:
        if value is None:
            last = None
            continue
        place = f"{_short(axis.percent(instant) * 10)} {_short(scale.y(value))}"
        joined = last is not None and instant - last <= gap_s
        parts.append(f"L{place}" if joined else f"M{place}h0")
        last = instant
    return "".join(parts)


def spread(places: Sequence[float | None], lowest: float = math.inf) -> tuple[float | None, ...]:
    """The places of labels, moved down just enough that none covers the one above it, but up where they would stand
    below `lowest`: the time's own labels are there."""
    order = sorted((place, index) for index, place in enumerate(places) if place is not None)
    moved: list[float | None] = [None] * len(places)
    above = -math.inf
    for rank, (place, index) in enumerate(order, start=1):
        room = lowest - _LABEL_GAP_PX * (len(order) - rank)
        above = min(room, max(place, above + _LABEL_GAP_PX))
        moved[index] = round(above, 2)
    return tuple(moved)


def _latency_plot(page: Page, latency: ServiceLatency, scale: Scale) -> Plot:
    series = [(name, _thinned(latency.bands, f"{name}_s")) for name in ("p99", "p95", "p50")]
    rules = (
        Rule(
            scale.y(limit.limit_s), f"{limit.objective}: p{limit.quantile * 100:g} <= {_milliseconds(limit.limit_s)}"
        )
        for limit in latency.limits
    )
    return _plot(page, latency.service, scale, series=series, rules=tuple(rules), bars=_foot(page, latency.bands))


def _rate_plot(page: Page, title: str, names: tuple[str, ...], *, bars: tuple[Bar, ...] = ()) -> Plot:
    series = [(name, _thinned(page.rates, name)) for name in names]
    highest = max(value or 0.0 for _, points in series for _, value in points)
    return _plot(page, title, linear_scale(highest, RATE_PX), series=series, bars=bars)


def _plot(
    page: Page,
    title: str,
    scale: Scale,
    *,
    series: Sequence[tuple[str, tuple[Point, ...]]],
    rules: tuple[Rule, ...] = (),
    bars: tuple[Bar, ...] = (),
) -> Plot:
    axis = time_axis(page)
    ends = spread([_end_y(points, scale) for _, points in series], scale.height_px)
    lines = (  # one alone is named by the title
        Line(name, name.replace("_", " "), line_path(points, axis, scale), end if len(series) > 1 else None)
        for (name, points), end in zip(series, ends, strict=True)
    )
    return Plot(title, scale.height_px, axis.ticks(), scale.ticks(), lines=tuple(lines), rules=rules, bars=bars)


def _lane_row(page: Page, lane: EdgeLane) -> Row:
    axis = time_axis(page)
    shades = (
        shade(axis, (spell.started_at, spell.ended_at), label=spell.state, kind=spell.state)
        for spell in lane.spells
        if spell.state is not State.CLOSED
    )
    calls = thin([(each.at, each.calls / lane.slice_s) for each in lane.calls])
    most = max((value or 0.0 for _, value in calls), default=0.0)
    return Row(
        lane.edge,
        tuple(shades),
        tuple(Tick(axis.percent(event.at), event.label) for event in lane.events),
        tuple(bars(axis, calls, most, height_px=LANE_PX)),
        int(most),
    )


def _dropped(page: Page) -> tuple[Bar, ...]:
    """The share of planned plays that were dropped in each second, as bars on the foot of the plays' chart."""
    shares = thin([(point.second, min(1.0, point.dropped / max(1, point.planned))) for point in page.rates])
    return tuple(bars(time_axis(page), shares, 1.0, height_px=_FOOT_PX))


def _foot(page: Page, bands: Sequence[Band]) -> tuple[Bar, ...]:
    """The share of failed requests of each second, as bars on the foot of a latency chart."""
    shares = thin([(band.second, band.failed / max(1, band.n + band.failed)) for band in bands])
    return tuple(bars(time_axis(page), shares, 1.0, height_px=_FOOT_PX))


def _shown_values(latency: ServiceLatency) -> Iterator[float]:
    for band in latency.bands:
        yield from (value for value in (band.p50_s, band.p95_s, band.p99_s) if value is not None)
    yield from (limit.limit_s for limit in latency.limits)


def _thinned(items: Sequence[Band] | Sequence[RatePoint], field: str) -> tuple[Point, ...]:
    value = operator.attrgetter(field)
    return thin([(item.second, value(item)) for item in items])


def _end_y(points: Sequence[Point], scale: Scale) -> float | None:
    last = next((value for _, value in reversed(points) if value is not None), None)
    return None if last is None else scale.y(last)


def _short(number: float) -> str:
    return f"{round(number, 1):g}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
