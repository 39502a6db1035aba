"""Why a request made no call on an edge, where that tells nothing of the edge's breaker.

Takes the calls at the proxies and what was usual before the fault; gives requests. Pure; may import the floor and the
chaos room's words. Three reasons are told, all by the caller's other edges: the very same was asked there, as of a
replica; a call there failed, and so there was nothing left to ask; what is asked first there was not asked either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.chaos.seen import traffic
from seatrial.sample import EdgeCall
from seatrial.service import Edge

MOST_RATIO = 0.8  # of a route's requests ask there first: that is its habit


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of one route that leads to calls on the edge: the other edges that are asked for the very same
    beside it, and those whose answer is waited for first."""

    beside: frozenset[str]
    first: frozenset[str]


NOTHING_USUAL = Usual(frozenset(), frozenset())


def otherwise_uncalled(calls: Sequence[EdgeCall], edge: Edge, *, before: float) -> frozenset[EdgeCall]:
    """The requests to the caller of an edge that made no call on it for one of these reasons, whenever they came;
    `before` is when the fault began, UTC seconds."""
    inbound = traffic.inbound(calls, edge.caller)
    owned = traffic.owners(inbound, traffic.by_time(call for call in calls if _is_of(call, edge.caller)))
    led_to = {request: tuple(owned.get(index, ())) for index, request in enumerate(inbound)}
    asked = frozenset(map(_question, traffic.on_edge(calls, edge)))
    usual = _usual({each: own for each, own in led_to.items() if traffic.ended_at(each) < before}, str(edge))
    return frozenset(
        request
        for request, own in led_to.items()
        if all(call.edge != str(edge) for call in own)
        and _has_a_reason(own, asked, usual.get(traffic.route_of(request), NOTHING_USUAL))
    )


def _is_of(call: EdgeCall, caller: str) -> bool:
    return Edge.parse(call.edge).caller == caller


def _question(call: EdgeCall) -> tuple[str, str]:
    """What was asked, by method and path, ids aside."""
    _, method, path = traffic.route_of(call)
    return method, path


def _has_a_reason(own: Sequence[EdgeCall], asked: frozenset[tuple[str, str]], usual: Usual) -> bool:
    went_elsewhere = any(_question(call) in asked and call.edge not in usual.beside for call in own)
    failed_before = any(not traffic.is_good(call) for call in own)
    return went_elsewhere or failed_before or not usual.first <= {call.edge for call in own}


def _usual(led_to: Mapping[EdgeCall, Sequence[EdgeCall]], edge: str) -> Mapping[traffic.Route, Usual]:
    """The habits of each route, by its requests that did call the edge."""
    total: Counter[traffic.Route] = Counter()
    beside: Counter[tuple[traffic.Route, str]] = Counter()
    first: Counter[tuple[traffic.Route, str]] = Counter()
    for request, own in led_to.items():
        on_edge = [call for call in own if call.edge == edge]
        if on_edge:
            route = traffic.route_of(request)
            total[route] += 1
            beside.update((route, name) for name in _beside(own, on_edge))
            first.update((route, name) for name in _first(own, on_edge[0]))
    return {
        route: Usual(
            frozenset(name for of, name in beside if of == route and 2 * beside[of, name] >= count),
            frozenset(name for of, name in first if of == route and first[of, name] >= MOST_RATIO * count),
        )
        for route, count in total.items()
    }


def _beside(own: Iterable[EdgeCall], on_edge: Sequence[EdgeCall]) -> set[str]:
    """The other edges that were asked for the very same."""
    asked = set(map(_question, on_edge))
    return {call.edge for call in own if call.edge != on_edge[0].edge and _question(call) in asked}


def _first(own: Iterable[EdgeCall], call: EdgeCall) -> set[str]:
    """The other edges whose answer was there before that call began."""
    return {each.edge for each in own if each.edge != call.edge and traffic.ended_at(each) <= call.started_at}
