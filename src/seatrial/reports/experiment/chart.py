"""Charts of an experiment as places: an edge's lane with its breaker's states, and figures before, during and after.

Room reports. Places across are percent of the width, upright they are pixels. Pure; may import `axis`, `places` and
this room's `page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.chaos.seen.parts import Figures
from seatrial.chaos.seen.states import Spell, State
from seatrial.quantity import counted, show_duration, show_ratio
from seatrial.reports.axis import Tick, TimeAxis, log_scale
from seatrial.reports.experiment.page import Compared, EdgeLane, Experiment
from seatrial.reports.places import Bar, Point, Shade, bars, shade, thin
from seatrial.sample import FaultWindow

CALLS_PX = 76.0
SPELLS_MAX = 200
_LABELLED_PERCENT = 9.0


@dataclass(frozen=True, slots=True)
class Lane:
    """One edge over time. `answered` stand on the foot, `foot` pixels down, and `failed` hang below it, both on one
    scale: at most `most_answered` and `most_failed` in a second. `text` tells it to those who see no picture."""

    edge: str
    told: str
    text: str
    states: tuple[Shade, ...]
    faults: tuple[Shade, ...]
    answered: tuple[Bar, ...]
    failed: tuple[Bar, ...]
    foot: float
    most_answered: int
    most_failed: int
    x_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One part of a comparison. `answered` and `failed` are bars of calls per second, one behind the other; `low`,
    `middle` and `high` are where p50, p95 and p99 stand, None where nothing ended."""

    figures: Figures
    answered: float
    failed: float
    low: float | None = None
    middle: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, ready to draw; `rates` and `latencies` tell what the pictures show."""

    title: str
    columns: tuple[Column, ...]
    rates: str
    latencies: str


def lanes(experiment: Experiment) -> tuple[Lane, ...]:
    """Every edge of an experiment on the experiment's own time axis."""
    return tuple(_lane(experiment, lane) for lane in experiment.lanes)


def comparisons(experiment: Experiment) -> tuple[Comparison, ...]:
    """All that is compared; latencies share one logarithmic scale, rates one from zero."""
    figures = [part for each in experiment.compared for part in each.parts]
    most = max((part.per_s for part in figures), default=0.0) or 1.0
    place = _latency_places(figures)
    return tuple(_comparison(each, most, place) for each in experiment.compared)


def _lane(experiment: Experiment, lane: EdgeLane) -> Lane:
    axis = TimeAxis(experiment.started_at, experiment.ended_at)
    own = [each for each in lane.calls if axis.started_at - lane.slice_s < each.at < axis.ended_at]
    answered = thin([(each.at, (each.calls - each.failed) / lane.slice_s) for each in own])
    failed = thin([(each.at, each.failed / lane.slice_s) for each in own])
    most_answered, most_failed = _most(answered), _most(failed)
    px = CALLS_PX / ((most_answered + most_failed) or 1.0)
    return Lane(
        edge=lane.edge,
        told=lane.told,
        text=_lane_text(experiment, lane, axis),
        states=tuple(_state(axis, spell) for spell in lane.spells[:SPELLS_MAX]),
        faults=tuple(_fault(axis, window) for window in experiment.faults),
        answered=tuple(bars(axis, answered, most_answered, width_s=lane.slice_s, height_px=px * most_answered)),
        failed=tuple(bars(axis, failed, most_failed, width_s=lane.slice_s, height_px=px * most_failed)),
        foot=round(px * most_answered, 2) if most_answered or most_failed else CALLS_PX,
        most_answered=int(most_answered),
        most_failed=int(most_failed),
        x_ticks=axis.ticks(),
    )


def _most(points: Iterable[Point]) -> float:
    return max((value or 0.0 for _, value in points), default=0.0)


def _state(axis: TimeAxis, spell: Spell) -> Shade:
    """A state with its name where there is room for it, and with more in its detail."""
    times = f"{axis.moment(spell.started_at)} to {axis.moment(spell.ended_at)}"
    known = {
        State.OPEN: f"{spell.leaked} calls came through",
        State.HALF_OPEN: f"{counted(spell.trials, 'trial call')}, {spell.leaked} beside",
    }
    place = shade(axis, (spell.started_at, spell.ended_at), label=spell.state, kind=spell.state)
    label = spell.state if place.width >= _LABELLED_PERCENT else ""
    return Shade(place.left, place.width, label, spell.state, _said(spell.state, times, known.get(spell.state, "")))


def _said(*words: str) -> str:
    return ", ".join(filter(None, words))


def _fault(axis: TimeAxis, window: FaultWindow) -> Shade:
    ended = window.ended or "not healed"
    detail = f"{window.sight}, {ended}"
    return shade(axis, (window.started_at, window.ended_at), label=window.kind, kind="fault", detail=detail)


def _lane_text(experiment: Experiment, lane: EdgeLane, axis: TimeAxis) -> str:
    faults = (
        f"{window.sight} from {axis.moment(window.started_at)}"
        f" to {'the end' if window.ended_at is None else axis.moment(window.ended_at)}"
        for window in experiment.faults
    )
    total, failed = sum(each.calls for each in lane.calls), sum(each.failed for each in lane.calls)
    return "; ".join(filter(None, (*faults, lane.told, f"{total:,} calls, {failed:,} failed")))


def _comparison(compared: Compared, most: float, place: dict[float, float]) -> Comparison:
    columns = tuple(_column(part, most, place) for part in compared.parts)
    rates = (f"{part.part} {part.per_s:.3g}/s, {_failed(part)} failed" for part in compared.parts)
    latencies = (f"{part.part} {_latency(part)}" for part in compared.parts)
    return Comparison(compared.title, columns, "; ".join(rates), "; ".join(latencies))


def _failed(part: Figures) -> str:
    return "none" if part.failed_ratio is None else show_ratio(part.failed_ratio)


def _latency(part: Figures) -> str:
    if part.p50_s is None or part.p99_s is None:
        return "no call ended"
    return f"p50 {show_duration(part.p50_s)}, p99 {show_duration(part.p99_s)}"


def _column(part: Figures, most: float, place: dict[float, float]) -> Column:
    answered = 100 * (part.per_s - part.failed_per_s) / most
    known = [None if value is None else place[value] for value in (part.p50_s, part.p95_s, part.p99_s)]
    return Column(part, round(answered, 2), round(100 * part.failed_per_s / most, 2), *known)


def _latency_places(figures: Sequence[Figures]) -> dict[float, float]:
    """Where each latency stands, in percent from the left."""
    values = sorted(set(_latencies(figures)))
    if not values:
        return {}
    scale = log_scale(max(values[0], 1e-5), max(values[-1], 1e-4), 100.0)
    return {value: round(100.0 - scale.y(value), 2) for value in values}


def _latencies(figures: Iterable[Figures]) -> Iterator[float]:
    for part in figures:
        yield from (value for value in (part.p50_s, part.p95_s, part.p99_s) if value is not None)
