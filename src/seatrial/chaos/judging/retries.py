"""Whether retries multiply the load on a dependency that fails: calls a request leads to, held against a limit.

Takes the calls at the proxies and when the fault acted, gives a finding. Only requests that reached the edge count:
those an open breaker refused would hide a storm. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import AmplificationExpectation
from seatrial.chaos.judging.edge_finding import edge_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

ENOUGH_REQUESTS = 10  # that reached the edge; one storm among fewer would be most of what is seen


@dataclass(frozen=True, slots=True)
class Amplification:
    """What requests led to at an edge while a fault was on.

    `usual` calls would have been made for the same `requests` without the fault, `calls` were; `most` by one request.
    """

    requests: int
    calls: int
    usual: float
    most: int

    @property
    def factor(self) -> float | None:
        """How many calls there were for each usual one; None when no request reached the edge."""
        return self.calls / self.usual if self.requests else None


def amplify(calls: Sequence[EdgeCall], edge: Edge, *, fault: Span) -> Amplification:
    """The calls at an edge for those requests to its caller that began under the fault and reached it."""
    inbound = traffic.inbound(calls, edge.caller)
    owned = traffic.owners(inbound, traffic.on_edge(calls, edge))
    usual = _usual(inbound, owned, before=fault.started_at)
    reached = [
        (usual[traffic.route_of(request)], len(owned[index]))
        for index, request in enumerate(inbound)
        if index in owned
        and fault.started_at <= request.started_at < fault.ended_at
        and traffic.route_of(request) in usual
    ]
    made = [count for _, count in reached]
    return Amplification(len(reached), sum(made), sum(count for count, _ in reached), max(made, default=0))


def limit_of(expected: AmplificationExpectation, promised: Mechanisms) -> float:
    """The number the experiment names, or one call and the promised retries."""
    return 1.0 + (promised.retries_max or 0) if expected.at_most is None else expected.at_most


def judge_amplification(
    seen: Amplification, expected: AmplificationExpectation, *, promised: Mechanisms, experiment: str
) -> Finding:
    """The finding about one edge."""
    limit = limit_of(expected, promised)
    grade, reason = _amplified(seen, expected.edge, limit)
    return edge_finding(
        expected.edge,
        _name(expected.edge, limit),
        grade,
        reason,
        experiment,
        limit=limit,
        measured=seen.factor,
        measured_text="" if seen.factor is None else f"{seen.factor:.3g}",
        n=seen.requests,
    )


def undecided_amplification(
    expected: AmplificationExpectation, *, promised: Mechanisms, experiment: str, reason: str
) -> Finding:
    """The same finding, undecided for that reason: when there was nothing to judge from."""
    name = _name(expected.edge, limit_of(expected, promised))
    return edge_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment)


def _name(edge: Edge, limit: float) -> str:
    return f"amplification {edge} at most {limit:g}"


def _usual(
    inbound: Sequence[EdgeCall], owned: Mapping[int, Sequence[EdgeCall]], *, before: float
) -> dict[traffic.Route, float]:
    """How many calls a request of each route leads to without the fault, of those that lead to any."""
    counts: defaultdict[traffic.Route, list[int]] = defaultdict(list)
    for index, request in enumerate(inbound):
        if owned.get(index) and traffic.ended_at(request) < before:
            counts[traffic.route_of(request)].append(len(owned[index]))
    return {route: sum(each) / len(each) for route, each in counts.items() if len(each) >= traffic.ENOUGH_TO_LEARN}


def _amplified(seen: Amplification, edge: Edge, limit: float) -> tuple[Grade, str]:
    story = f"{seen.requests} requests led to {seen.calls} calls on {edge} under the fault"
    if seen.factor is None or seen.requests < ENOUGH_REQUESTS:
        return Grade.UNDECIDED, (
            f"not enough to judge: {story}, {ENOUGH_REQUESTS} are needed whose route usually calls on; "
            "requests and calls are tied together by their trace (`traceparent`)"
        )
    counted = f"{story}, {seen.usual:.0f} without it: {seen.factor:.3g} for each; at most {seen.most} by one request"
    return (Grade.MET if seen.factor <= limit else Grade.MISSED), counted
