"""How it shows what callers do with what they get, or do not get, of a dependency. Pure; signatures as elsewhere."""

from __future__ import annotations

import math

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import LEAST_CALLS, read, read_enough, too_few
from seatrial.chaos.audit.view import View, overlap
from seatrial.chaos.seen import traffic
from seatrial.quantity import counted
from seatrial.sample import EdgeCall

LEAST_ASKED = 8
LEAST_HEALTH = 3
LEAST_CUT = 2
LEAST_UNDER_WAY = 2
BROKEN_OFF = "upstream_closed"  # the service closed the connection without an answer
LEAST_BROKEN = 2  # one may have been sent in the moment in which a service that drains closes its connection


def fallback(view: View) -> Reading:
    """24, 25: requests fail without a dependency that is said to be optional."""
    if len(view.asked) < LEAST_ASKED:
        return too_few(len(view.asked), "requests that need it", LEAST_ASKED)
    failed = [item for item in view.asked if not traffic.is_good(item.call)]
    text = f"{len(failed)} of {counted(len(view.asked), 'request')} failed while {view.strain.edge.callee} was out"
    return read(2 * len(failed) >= len(view.asked), text, n=len(view.asked), bad=len(failed))


def lock(view: View) -> Reading:
    """16: never two calls at once, and requests that wait for their turn."""
    if len(view.during) < LEAST_CALLS:
        return too_few(len(view.during), "calls", LEAST_CALLS)
    most, queued = overlap(view.during), _queued(view)
    text = f"{most} of {counted(len(view.during), 'call')} at once; {counted(queued, 'request')} waited for a turn"
    return read(most == 1 and queued >= LEAST_CALLS, text, n=len(view.during), bad=queued)


def truncated(view: View) -> Reading:
    """31: the answer to a call was cut short, and the request is answered as if it had been whole: well, or with
    a 4xx that the missing part brought about."""
    cut = [item for item in view.asked if item.led_to and all(map(_was_cut, item.led_to))]
    if len(cut) < LEAST_CUT:
        return too_few(len(cut), "requests whose calls were all cut short", LEAST_CUT)
    believed = [item for item in cut if traffic.is_good(item.call)]
    text = f"{len(believed)} of {counted(len(cut), 'request')} were answered, and not with a failure, from a cut one"
    return read_enough(2 * len(believed) >= len(cut), text, n=len(cut), bad=len(believed))


def too_deep(view: View) -> Reading:
    """28: the health path fails without a dependency that the service can do without."""
    if len(view.health) < LEAST_HEALTH:
        return too_few(len(view.health), "questions for its health", LEAST_HEALTH)
    failed = [item for item in view.health if item.status is None or item.status >= 500]
    text = f"its health path failed {len(failed)} of {len(view.health)} times while {view.strain.edge.callee} was out"
    return read(2 * len(failed) >= len(view.health), text, n=len(view.health), bad=len(failed))


def no_grace(view: View) -> Reading:
    """33: requests that were under way when the service was told to end are broken off.

    Not those that their askers gave up or that had not reached it yet, and not what was ended to start it again.
    """
    stopped_at = view.stopped_at
    if stopped_at is None:
        return Reading(Sign.NOT_JUDGED, "it was never told to end")
    inbound = traffic.inbound(view.calls, view.strain.edge.caller)
    under_way = [
        call
        for call in inbound
        if call.started_at < stopped_at < traffic.ended_at(call) and call.fate in ("done", BROKEN_OFF)
    ]
    if len(under_way) < LEAST_UNDER_WAY:
        return too_few(len(under_way), "requests under way when it was told to end", LEAST_UNDER_WAY)
    started_at = min((start.started_at for start in view.starts), default=math.inf)
    broken = sum(call.fate == BROKEN_OFF and traffic.ended_at(call) < started_at for call in under_way)
    text = f"{broken} of {counted(len(under_way), 'request')} under way were broken off when it was told to end"
    return read_enough(2 * broken >= len(under_way), text, n=len(under_way), bad=broken, least=LEAST_BROKEN)


def _was_cut(call: EdgeCall) -> bool:
    """Whether it was a good answer until it broke off."""
    return call.fate != "done" and call.status is not None and call.status < 400


def _queued(view: View) -> int:
    """The requests that came while a call was under way and made theirs only when that had ended."""
    queued = 0
    for item in view.asked:
        if item.led_to:
            own = item.led_to[0]
            queued += any(
                call.started_at < item.call.started_at < traffic.ended_at(call) <= own.started_at
                for call in view.during
                if call is not own
            )
    return queued
