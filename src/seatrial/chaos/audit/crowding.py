"""How it shows under a crowd that one slow dependency takes the room of all, and that what piled up stays.

Pure; signatures as elsewhere.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import read, too_few
from seatrial.chaos.audit.view import View, held_s, overlap, requests_of
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Request
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall
from seatrial.service import Edge

LEAST_AT_ONCE = 8  # open calls: a pool that holds as many as that is not seen
LEAST_BESIDE = 8
WAITED_RATIO = 0.3  # of what a call to the slow dependency takes: so long is no accident of a busy machine
CALM_RATIO = 0.1  # of the requests may have waited so long before the fault
LEAST_LATER = 10
AT_EASE_S = 1.5  # after the healing: what is not queued without end is done by then, on a busy machine too
SLOWER_TIMES = 5.0
USUAL_LEAST_S, USUAL_MOST_S = 0.01, 0.05  # less is as good, and more is too much already
NOBODY_RATIO = 0.2  # of the calls are made for nobody: no accident, and it need not be most of them
GONE_S = 0.1  # a call that begins so long after its request failed is made for nobody


def no_bulkhead(view: View) -> Reading:
    """22: requests that need another dependency alone, which is well, wait for their call as long as the slow one
    has many under way."""
    most, slow_s = overlap(view.during), traffic.median_s(view.during)
    if slow_s is None or most < LEAST_AT_ONCE:
        return too_few(most, "calls at once", LEAST_AT_ONCE)
    beside, end = tuple(_beside(view)), _end(view.calls)
    full = view.fault.started_at + slow_s
    waits = [_waited_s(item, end) for item in beside if full <= item.call.started_at < view.fault.ended_at]
    before = [_waited_s(item, end) for item in beside if item.call.started_at < view.fault.started_at]
    if min(len(waits), len(before)) < LEAST_BESIDE:
        return too_few(min(len(waits), len(before)), "requests that need another dependency alone", LEAST_BESIDE)
    limit_s = WAITED_RATIO * slow_s
    if sum(wait >= limit_s for wait in before) > CALM_RATIO * len(before):
        return Reading(Sign.NOT_JUDGED, "requests that need another dependency alone waited before the fault, too")
    bad = sum(wait >= limit_s for wait in waits)
    text = (
        f"{bad} of {counted(len(waits), 'request')} that do without {view.strain.edge.callee} waited for their call, "
        f"{show_duration(statistics.median(waits))} (median, {show_duration(statistics.median(before))} before), "
        f"while up to {most} to it were under way, each for {show_duration(slow_s)}"
    )
    return read(2 * bad >= len(waits), text, n=len(waits), bad=bad)


def endless_queue(view: View) -> Reading:
    """23: a while after the dependency is well again requests still wait in the service, or it still works for those
    that nobody waits for any more."""
    inbound = traffic.inbound(view.calls, view.strain.edge.caller)
    own = [call for call in traffic.by_time(view.calls) if Edge.parse(call.edge).caller == view.strain.edge.caller]
    owned, end = traffic.owners(inbound, own), _end(view.calls)
    requests = [Request(call, tuple(owned.get(index, ()))) for index, call in enumerate(inbound)]
    before = [_inside_s(item, end) for item in requests if traffic.ended_at(item.call) < view.fault.started_at]
    since = view.fault.ended_at + AT_EASE_S
    usual_s = statistics.median(before) if before else 0.0
    limit_s = SLOWER_TIMES * min(max(usual_s, USUAL_LEAST_S), USUAL_MOST_S)
    later = [_inside_s(item, end) for item in requests if since <= item.call.started_at < end - limit_s]
    if min(len(before), len(later)) < LEAST_LATER:
        return too_few(min(len(before), len(later)), "requests before the fault and after it", LEAST_LATER)
    calls = [call for call in own if call.started_at >= since]
    nobody = sum(call.started_at >= since for item in requests for call in _for_nobody(item))
    waited = f"{show_duration(statistics.median(later))} (median, {show_duration(usual_s)} before)"
    when = f"{show_duration(AT_EASE_S)} or more after the healing"
    if nobody >= max(LEAST_LATER, NOBODY_RATIO * len(calls)):
        made = f"{nobody} of {counted(len(calls), 'call')} made {when} were for requests that had failed before"
        return read(True, f"{made}; requests waited inside for {waited}", n=len(calls), bad=nobody)
    if usual_s >= USUAL_MOST_S:
        return Reading(Sign.NOT_JUDGED, f"requests waited inside before the fault, too: {waited}")
    slow = sum(inside_s >= limit_s for inside_s in later)
    text = f"{slow} of {counted(len(later), 'request')} that came {when} waited inside for {waited}"
    return read(2 * slow >= len(later), text, n=len(later), bad=slow)


def _beside(view: View) -> Iterator[Request]:
    """The requests that need another dependency of the caller and never the strained one."""
    needing = {traffic.route_of(item.call) for item in view.requests}
    for edge in view.other_edges:
        for item in requests_of(view.calls, edge, before=view.fault.started_at):
            if traffic.route_of(item.call) not in needing:
                yield item


def _waited_s(item: Request, end: float) -> float:
    """How long it was there before its first call, at least; all the time where it made none."""
    return held_s(item.call, item.led_to[0].started_at if item.led_to else end)


def _inside_s(item: Request, end: float) -> float:
    """How long it was there and none of its calls under way, at least."""
    until = min(traffic.ended_at(item.call), end)
    return until - item.call.started_at - sum(max(0.0, held_s(call, until)) for call in item.led_to)


def _for_nobody(item: Request) -> Iterable[EdgeCall]:
    """Its calls that began long after it had been given up, or answered with a failure."""
    if traffic.is_good(item.call):
        return ()
    return (call for call in item.led_to if call.started_at > traffic.ended_at(item.call) + GONE_S)


def _end(calls: Sequence[EdgeCall]) -> float:
    """When the last thing was seen."""
    return max(call.started_at + (call.duration_s or 0.0) for call in calls)
