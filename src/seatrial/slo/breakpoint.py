"""How far a system holds: the levels of a breakpoint search judged one by one, up to the first that does not hold.

Room slo. Takes measures, the objectives and the levels that were asked for; gives a `Search`. Pure: the same journal
gives the same search, whether judged each second while it grows or later. May import the floor and its own room; must
never take the generator's own limit for the service's, nor call a level held without thirty requests.

A level holds when, in its own seconds, no objective of errors or latency is contradicted, the generator kept its
plan and the journeys' requests could be rendered. What is missed while the generator was late or busy is undecided;
arrivals it dropped for want of room, and requests that could not be rendered, leave a miss standing, for more of them
would only have made it worse.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.sample import Phase
from seatrial.service import Indicator, Objective, Service
from seatrial.slo import decide
from seatrial.slo.generator import OF_GENERATOR, trouble, why_unfit
from seatrial.slo.judge import judge_probe
from seatrial.slo.measure import Measures, Span
from seatrial.slo.rendering import why_unplanned
from seatrial.verdict import Finding, Grade, Subject

_JUDGED = (Indicator.ERRORS, Indicator.LATENCY)


class Ended(enum.StrEnum):
    """What ended a search."""

    MISSED = "missed"  # an objective
    HELD = "held"  # even at the highest level asked for
    GENERATOR = "generator"  # it did not keep its own plan
    UNDECIDED = (
        "undecided"  # too few requests, failures too clustered to tell, or too much that could not be rendered
    )
    CUT_SHORT = "cut short"  # before its last level was judged; or it still goes on


@dataclass(frozen=True, slots=True)
class Probe:
    """One level: MET when it held. `reason` says what was missed or why nothing was decided, empty when it held.

    `whole` says that it lasted its time; one that is not may still be MISSED.
    """

    level: float
    grade: Grade
    findings: tuple[Finding, ...]
    reason: str = ""
    unfit: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Search:
    """The levels judged, rising; `held` is the last one that held, None when not even the first did."""

    probes: tuple[Probe, ...]
    held: float | None
    ended: Ended

    @property
    def is_over(self) -> bool:
        """Whether more load would change nothing."""
        return self.ended is not Ended.CUT_SHORT

    @property
    def is_decided(self) -> bool:
        """Whether it says how far the system holds."""
        return self.ended in (Ended.MISSED, Ended.HELD)


@dataclass(frozen=True, slots=True)
class Levels:
    """What was asked for: the levels, rising, each held for `every_s`; `unit` follows a level in texts, as `/s`."""

    levels: tuple[float, ...]
    every_s: float
    unit: str = "/s"

    def show(self, level: float) -> str:
        """The level with its unit."""
        return f"{level:g}{self.unit}"


def search(
    measures: Measures, services: Mapping[str, Service], levels: Levels, *, alpha: float = decide.ALPHA
) -> Search:
    """Judge the levels in order, up to the first that did not hold or was not played to its end."""
    probes: list[Probe] = []
    for level in levels.levels:
        if Span(Phase.PROBE, level=level) not in measures.pacings:
            break
        probe = _probe(measures, services, level, alpha=alpha)
        probes.append(dataclasses.replace(probe, whole=_is_whole(measures, levels, level)))
        if probe.grade is not Grade.MET:
            break
    held = [probe.level for probe in probes if probe.grade is Grade.MET and probe.whole]
    return Search(tuple(probes), max(held, default=None), _ended(probes, levels))


def sentence(found: Search, levels: Levels) -> str:
    """`held up to 400/s; at 450/s cards.fast was missed: 7.1 % slower (45 of 630)`."""
    if found.ended is Ended.HELD:
        return f"held up to {levels.show(levels.levels[-1])}, the highest asked for"
    last = found.probes[-1] if found.probes else None
    before = "no level held" if found.held is None else f"held up to {levels.show(found.held)}"
    if last is None:
        return "no level was played"
    at = levels.show(last.level)
    return {
        Ended.MISSED: f"{before}; at {at} {last.reason}",
        Ended.GENERATOR: f"{before}; the generator held back at {at}: {last.reason}",
        Ended.UNDECIDED: f"{before}; at {at} nothing was decided: {last.reason}",
        Ended.CUT_SHORT: f"{before}; {_cut_short(found, levels)}",
    }[found.ended]


def judge_search(
    measures: Measures, services: Mapping[str, Service], levels: Levels, *, alpha: float = decide.ALPHA
) -> tuple[Finding, ...]:
    """Every objective at the last level that held, or at the first when none did, and the search itself, which does
    not count: how far a system holds is no promise of it. A search that says nothing of the first level leaves its
    objectives undecided."""
    found = search(measures, services, levels, alpha=alpha)
    told = Finding(
        Subject.INFORMATION, "", "breakpoint", _grade(found), f"breakpoint: {sentence(found, levels)}", counts=False
    )
    return (*_at_level(measures, services, found, levels, alpha=alpha), told)


def _grade(found: Search) -> Grade:
    return Grade.MET if found.is_decided else Grade.UNDECIDED


def _at_level(
    measures: Measures, services: Mapping[str, Service], found: Search, levels: Levels, *, alpha: float
) -> Iterator[Finding]:
    level = levels.levels[0] if found.held is None else found.held
    unfit = found.held is None and found.ended in (Ended.GENERATOR, Ended.CUT_SHORT)
    for service, objective in _objectives(services, tuple(Indicator)):
        finding = judge_probe(measures, service=service, objective=objective, level=level, alpha=alpha)
        reason = f"at {levels.show(level)}: {finding.reason}"
        if unfit:
            reason, finding = f"no level held; {reason}", _undecided(finding)
        yield dataclasses.replace(finding, reason=reason)


def _undecided(finding: Finding) -> Finding:
    return dataclasses.replace(finding, grade=Grade.UNDECIDED, decided_at_s=None)


def _probe(measures: Measures, services: Mapping[str, Service], level: float, *, alpha: float) -> Probe:
    span = Span(Phase.PROBE, level=level)
    findings = tuple(
        finding
        for service, objective in _objectives(services, _JUDGED)
        if (finding := judge_probe(measures, service=service, objective=objective, level=level, alpha=alpha)).n
    )
    missed = [finding for finding in findings if finding.grade is Grade.MISSED]
    if missed:
        unfit = why_unfit(measures, services, span=span).removeprefix(OF_GENERATOR)
        said = "; ".join(f"{finding.name} was missed: {finding.measured_text}" for finding in missed)
        grade = Grade.UNDECIDED if unfit else Grade.MISSED
        return Probe(level, grade, findings, reason=unfit or said, unfit=bool(unfit))
    unfit = trouble(measures.pacings[span], services)
    if unfit:
        return Probe(level, Grade.UNDECIDED, findings, reason=unfit, unfit=True)
    unplanned = why_unplanned(measures, span)
    if unplanned:
        return Probe(level, Grade.UNDECIDED, findings, reason=unplanned)
    open_ones = [finding for finding in findings if finding.grade is Grade.UNDECIDED]
    if open_ones or not findings:
        reason = "; ".join(f"{finding.name}: {finding.reason}" for finding in open_ones)
        return Probe(level, Grade.UNDECIDED, findings, reason=reason or "no objective was asked anything")
    return Probe(level, Grade.MET, findings)


def _objectives(services: Mapping[str, Service], indicators: Sequence[Indicator]) -> Iterator[tuple[str, Objective]]:
    return (
        (service.name, objective)
        for service in services.values()
        for objective in service.objectives
        if objective.indicator in indicators
    )


def _is_whole(measures: Measures, levels: Levels, level: float) -> bool:
    """Whether a level lasted its time: a higher one follows, or it has its seconds, of which the end may cut one."""
    later = (Span(Phase.PROBE, level=higher) for higher in levels.levels if higher > level)
    seconds = len(measures.pacings[Span(Phase.PROBE, level=level)])
    return any(span in measures.pacings for span in later) or seconds >= max(1.0, levels.every_s - 1.0)


def _ended(probes: Sequence[Probe], levels: Levels) -> Ended:
    if not probes:
        return Ended.CUT_SHORT
    last = probes[-1]
    if last.grade is Grade.MISSED:
        return Ended.MISSED
    if not last.whole:
        return Ended.CUT_SHORT
    if last.grade is Grade.UNDECIDED:
        return Ended.GENERATOR if last.unfit else Ended.UNDECIDED
    return Ended.HELD if last.level == levels.levels[-1] else Ended.CUT_SHORT


def _cut_short(found: Search, levels: Levels) -> str:
    last = found.probes[-1]
    higher = [level for level in levels.levels if level > last.level]
    at = last.level if not last.whole or not higher else higher[0]
    return f"it was cut short at {levels.show(at)}"
