"""Says before a load how long each objective will take to decide, and what cannot be decided in time.

Room slo. Takes objectives and the rates a profile will send, gives forecasts. Pure; may import the floor and its own
room; must never promise a decision: what it gives is a floor to plan by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.quantity import show_duration, show_rate
from seatrial.service import Indicator, Objective, Service
from seatrial.slo import decide
from seatrial.slo.measure import Route, matches

FEWEST_REQUESTS = decide.MET_MIN_BLOCKS * decide.BLOCK_MIN_REQUESTS
"""MET wants that many whole blocks, which at an easy limit is more than the test itself asks for."""

LONGEST_HOLD_S = 7 * 86_400.0
"""A week: whoever would have to hold a throughput for longer offers more instead."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one objective needs at least, if all goes well.

    `wanted_n`, what the test asks for or `FEWEST_REQUESTS`, is None for a throughput, which needs time only.
    `wanted_s` is None when no length of hold would do, or when nobody knows the rate, as before a closed load.
    `in_time`: what it needs is known to fit.
    `sentence` says it to the user, with what would do where the time does not.
    """

    service: str
    objective: str
    wanted_n: int | None
    wanted_s: float | None
    in_time: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rules of the gate, and the requests per second one objective will see."""

    alpha: float
    min_hold_s: float
    at_most_s: float
    rate_per_s: float | None


def forecast(
    services: Mapping[str, Service],
    rates_per_s: Mapping[Route, float | None],
    *,
    alpha: float,
    min_hold_s: float,
    at_most_s: float,
) -> tuple[Forecast, ...]:
    """One forecast per objective, in the documents' order.

    `rates_per_s` are the requests per second of each route at the profile's hold, None where that is not known;
    `at_most_s` is the longest that hold may last (may be infinite).
    """
    return tuple(
        _forecast(service.name, objective, _Plan(alpha, min_hold_s, at_most_s, rate))
        for service in services.values()
        for objective in service.objectives
        for rate in [_rate_per_s(service.name, objective, rates_per_s)]
    )


def _rate_per_s(service: str, objective: Objective, rates_per_s: Mapping[Route, float | None]) -> float | None:
    """None where it is not known; 0 where it is known that nothing is sent."""
    asked = (route for route in rates_per_s if route.service == service and matches(route, objective.routes))
    rates = [rates_per_s[route] for route in asked]
    return None if None in rates else math.fsum(rate for rate in rates if rate is not None)


def _forecast(service: str, objective: Objective, plan: _Plan) -> Forecast:
    wanted_n = _wanted_n(objective, plan)
    wanted_s = _throughput_s(objective, plan) if wanted_n is None else _ratio_s(wanted_n, plan)
    in_time = wanted_s is not None and wanted_s <= plan.at_most_s
    name = f"{service}.{objective.name}"
    return Forecast(
        service=service,
        objective=objective.name,
        wanted_n=wanted_n,
        wanted_s=wanted_s,
        in_time=in_time,
        sentence=f"{name}: {_sentence(objective, plan, wanted_n=wanted_n, wanted_s=wanted_s)}",
    )


def _wanted_n(objective: Objective, plan: _Plan) -> int | None:
    if objective.indicator is Indicator.THROUGHPUT:
        return None
    return max(FEWEST_REQUESTS, decide.requests_needed(objective.limit_ratio, plan.alpha))


def _ratio_s(wanted_n: int, plan: _Plan) -> float | None:
    if not plan.rate_per_s:
        return None
    return math.ceil(max(blocks_s(plan.rate_per_s, min_hold_s=plan.min_hold_s), wanted_n / plan.rate_per_s))


def blocks_s(rate_per_s: float, *, min_hold_s: float = 0.0) -> int:
    """How long the blocks that MET wants take at a rate above 0: a block is of whole seconds."""
    block_s = max(decide.BLOCK_MIN_S, math.ceil(round(decide.BLOCK_MIN_REQUESTS / rate_per_s, 6)))
    return block_s * max(decide.MET_MIN_BLOCKS, math.ceil(min_hold_s / block_s))


def _throughput_s(objective: Objective, plan: _Plan) -> float | None:
    """The first second at which counts no more uneven than chance would reach the limit with certainty; None where
    that is more than `LONGEST_HOLD_S` away."""
    rate_per_s = plan.rate_per_s
    if rate_per_s is None or rate_per_s <= objective.limit:
        return None

    def reaches(seconds: int) -> bool:
        interval = decide.throughput_interval(rate_per_s, rate_per_s, seconds=seconds, alpha=plan.alpha)
        return interval.low >= objective.limit

    shortest = math.ceil(max(plan.min_hold_s, decide.THROUGHPUT_MIN_BLOCKS))
    seconds = shortest
    while not reaches(seconds):
        if seconds > LONGEST_HOLD_S:
            return None
        seconds *= 2
    low, high = shortest, seconds
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle + 1, high)
    return high


def _sentence(objective: Objective, plan: _Plan, *, wanted_n: int | None, wanted_s: float | None) -> str:
    needs = "needs" if wanted_n is None else f"needs {_requests(wanted_n)};"
    if plan.rate_per_s is None:
        return f"{needs} {show_duration(plan.min_hold_s)} of hold at least; a closed model's rate shows under way"
    at_rate = f"at {show_rate(plan.rate_per_s)}"
    if not plan.rate_per_s:
        return "the profile sends it no request; add a journey that does, or correct its routes"
    if wanted_s is None:
        return f"cannot be met {at_rate}; offer more than {show_rate(objective.limit)}"
    takes = f"{needs} {show_duration(wanted_s)} of hold {at_rate}"
    if wanted_s <= plan.at_most_s:
        return takes if wanted_n is None else f"{takes} give about {plan.rate_per_s * wanted_s:,.0f}"
    would_do = f"hold for {show_duration(wanted_s)}"
    if not plan.at_most_s:
        return f"{takes}: the gate's time is over before the hold begins; {would_do}"
    if wanted_n is not None and plan.min_hold_s <= plan.at_most_s:
        would_do += f", or send {math.ceil(wanted_n / plan.at_most_s):,}/s"
    return f"{takes}: it cannot be decided within {show_duration(plan.at_most_s)}; {would_do}"


def _requests(wanted_n: int) -> str:
    blocks = f" ({decide.MET_MIN_BLOCKS} blocks of {decide.BLOCK_MIN_REQUESTS})"
    return f"{wanted_n:,} requests or more{blocks if wanted_n == FEWEST_REQUESTS else ''}"
