"""What a report shows of experiments and of an audit's strains: breakers over time, figures before, during and after.

Takes the calls seen at the proxies and the faults, gives the shapes `reports` shows. Pure; judges nothing.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from seatrial.chaos.audit import battery
from seatrial.chaos.audit.model import Observation
from seatrial.chaos.audit.view import View, has_opened
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import BreakerTimeline, Span
from seatrial.chaos.seen.parts import parts, watched
from seatrial.chaos.seen.states import spells
from seatrial.chaos.verify import Seen, span_of, timeline_of
from seatrial.quantity import counted, show_duration
from seatrial.reports.experiment import page as shown
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge

FINE_UP_TO_S = 30.0  # experiments that are shorter have more slices than one a second
FINE_S = 0.5


@dataclass(frozen=True, slots=True)
class Course:
    """One experiment as it went: its calls and faults (at least one), the edges to show, and what was seen of a
    breaker on those where somebody looked for one. `before_s` and `after_s` say how long it was watched around the
    faults."""

    name: str
    calls: tuple[EdgeCall, ...]
    faults: tuple[FaultWindow, ...]
    edges: tuple[Edge, ...]
    timelines: Mapping[Edge, BreakerTimeline]
    before_s: float
    after_s: float


def course_of(seen: Seen) -> Course:
    """Of an experiment with a fault: the edges the faults are felt on, and those whose mechanisms are judged."""
    checked = seen.checked
    felt = (edge for window in seen.windows for edge in checked.hit.get(window.target, ()))
    return Course(
        checked.experiment.name,
        seen.calls,
        seen.windows,
        tuple(dict.fromkeys((*felt, *checked.promises))),
        {edge: timeline_of(seen, edge) for edge in checked.breakers},
        checked.experiment.baseline_s,
        checked.experiment.recovery_s,
    )


def course_of_strain(seen: Observation) -> Course | None:
    """Of a strain, None where it was left out. A request or two refused by accident show no breaker."""
    if seen.fault is None:
        return None
    strain, fault = seen.strain, seen.fault
    timeline = View.of(seen, fault).timeline
    if not has_opened(timeline):
        timeline = dataclasses.replace(timeline, windows=(), opened_at=None)
    window = FaultWindow(strain.name, strain.kind, str(strain.edge), fault.started_at, fault.ended_at, "healed")
    around = battery.experiment_of(strain)
    return Course(
        strain.name,
        seen.calls,
        (window,),
        (strain.edge,),
        {strain.edge: timeline},
        around.baseline_s,
        around.recovery_s,
    )


def show(courses: Sequence[Course]) -> tuple[shown.Experiment, ...]:
    """As the report shows them, in their order. A breaker that was seen open in one is there in all of them; one that
    was never seen has no states."""
    breakers = frozenset(
        edge for course in courses for edge, seen in course.timelines.items() if seen.opened_at is not None
    )
    return tuple(_show(course, breakers) for course in courses)


def _show(course: Course, breakers: Set[Edge]) -> shown.Experiment:
    fault = span_of(course.faults)
    span = watched(course.calls, fault=fault, before_s=course.before_s, after_s=course.after_s)
    compared = (
        shown.Compared(title, parts(own, fault=fault, watched=span))
        for title, own in _compared(course.calls, course.edges)
    )
    return shown.Experiment(
        course.name,
        span.started_at,
        span.ended_at,
        tuple(sorted(course.faults, key=lambda window: window.started_at)),
        tuple(_lane(course, edge, span, breakers) for edge in course.edges),
        tuple(compared),
    )


def overview(calls: Sequence[EdgeCall], experiments: Sequence[shown.Experiment]) -> Iterator[shown.EdgeLane]:
    """Every edge where somebody looked for a breaker, over the whole run, in all experiments together."""
    known = [lane for each in experiments for lane in each.lanes if lane.told]
    for edge in dict.fromkeys(lane.edge for lane in known):
        own = [lane for lane in known if lane.edge == edge]
        spells_of_all = tuple(spell for lane in own for spell in lane.spells)
        events = tuple(event for lane in own for event in lane.events)
        yield shown.EdgeLane(
            edge, spells_of_all, events, tuple(_slices(calls, Edge.parse(edge), since=0.0, slice_s=1.0))
        )


def _lane(course: Course, edge: Edge, span: Span, breakers: Set[Edge]) -> shown.EdgeLane:
    """One edge while the experiment was watched; without a timeline nobody looked for a breaker."""
    slice_s = FINE_S if span.ended_at - span.started_at < FINE_UP_TO_S else 1.0
    since = span_of(course.faults).started_at
    lane = shown.EdgeLane(
        str(edge), calls=tuple(_slices(course.calls, edge, since=since, slice_s=slice_s)), slice_s=slice_s
    )
    timeline = course.timelines.get(edge)
    if timeline is None:
        return lane
    if edge not in breakers:
        return dataclasses.replace(lane, told=f"no breaker seen; {_went_into(timeline)}")
    states = spells(timeline, watched=span)
    return dataclasses.replace(lane, spells=states, events=tuple(_events(timeline)), told=_told(timeline))


def _went_into(timeline: BreakerTimeline) -> str:
    return f"{counted(timeline.calls, 'call')} went into the fault"


def _told(timeline: BreakerTimeline) -> str:
    """What a breaker did about a fault, in a sentence."""
    if timeline.opened_at is None or timeline.opened_after_s is None:
        return f"breaker stayed closed; {_went_into(timeline)}"
    calls = counted(timeline.calls, "call")
    opened = f"breaker opened {show_duration(timeline.opened_after_s)} after the fault began, after {calls}"
    trials = (
        f"{counted(timeline.trials, 'trial call')}, {timeline.calls_while_open} others came through while it was open"
    )
    if timeline.closed_after_s is None:
        return f"{opened}; {trials}; not seen closed again"
    return f"{opened}; {trials}; closed {show_duration(timeline.closed_after_s)} after the fault ended"


def _compared(calls: Sequence[EdgeCall], edges: Iterable[Edge]) -> Iterator[tuple[str, tuple[EdgeCall, ...]]]:
    """The calls of each edge, then the requests to its caller: what the fault did, and what others felt of it."""
    titles: dict[str, tuple[EdgeCall, ...]] = {}
    for edge in edges:
        titles[f"calls {edge}"] = traffic.on_edge(calls, edge)
        titles[f"requests to {edge.caller}"] = traffic.inbound(calls, edge.caller)
    yield from ((title, own) for title, own in titles.items() if own)


def _events(timeline: BreakerTimeline) -> Iterator[shown.LaneEvent]:
    if timeline.opened_at is not None:
        yield shown.LaneEvent(timeline.opened_at, f"breaker opened after {counted(timeline.calls, 'call')}")
    for window in timeline.windows:
        if window.ended_at is not None and window.trials:
            yield shown.LaneEvent(window.ended_at, "trial call")
    if timeline.opened_at is not None and timeline.closed_at is not None:
        yield shown.LaneEvent(timeline.closed_at, "breaker closed")


def _slices(calls: Iterable[EdgeCall], edge: Edge, *, since: float, slice_s: float) -> Iterator[shown.EdgeSlice]:
    """Slices with calls, by time; one begins at `since`, so that none mixes what was before it and after."""
    total: collections.Counter[int] = collections.Counter()
    failed: collections.Counter[int] = collections.Counter()
    for call in traffic.on_edge(calls, edge):
        number = math.floor((call.started_at - since) / slice_s)
        total[number] += 1
        failed[number] += not traffic.is_good(call)
    for number in sorted(total):
        yield shown.EdgeSlice(since + number * slice_s, total[number], failed[number])
