"""Whether a bulkhead bounds the calls a caller has open at once on an edge that holds them.

Takes the calls at the proxies and when the fault acted, gives a finding. It was pressed when requests that usually
call on came while as many calls were open as are allowed; without that nothing is said. That other routes go on is
`untouched`. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import BulkheadExpectation
from seatrial.chaos.judging.edge_finding import edge_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.verdict import Finding, Grade

ENOUGH_PRESSED = 5  # requests that came while it was full
OVERLAP_S = 0.01  # a call that is given up may be seen to end that much after the next has begun


@dataclass(frozen=True, slots=True)
class Pressed:
    """Calls open at once under a fault: the `most`; and how many requests came while `limit` or more were open."""

    most: int
    pressed: int


def press(calls: Sequence[EdgeCall], expected: BulkheadExpectation, *, fault: Span) -> Pressed:
    """How many calls were open at once on the edge while the fault was on."""
    edge = expected.edge
    on_edge = traffic.on_edge(calls, edge)
    inbound = traffic.inbound(calls, edge.caller)
    habits = traffic.learn(inbound, traffic.owners(inbound, on_edge), before=fault.started_at)
    needing = [call for call in inbound if traffic.route_of(call) in habits.calling and _under(call, fault)]
    open_at = _counter(on_edge)
    pressed = sum(open_at(call.started_at) >= expected.at_most for call in needing)
    most = max((open_at(call.started_at) for call in on_edge if _under(call, fault)), default=0)
    return Pressed(most, pressed)


def judge_bulkhead(seen: Pressed, expected: BulkheadExpectation, *, experiment: str) -> Finding:
    """The finding about one edge."""
    story = f"at most {seen.most} calls were open at once on {expected.edge} under the fault"
    if seen.most > expected.at_most:
        return _finding(expected, Grade.MISSED, story, experiment, measured=seen.most)
    if seen.pressed < ENOUGH_PRESSED:
        reason = f"not enough to judge: {story}, and {seen.pressed} requests came while it was full"
        return _finding(expected, Grade.UNDECIDED, f"{reason}; {ENOUGH_PRESSED} are needed", experiment)
    reason = f"{story}; {seen.pressed} requests came while it was full"
    return _finding(expected, Grade.MET, reason, experiment, measured=seen.most)


def undecided_bulkhead(expected: BulkheadExpectation, *, experiment: str, reason: str) -> Finding:
    """The same finding, undecided for that reason: when there was nothing to judge from."""
    return _finding(expected, Grade.UNDECIDED, reason, experiment)


def _under(call: EdgeCall, fault: Span) -> bool:
    return fault.started_at <= call.started_at < fault.ended_at


def _counter(calls: Sequence[EdgeCall]) -> Callable[[float], int]:
    """How many of the calls (by time) are open at a moment."""
    begun = [call.started_at for call in calls]
    ended = sorted(max(call.started_at, traffic.ended_at(call) - OVERLAP_S) for call in calls)
    return lambda moment: bisect_right(begun, moment) - bisect_right(ended, moment)


def _finding(
    expected: BulkheadExpectation, grade: Grade, reason: str, experiment: str, *, measured: int | None = None
) -> Finding:
    name = f"bulkhead {expected.edge} at most {expected.at_most} calls at once"
    text = "" if measured is None else f"{measured} calls"
    return edge_finding(
        expected.edge,
        name,
        grade,
        reason,
        experiment,
        limit=expected.at_most,
        measured=measured,
        measured_text=text,
    )
