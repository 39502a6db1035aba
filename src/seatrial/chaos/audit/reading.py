"""How signatures say what they read, and what several of them look at. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.view import LEAST_REFUSED, View, needed
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall

LEAST_CALLS = 4
MOST_RATIO = 0.8  # so many of the calls are as the defect makes them
OPENING_IN_A_ROW = 5  # failed calls in a row: many breakers open by so few
OPENING_RATIO = 1.2  # of the promised calls within the window: a breaker must have opened by then


def read(found: bool, text: str, *, n: int = 0, bad: int = 0) -> Reading:
    """Found, or clear."""
    return Reading(Sign.FOUND if found else Sign.CLEAR, text, n, bad)


def read_enough(found: bool, text: str, *, n: int, bad: int, least: int = LEAST_CALLS) -> Reading:
    """As `read`, by their share; not judged where that is found of fewer than so many: they may be an accident."""
    if found and bad < least:
        return Reading(Sign.NOT_JUDGED, f"{text}; {least} are needed", n, bad)
    return read(found, text, n=n, bad=bad)


def too_few(count: int, what: str, wanted: int) -> Reading:
    """Not judged: so many of what there must be at least `wanted` of; `what` as for `needed`."""
    return Reading(Sign.NOT_JUDGED, needed(count, what, wanted), count)


def no_evidence(view: View) -> Reading | None:
    """Why it is no evidence that no breaker was seen to open; None when it is."""
    wanted = round(OPENING_RATIO * view.strain.breaker.min_calls)
    if view.timeline.most_in_window < wanted:
        within = f"calls within {show_duration(view.strain.breaker.window_s)}"
        return too_few(view.timeline.most_in_window, within, wanted)
    held_back = sum(map(view.waited, view.uncalled))
    if held_back >= LEAST_REFUSED:
        requests = counted(view.timeline.requests, "request")
        return Reading(
            Sign.NOT_JUDGED, f"{held_back} of {requests} waited and made no call: something held them back"
        )
    return None


def asking(view: View) -> Mapping[EdgeCall, EdgeCall]:
    """The request each call was made for."""
    return {call: item.call for item in view.requests for call in item.led_to}
