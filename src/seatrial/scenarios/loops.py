"""How often a part of a scenario is run: what a `repeat` and a `for_each` amount to once rendered. Pure.

Room scenarios, for `steps.py` at reading and `play.py` at playing. Every loop is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seatrial import match
from seatrial.errors import DocumentError, Where
from seatrial.scenarios.model import MAX_ROUNDS


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
