"""How wrong retries show. Pure; a signature takes a `View`, gives a `Reading`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import LEAST_CALLS, MOST_RATIO, read, read_enough, too_few
from seatrial.chaos.audit.view import View
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import FAST_SHARE
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall

STORM_LEAST = 4
UNSAFE = ("POST", "PATCH")
AT_ONCE_S = 0.008
LEAST_RETRIES = 5
AGAIN_RATIO = 0.3
LEAST_UNSAFE = 3
LEAST_UNCALLED = 8


def storm(view: View) -> Reading:
    """17: one request leads to many more calls than its retries should make."""
    called = [len(item.led_to) for item in view.asked if item.led_to]
    if len(called) < LEAST_CALLS:
        return too_few(len(called), "requests that called", LEAST_CALLS)
    usual = _usual(view)
    limit = max(STORM_LEAST, 2 * usual * (1 + (view.strain.promised.retries_max or 1)))
    many = sum(count > limit for count in called)
    text = (
        f"up to {counted(max(called), 'call')} for one request, {usual} without the fault; {many} made over {limit}"
    )
    return read(many >= 2 or max(called) >= 2 * limit, text, n=len(called), bad=many)


def no_back_off(view: View) -> Reading:
    """18: the second call follows the first at once."""
    gaps = sorted(_gaps(view))
    if len(gaps) < LEAST_RETRIES:
        return too_few(len(gaps), "retries", LEAST_RETRIES)
    at_once = sum(gap < AT_ONCE_S for gap in gaps)
    text = f"{at_once} of {len(gaps)} retries came within {show_duration(AT_ONCE_S)} of the failure"
    return read(at_once >= MOST_RATIO * len(gaps), text, n=len(gaps), bad=at_once)


def rejection_again(view: View) -> Reading:
    """21: a 4xx, which would be the same again, is asked for again."""
    called = [item for item in view.asked if item.led_to]
    if len(called) < LEAST_CALLS:
        return too_few(len(called), "requests that called", LEAST_CALLS)
    again = sum(_asks_again(item.led_to) for item in called)
    text = f"{again} of {counted(len(called), 'request')} asked again for what had been answered 4xx"
    return read_enough(again >= AGAIN_RATIO * len(called), text, n=len(called), bad=again)


def unsafe_again(view: View) -> Reading:
    """19: a call that is not idempotent, whose answer was lost, is made again."""
    lost = again = 0
    for item in view.asked:
        unsafe = [call for call in item.led_to if call.method in UNSAFE]
        if unsafe and not traffic.is_good(unsafe[0]):
            routes = [traffic.route_of(call) for call in unsafe]
            lost, again = lost + 1, again + (len(set(routes)) < len(routes))
    if lost < LEAST_UNSAFE:
        return too_few(lost, "calls by POST or PATCH whose answer was lost", LEAST_UNSAFE)
    text = f"{again} of {counted(lost, 'request')} whose POST or PATCH got no answer sent it again"
    return read_enough(2 * again >= lost, text, n=lost, bad=again, least=LEAST_UNSAFE)


def around_the_breaker(view: View) -> Reading:
    """20: requests wait for long, and make no call."""
    timeout_s = view.strain.promised.timeout_s
    if timeout_s is None:
        return Reading(Sign.NOT_JUDGED, "no timeout is promised, so nothing is slow by it")
    uncalled = view.uncalled
    if len(uncalled) < LEAST_UNCALLED:
        return too_few(len(uncalled), "requests without a call", LEAST_UNCALLED)
    slow = sum(map(view.waited, uncalled))
    least_s, median_s = show_duration(FAST_SHARE * timeout_s), show_duration(traffic.median_s(uncalled) or 0.0)
    count = counted(len(uncalled), "request")
    text = f"{slow} of {count} that made no call waited {least_s} or longer, {median_s} (median)"
    return read(slow >= MOST_RATIO * len(uncalled), text, n=len(uncalled), bad=slow)


def _asks_again(calls: Sequence[EdgeCall]) -> bool:
    """Whether the very same was asked again after a 4xx."""
    return any(
        400 <= (first.status or 0) < 500 and (first.method, first.path) == (second.method, second.path)
        for first, second in itertools.pairwise(calls)
    )


def _usual(view: View) -> int:
    """The most calls one request makes without the fault."""
    before = (len(item.led_to) for item in view.requests if item.call.started_at < view.fault.started_at)
    return max(1, *before, 1)


def _gaps(view: View) -> Iterator[float]:
    """From the end of each failed call to the next one for the same thing, seconds."""
    for item in view.asked:
        for first, second in zip(item.led_to, item.led_to[1:], strict=False):
            gap_s = second.started_at - traffic.ended_at(first)
            if not traffic.is_good(first) and gap_s >= 0 and traffic.route_of(first) == traffic.route_of(second):
                yield gap_s
