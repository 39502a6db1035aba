"""How missing and wrong breakers show. Pure; a signature takes a `View`, gives a `Reading`."""

from __future__ import annotations

import math

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import MOST_RATIO, OPENING_IN_A_ROW, no_evidence, read, too_few
from seatrial.chaos.audit.view import LEAST_REFUSED, View, has_opened, requests_of
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import BreakerTimeline
from seatrial.quantity import counted, show_duration
from seatrial.sample import EdgeCall
from seatrial.service import Edge

LEAST_AFTER = 10
MOST_BEYOND = 2
SLOW_RATIO = 0.7  # of the promised timeout: slow, and yet within it
CALM_RATIO = 0.2  # of the requests were refused, and nothing had failed
FEW_RATIO = 0.2  # of the calls failed: so few open no breaker
ELSEWHERE = (
    "those that made no call asked another dependency, or had failed before: no breaker need have refused them"
)
FAILING_RATIO = 0.55  # of the calls failed: more than the half that usually opens a breaker
SURELY = 0.8  # of the promised share of failures: so few open no breaker, however it counts


def no_breaker(view: View) -> Reading:
    """5, 13, 14, 15: every request still makes its call, long after a breaker must have opened."""
    told = view.timeline
    if view.has_opened:
        text = f"opened {show_duration(told.opened_after_s or 0.0)} after the fault, {told.calls} calls into it"
        return _open(view, text)
    few = no_evidence(view)
    if few:
        return few
    waited = "" if told.until_open_s is None else f", each for {show_duration(told.until_open_s)} (median)"
    text = (
        f"never opened: {told.requests} requests made {counted(told.calls, 'call')} into the fault{waited}; "
        f"{told.most_in_window} within {show_duration(view.strain.breaker.window_s)}, "
        f"{view.strain.breaker.min_calls} are enough to open it"
    )
    return _closed(view, text, n=told.requests, bad=told.calls)


def stays_open(view: View) -> Reading:
    """6: the breaker opened, the dependency is well again, and gets no call any more."""
    told = view.refusing
    if not has_opened(told):
        return Reading(Sign.NOT_JUDGED, ELSEWHERE if view.has_opened else "the breaker did not open")
    on_edge = traffic.on_edge(view.calls, view.strain.edge)
    after = [call for call in on_edge if call.started_at >= view.fault.ended_at]
    if told.requests_after < LEAST_AFTER:
        return too_few(told.requests_after, "requests after healing", LEAST_AFTER)
    text = f"{told.requests_after} requests after healing made {counted(len(after), 'call')}"
    return read(not after, text, n=told.requests_after, bad=told.requests_after if not after else 0)


def trials(view: View) -> Reading:
    """7, 8: when its time is over the breaker lets through more than the promised trials, at once or one after the
    other."""
    ended = [window for window in view.refusing.windows if window.ended_at is not None]
    if not ended:
        spared = any(window.ended_at is not None for window in view.timeline.windows)
        why_not = ELSEWHERE if spared else "the breaker was never open for its whole time"
        return Reading(Sign.NOT_JUDGED, why_not)
    beyond = sum(window.beyond for window in ended)
    too_soon = sum(window.leaked for window in ended[1:] if (window.ended_at or math.inf) < view.fault.ended_at)
    text = (
        f"{counted(beyond, 'call')} beside the promised trials when {len(ended)} open times were over, "
        f"{too_soon} after a trial had failed and before the next was due"
    )
    return read(beyond + too_soon > MOST_BEYOND, text, n=len(ended), bad=beyond + too_soon)


def ignores_slowness(view: View) -> Reading:
    """12: answers come just within the timeout, all the time, and the breaker never opens."""
    timeout_s, told = view.strain.promised.timeout_s, view.timeline
    if timeout_s is None:
        return Reading(Sign.NOT_JUDGED, "no timeout is promised, so nothing is slow by it")
    if view.has_opened:
        return _open(view, f"opened {show_duration(told.opened_after_s or 0.0)} into slow answers")
    few = no_evidence(view)
    if few:
        return few
    slow = [
        call for call in view.during if call.fate == "done" and (call.duration_s or 0.0) >= SLOW_RATIO * timeout_s
    ]
    text = (
        f"never opened: {len(slow)} of {counted(len(view.during), 'call')} were answered within the timeout of "
        f"{show_duration(timeout_s)}, in {show_duration(traffic.median_s(slow) or 0.0)} (median)"
    )
    if len(slow) < MOST_RATIO * len(view.during):
        return read(False, text, n=len(view.during), bad=len(slow))
    return _closed(view, text, n=len(view.during), bad=len(slow))


def shared(view: View) -> Reading:
    """13: another dependency, which is well, gets no call either."""
    judged = []
    for edge in view.other_edges:
        told = view.beside(edge)
        if told.requests >= LEAST_REFUSED:
            judged.append(edge)
        if has_opened(told):
            text = f"{told.refused} of {told.requests} requests that need {edge.callee} alone were refused"
            return read(True, text, n=told.requests, bad=told.refused)
    if not judged:
        return Reading(Sign.NOT_JUDGED, "no other dependency of the caller has requests of its own")
    return read(False, f"{', '.join(edge.callee for edge in judged)} went on being called")


def ignores_errors(view: View) -> Reading:
    """10: every answer is a server error, and the breaker never opens."""
    return ignores_failures(view)


def ignores_failures(view: View) -> Reading:
    """5, 13, 14, 15: every call fails at once, and the breaker never opens."""
    return _opened(view) or _never_opened(view)


def consecutive_only(view: View) -> Reading:
    """9: two calls of three fail, evenly, and the breaker never opens."""
    n, bad = len(view.during), _failed(view)
    if bad < FAILING_RATIO * n:
        return _opened(view) or Reading(Sign.NOT_JUDGED, f"only {bad} of {counted(n, 'call')} failed", n, bad)
    return _opened(view) or _never_opened(view)


def counts_rejections(view: View) -> Reading:
    """11: the dependency answers 4xx, which is no fault of its own, and gets no call any more; if the traffic itself
    asks for what is answered 4xx, that shows before any fault."""
    early = _refused_in_calm(view)
    if early:
        return early
    if view.why_unjudged:
        return Reading(Sign.NOT_JUDGED, view.why_unjudged)
    told = view.refusing
    if has_opened(told) and told.refused >= CALM_RATIO * told.requests:
        return _refused_for_rejections(view, told)
    if view.has_opened and view.timeline.refused >= CALM_RATIO * view.timeline.requests:
        return Reading(Sign.NOT_JUDGED, ELSEWHERE)
    few = no_evidence(view)
    return few or read(False, f"{counted(len(view.during), 'call')} were answered 4xx", n=len(view.during))


def _refused_for_rejections(view: View, told: BreakerTimeline) -> Reading:
    """Found, unless calls failed otherwise before it opened: a breaker may open for those."""
    through = [call for call in view.during if call.started_at < (told.opened_at or view.fault.ended_at)]
    failed = sum(not traffic.is_good(call) for call in through)
    if failed and (failed >= OPENING_IN_A_ROW or failed >= FEW_RATIO * len(through)):
        text = f"{failed} of {counted(len(through), 'call')} were not answered at all before requests were refused"
        return Reading(Sign.NOT_JUDGED, text, len(through), failed)
    text = f"{told.refused} requests were refused, though every answer was a 4xx"
    return read(True, text, n=told.requests, bad=told.refused)


def _refused_in_calm(view: View) -> Reading | None:
    """Found, where requests were refused before the fault, and no call had failed but for being answered 4xx."""
    rejected = sum((call.status or 0) >= 400 for call in view.control)
    if not rejected or not all(map(traffic.is_good, view.control)):
        return None
    needing = requests_of(view.calls, view.strain.edge, before=math.inf)
    before = [item for item in needing if item.call.started_at < view.fault.started_at]
    refused = sum(view.is_uncalled(item) and _is_refusal(view, item.call) for item in before)
    if refused < LEAST_REFUSED or refused < CALM_RATIO * len(before):
        return None
    text = (
        f"{refused} of {counted(len(before), 'request')} were refused without a call before any fault, "
        f"and no call had failed: {rejected} of {len(view.control)} were answered 4xx"
    )
    return read(True, text, n=len(before), bad=refused)


def _is_refusal(view: View, request: EdgeCall) -> bool:
    """Whether it was answered with a server error, at once: what waited was kept by something else than a breaker."""
    return request.fate == "done" and (request.status or 0) >= 500 and not view.waited(request)


def _never_opened(view: View) -> Reading:
    """Found, where enough failed for a breaker to open."""
    n, bad = len(view.during), _failed(view)
    return no_evidence(view) or _closed(view, f"never opened: {bad} of {counted(n, 'call')} failed", n=n, bad=bad)


def _closed(view: View, text: str, *, n: int, bad: int) -> Reading:
    """Found: so many were bad, and the breaker stayed closed."""
    caller, fault = view.strain.edge.caller, view.fault
    made = sum(
        Edge.parse(call.edge).caller == caller and fault.started_at <= call.started_at < fault.ended_at
        for call in view.calls
    )
    outweighed = bad < view.strain.breaker.failures_ratio * made
    return Reading(Sign.FOUND, text, n, bad, outweighed=outweighed)


def _opened(view: View) -> Reading | None:
    """Clear, where the breaker opened."""
    told = view.timeline
    if not view.has_opened:
        return None
    after_s = show_duration(told.opened_after_s or 0.0)
    return _open(view, f"opened {after_s} after the fault, {told.calls} calls into it")


def _open(view: View, text: str) -> Reading:
    """Clear: the breaker opened."""
    told, edge = view.timeline, view.strain.edge
    until = told.opened_at or view.fault.ended_at
    since = max(view.fault.started_at, until - view.strain.breaker.window_s)
    counted_in = [
        Edge.parse(call.edge)
        for call in view.calls
        if since <= call.started_at
        and traffic.ended_at(call) <= until
        and Edge.parse(call.edge).caller == edge.caller
    ]
    outweighed = counted_in.count(edge) < SURELY * view.strain.breaker.failures_ratio * len(counted_in)
    return Reading(Sign.CLEAR, text, told.requests, outweighed=outweighed)


def _failed(view: View) -> int:
    return sum(not traffic.is_good(call) for call in view.during)
