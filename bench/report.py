"""What was measured, as text for people and as JSON for later: medians, and ratios of ours to each peer. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from measure import Cost
from ratios import Ratio, ratio

Costs = Mapping[str, Sequence[Cost]]


@dataclass(frozen=True)
class Figure:
    """A number of a run. `good` is the side of 1 where a ratio of ours to theirs is good; None: only shown."""

    title: str
    of: Callable[[Cost], float | None]
    good: str | None = None


def check_figures() -> tuple[Figure, ...]:
    """Of one journey: what a person waits for, and what the machine works."""
    return (
        Figure("wall s", lambda cost: cost.wall_s, "at most 0.6 of newman, 0.7 of tavern"),
        Figure("CPU s", lambda cost: cost.cpu_s, "below 1"),
        Figure("requests", lambda cost: cost.requests),
    )


def rows_figures() -> tuple[Figure, ...]:
    """Of many plays in one process."""
    good = "at least 15 of newman, 0.74 of the httpx loop (it within 1.35)"
    return (
        Figure("requests per s", lambda cost: cost.requests_per_s, good),
        Figure("requests per CPU s", lambda cost: cost.requests_per_cpu_s, "shown beside it: load disturbs it less"),
        Figure("requests", lambda cost: cost.requests),
    )


def load_figures(duration_s: float) -> tuple[Figure, ...]:
    """Of a load: requests as nginx counted them, for the CPU time of the whole process tree."""
    good = "at least 2 of locust, 1.2 of k6 (1 at the least)"
    return (
        Figure("requests per CPU s", lambda cost: cost.requests_per_cpu_s, "shown beside it: a start weighs in it"),
        Figure("the same in its middle", lambda cost: cost.steady_requests_per_cpu_s(duration_s), good),
        Figure("CPU s", lambda cost: cost.cpu_s),
        Figure("requests", lambda cost: cost.requests),
    )


def values(costs: Costs, figure: Figure) -> dict[str, list[float]]:
    """The figure of every round by tool, without the tools that were not measured or where a round has no value."""
    rounds = {name: [figure.of(cost) for cost in each] for name, each in costs.items()}
    known = {name: [value for value in found if value is not None] for name, found in rounds.items()}
    return {name: found for name, found in known.items() if found and len(found) == len(rounds[name])}


def ratios(costs: Costs, figure: Figure) -> dict[str, Ratio]:
    """Ours, the tool named first, over each other's; empty when ours was not measured."""
    found = values(costs, figure)
    ours = next(iter(costs), None)
    if ours not in found:
        return {}
    mine = found.pop(ours)
    return {f"{ours} / {name}": ratio(mine, theirs) for name, theirs in found.items()}


def as_text(title: str, costs: Costs, figures: Sequence[Figure]) -> str:
    """A paragraph: for each figure the medians, then the ratios."""
    lines = [title]
    for figure in figures:
        medians = {name: statistics.median(found) for name, found in values(costs, figure).items()}
        shown = "   ".join(f"{name} {_shown(median)}" for name, median in medians.items())
        lines.append(f"  {figure.title:<24}{shown}")
    for figure in filter(lambda figure: figure.good, figures):
        found = ratios(costs, figure)
        lines += [f"  {pair}, {figure.title} (good: {figure.good}): {each}" for pair, each in found.items()]
    return "\n".join(lines)


def _shown(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def as_data(costs: Costs, figures: Sequence[Figure]) -> dict[str, object]:
    """Every round's costs and every ratio."""
    return {
        "rounds": {name: [dataclasses.asdict(cost) for cost in each] for name, each in costs.items()},
        "ratios": {
            figure.title: {name: dataclasses.asdict(found) for name, found in ratios(costs, figure).items()}
            for figure in figures
        },
    }
