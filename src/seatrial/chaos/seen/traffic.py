"""How the calls seen at the proxies belong together: which request to a service led to which call of its own.

Takes `EdgeCall`s, gives who caused whom and what is usual. All proxies are one process, so their times compare. Pure;
may import only the floor.
"""

from __future__ import annotations

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.sample import EdgeCall
from seatrial.service import Edge

ENOUGH_TO_LEARN = 3  # calls of one route before anything is said about it
USUAL_SHARE = 0.05  # a class of answers rarer than that is an accident, not a habit
_SEGMENT_OF_AN_ID = re.compile(r"[^/]*\d[^/]*")

Route = tuple[str, str, str]


def route_of(call: EdgeCall) -> Route:
    """Edge, method and path; a segment with a digit in it is taken for an id and becomes `*`."""
    return call.edge, call.method, _SEGMENT_OF_AN_ID.sub("*", call.path)


def ended_at(call: EdgeCall) -> float:
    """When it ended; infinity while it is open."""
    return math.inf if call.duration_s is None else call.started_at + call.duration_s


def is_good(call: EdgeCall) -> bool:
    """Whether the caller got a whole answer that is no server's error."""
    return call.fate == "done" and call.status is not None and call.status < 500


def inbound(calls: Iterable[EdgeCall], service: str) -> tuple[EdgeCall, ...]:
    """The requests a service was sent, by whomever, by time."""
    return by_time(call for call in calls if Edge.parse(call.edge).callee == service)


def on_edge(calls: Iterable[EdgeCall], edge: Edge) -> tuple[EdgeCall, ...]:
    """The calls of one edge, by time."""
    return by_time(call for call in calls if call.edge == str(edge))


def by_time(calls: Iterable[EdgeCall]) -> tuple[EdgeCall, ...]:
    """The calls in the order they began."""
    return tuple(sorted(calls, key=lambda call: call.started_at))


def owners(requests: Sequence[EdgeCall], calls: Sequence[EdgeCall]) -> dict[int, list[EdgeCall]]:
    """The calls each request led to, by the request's index; calls nobody asked for are left out.

    A call belongs to a request of its own trace that began before it: to the youngest that is still open, else to the
    one that ended last. A trace may hold many requests: a play's steps come one after the other.
    """
    by_trace: defaultdict[str, list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        if request.trace_id:
            by_trace[request.trace_id].append(index)
    owned: defaultdict[int, list[EdgeCall]] = defaultdict(list)
    for call in calls:
        before = [index for index in by_trace.get(call.trace_id, ()) if requests[index].started_at <= call.started_at]
        if before:
            owned[max(before, key=lambda index: _claim(requests[index], call))].append(call)
    return owned


def _claim(request: EdgeCall, call: EdgeCall) -> tuple[bool, float]:
    is_open = ended_at(request) >= call.started_at
    return is_open, request.started_at if is_open else ended_at(request)


@dataclass(frozen=True, slots=True)
class Habits:
    """What is usual without a fault: the routes that call on, and the answers they give without calling on."""

    calling: frozenset[Route]
    silent: frozenset[tuple[Route, int | None]]


def learn(requests: Sequence[EdgeCall], owned: Mapping[int, Sequence[EdgeCall]], *, before: float) -> Habits:
    """The habits of requests that ended before that moment.

    A route that calls on may also answer without it (a frozen card is declined); such answers, known by their status,
    are no sign of an open breaker.
    """
    total: defaultdict[Route, int] = defaultdict(int)
    calling: defaultdict[Route, int] = defaultdict(int)
    silent: defaultdict[tuple[Route, int | None], int] = defaultdict(int)
    for index, request in enumerate(requests):
        if ended_at(request) < before:
            route = route_of(request)
            total[route] += 1
            if owned.get(index):
                calling[route] += 1
            else:
                silent[route, request.status] += 1
    return Habits(
        calling=frozenset(route for route, count in calling.items() if _is_usual(count, total[route])),
        silent=frozenset(key for key, count in silent.items() if _is_usual(count, total[key[0]], least=2)),
    )


def _is_usual(count: int, total: int, *, least: int = ENOUGH_TO_LEARN) -> bool:
    return count >= least and count / total >= USUAL_SHARE


def median_s(calls: Iterable[EdgeCall]) -> float | None:
    """The median duration of those that ended; None for none."""
    durations = [call.duration_s for call in calls if call.duration_s is not None]
    return statistics.median(durations) if durations else None


def most_within(calls: Sequence[EdgeCall], window_s: float) -> int:
    """The most calls (by time) that began within any window of that length."""
    most = first = 0
    for last, call in enumerate(calls):
        while call.started_at - calls[first].started_at > window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
