"""What an assessment will take at least, said before it starts: requests and time per objective."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.assess.plan import Plan, rates_per_s
from seatrial.quantity import show_duration
from seatrial.slo.forecast import forecast
from seatrial.slo.measure import Route


def forecast_lines(plan: Plan) -> Iterator[str]:
    """One line for the whole, and one for each objective that cannot be decided in the gate's time."""
    if plan.gate.acceptance_tags and not plan.acceptance:
        yield f"{plan.gate.where}: no journey has the acceptance tag {', '.join(plan.gate.acceptance_tags)}"
    rates = {Route(*key): rate for key, rate in rates_per_s(plan).items()}
    if plan.profile is None or not rates:
        return
    found = forecast(
        plan.services,
        rates,
        alpha=plan.gate.alpha,
        min_hold_s=plan.gate.min_hold_s,
        at_most_s=plan.at_most_s,
    )
    wanted_s = [item.wanted_s for item in found if item.in_time and item.wanted_s is not None]
    if wanted_s:
        yield (
            f"{len(wanted_s)} of {len(found)} objectives can be decided, at the earliest after "
            f"{show_duration(max(wanted_s))} of hold (at most {show_duration(plan.at_most_s)})"
        )
    for item in found:
        if not item.in_time:
            yield item.sentence
