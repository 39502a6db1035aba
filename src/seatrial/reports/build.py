"""Puts a page together from what the other rooms found: groups, sorts, sums; measures and judges nothing.

Room reports. Takes the facts of a run, its verdict and its measured series; gives a `Page`. Pure: the same parts give
the same page, in whatever order unordered parts come. May import the floor and `page`.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from seatrial.reports.experiment.page import EdgeLane, Experiment
from seatrial.reports.load.page import Load, StepNumbers
from seatrial.reports.page import (
    ErrorCount,
    ErrorRow,
    ErrorTable,
    Event,
    FindingGroup,
    Journey,
    Note,
    Page,
    PhaseNumbers,
    PhaseSpan,
    RatePoint,
    RunFacts,
    ServiceLatency,
)
from seatrial.sample import Cause, FaultWindow
from seatrial.verdict import Finding, Grade, Subject, Verdict, worst


@dataclass(frozen=True, slots=True)
class Series:
    """What is shown over time; every part may be empty. Seconds may come in any order."""

    latencies: tuple[ServiceLatency, ...] = ()
    rates: tuple[RatePoint, ...] = ()
    phases: tuple[PhaseSpan, ...] = ()
    windows: tuple[FaultWindow, ...] = ()
    lanes: tuple[EdgeLane, ...] = ()


def build(
    facts: RunFacts,
    verdict: Verdict,
    *,
    series: Series | None = None,
    journeys: tuple[Journey, ...] = (),
    errors: Iterable[ErrorCount] = (),
    notes: tuple[Note, ...] = (),
    steps: tuple[StepNumbers, ...] = (),
    generator: tuple[Note, ...] = (),
    load: Load | None = None,
    experiments: tuple[Experiment, ...] = (),
) -> Page:
    """The page of one run. Services and journeys keep their order; findings are grouped by what they are about."""
    shown = _sorted(series or Series())
    moments = sorted(_moments(shown)) or [facts.started_at, facts.ended_at or facts.started_at]
    return Page(
        facts=facts,
        verdict=verdict,
        groups=group_findings(verdict.findings),
        against=findings_against(verdict.findings),
        latencies=shown.latencies,
        rates=shown.rates,
        phases=shown.phases,
        windows=shown.windows,
        lanes=shown.lanes,
        journeys=journeys,
        errors=tabulate(errors),
        notes=notes,
        started_at=moments[0],
        ended_at=moments[-1],
        steps=steps,
        generator=generator,
        load=load,
        experiments=experiments,
    )


def group_findings(findings: Iterable[Finding]) -> tuple[FindingGroup, ...]:
    """By service, experiment, journeys or generator, in the order of their first finding."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_group_title(finding), []).append(finding)
    return tuple(FindingGroup(title, tuple(members), _whole(members)) for title, members in groups.items())


def _whole(findings: Iterable[Finding]) -> Grade | None:
    """The worst of those that count."""
    grades = [finding.grade for finding in findings if finding.counts]
    return worst(grades) if grades else None


def findings_against(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that count and are not MET, the worst first; of one grade the generator's, which explains others, then
    key ones."""
    against = [finding for finding in findings if finding.is_against]
    return tuple(sorted(against, key=_order))


def _order(finding: Finding) -> tuple[int, bool, bool]:
    return -finding.grade.badness, finding.subject is not Subject.GENERATOR, not finding.key


def together(against: Iterable[Finding]) -> tuple[tuple[Finding, ...], ...]:
    """The same, in the same order; what of one experiment has one grade and one reason, and no number, together."""
    groups: dict[object, list[Finding]] = {}
    for finding in against:
        is_bare = finding.experiment and not finding.measured_text
        key = (finding.experiment, finding.grade, finding.reason) if is_bare else finding.name
        groups.setdefault(key, []).append(finding)
    return tuple(map(tuple, groups.values()))


def tabulate(errors: Iterable[ErrorCount]) -> ErrorTable:
    """Sums failures by service (most failures first) and cause (the taxonomy's order)."""
    counts: Counter[tuple[str, Cause]] = Counter()
    for error in errors:
        counts[error.service, error.cause] += error.count
    found = {cause for (_, cause), count in counts.items() if count}
    causes = tuple(cause for cause in Cause if cause in found)
    services = sorted({service for (service, _), count in counts.items() if count})
    rows = [ErrorRow(service, tuple(counts[service, cause] for cause in causes)) for service in services]
    return ErrorTable(causes, tuple(sorted(rows, key=lambda row: -row.total)))


def summarise(latency: ServiceLatency, phases: Iterable[PhaseSpan]) -> tuple[PhaseNumbers, ...]:
    """One service's seconds by phase; phases without a request to it are left out."""
    numbers = (_phase_numbers(latency, span) for span in phases)
    return tuple(one for one in numbers if one.n or one.failed)


def events(page: Page) -> tuple[Event, ...]:
    """Faults and what the edges showed, as lines of a table in order of time."""
    faults = (event for window in page.windows for event in _fault_events(window))
    seen = (Event(event.at, lane.edge, event.label) for lane in page.lanes for event in lane.events)
    return tuple(sorted((*faults, *seen), key=lambda event: event.at))


def _fault_events(window: FaultWindow) -> Iterator[Event]:
    selected = f", {window.selects}" if window.selects else ""
    yield Event(window.started_at, window.target, f"fault injected: {window.kind}{selected} ({window.experiment})")
    if window.ended_at is not None:
        counted = "" if window.hit is None else f", matched {window.matched or 0:,} and hit {window.hit:,}"
        yield Event(window.ended_at, window.target, f"fault {window.ended or 'ended'}: {window.kind}{counted}")


def _phase_numbers(latency: ServiceLatency, span: PhaseSpan) -> PhaseNumbers:
    bands = [band for band in latency.bands if span.started_at <= band.second < span.ended_at]
    return PhaseNumbers(
        label=span.label,
        n=sum(band.n for band in bands),
        failed=sum(band.failed for band in bands),
        typical_p50_s=_median(band.p50_s for band in bands),
        typical_p95_s=_median(band.p95_s for band in bands),
        worst_p99_s=max((band.p99_s for band in bands if band.p99_s is not None), default=None),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _group_title(finding: Finding) -> str:
    if finding.experiment:
        return f"Experiment: {finding.experiment}"
    if finding.subject is Subject.JOURNEY:
        return "Journeys"
    if finding.subject is Subject.AUDIT:
        return "Audit"
    if finding.subject is Subject.GENERATOR:
        return "Load generator"
    return finding.service or str(finding.subject).capitalize()


def _sorted(series: Series) -> Series:
    latencies = (
        replace(one, bands=tuple(sorted(one.bands, key=lambda band: band.second))) for one in series.latencies
    )
    return replace(
        series,
        latencies=tuple(latencies),
        rates=tuple(sorted(series.rates, key=lambda point: point.second)),
        phases=tuple(sorted(series.phases, key=lambda span: span.started_at)),
        windows=tuple(sorted(series.windows, key=lambda window: (window.started_at, window.target, window.kind))),
    )


def _moments(series: Series) -> Iterator[float]:
    """Every instant the time axis must reach."""
    for second in _seconds(series):
        yield from (float(second), second + 1.0)
    for span in series.phases:
        yield from (span.started_at, span.ended_at)
    for window in series.windows:
        yield from (moment for moment in (window.started_at, window.ended_at) if moment is not None)


def _seconds(series: Series) -> Iterator[int]:
    yield from (point.second for point in series.rates)
    for one in series.latencies:
        yield from (band.second for band in one.bands)
