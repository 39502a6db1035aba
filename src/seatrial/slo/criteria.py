"""Holds one value against criteria such as `<=+10%` and `<600`, with the semantics of Keptn's quality gates.

Room slo. Takes a value, criteria and what earlier runs measured; gives a grade and how each criterion came out. Pure;
may import the floor. Must never guess: a criterion that is none is a ValueError that quotes it.

The rules, of Keptn's lighthouse-service (`evaluate_sli_handler.go`): a criterion is an operator and a number; a
percent sign makes it relative, and so does a sign before the number. A relative target is made of one earlier value,
aggregated of several. Where there is none, a relative criterion holds. All criteria of one set must hold, and any one
set will do. What is degraded is asked only of a value that is not met.
"""

from __future__ import annotations

import enum
import functools
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.service import Criteria, CriteriaSets, Criterion, Relation
from seatrial.verdict import Grade

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EXAMPLES = "write it as <600, >=99.5 or <=+10%"


class Aggregate(enum.StrEnum):
    """How several earlier values become one."""

    AVG = "avg"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"


_PERCENTILES = {Aggregate.P50: 0.5, Aggregate.P90: 0.9, Aggregate.P95: 0.95}


@dataclass(frozen=True, slots=True)
class Held:
    """One criterion as it came out. `target` None: it is relative, and there is no earlier value."""

    criterion: Criterion
    target: float | None
    holds: bool

    @property
    def is_vacuous(self) -> bool:
        """It holds only because there was nothing to compare with."""
        return self.target is None


def parse_criterion(text: str) -> Criterion:
    """A criterion of its text, blanks anywhere; ValueError quotes what is none."""
    squeezed = text.replace(" ", "")
    sign = next((name for name in _OPERATORS if squeezed.startswith(name)), None)
    if sign is None:
        raise ValueError(f"'{text}' begins with no operator (<, <=, =, >=, >); {_EXAMPLES}")
    number = squeezed.removeprefix(sign).removesuffix("%")
    direction = number[:1] if number[:1] in ("+", "-") else ""
    number = number.removeprefix(direction)
    if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        raise ValueError(f"'{text}' has no number after its operator; {_EXAMPLES}")
    change = -float(number) if direction == "-" else float(number)
    return Criterion(text, sign, change, _relation(squeezed, direction))


def aggregate(values: Sequence[float], how: Aggregate) -> float | None:
    """One value of several, None of none.

    A percentile p lies at position p * (n + 1) of the sorted values, linearly between its neighbours, and at the last
    one beyond it: `calculatePercentile` of Keptn's lighthouse-service. (None of these comes before the first.)
    """
    if not values:
        return None
    if how is Aggregate.AVG:
        return functools.reduce(operator.add, values) / len(values)  # in order, as Keptn rounds
    return _percentile(sorted(values), _PERCENTILES[how])


def judge_value(value: float, criteria: Criteria, *, earlier: float | None) -> tuple[Grade, tuple[Held, ...]]:
    """MET, DEGRADED or MISSED, and every criterion that was looked at, in the order written."""
    met, held = _any_set(value, criteria.met, earlier)
    if met:
        return Grade.MET, held
    degraded, also = _any_set(value, criteria.degraded, earlier)
    return (Grade.DEGRADED if degraded else Grade.MISSED), (*held, *also)


def every(criteria: Criteria) -> Iterator[Criterion]:
    """Every criterion, in the order written."""
    for criteria_set in (*criteria.met, *criteria.degraded):
        yield from criteria_set


def is_relative(criteria: Criteria) -> bool:
    """Whether earlier values are asked for."""
    return any(criterion.relation is not Relation.FIXED for criterion in every(criteria))


def sets_text(sets: CriteriaSets) -> str:
    """`<=+10% and <600, or <=500`."""
    return ", or ".join(" and ".join(criterion.text for criterion in one) or "any value" for one in sets)


def _relation(text: str, direction: str) -> Relation:
    if text.endswith("%"):
        return Relation.PERCENT
    return Relation.CHANGE if direction else Relation.FIXED


def _any_set(value: float, sets: CriteriaSets, earlier: float | None) -> tuple[bool, tuple[Held, ...]]:
    judged = [[_held(value, criterion, earlier) for criterion in one] for one in sets]
    holds = any(all(held.holds for held in one) for one in judged)
    return holds, tuple(held for one in judged for held in one)


def _held(value: float, criterion: Criterion, earlier: float | None) -> Held:
    target = _target(criterion, earlier)
    return Held(criterion, target, target is None or _OPERATORS[criterion.operator](value, target))


def _target(criterion: Criterion, earlier: float | None) -> float | None:
    if criterion.relation is Relation.FIXED:
        return criterion.number
    if earlier is None:
        return None
    if criterion.relation is Relation.PERCENT:
        return (earlier * (100.0 + criterion.number)) / 100.0  # in this order, as Keptn rounds
    return earlier + criterion.number


def _percentile(ordered: Sequence[float], ratio: float) -> float:
    position = ratio * (len(ordered) + 1)
    if position >= len(ordered):
        return ordered[-1]
    before, after = ordered[int(position) - 1], ordered[int(position)]
    return before + (position - math.floor(position)) * (after - before)
