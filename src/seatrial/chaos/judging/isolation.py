"""Whether a fault on one edge leaves the rest of its caller alone: its routes that do not need the edge.

Takes the calls at the proxies and when the fault acted, gives a finding. Each such route is held against itself
before the fault, whatever its objectives promise (those are `untouched`): a request is hurt when it fails, or takes
far longer than its route did then. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.chaos.expectations import IsolationExpectation
from seatrial.chaos.judging.edge_finding import edge_finding
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Span
from seatrial.quantity import show_duration, show_ratio
from seatrial.sample import EdgeCall
from seatrial.verdict import Finding, Grade

ENOUGH_REQUESTS = 20  # of one route, before the fault and under it
ENOUGH_NEEDING = 10  # requests under the fault that need its edge: without them nothing presses on the others
HURT_BY_CHANCE = 2  # a busy machine is late now and then
FAR = 2.0  # a request is slow beyond so many times what 99 % of its route took before ...
FAR_S = 0.05  # ... and that much more


@dataclass(frozen=True, slots=True)
class Held:
    """One route under the fault beside itself before it: requests, and those that were hurt. `slow_s`: from when one
    counts as slow."""

    route: traffic.Route
    before: int
    hurt_before: int
    during: int
    hurt: int
    slow_s: float

    @property
    def excess(self) -> float:
        """How many more requests were hurt than at the rate before."""
        return max(0.0, self.hurt - self.during * self.hurt_before / self.before)

    @property
    def worse_ratio(self) -> float:
        """The same as a share of the requests under the fault."""
        return self.excess / self.during


@dataclass(frozen=True, slots=True)
class Isolation:
    """How the routes of a caller fared that do not need an edge, the worst first; `needing` requests needed it."""

    needing: int
    routes: tuple[Held, ...]


def isolate(calls: Sequence[EdgeCall], expected: IsolationExpectation, *, fault: Span) -> Isolation:
    """The requests to the edge's caller whose route never calls on the edge, under the fault and before."""
    edge = expected.edge
    inbound = traffic.inbound(calls, edge.caller)
    owned = traffic.owners(inbound, traffic.on_edge(calls, edge))
    needing = {traffic.route_of(request) for index, request in enumerate(inbound) if index in owned}
    before, during = defaultdict(list), defaultdict(list)
    for request in inbound:
        if traffic.ended_at(request) < fault.started_at:
            before[traffic.route_of(request)].append(request)
        elif fault.started_at <= request.started_at < fault.ended_at:
            during[traffic.route_of(request)].append(request)
    others = [route for route in _comparable(before, during) if route not in needing]
    held = (_held(route, before[route], during[route]) for route in others)
    pressing = sum(len(requests) for route, requests in during.items() if route in needing)
    return Isolation(pressing, tuple(sorted(held, key=lambda each: -each.worse_ratio)))


def judge_isolation(seen: Isolation, expected: IsolationExpectation, *, experiment: str) -> Finding:
    """The finding about one edge: that of the worst route."""
    if seen.needing < ENOUGH_NEEDING or not seen.routes:
        reason = (
            f"not enough to judge: {seen.needing} requests needed {expected.edge} under the fault, and "
            f"{len(seen.routes)} other routes had {ENOUGH_REQUESTS} before and under it; wanted are {ENOUGH_NEEDING} "
            "and one"
        )
        return _finding(expected, Grade.UNDECIDED, reason, experiment)
    worst = seen.routes[0]
    story = (
        f"{_shown(worst.route)}: {worst.hurt} of {worst.during} requests failed or took longer than "
        f"{show_duration(worst.slow_s)} under the fault, {worst.hurt_before} of {worst.before} before; "
        f"the worst of {len(seen.routes)} routes that do not need {expected.edge}"
    )
    missed = worst.excess > max(HURT_BY_CHANCE, expected.at_most_ratio * worst.during)
    grade = Grade.MISSED if missed else Grade.MET
    return _finding(expected, grade, story, experiment, worst=worst)


def undecided_isolation(expected: IsolationExpectation, *, experiment: str, reason: str) -> Finding:
    """The same finding, undecided for that reason: when there was nothing to judge from."""
    return _finding(expected, Grade.UNDECIDED, reason, experiment)


def _comparable(*phases: Mapping[traffic.Route, Sequence[EdgeCall]]) -> Iterable[traffic.Route]:
    """The routes with enough requests in each phase."""
    first, *others = phases
    return [route for route in first if all(len(each.get(route, ())) >= ENOUGH_REQUESTS for each in (first, *others))]


def _held(route: traffic.Route, before: Sequence[EdgeCall], during: Sequence[EdgeCall]) -> Held:
    usual_s = _p99_s(before)
    slow_s = max(FAR * usual_s, usual_s + FAR_S)

    def hurt(calls: Sequence[EdgeCall]) -> int:
        return sum(not traffic.is_good(call) or (call.duration_s or 0.0) > slow_s for call in calls)

    return Held(route, len(before), hurt(before), len(during), hurt(during), slow_s)


def _p99_s(calls: Sequence[EdgeCall]) -> float:
    """What 99 % of the calls took at most; of those that ended, at least one."""
    durations = sorted(call.duration_s for call in calls if call.duration_s is not None)
    return durations[math.ceil(0.99 * len(durations)) - 1]


def _shown(route: traffic.Route) -> str:
    edge, method, path = route
    return f"{method} {path} ({edge})"


def _finding(
    expected: IsolationExpectation, grade: Grade, reason: str, experiment: str, *, worst: Held | None = None
) -> Finding:
    name = f"isolation from {expected.edge}, at most {show_ratio(expected.at_most_ratio)} worse"
    return edge_finding(
        expected.edge,
        name,
        grade,
        reason,
        experiment,
        limit=expected.at_most_ratio,
        measured=worst.worse_ratio if worst else None,
        measured_text=show_ratio(worst.worse_ratio) if worst else "",
        n=worst.during if worst else 0,
        bad=worst.hurt if worst else 0,
    )
