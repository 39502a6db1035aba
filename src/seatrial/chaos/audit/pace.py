"""How long a strain has to last: when fault and recovery have shown all they can, and when its edge is rested.

Takes the calls since all was well; gives instants and answers. Pure; may import the floor and the chaos room's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from seatrial.chaos.audit import battery, signatures
from seatrial.chaos.audit.breakers import LEAST_AFTER
from seatrial.chaos.audit.model import Kind, Observation, Sign, Strain
from seatrial.chaos.audit.view import View
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import STAYS_SHARE, Span
from seatrial.sample import EdgeCall

GOOD_RUN = 6  # calls in a row that show an edge well again: a half-open breaker lets through fewer
AGAIN_S = 1.0  # from healing until an edge that recovers at once is called well again
OPENED_RATIO = 0.5  # of a fault's time: a working breaker has opened by then
OPENS_UNDER = frozenset({Kind.SLOW, Kind.PARTIAL})
"""The faults that are there to open a breaker: once it is open there are no calls left to see anything of. (Not
`5xx`: each failed call may leave a connection, and that shows after its recovery.)"""

RECOVERS_UNDER = OPENS_UNDER | {
    Kind.HANG,
    Kind.REFUSE,
    Kind.DRIP,
    Kind.TRUNCATE,
    Kind.CLIENT_ERROR,
    Kind.LOST,
    Kind.RESTART,
}
"""The faults whose recovery shows nothing beyond that the edge is called, and called well, again."""


def first(waiting: Sequence[Strain], ready_at: Callable[[Strain], float]) -> Strain:
    """The strain that may begin first; of several the one whose edge has the most left, for that one may have to rest
    between its strains. Crowds come after all others: what piles up may stay."""
    left = Counter(strain.edge for strain in waiting)
    return min(waiting, key=lambda strain: (strain.kind is Kind.CROWD, ready_at(strain), -left[strain.edge]))


def has_shown_enough(seen: Observation, fault: Span) -> bool:
    """Whether the fault, on until now (its span's end), may be healed before its time without losing a finding."""
    if seen.strain.kind is Kind.HANG:
        return _outlasted(View.of(seen, fault))
    if seen.strain.kind not in OPENS_UNDER:
        return False
    readings = [ruling.reading for ruling in signatures.read(seen)]
    is_clear = any(each.sign is Sign.CLEAR for each in readings)
    # What has seen nothing at all of what it counts will not when there are no calls any more.
    is_done = all(each.sign is Sign.CLEAR or (each.sign is Sign.NOT_JUDGED and each.n == 0) for each in readings)
    return is_clear and is_done and _is_surely_open(View.of(seen, fault))


def _is_surely_open(view: View) -> bool:
    """Whether the breaker opened so long ago that what comes next cannot make an accident of it."""
    opened_at = view.timeline.opened_at
    if opened_at is None or not view.has_opened:
        return False
    return opened_at + STAYS_SHARE * view.strain.breaker.open_for_s <= view.fault.ended_at


def _outlasted(view: View) -> bool:
    """Of a caller that does not wait for its calls only their length can be read: twice what a call may last."""
    lasted_s = view.fault.ended_at - view.fault.started_at
    return not view.is_waited_for and bool(view.control) and lasted_s >= 2 * view.limit_s


def calm_at(strain: Strain, calls: Sequence[EdgeCall], fault: Span) -> float | None:
    """Since when the edge is called well again after the fault, UTC seconds; None while that is not sure.

    Sure is a run of good calls on the edge that goes on to the last call, without a failed one on any edge.
    """
    if strain.kind not in RECOVERS_UNDER:
        return None
    after = [call for call in traffic.by_time(calls) if call.started_at >= fault.ended_at]
    failed_at = max((call.started_at for call in after if not traffic.is_good(call)), default=fault.ended_at)
    run = [call for call in traffic.on_edge(after, strain.edge) if call.started_at >= failed_at]
    run = [call for call in run if traffic.is_good(call)]
    if len(run) < GOOD_RUN or (strain.kind is Kind.HANG and not _is_asked_enough(strain, calls, fault)):
        return None
    return run[0].started_at


def _is_asked_enough(strain: Strain, calls: Sequence[EdgeCall], fault: Span) -> bool:
    """Whether there were the requests that tell a breaker that stays open."""
    seen = Observation(strain, tuple(calls), fault)
    view = View.of(seen, fault)
    return not view.is_waited_for or view.timeline.requests_after >= LEAST_AFTER


def rested_at(
    strain: Strain, calls: Sequence[EdgeCall], fault: Span, windows_s: Mapping[str, float]
) -> dict[str, float]:
    """By edge, when none of its calls that failed since the fault began is in its breaker's window any more; UTC
    seconds. Edges without a failed call are left out, and so are those without a window."""
    rested: dict[str, float] = {}
    for call in calls:
        window_s = windows_s.get(call.edge)
        if window_s is not None and call.started_at >= fault.started_at and _may_count(call, strain):
            ended_at = call.started_at + (call.duration_s or 0.0)
            rested[call.edge] = max(rested.get(call.edge, 0.0), ended_at + window_s)
    return rested


def _may_count(call: EdgeCall, strain: Strain) -> bool:
    """Whether a breaker may have counted it as a failure: some take what is answered 4xx for one."""
    is_rejected = strain.kind is Kind.CLIENT_ERROR and (call.status or 0) >= 400
    return is_rejected or not traffic.is_good(call)


def most_s(strains: Iterable[Strain]) -> float:
    """How long they take in all at most, one after the other."""
    return sum(battery.experiment_of(strain).takes_s for strain in strains)


def usual_s(strains: Iterable[Strain]) -> float:
    """How long they take about, of a system that has none of the defects: its breakers open, and it recovers at
    once. (The demo bank, measured: 27 strains in 174 s, of 191 s.)"""
    return sum(map(_usual_s, strains))


def _usual_s(strain: Strain) -> float:
    lasts_s = battery.experiment_of(strain).duration_s
    return battery.CONTROL_S + AGAIN_S + lasts_s * (OPENED_RATIO if strain.kind in OPENS_UNDER else 1.0)
