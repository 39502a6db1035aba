"""Whether a circuit breaker kept its promise: its timeline held against what an experiment expects of it.

A finding for opening, for calls while open and for closing, each where it is expected, with a sentence of reason.
Pure; may import only the floor and this room's words.
"""

from __future__ import annotations

import dataclasses

from seatrial.chaos.expectations import BreakerExpectation
from seatrial.chaos.judging.edge_finding import edge_finding
from seatrial.chaos.seen.breaker import CLOSED_RUN, BreakerTimeline
from seatrial.quantity import show_duration
from seatrial.service import BreakerPromise, Edge
from seatrial.verdict import Finding, Grade


def judge_breaker(
    timeline: BreakerTimeline, expected: BreakerExpectation, *, promise: BreakerPromise, experiment: str
) -> tuple[Finding, ...]:
    """A finding for each thing that was expected of the breaker."""
    judged = (
        _judge_opening(timeline, expected.opens_within_s, promise),
        _judge_leaks(timeline, expected.calls_while_open, promise),
        _judge_closing(timeline, expected.closes_within_s),
    )
    return tuple(dataclasses.replace(finding, experiment=experiment) for finding in judged if finding)


def undecided_breaker(expected: BreakerExpectation, *, experiment: str, reason: str) -> tuple[Finding, ...]:
    """The same findings, undecided for that reason: when there was nothing to judge from."""
    names = [
        _opens(expected.edge, expected.opens_within_s),
        _leaks(expected.edge, expected.calls_while_open),
        _closes(expected.edge, expected.closes_within_s),
    ]
    return tuple(edge_finding(expected.edge, name, Grade.UNDECIDED, reason, experiment) for name in names if name)


def _judge_opening(timeline: BreakerTimeline, within_s: float | None, promise: BreakerPromise) -> Finding | None:
    name = _opens(timeline.edge, within_s)
    if name is None or within_s is None:
        return None
    grade, reason = _opening(timeline, within_s, promise)
    return edge_finding(
        timeline.edge,
        name,
        grade,
        reason,
        limit=within_s,
        measured=timeline.opened_after_s,
        measured_text=_took(timeline.opened_after_s),
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
    has_opened = timeline.opened_at is not None
    return edge_finding(
        timeline.edge,
        name,
        grade,
        reason,
        limit=at_most,
        measured=float(seen) if has_opened else None,
        measured_text=f"{seen} calls" if has_opened else "",
        n=timeline.refused + seen,
        bad=seen,
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
    measured = timeline.closed_after_s if timeline.windows else None
    return edge_finding(
        timeline.edge,
        name,
        grade,
        reason,
        limit=within_s,
        measured=measured,
        measured_text=_took(measured),
        n=timeline.requests_after,
    )


def _closing(timeline: BreakerTimeline, within_s: float) -> tuple[Grade, str]:
    edge, after_s = timeline.edge, timeline.closed_after_s
    if timeline.opened_at is None:
        return Grade.UNDECIDED, f"{edge} never opened, so it could not close"
    if after_s is not None:
        verb = "closed" if after_s <= within_s else "closed too late:"
        grade = Grade.MET if after_s <= within_s else Grade.MISSED
        story = f"{edge} {verb} {show_duration(after_s)} after healing; {timeline.trials} trials in all"
        usual = "" if timeline.after_s is None else f"; median latency {show_duration(timeline.after_s)} since then"
        return grade, story + usual
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


def _took(measured_s: float | None) -> str:
    return "" if measured_s is None else show_duration(measured_s)
