"""What a circuit breaker did about a fault, told from outside by the calls its edge sees.

Takes the calls at the proxies and when the fault acted; gives a timeline, which `judging` holds against what
was expected. *Open* means: requests that usually call on are answered fast while the edge sees no call of theirs; low
latency alone proves nothing, a refused connection is fast too. Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.chaos.seen import traffic
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Edge, Mechanisms

FAST_SHARE = 0.5  # of the promised timeout: an answer slower than that has waited for somebody
OPEN_TOLERANCE = 0.1  # of open_for: timers and clocks are that much off
STAYS_SHARE = 0.5  # of open_for: so long most requests must be refused after the first that is
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
    `tried_until` is when that trial ended, None while it is open or when none came.
    """

    started_at: float
    ended_at: float | None
    leaked: int
    trials: int
    beyond: int
    tried_until: float | None = None


@dataclass(frozen=True, slots=True)
class BreakerTimeline:
    """What a breaker did about one fault. Instants are UTC seconds; latencies are medians in seconds.

    `calls` went through the edge while the fault was on and the breaker had not opened; `most_in_window` of them
    within the breaker's own window. `requests` are those that usually call on, while the fault was on;
    `requests_after` those after it, and `after_s` is of them since the breaker closed; `refused` were answered fast
    and without a call.
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
    after_s: float | None

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
    closed_at = _closed_at(view)
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
        closed_at=closed_at,
        before_s=traffic.median_s(before),
        until_open_s=traffic.median_s(through),
        open_s=traffic.median_s(refused),
        after_s=traffic.median_s(item.call for item in after if item.call.started_at >= _or(closed_at, math.inf)),
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
        soon = at + STAYS_SHARE * self.promise.open_for_s
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
    tried_until = None if trial.duration_s is None else traffic.ended_at(trial)
    window = Window(started_at, trial.started_at, leaked, trials, together - trials, tried_until)
    return window, trial, rest[together:]


def _closed_at(view: _View) -> float | None:
    """The first of a run of good calls after healing, when a request was answered well too; None without one."""
    after = [call for call in view.called if call.started_at >= view.fault.ended_at]
    answered = [item.call.started_at for item in view.requests if item.led_to and traffic.is_good(item.call)]
    for index in range(len(after) - CLOSED_RUN + 1):
        run = after[index : index + CLOSED_RUN]
        if all(map(traffic.is_good, run)) and any(at >= view.fault.ended_at for at in answered):
            return run[0].started_at
    return None


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
