"""Whether a service answers without its dependency while that fails, and uses it again afterwards.

Takes the calls at the proxies, gives a finding for each of the two. In effect: requests that usually call on the edge
are answered as expected though their call failed or was not made. Gone: they lead to good calls again after healing.
What the answers say is not seen here. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import FallbackExpectation
from seatrial.chaos.judging.edge_finding import share_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.quantity import show_ratio
from seatrial.sample import EdgeCall
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade

ENOUGH_REQUESTS = 20  # without their dependency, and again after the healing
IN_EFFECT_SHARE = 0.95  # of them: what was under way when the fault came may fail
GONE_RUN = 10  # requests in a row, the last there are, that must lead to good calls


@dataclass(frozen=True, slots=True)
class Fallback:
    """What became of the requests that need an edge.

    `without` had no good call under the fault, `answered` of them were answered as expected; `last` are how many of
    the last requests after it were looked at, `back` of them led to good calls.
    """

    without: int
    answered: int
    last: int
    back: int


def fall_back(calls: Sequence[EdgeCall], expected: FallbackExpectation, *, fault: Span) -> Fallback:
    """The requests to an edge's caller that usually call on, under the fault and after it."""
    edge = expected.edge
    inbound = traffic.inbound(calls, edge.caller)
    owned = traffic.owners(inbound, traffic.on_edge(calls, edge))
    habits = traffic.learn(inbound, owned, before=fault.started_at)
    needing = [
        (request, any(map(traffic.is_good, owned.get(index, ()))))
        for index, request in enumerate(inbound)
        if traffic.route_of(request) in habits.calling
        and (owned.get(index) or (traffic.route_of(request), request.status) not in habits.silent)
    ]
    without = [item for item, good in needing if fault.started_at <= item.started_at < fault.ended_at and not good]
    ended = [item for item in needing if item[0].started_at >= fault.ended_at and item[0].duration_s is not None]
    last = ended[-GONE_RUN:]
    answered = sum(_as_expected(request, expected.status) for request in without)
    return Fallback(len(without), answered, len(last), sum(good for _, good in last))


def judge_fallback(seen: Fallback, expected: FallbackExpectation, *, experiment: str) -> tuple[Finding, ...]:
    """In effect during the fault, and gone after it."""
    during, after = _names(expected.edge)
    return (
        share_finding(
            expected.edge, during, *_in_effect(seen, expected.edge), experiment, n=seen.without, good=seen.answered
        ),
        share_finding(expected.edge, after, *_gone(seen, expected.edge), experiment, n=seen.last, good=seen.back),
    )


def undecided_fallback(expected: FallbackExpectation, *, experiment: str, reason: str) -> tuple[Finding, ...]:
    """The same findings, undecided for that reason: when there was nothing to judge from."""
    return tuple(
        share_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment) for name in _names(expected.edge)
    )


def _names(edge: Edge) -> tuple[str, str]:
    return f"fallback for {edge} in effect", f"fallback for {edge} gone after healing"


def _in_effect(seen: Fallback, edge: Edge) -> tuple[Grade, str]:
    story = f"{seen.answered} of {seen.without} requests that had no good call on {edge} were answered as expected"
    if seen.without < ENOUGH_REQUESTS:
        return Grade.UNDECIDED, f"not enough to judge: {story}; {ENOUGH_REQUESTS} are needed"
    grade = Grade.MET if seen.answered >= IN_EFFECT_SHARE * seen.without else Grade.MISSED
    return grade, f"{story}; {show_ratio(IN_EFFECT_SHARE)} are expected"


def _gone(seen: Fallback, edge: Edge) -> tuple[Grade, str]:
    story = f"{seen.back} of the last {seen.last} requests after healing led to a good call on {edge}"
    if seen.last < GONE_RUN:
        return Grade.UNDECIDED, f"not enough to judge: {story}; {GONE_RUN} are needed"
    return (Grade.MET if seen.back == seen.last else Grade.MISSED), story


def _as_expected(request: EdgeCall, status: int | None) -> bool:
    return traffic.is_good(request) if status is None else request.fate == "done" and request.status == status
