"""The console's words: one line for a result, one for a change of state. Pure; text only, no colour."""

from __future__ import annotations

from seatrial.clock import iso
from seatrial.quantity import counted, show_duration
from seatrial.store.results import Result, ResultOutcome
from seatrial.synthetic.alert import Alert, Event
from seatrial.synthetic.schedule import Jumped


def show_result(result: Result) -> str:
    """`12:00:30Z good  payments > pay with a card  241 ms`; what failed follows."""
    word = "flaky" if result.flaky else result.outcome.value
    line = f"{show_time(result.started_at)} {word:<7} {_subject(result)}"
    if result.outcome in (ResultOutcome.GOOD, ResultOutcome.BAD):
        line += f"  {show_duration(result.latency_s)}"
    return line + _failure(result)


def show_alert(alert: Alert) -> str:
    """`12:01:30Z DOWN    payments > pay with a card  since 12:00:30Z, 3 failures in a row`."""
    word = {Event.FIRING: "DOWN", Event.RESOLVED: "BACK"}[alert.event]
    at = show_time(alert.result.started_at)
    failures = f"{counted(alert.failures, 'failure')} in a row"
    story = {
        Event.FIRING: f"since {show_time(alert.since)}, {failures}",
        Event.RESOLVED: f"after {show_duration(alert.result.started_at - alert.since)}, {failures}",
    }[alert.event]
    return f"{at} {word:<7} {_subject(alert.result)}  {story}"


def show_jump(jumped: Jumped, now: float) -> str:
    """`12:00:30Z the clock was set forward by 3600 s; planned anew`."""
    way = "forward" if jumped.by_s > 0 else "back"
    return f"{show_time(now)} the clock was set {way} by {abs(jumped.by_s):.0f} s; planned anew"


def show_time(instant: float) -> str:
    """The time of day, `12:00:30Z`."""
    return iso(instant)[11:19] + "Z"


def _subject(result: Result) -> str:
    return f"{result.monitor} > {result.scenario}"


def _failure(result: Result) -> str:
    told = f"'{result.step}': {result.detail}" if result.step else result.detail
    trace = f" (trace {result.trace_id})" if result.trace_id and result.outcome is ResultOutcome.BAD else ""
    return f"  {told}{trace}" if told else ""
