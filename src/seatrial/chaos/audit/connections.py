"""How it shows what callers do with the connections to a dependency. Pure; signatures as elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from seatrial.chaos.audit.model import Reading, Sign
from seatrial.chaos.audit.reading import LEAST_CALLS, MOST_RATIO, OPENING_IN_A_ROW, read, too_few
from seatrial.chaos.audit.timeouts import TOGETHER_S
from seatrial.chaos.audit.view import View, overlap, requests_of
from seatrial.chaos.seen import traffic
from seatrial.chaos.seen.breaker import Request
from seatrial.quantity import counted
from seatrial.sample import Connections, EdgeCall

LEAST_FAILED = 5
LEAKED_RATIO = 0.5  # of the failed calls left a connection
LAST_COUNTS = 3  # looks at the end of the recovery: what is a moment's is not in all of them
LEAST_STALE = 2
IDLE_FOR_EACH = 3  # of a request's sendings: one that is sent again uses up two of them, and fails less often
LEAST_AFTER = 10
LEAST_LOST = 3
UNCOUNTED = "nobody counted its connections"


def leak(view: View) -> Reading:
    """30: each failed call leaves a connection open, more than were ever needed at once, and idle ones only.

    What was left by the faults of earlier strains may still be open, and goes meanwhile.
    """
    failed = sum((call.status or 0) >= 500 for call in view.during)
    if failed < LEAST_FAILED:
        return too_few(failed, "failed calls", LEAST_FAILED)
    before = [counts.open for counts in view.connections if counts.at < view.fault.started_at]
    after = [_idle(counts) for counts in view.connections if counts.at >= view.fault.ended_at]
    if not before or len(after) < LAST_COUNTS:
        return Reading(Sign.NOT_JUDGED, UNCOUNTED)
    left, at_once = min(after[-LAST_COUNTS:]), overlap(traffic.on_edge(view.calls, view.strain.edge))
    needed = max(at_once, min(before[-1:] + _open_during(view)))
    text = (
        f"{left} idle connections were left after {counted(failed, 'failed call')}, and never more than {needed} "
        "were of use at once"
    )
    grown = left - needed
    found = grown >= LEAST_CALLS and grown >= LEAKED_RATIO * failed
    if found and left <= max(before):
        return Reading(Sign.NOT_JUDGED, f"{text}; but {max(before)} were open before", failed, grown)
    return read(found, text, n=failed, bad=max(0, grown))


def stale(view: View) -> Reading:
    """26: once idle connections were closed by the other side, requests fail without a call that arrives."""
    cut_at, counts = view.cut_at, [each for each in view.connections if each.at < (view.cut_at or 0.0)]
    if cut_at is None or not counts:
        return Reading(Sign.NOT_JUDGED, UNCOUNTED)
    early = _unfit_for_stale(view, cut_at)
    if early:
        return early
    after = [item for item in view.requests if item.call.started_at >= view.fault.ended_at]
    if len(after) < LEAST_AFTER:
        return too_few(len(after), "requests afterwards", LEAST_AFTER)
    idle = min(_idle(counts[-1]), overlap(call for call in view.during if call.started_at < cut_at))
    failed, wanted = _uncalled(view, after), IDLE_FOR_EACH * _sendings(view)
    text = (
        f"{failed} of {counted(len(after), 'request')} failed without a call that arrived, after {idle} idle "
        "connections had been closed by the other side"
    )
    if idle < LEAST_STALE or (failed < LEAST_STALE and idle < wanted):
        return too_few(idle, "idle connections at their closing, and retries hide some", wanted)
    return read(failed >= LEAST_STALE, text, n=len(after), bad=failed)


def losers_run_on(view: View) -> Reading:
    """32: the slow one of two calls for the same goes on when the other has answered."""
    lost = list(_losers(view))
    if len(lost) < LEAST_LOST:
        return too_few(len(lost), "calls that another edge had answered meanwhile", LEAST_LOST)
    ran_on = sum(_runs_on(item, call) for item, call in lost)
    text = f"{ran_on} of {counted(len(lost), 'call')} that another edge had answered meanwhile went on to their end"
    return read(ran_on >= MOST_RATIO * len(lost), text, n=len(lost), bad=ran_on)


def _open_during(view: View) -> list[int]:
    """How many were open each time they were counted while the fault was on."""
    return [counts.open for counts in view.connections if view.fault.started_at <= counts.at < view.fault.ended_at]


def _idle(counts: Connections) -> int:
    return counts.open - counts.busy


def _unfit_for_stale(view: View, cut_at: float) -> Reading | None:
    """Why requests that are refused may have another cause; None where they have none."""
    before = [item for item in view.requests if item.call.started_at < view.fault.started_at]
    if _uncalled(view, before) >= LEAST_STALE:
        return Reading(Sign.NOT_JUDGED, "requests failed without a call before its connections were closed, too")
    struck = _struck(view, cut_at)
    if struck * _sendings(view) >= OPENING_IN_A_ROW:
        return Reading(Sign.NOT_JUDGED, f"{struck} requests failed while they were closed: a breaker may have opened")
    return None


def _sendings(view: View) -> int:
    """How often a request is sent at the most, as promised."""
    return 1 + (view.strain.promised.retries_max or 0)


def _uncalled(view: View, requests: Iterable[Request]) -> int:
    """How many failed, and no call of them arrived, for no other reason."""
    return sum(view.is_uncalled(item) and not traffic.is_good(item.call) for item in requests)


def _struck(view: View, cut_at: float) -> int:
    """The requests that failed because of the closing itself."""
    at_that_time = [item.call for item in view.requests if _touches(item.call, cut_at, view.fault.ended_at)]
    return sum(not traffic.is_good(call) for call in at_that_time)


def _touches(call: EdgeCall, since: float, until: float) -> bool:
    return call.started_at < until and traffic.ended_at(call) >= since


def _losers(view: View) -> Iterator[tuple[Request, EdgeCall]]:
    """The calls that were under way when another edge's call for the same had answered their request."""
    others = _beside(view)
    for item in view.asked:
        for call in item.led_to:
            won = any(_beats(rival, call) for rival in others.get(item.call, ()))
            if won and traffic.is_good(item.call):
                yield item, call


def _runs_on(item: Request, call: EdgeCall) -> bool:
    """Whether it was not given up when its request had been answered, as soon as two proxies can tell."""
    answered_at, ended_at = traffic.ended_at(item.call), traffic.ended_at(call)
    return ended_at > answered_at and (call.fate != "client_closed" or ended_at > answered_at + TOGETHER_S)


def _beside(view: View) -> dict[EdgeCall, tuple[EdgeCall, ...]]:
    """What each request led to on the caller's other edges."""
    found: dict[EdgeCall, tuple[EdgeCall, ...]] = {}
    for edge in view.other_edges:
        for item in requests_of(view.calls, edge, before=math.inf):
            found[item.call] = (*found.get(item.call, ()), *item.led_to)
    return found


def _beats(rival: EdgeCall, call: EdgeCall) -> bool:
    """Whether it was for the same, began later, and was answered well while the other one waited."""
    same = (rival.method, rival.path) == (call.method, call.path)
    waited = call.fate == "client_closed" or traffic.ended_at(rival) < traffic.ended_at(call)
    return same and waited and traffic.is_good(rival) and call.started_at < rival.started_at
