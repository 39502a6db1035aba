"""How often a part of a scenario is run: what a `repeat`, a `for_each` and a `retry` amount to. Pure.

Room scenarios, for `steps.py` at reading and `play.py` at playing. Every loop is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from seatrial import match
from seatrial.errors import DocumentError, Where
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.model import MAX_ROUNDS, RetryOn, Step

if TYPE_CHECKING:
    from seatrial.scenarios.moves import Attempted


def rounds(times: Any, where: Where) -> int:
    """How many rounds a `repeat` makes; DocumentError when that is no whole number, or too many."""
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        raise DocumentError(where, f"{match.show(times)} is no number of rounds", "write a whole number, as 3")
    if times > MAX_ROUNDS:
        raise DocumentError(where, f"{times} rounds, where {MAX_ROUNDS} are allowed", "use a load profile for more")
    return times


def elements(items: Any, where: Where) -> Sequence[Any]:
    """What a `for_each` goes through; DocumentError when it is no list, or too long a one."""
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable) or isinstance(items, dict):
        raise DocumentError(where, f"{match.show(items)} is no list to go through", "write [a, b], or a list's name")
    listed = list(items)
    if len(listed) > MAX_ROUNDS:
        raise DocumentError(where, f"{len(listed)} rounds, where {MAX_ROUNDS} are allowed", "use `rows` for more")
    return listed


def left_s(step: Step, spent_s: float) -> float:
    """How long an attempt may take: the step's deadline, and no longer than its retry goes on."""
    limit_s = step.retry.max_duration_s if step.retry else None
    return step.timeout_s if limit_s is None else min(step.timeout_s, limit_s - spent_s)


def wait_after_s(tried: Attempted, spent_s: float) -> float | None:
    """The wait before the next attempt; None when this one decides."""
    retry = tried.step.retry
    if retry is None or not tried.failures or tried.attempt >= retry.attempts:
        return None
    kind = RetryOn.BROKEN if tried.outcome is Outcome.BROKEN else RetryOn.EXPECT
    if kind not in retry.on or any(failure.cause is Cause.TEMPLATE for failure in tried.failures):
        return None
    wait_s = retry.wait_s(tried.attempt)
    limit_s = retry.max_duration_s
    return wait_s if limit_s is None or spent_s + tried.latency_s + wait_s < limit_s else None
