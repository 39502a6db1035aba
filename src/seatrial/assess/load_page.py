"""Fills the report's page from a recorded load: what was measured, in the shapes `reports` shows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seatrial.assess.about_load import AboutLoad
from seatrial.assess.search import levels_of
from seatrial.assess.series import errors, intervals_of, phases, rates, service_latency
from seatrial.assess.standing import Stood
from seatrial.quantity import show_duration, show_ratio
from seatrial.reports import page as shown
from seatrial.reports.build import Series, build
from seatrial.reports.load.page import Level, Load, StepNumbers
from seatrial.sample import LATE_STEPS_MS, OVERDUE_S, Pacing, Phase, failed_text
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.summary import StepLine, Summary
from seatrial.service import Service
from seatrial.slo.breakpoint import Probe
from seatrial.slo.measure import Band, Measures
from seatrial.slo.quantiles import SpanLatency
from seatrial.verdict import Grade, Verdict

NOBODY_JUDGED = "a load judges no service; `seatrial assess` does"


@dataclass(frozen=True)
class Shown:
    """A load read back. `latencies` are those of each service over `part` of it; `unfit` says why it tells nothing of
    the services, empty when it does."""

    about: AboutLoad
    profile: Profile
    services: Mapping[str, Service]
    summary: Summary
    measures: Measures
    bands: Mapping[str, Sequence[Band]]
    part: str
    latencies: Mapping[str, SpanLatency]
    stood: Stood
    unfit: str


def load_page(load: Shown) -> shown.Page:
    """The whole page of a load: everything that was measured, and no verdict."""
    series = Series(
        latencies=tuple(_latency(name, load) for name in load.measures.services()),
        rates=tuple(rates(load.measures)),
        phases=tuple(phases(load.measures)),
    )
    return build(
        _facts(load),
        Verdict(Grade.UNDECIDED, None, load.stood.findings, NOBODY_JUDGED),
        series=series,
        errors=errors(load.measures),
        notes=tuple(_notes(load)),
        steps=tuple(map(_step, _by_journey(load.summary.whole()))),
        generator=tuple(generator_notes(load.summary)),
        load=_load(load),
    )


def _facts(load: Shown) -> shown.RunFacts:
    about = load.about
    return shown.RunFacts(
        run=about.run,
        realm=about.realm,
        started_at=about.started_at,
        ended_at=about.ended_at,
        version=about.seatrial,
        facts=(shown.Note("Offered", about.offered), shown.Note("Journeys", ", ".join(load.profile.scenarios))),
    )


def _load(load: Shown) -> Load:
    return Load(
        profile=load.about.profile,
        text=_sentence(load),
        unfit=load.unfit,
        found=load.stood.found,
        levels=tuple(_levels(load)),
    )


def _sentence(load: Shown) -> str:
    lines, pace = load.summary.whole(), load.summary.whole_pace()
    requests, failed = sum(line.requests for line in lines), sum(line.failed for line in lines)
    share = f", {show_ratio(failed / requests)} of them failed" if failed else ", none failed" if requests else ""
    achieved = f"{pace.started_per_s:.1f} plays/s"
    if load.profile.model is Model.OPEN:
        achieved = f"{pace.started_per_s:.1f} of {pace.planned_per_s:.1f} planned plays/s"
    ended = "" if load.about.ended_at is not None else "; stopped before its stages were over"
    return f"{requests:,} {'request' if requests == 1 else 'requests'}{share}; {achieved}{ended}."


def _levels(load: Shown) -> Iterator[Level]:
    """Each level of a breakpoint search with its own requests."""
    if load.stood.search is None:
        return
    levels = levels_of(load.profile)
    for probe in load.stood.search.probes:
        own = [one for one in intervals_of(load.measures) if (one.phase, one.level) == (Phase.PROBE, probe.level)]
        failed = sum(interval.failed for interval in own)
        n = failed + sum(interval.ok for interval in own)
        yield Level(levels.show(probe.level), probe.grade, n, failed, _measured(probe))


def _measured(probe: Probe) -> str:
    if probe.reason:
        return probe.reason
    return "; ".join(f"{finding.name} {finding.measured_text}" for finding in probe.findings)


def _latency(name: str, load: Shown) -> shown.ServiceLatency:
    return service_latency(
        name,
        load.measures,
        service=load.services.get(name),
        bands=load.bands.get(name, ()),
        whole=load.latencies.get(name),
        part=load.part,
    )


def _step(line: StepLine) -> StepNumbers:
    latencies_s = None
    if line.quantiles_s and line.max_s is not None:
        latencies_s = (*line.quantiles_s, line.max_s)
    lost = [f"{line.unrendered:,} not rendered"] if line.unrendered else []
    why = ", ".join(filter(None, [failed_text(line.causes), *lost]))
    counts = (line.requests, line.failed, line.per_s)
    return StepNumbers(line.scenario, line.step, *counts, latencies_s, line.polls, why)


def _by_journey(lines: Sequence[StepLine]) -> Iterator[StepLine]:
    """Journey after journey, each with its steps in the order they first ran."""
    for journey in dict.fromkeys(line.scenario for line in lines):
        yield from (line for line in lines if line.scenario == journey)


def generator_notes(summary: Summary) -> Iterator[shown.Note]:
    """How the generator did: its plays, lateness, processor and workers."""
    pacings, pace = summary.pacings, summary.whole_pace()
    if not pacings:
        return
    yield shown.Note("Plays", _plays(pacings))
    yield shown.Note("In flight", f"at most {max(pacing.in_flight for pacing in pacings):,}{_unanswered(summary)}")
    yield shown.Note(
        "Starts", f"{_lateness(pace.late_within_ms)}; worst second {show_duration(pace.worst_late_p99_s)}"
    )
    yield shown.Note(
        "Processor", f"{show_ratio(pace.cpu_ratio)} of a core; worst second {show_ratio(pace.worst_cpu_ratio)}"
    )
    yield shown.Note("Workers", _workers(pacings))


def _plays(pacings: Sequence[Pacing]) -> str:
    planned, started = sum(pacing.planned for pacing in pacings), sum(pacing.started for pacing in pacings)
    dropped, rowless = sum(pacing.dropped for pacing in pacings), sum(pacing.without_row for pacing in pacings)
    why = f" ({rowless:,} for want of a row)" if rowless else ""
    return f"{started:,} of {planned:,} started, {dropped:,} dropped{why}"


def _unanswered(summary: Summary) -> str:
    if not summary.overdue:
        return ""
    return f"; {summary.overdue:,} without an answer for more than {show_duration(OVERDUE_S)} at the end"


def _lateness(within_ms: int | None) -> str:
    if within_ms is None:
        return f"more than 1 % over {show_duration(LATE_STEPS_MS[-1] / 1000)} late"
    return f"99 % within {show_duration(within_ms / 1000)} of their due time"


def _workers(pacings: Iterable[Pacing]) -> str:
    lost: dict[int, int] = {}
    workers = 1
    for pacing in pacings:
        workers = max(workers, pacing.workers)
        lost = dict(pacing.lost) | lost
    said = ", ".join(f"worker {number} lost at second {second}" for number, second in sorted(lost.items()))
    return f"{workers}; {said or 'none lost'}" if workers > 1 or lost else "1"


def _notes(load: Shown) -> Iterator[shown.Note]:
    yield shown.Note(
        "latency",
        "from the moment a play was due, so that waiting for a turn counts; only a play's first request has a due "
        "time, the others count from their sending. Failed requests are in none of the quantiles",
    )
    if load.profile.model is Model.CLOSED:
        yield shown.Note(
            "closed model",
            "users wait for their answers, so a stall of the target hides: fewer requests are sent while it lasts. "
            "The open model shows it",
        )
    yield shown.Note(
        "objectives",
        "as assess would call them, with its usual chance of a wrong call; warm-up and ramps are left out",
    )
