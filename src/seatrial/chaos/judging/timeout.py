"""Whether a caller's timeout bounds the calls it makes: how long its edge saw them go on under a fault.

Takes the calls at the proxies and when the fault acted, gives a finding. A call counts as cut when its caller closed
it before it was answered; without such calls the timeout was not needed, and nothing is said about it. Pure; may
import only the floor and this room's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import TimeoutExpectation
from seatrial.chaos.judging.edge_finding import edge_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.quantity import show_duration
from seatrial.sample import EdgeCall
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

ENOUGH_CUT = 5  # calls that the caller gave up or should have
SLACK_RATIO = 0.1  # of the limit, and
SLACK_S = 0.05  # at least: timers, and what a busy machine adds
STRAY_SHARE = 0.05  # of the calls may be later still, and one: a machine that paused is no missing timeout


@dataclass(frozen=True, slots=True)
class Held:
    """Calls an edge saw under a fault: `cut` were closed by their caller, `over` went on beyond the limit and slack.

    `longest_s` is that of all; of one that was never closed, how long it was seen.
    """

    calls: int
    cut: int
    over: int
    longest_s: float | None


def hold(calls: Sequence[EdgeCall], edge: Edge, *, fault: Span, limit_s: float) -> Held:
    """What became of the calls on an edge that began under the fault."""
    seen_until = max((_last(call) for call in calls), default=fault.ended_at)
    under = [call for call in traffic.on_edge(calls, edge) if fault.started_at <= call.started_at < fault.ended_at]
    lasted = [_lasted_s(call, seen_until) for call in under]
    late_s = limit_s + max(SLACK_S, SLACK_RATIO * limit_s)
    over = sum(each > late_s for each in lasted)
    cut = sum(call.fate == "client_closed" and each <= late_s for call, each in zip(under, lasted, strict=True))
    return Held(len(under), cut, over, max(lasted, default=None))


def limit_of(expected: TimeoutExpectation, promised: Mechanisms) -> float:
    """The limit in seconds that the experiment names, or the promised timeout."""
    return (promised.timeout_s or 0.0) if expected.bounded_by_s is None else expected.bounded_by_s


def judge_timeout(held: Held, expected: TimeoutExpectation, *, promised: Mechanisms, experiment: str) -> Finding:
    """The finding about one edge."""
    limit_s = limit_of(expected, promised)
    grade, reason = _bounded(held, expected.edge, limit_s)
    return edge_finding(
        expected.edge,
        _name(expected.edge, limit_s),
        grade,
        reason,
        experiment,
        limit=limit_s,
        measured=held.longest_s,
        measured_text="" if held.longest_s is None else show_duration(held.longest_s),
        n=held.calls,
        bad=held.over,
    )


def undecided_timeout(expected: TimeoutExpectation, *, promised: Mechanisms, experiment: str, reason: str) -> Finding:
    """The same finding, undecided for that reason: when there was nothing to judge from."""
    name = _name(expected.edge, limit_of(expected, promised))
    return edge_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment)


def _name(edge: Edge, limit_s: float) -> str:
    return f"timeout {edge} bounded by {show_duration(limit_s)}"


def _bounded(held: Held, edge: Edge, limit_s: float) -> tuple[Grade, str]:
    if held.longest_s is None or held.cut + held.over < ENOUGH_CUT:
        return Grade.UNDECIDED, (
            f"not enough to judge: of {held.calls} calls on {edge} under the fault the caller gave up {held.cut} and "
            f"{held.over} went on longer, {ENOUGH_CUT} are needed; a fault that holds answers back shows more"
        )
    story = (
        f"of {held.calls} calls on {edge} under the fault the caller gave up {held.cut} in time, {held.over} went on "
        f"beyond {show_duration(limit_s)}; the longest took {show_duration(held.longest_s)}"
    )
    strays = max(1.0, STRAY_SHARE * held.calls)
    return (Grade.MET if held.over <= strays else Grade.MISSED), story


def _lasted_s(call: EdgeCall, seen_until: float) -> float:
    return seen_until - call.started_at if call.duration_s is None else call.duration_s


def _last(call: EdgeCall) -> float:
    return call.started_at + (call.duration_s or 0.0)
