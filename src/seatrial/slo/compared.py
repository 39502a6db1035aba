"""Compares two recorded runs, service by service and route by route.

Room slo. Takes what both counted, gives a `Compared`. Services decide; the rows of single routes show where a
difference comes from, and decide only where one of them is worse. With an unfit generator on either side nothing is
decided. Pure; may import the floor and its own room; must never show anything.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seatrial.service import Service
from seatrial.slo.comparable import other_load, other_routes
from seatrial.slo.contrast import Asked, Contrast, Pair, What, contrast, every_question
from seatrial.slo.counted import Counted
from seatrial.slo.decide import Call
from seatrial.slo.generator import judge_generator
from seatrial.slo.measure import Route
from seatrial.verdict import Grade


@dataclass(frozen=True, slots=True)
class Row:
    """One question about a service, or about one `route` of it."""

    route: str
    found: Contrast


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs compared. `alpha` is that of the whole; each of the rows has an even part of it. `notes` say what else
    differs than the version; `unfit` why a generator's trouble leaves it all undecided, empty where it does not."""

    base: Counted
    new: Counted
    change_ratio: float
    alpha: float
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    unfit: str = ""

    @property
    def grade(self) -> Grade:
        """MISSED where anything is worse, MET where every service is no worse, else UNDECIDED."""
        if any(row.found.comparison.state is Call.MISSED for row in self.rows):
            return Grade.MISSED
        whole = [row.found.comparison.state for row in self.rows if not row.route]
        return Grade.MET if whole and set(whole) == {Call.MET} else Grade.UNDECIDED


def compare_counted(
    base: Counted, new: Counted, services: Mapping[str, Service], *, change_ratio: float, alpha: float
) -> Compared:
    """Every question about every service both were asked, and about its routes where it has several.

    Only what both were asked is compared. `change_ratio` is how much worse the new run may be. Of `services` only
    their latency limits matter: how late a start may be.
    """
    pairs, asked = tuple(_pairs(base, new)), _questions(base, new, change_ratio)
    share = alpha / max(1, len(pairs) * len(asked))
    rows = (
        Row(route, contrast(pair, dataclasses.replace(question, alpha=share)))
        for route, pair in pairs
        for question in asked
    )
    unfit = "; ".join(_unfit(base, new, services))
    decided = map(_excused, rows) if unfit else rows
    return Compared(base, new, change_ratio, alpha, tuple(decided), tuple(_notes(base, new)), unfit)


def _unfit(base: Counted, new: Counted, services: Mapping[str, Service]) -> Iterator[str]:
    for side in (base, new):
        found = (judge_generator(measures, services) for measures in side.runs)
        yield from (f"in {side.name}: {finding.reason}" for finding in found if finding)


def _excused(row: Row) -> Row:
    """The row when a generator was unfit: undecided, whatever was counted."""
    comparison = row.found.comparison
    if comparison.state is Call.UNDECIDED:
        return row
    kept_by = f"a generator was unfit; it would have been {comparison.state.grade}"
    comparison = dataclasses.replace(comparison, state=Call.UNDECIDED, reason=f"{kept_by}: {comparison.reason}")
    return dataclasses.replace(row, found=dataclasses.replace(row.found, comparison=comparison, kept_by=kept_by))


def _questions(base: Counted, new: Counted, change_ratio: float) -> tuple[Asked, ...]:
    """All of them; not of throughput where a side's is decided by its share of the plays."""
    split = base.side is not None or new.side is not None
    every = every_question(alpha=1.0, change_ratio=change_ratio)
    return tuple(asked for asked in every if not (split and asked.what is What.THROUGHPUT))


def _pairs(base: Counted, new: Counted) -> Iterator[tuple[str, Pair]]:
    for service in base.services():
        routes = [route for route in base.requests(service) if route in new.requests(service)]
        if not routes:
            continue
        yield "", _pair(base, new, service, routes)
        for route in routes if len(routes) > 1 else ():
            yield str(route), _pair(base, new, service, [route])


def _pair(base: Counted, new: Counted, service: str, routes: list[Route]) -> Pair:
    return Pair(base.only(routes), new.only(routes), service)


def _notes(base: Counted, new: Counted) -> Iterator[str]:
    load = other_load(base, new)
    if load:
        yield load
    for service in dict.fromkeys((*base.services(), *new.services())):
        missing = [side.name for side in (base, new) if service not in side.services()]
        if missing:
            yield f"service '{service}' was not asked in {missing[0]}"
        elif reason := other_routes(base, new, service=service):
            yield f"service '{service}': {reason}"
