"""How it shows what callers need to start. Pure; signatures as elsewhere."""

from __future__ import annotations

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import read, too_few
from seatrial.chaos.audit.view import View
from seatrial.quantity import counted, show_duration
from seatrial.sample import Cause, Outcome

LEAST_STARTS = 2


def start_needs(view: View) -> Reading:
    """29: without its dependency it ends by itself, each time it is started; with it, it starts."""
    starts, callee = view.starts, view.strain.edge.callee
    if not starts:
        return Reading(Sign.NOT_JUDGED, f"it was not started while {callee} was out: the realm cannot do that")
    last = starts[-1]
    took = show_duration(last.latency_s)
    if last.outcome is Outcome.OK:
        return read(False, f"started without {callee}, it answered its health path after {took}", n=len(starts))
    if last.cause is Cause.TIMEOUT:
        return Reading(Sign.NOT_JUDGED, f"started without {callee}, it had not answered after {took}, and still ran")
    if len(starts) < LEAST_STARTS:
        return too_few(len(starts), "starts that ended without being told to", LEAST_STARTS)
    text = f"started without {callee} {counted(len(starts), 'time')}, it ended by itself, the last time after {took}"
    return read(True, text, n=len(starts), bad=len(starts))
