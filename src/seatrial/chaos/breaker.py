"""Whether a circuit breaker keeps its promise, told from outside by the calls its edge sees.

Takes the calls at the proxies and when the fault acted; gives a timeline, and findings about what was expected.
*Open* means: requests that usually call on are answered fast while the edge sees no call of theirs; low latency alone
proves nothing, a refused connection is fast too. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.chaos import traffic
from seatrial.chaos.model import BreakerExpectation
from seatrial.quantity import show_duration
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Edge, Mechanisms
from seatrial.verdict import Finding, Grade, Subject

FAST_SHARE = 0.5  # of the promised timeout: an answer slower than that has waited for somebody
OPEN_TOLERANCE = 0.1  # of open_for: timers and clocks are that much off
CLOSED_RUN = 3  # good calls in a row that show it closed


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a fault acted, UTC seconds."""

    started_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the caller that usually calls on, and the calls it led to."""

    call: EdgeCall
    led_to: tuple[EdgeCall, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The breaker open: from the first fast answer to the trial that ended it; `ended_at` None when none came.

    `leaked` are calls the edge saw all the same, `trials` those it may see at the end, `beyond` those beside them.
    """

    started_at: float
    ended_at: float | None
    leaked: int
    trials: int
    beyond: int


@dataclass(frozen=True, slots=True)
class BreakerTimeline:
    """What a breaker did about one fault. Instants are UTC seconds; latencies are medians in seconds.

    `calls` went through the edge while the fault was on and the breaker had not opened; `most_in_window` of them
    within the breaker's own window. `requests` are those that usually call on, while the fault was on;
    `requests_after` those after it; `refused` were answered fast and without a call.
    """

    edge: Edge
    fault: Span
    calls: int
    most_in_window: int
    requests: int
    requests_after: int
    refused: int
    windows: tuple[Window, ...]
    opened_at: float | None
    closed_at: float | None
    before_s: float | None
    until_open_s: float | None
    open_s: float | None

    @property
    def calls_while_open(self) -> int:
        """Every call the edge saw and should not have: leaks, and trials beyond the promised."""
        return sum(window.leaked + window.beyond for window in self.windows)

    @property
    def trials(self) -> int:
        """The promised trials that were made."""
        return sum(window.trials for window in self.windows)

    @property
    def opened_after_s(self) -> float | None:
        """From the injection to the first fast answer."""
        return None if self.opened_at is None else self.opened_at - self.fault.started_at

    @property
    def closed_after_s(self) -> float | None:
        """From the healing to the first of a run of good calls."""
        return None if self.closed_at is None else max(0.0, self.closed_at - self.fault.ended_at)


def trace(calls: Sequence[EdgeCall], edge: Edge, *, fault: Span, promised: Mechanisms) -> BreakerTimeline:
    """The timeline of the breaker on an edge. `calls` reach from before the fault to the end of recovery."""
    view = _View.of(calls, edge, fault=fault, promised=promised)
    windows = tuple(_windows(view))
    opened_at = windows[0].started_at if windows else None
    through = [call for call in view.called if fault.started_at <= call.started_at < _or(opened_at, fault.ended_at)]
    during = [item for item in view.requests if fault.started_at <= item.call.started_at < fault.ended_at]
    after = [item for item in view.requests if item.call.started_at >= fault.ended_at]
    refused = [item.call for item in (*during, *after) if windows and view.is_refused(item)]
    before = [item.call for item in view.requests if traffic.ended_at(item.call) < fault.started_at]
    return BreakerTimeline(
        edge=edge,
        fault=fault,
        calls=len(through),
        most_in_window=traffic.most_within(through, view.promise.window_s),
        requests=len(during),
        requests_after=len(after),
        refused=len(refused),
        windows=windows,
        opened_at=opened_at,
        closed_at=_closed_at(view),
        before_s=traffic.median_s(before),
        until_open_s=traffic.median_s(through),
        open_s=traffic.median_s(refused),
    )


@dataclass(frozen=True, slots=True)
class _View:
    """The calls sorted out: the requests that matter, by time, and the calls they led to, by time."""

    requests: tuple[Request, ...]
    called: tuple[EdgeCall, ...]
    admitted_at: Mapping[EdgeCall, float]
    silent: frozenset[tuple[traffic.Route, int | None]]
    fast_s: float
    promise: BreakerPromise
    fault: Span

    @classmethod
    def of(cls, calls: Sequence[EdgeCall], edge: Edge, *, fault: Span, promised: Mechanisms) -> _View:
        inbound = traffic.inbound(calls, edge.caller)
        owned = traffic.owners(inbound, traffic.on_edge(calls, edge))
        habits = traffic.learn(inbound, owned, before=fault.started_at)
        requests = [
            Request(call, tuple(owned.get(index, ())))
            for index, call in enumerate(inbound)
            if owned.get(index) or traffic.route_of(call) in habits.calling
        ]
        return cls(
            requests=tuple(requests) if habits.calling else (),
            called=traffic.by_time(call for item in requests for call in item.led_to),
            admitted_at={item.led_to[0]: item.call.started_at for item in requests if item.led_to},
            silent=habits.silent,
            fast_s=math.inf if promised.timeout_s is None else FAST_SHARE * promised.timeout_s,
            promise=promised.breaker or BreakerPromise(),
            fault=fault,
        )

    def is_refused(self, request: Request) -> bool:
        """Whether it was answered fast, without a call, and not as it usually is without one."""
        call = request.call
        if request.led_to or call.duration_s is None or call.duration_s >= self.fast_s:
            return False
        return (traffic.route_of(call), call.status) not in self.silent

    def opening_after(self, moment: float) -> float | None:
        """The first refusal after that moment which is no accident: most requests that follow are refused too."""
        refused = [item for item in self.requests if item.call.started_at >= moment and self.is_refused(item)]
        moments = sorted(traffic.ended_at(item.call) for item in refused)
        return next((at for at in moments if self._stays_open(at)), None)

    def _stays_open(self, at: float) -> bool:
        soon = at + self.promise.open_for_s / 2
        following = [item for item in self.requests if at <= item.call.started_at < soon]
        return 2 * sum(map(self.is_refused, following)) >= len(following)

    def admitted(self, call: EdgeCall) -> float:
        """When the breaker let it through at the earliest: with its request, for the first call of one."""
        return self.admitted_at.get(call, call.started_at)


def _windows(view: _View) -> Iterator[Window]:
    """Every time it was open. After a failed trial the next window begins; after a good one it is closed."""
    moment = view.fault.started_at
    while (opened_at := view.opening_after(moment)) is not None:
        # It was closed when it let the last call through, so it opened after that and before the first fast answer.
        let_through = [call.started_at for call in view.called if view.admitted(call) < opened_at]
        not_before = max(let_through, default=opened_at)
        following = [call for call in view.called if view.admitted(call) >= opened_at]
        started_at: float | None = opened_at
        while started_at is not None:
            window, trial, following = _window(started_at, not_before, following, promise=view.promise)
            yield window
            if trial is None or trial.duration_s is None:
                return
            moment = not_before = traffic.ended_at(trial)
            started_at = None if traffic.is_good(trial) else moment


def _window(
    started_at: float, not_before: float, calls: Sequence[EdgeCall], *, promise: BreakerPromise
) -> tuple[Window, EdgeCall | None, list[EdgeCall]]:
    """One window, the trial that ended it, and the calls after it. Calls before it was due are leaks."""
    due_at = not_before + (1.0 - OPEN_TOLERANCE) * promise.open_for_s
    leaked = sum(call.started_at < due_at for call in calls)
    rest = list(calls[leaked:])
    if not rest:
        return Window(started_at, None, leaked, 0, 0), None, []
    trial = rest[0]
    together = sum(call.started_at < traffic.ended_at(trial) for call in rest)
    trials = min(together, promise.trials)
    return Window(started_at, trial.started_at, leaked, trials, together - trials), trial, rest[together:]


def _closed_at(view: _View) -> float | None:
    """The first of a run of good calls after healing, when a request was answered well too; None without one."""
    after = [call for call in view.called if call.started_at >= view.fault.ended_at]
    answered = [item.call.started_at for item in view.requests if item.led_to and traffic.is_good(item.call)]
    for index in range(len(after) - CLOSED_RUN + 1):
        run = after[index : index + CLOSED_RUN]
        if all(map(traffic.is_good, run)) and any(at >= view.fault.ended_at for at in answered):
            return run[0].started_at
    return None


def judge(
    timeline: BreakerTimeline, expected: BreakerExpectation, *, promise: BreakerPromise, experiment: str
) -> tuple[Finding, ...]:
    """A finding for each thing that was expected of the breaker."""
    judged = (
        _judge_opening(timeline, expected.opens_within_s, promise),
        _judge_leaks(timeline, expected.calls_while_open, promise),
        _judge_closing(timeline, expected.closes_within_s),
    )
    return tuple(dataclasses.replace(finding, experiment=experiment) for finding in judged if finding)


def expected_findings(expected: BreakerExpectation, *, experiment: str, reason: str) -> tuple[Finding, ...]:
    """The same findings, undecided for that reason: when there was nothing to judge from."""
    names = [
        _opens(expected.edge, expected.opens_within_s),
        _leaks(expected.edge, expected.calls_while_open),
        _closes(expected.edge, expected.closes_within_s),
    ]
    return tuple(
        _finding(expected.edge, name, Grade.UNDECIDED, reason, experiment=experiment) for name in names if name
    )


def _judge_opening(timeline: BreakerTimeline, within_s: float | None, promise: BreakerPromise) -> Finding | None:
    name = _opens(timeline.edge, within_s)
    if name is None or within_s is None:
        return None
    grade, reason = _opening(timeline, within_s, promise)
    return _finding(
        timeline.edge,
        name,
        grade,
        reason,
        limit=within_s,
        measured=timeline.opened_after_s,
        n=timeline.requests,
    )


def _opening(timeline: BreakerTimeline, within_s: float, promise: BreakerPromise) -> tuple[Grade, str]:
    if timeline.requests == 0:
        return Grade.UNDECIDED, _unseen(timeline.edge)
    after_s = timeline.opened_after_s
    if after_s is not None and after_s <= within_s:
        return Grade.MET, _story(timeline)
    if timeline.most_in_window < promise.min_calls:
        return Grade.UNDECIDED, (
            f"not enough calls to judge: at most {timeline.most_in_window} calls within "
            f"{show_duration(promise.window_s)} went through {timeline.edge}, its breaker needs {promise.min_calls}"
        )
    if after_s is not None:
        return Grade.MISSED, f"opened too late: {_story(timeline)}"
    return Grade.MISSED, _never(timeline)


def _judge_leaks(timeline: BreakerTimeline, at_most: int | None, promise: BreakerPromise) -> Finding | None:
    name = _leaks(timeline.edge, at_most)
    if name is None or at_most is None:
        return None
    seen = timeline.calls_while_open
    grade, reason = _leaking(timeline, at_most, promise)
    measured = None if timeline.opened_at is None else float(seen)
    return _finding(
        timeline.edge, name, grade, reason, limit=at_most, measured=measured, n=timeline.refused + seen, bad=seen
    )


def _leaking(timeline: BreakerTimeline, at_most: int, promise: BreakerPromise) -> tuple[Grade, str]:
    edge, seen = timeline.edge, timeline.calls_while_open
    if timeline.opened_at is None:
        return Grade.UNDECIDED, f"{edge} never opened"
    beyond = sum(window.beyond for window in timeline.windows)
    reason = (
        f"{seen} calls reached {edge.callee} while {edge} was open ({beyond} of them beside the trials); "
        f"{timeline.refused} requests were refused in {len(timeline.windows)} open windows, {timeline.trials} trials"
    )
    if seen > at_most:
        return Grade.MISSED, reason
    if timeline.refused < promise.min_calls:
        return Grade.UNDECIDED, f"not enough calls to judge: {reason}"
    return Grade.MET, reason


def _judge_closing(timeline: BreakerTimeline, within_s: float | None) -> Finding | None:
    name = _closes(timeline.edge, within_s)
    if name is None or within_s is None:
        return None
    grade, reason = _closing(timeline, within_s)
    return _finding(
        timeline.edge,
        name,
        grade,
        reason,
        limit=within_s,
        measured=timeline.closed_after_s if timeline.windows else None,
        n=timeline.requests_after,
    )


def _closing(timeline: BreakerTimeline, within_s: float) -> tuple[Grade, str]:
    edge, after_s = timeline.edge, timeline.closed_after_s
    if timeline.opened_at is None:
        return Grade.UNDECIDED, f"{edge} never opened, so it could not close"
    if after_s is not None:
        verb = "closed" if after_s <= within_s else "closed too late:"
        grade = Grade.MET if after_s <= within_s else Grade.MISSED
        return grade, f"{edge} {verb} {show_duration(after_s)} after healing; {timeline.trials} trials in all"
    if timeline.requests_after < CLOSED_RUN:
        return Grade.UNDECIDED, f"not enough calls to judge: {timeline.requests_after} requests after healing"
    return Grade.MISSED, (
        f"{edge} never closed: {timeline.requests_after} requests came after healing, "
        f"and no {CLOSED_RUN} calls in a row went well"
    )


def _never(timeline: BreakerTimeline) -> str:
    fault_s = timeline.fault.ended_at - timeline.fault.started_at
    text = f"{timeline.edge} never opened: {timeline.calls} calls in {show_duration(fault_s)} went through"
    if timeline.until_open_s is None:
        return text
    return f"{text}, each answered after {show_duration(timeline.until_open_s)} (median)"


def _story(timeline: BreakerTimeline) -> str:
    """When it opened, how many calls that took, and what requests felt."""
    latencies = [
        f"{show_duration(value)} {when}"
        for value, when in (
            (timeline.before_s, "before"),
            (timeline.until_open_s, "until it opened"),
            (timeline.open_s, "while open"),
        )
        if value is not None
    ]
    return (
        f"{timeline.edge} opened {show_duration(timeline.opened_after_s or 0.0)} after the fault, "
        f"{timeline.calls} calls into it; median latency {', '.join(latencies)}; "
        f"{timeline.calls_while_open} calls while open, {timeline.trials} trials"
    )


def _unseen(edge: Edge) -> str:
    return (
        f"not enough calls to judge: no request to {edge.caller} could be tied to a call on {edge} before the fault; "
        "is there traffic, and does it pass `traceparent` on?"
    )


def _opens(edge: Edge, within_s: float | None) -> str | None:
    return None if within_s is None else f"breaker {edge} opens within {show_duration(within_s)}"


def _leaks(edge: Edge, at_most: int | None) -> str | None:
    return None if at_most is None else f"breaker {edge} at most {at_most} calls while open"


def _closes(edge: Edge, within_s: float | None) -> str | None:
    return None if within_s is None else f"breaker {edge} closes within {show_duration(within_s)}"


def _finding(
    edge: Edge,
    name: str,
    grade: Grade,
    reason: str,
    *,
    limit: float | None = None,
    measured: float | None = None,
    n: int = 0,
    bad: int = 0,
    experiment: str | None = None,
) -> Finding:
    return Finding(
        Subject.EXPECTATION,
        edge.caller,
        name,
        grade,
        reason,
        limit=limit,
        measured=measured,
        limit_text=name,
        measured_text=_measured_text(name, measured),
        n=n,
        bad=bad,
        experiment=experiment,
    )


def _measured_text(name: str, measured: float | None) -> str:
    if measured is None:
        return ""
    return f"{measured:g} calls" if "calls while open" in name else show_duration(measured)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
