"""How missing and wrong timeouts show. Pure; a signature takes a `View`, gives a `Reading`."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import LEAST_CALLS, MOST_RATIO, asking, read, read_enough, too_few
from seatrial.chaos.audit.view import View, held_s, overlap
from seatrial.chaos.seen import traffic
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall

TOGETHER_S = 0.15  # two proxies see one hanging up within that
LONG_RATIO = 2.0  # of the promised timeout: no call that is bounded as a whole lasts so long


def no_timeout(view: View) -> Reading:
    """1, 2: calls last as long as the fault, or until whoever asked for them gives up.

    One that its caller itself gives up, if long after it was asked for, is bounded: `too_patient` is about that.
    """
    early = [call for call in view.during if call.started_at <= view.fault.ended_at - view.limit_s]
    if len(early) < LEAST_CALLS:
        return too_few(len(early), "calls early in the fault", LEAST_CALLS)
    askers = asking(view)
    held = [
        call
        for call in early
        if (held_s(call, view.fault.ended_at) >= view.limit_s and not _given_up_late(call, askers, view))
        or _ended_with(call, askers)
    ]
    longest = max(held_s(call, view.fault.ended_at) for call in early)
    text = (
        f"{len(held)} of {counted(len(early), 'call')} that got no answer were not given up by the caller itself; "
        f"{overlap(view.during)} were under way at once, the longest for {show_duration(longest)}"
    )
    return read(len(held) >= MOST_RATIO * len(early), text, n=len(early), bad=len(held))


def too_patient(view: View) -> Reading:
    """4: calls that are given up in the end, but long after whoever asked for them has gone."""
    if len(view.during) < LEAST_CALLS:
        return too_few(len(view.during), "calls", LEAST_CALLS)
    askers = asking(view)
    outlived = [call for call in view.during if _outlived(call, askers, view.fault.ended_at)]
    text = f"{len(outlived)} of {counted(len(view.during), 'call')} went on after their own caller had given up"
    return read_enough(4 * len(outlived) >= len(view.during), text, n=len(view.during), bad=len(outlived))


def left_running(view: View) -> Reading:
    """32: requests are answered when the caller has waited long enough, and their calls go on."""
    if len(view.during) < LEAST_CALLS:
        return too_few(len(view.during), "calls", LEAST_CALLS)
    askers = asking(view)
    left = [call for call in view.during if _is_left(call, askers.get(call), view)]
    text = f"{len(left)} of {counted(len(view.during), 'call')} went on after the request they were for was answered"
    return read_enough(2 * len(left) >= len(view.during), text, n=len(view.during), bad=len(left))


def per_read_timeout(view: View) -> Reading:
    """3: an answer that drips is read to its end, long after the timeout."""
    timeout_s = view.strain.promised.timeout_s
    if timeout_s is None:
        return Reading(Sign.NOT_JUDGED, "no timeout is promised, so nothing is late by it")
    limit_s = LONG_RATIO * timeout_s
    early = [call for call in view.during if call.started_at <= view.fault.ended_at - limit_s]
    if len(early) < LEAST_CALLS:
        return too_few(len(early), "calls early in the fault", LEAST_CALLS)
    long = [call for call in early if held_s(call, view.fault.ended_at) >= limit_s]
    text = (
        f"{len(long)} of {counted(len(early), 'call')} with a dripping answer took {show_duration(limit_s)} or more, "
        f"the timeout is {show_duration(timeout_s)}; the median is {show_duration(traffic.median_s(early) or 0.0)}"
    )
    return read(len(long) >= MOST_RATIO * len(early), text, n=len(early), bad=len(long))


def _ended_with(call: EdgeCall, askers: Mapping[EdgeCall, EdgeCall]) -> bool:
    """Whether it ended only because whoever asked for it hung up."""
    asker = askers.get(call)
    return (
        asker is not None
        and asker.fate == call.fate == "client_closed"
        and abs(traffic.ended_at(asker) - traffic.ended_at(call)) < TOGETHER_S
    )


def _outlived(call: EdgeCall, askers: Mapping[EdgeCall, EdgeCall], until: float) -> bool:
    """Whether it went on, by that moment, when whoever asked for it had hung up."""
    asker = askers.get(call)
    return (
        asker is not None
        and asker.fate == "client_closed"
        and traffic.ended_at(asker) + TOGETHER_S < min(traffic.ended_at(call), until)
    )


def _given_up_late(call: EdgeCall, askers: Mapping[EdgeCall, EdgeCall], view: View) -> bool:
    """Whether its caller gave it up by itself while the fault was on, long after nobody waited for it any more."""
    ended_itself = call.fate == "client_closed" and traffic.ended_at(call) < view.fault.ended_at
    return ended_itself and _outlived(call, askers, view.fault.ended_at)


def _is_left(call: EdgeCall, asker: EdgeCall | None, view: View) -> bool:
    """Whether it went on when the request it was for, which had waited for it, had been answered."""
    if asker is None or asker.fate != "done" or not view.waited(asker):
        return False
    return traffic.ended_at(asker) + TOGETHER_S < min(traffic.ended_at(call), view.fault.ended_at)
