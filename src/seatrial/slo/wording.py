"""Objectives and what was measured of them, in the words that every report shows.

Room slo. Takes an objective, or a decision with the counts it rests on; gives texts. Pure; may import the floor and
its own room; must never judge.
"""

from __future__ import annotations

from seatrial.quantity import show_duration, show_rate, show_ratio
from seatrial.service import Objective
from seatrial.slo.decide import Decision, unrendered_text
from seatrial.slo.tally import Tally


def slower(objective: Objective) -> str:
    """What is counted for a latency."""
    return f"requests slower than {show_duration(objective.limit)}"


def latency_limit(objective: Objective) -> str:
    """The limit of a latency."""
    return f"p{100 * (objective.quantile or 0.0):g} <= {show_duration(objective.limit)}"


def _unrendered(counted: Tally) -> str:
    """What stands in no other number, as the end of a sentence."""
    return f"; {unrendered_text(counted.unrendered)}" if counted.unrendered else ""


def failed_measured(decision: Decision, counted: Tally) -> str:
    """Errors: the share that failed, and what stands beside it."""
    if decision.estimate is None:
        return f"no data{_unrendered(counted)}"
    told = f"{show_ratio(decision.estimate)} failed ({decision.bad:,} of {decision.n:,}{_polls(counted.polls)})"
    return f"{told}{_unrendered(counted)}"


def _polls(polls: int) -> str:
    """What a poll is stands beside them: a report is where most read the word first."""
    if not polls:
        return ""
    return f"; {polls:,} polls apart: attempts that were retried" if polls > 1 else "; 1 poll apart: it was retried"


def slower_measured(decision: Decision, counted: Tally) -> str:
    """A latency: the share that was slower, and which failures are in it or left out."""
    left_out = f"; {counted.failed_faster:,} that failed faster are left out" if counted.failed_faster else ""
    left_out += _unrendered(counted)
    if decision.estimate is None:
        return f"no data{left_out}"
    failed = f", {counted.over_failed:,} of them failed" if counted.over_failed else ""
    return f"{show_ratio(decision.estimate)} slower ({decision.bad:,} of {decision.n:,}{failed}){left_out}"


def waited_measured(decision: Decision, counted: Tally) -> str:
    """How long callers waited, whatever they were answered."""
    apart = _unrendered(counted)
    if decision.estimate is None:
        return f"no data{apart}"
    return (
        f"{show_ratio(decision.estimate)} waited longer ({decision.bad:,} of {decision.n:,}, failed ones too){apart}"
    )


def per_second_measured(decision: Decision, counted: Tally) -> str:
    """A throughput."""
    rate = "no data" if decision.estimate is None else show_rate(decision.estimate, digits=4)
    return f"{rate}{_unrendered(counted)}"
