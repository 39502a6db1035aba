"""A recorded load read back: what it measured, how its objectives stood, and its report.

Takes a run's folder and the documents as they are now. A load of hours is folded second by second: its histograms
are not kept. Judges no service; only `publish_load` writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from seatrial import journal
from seatrial.assess.about_load import AboutLoad, read_about_load
from seatrial.assess.asked import asked_of
from seatrial.assess.load_page import Shown, load_page
from seatrial.assess.standing import stand, why_undecided
from seatrial.journal import Run
from seatrial.redact import Secrets
from seatrial.reports.load.files import load_by_second
from seatrial.reports.render import render_html
from seatrial.sample import Interval, Phase, Record
from seatrial.scenarios.load.mix import mix
from seatrial.scenarios.load.profile import Profile, choose_profile, read_profiles
from seatrial.scenarios.load.summary import Summary
from seatrial.scenarios.read import read_scenarios
from seatrial.service import Service
from seatrial.slo.limits import questions
from seatrial.slo.measure import Band, Measures, Meter, measure
from seatrial.slo.quantiles import Latencies, SpanLatency
from seatrial.slo.read import read_services


@dataclass(frozen=True)
class LoadPlan:
    """What a load is held against; `asked` are the services with the objectives its journeys speak to."""

    profile: Profile
    services: Mapping[str, Service]
    asked: Mapping[str, Service]


def plan_of_load(workspace: Path, about: AboutLoad) -> LoadPlan:
    """The plan of a recorded load, by the documents as they are now."""
    profile = choose_profile(read_profiles(workspace / "scenarios" / "profiles"), about.profile)
    services = read_services(workspace / "slo")
    asked = asked_of(services, mix(profile, read_scenarios(workspace / "scenarios")))
    return LoadPlan(profile, services, asked)


def read_load(run: Run, plan: LoadPlan) -> Shown:
    """Read a load's journal whole; what a crash cut off at its end is left out."""
    about, fold = read_about_load(run), _Fold(plan)
    for second in load_by_second(journal.read(run.journal)):
        fold.add(second)
    if fold.again:
        fold.mend_bands(_seconds(run, fold.again))
    stood = stand(plan.profile, plan.asked, fold.judged.measures())
    return Shown(
        about=about,
        profile=plan.profile,
        services=plan.services,
        summary=fold.summary,
        measures=fold.shown.measures(),
        bands=fold.bands(),
        part=fold.part,
        latencies=fold.latencies(),
        stood=stood,
        unfit=why_undecided(fold.summary, stood, profile=plan.profile, services=plan.services),
    )


def _seconds(run: Run, wanted: Set[int]) -> Measures:
    """What was told of these seconds, early and late."""
    records = journal.read(run.journal)
    return measure(record for record in records if isinstance(record, Interval) and record.second in wanted)


def publish_load(run: Run, shown: Shown, *, templates: Path) -> None:
    """Write the load's `report.html`. What was secret was masked before it reached the journal."""
    page = render_html(load_page(shown), redact=Secrets().redact, templates=templates)
    run.report.write_text(page, encoding="utf-8")


class _Fold:
    """Everything that is kept of a load's seconds: what judging asks, and of each service what is shown over time.

    `again` are seconds that were told of in several goes, the later ones by a worker that lagged: their bands are of
    one go, for histograms are not kept, until `mend_bands` gets them whole.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self.summary = Summary(plan.profile.lasts_s)
        self.judged = Meter(questions(plan.asked.values()))
        self.shown = Meter()
        self.again: set[int] = set()
        self._bands: dict[str, dict[int, Band]] = {}
        self._held: dict[str, Latencies] = {}
        self._unheld: dict[str, Latencies] = {}

    def add(self, second: tuple[Record, ...]) -> None:
        """One second's records."""
        self.summary.add(second)
        measured = measure(second)
        for service in measured.services():
            self._time(service, measured)
        for record in second:
            self.judged.add(record)
            if not isinstance(record, Interval):
                self.shown.add(record)
        for interval in _by_service(second):
            self.shown.add(interval)

    def _time(self, service: str, second: Measures) -> None:
        """One service's second. What is asked of the same histograms is asked at once: they are decoded once then."""
        known = self._bands.setdefault(service, {})
        for band in second.latency_bands(service):
            if band.second in known:
                self.again.add(band.second)
            known[band.second] = band
        for (name, span), intervals in second.intervals.items():
            if name == service and span.phase is not Phase.WARM_UP:
                latencies = self._held if span.phase is Phase.HOLD else self._unheld
                latencies.setdefault(service, Latencies()).add(intervals)

    def mend_bands(self, whole: Measures) -> None:
        """Put the bands of these seconds in the place of those that were of one go."""
        for service in whole.services():
            self._bands[service].update({band.second: band for band in whole.latency_bands(service)})

    def bands(self) -> dict[str, tuple[Band, ...]]:
        """Those of each service, ascending."""
        return {service: tuple(known[second] for second in sorted(known)) for service, known in self._bands.items()}

    @property
    def part(self) -> str:
        """Which part of the load `latencies` are of: a ramp or a breakpoint never holds."""
        return "hold" if self._held else "load without its warm-up"

    def latencies(self) -> dict[str, SpanLatency]:
        """Those of each service that has any."""
        folded = {service: each.latency() for service, each in (self._held or self._unheld).items()}
        return {service: latency for service, latency in folded.items() if latency}


def _by_service(second: Iterable[Record]) -> Iterator[Interval]:
    """The counts of all steps of a service as one record of a step without a name, for what is shown over time."""
    groups: dict[tuple[object, ...], list[Interval]] = {}
    for record in second:
        if isinstance(record, Interval):
            key = (record.second, record.service, record.phase, record.experiment, record.level)
            groups.setdefault(key, []).append(record)
    for intervals in groups.values():
        causes = sum((Counter(interval.causes) for interval in intervals), Counter[str]())
        ok, failed = sum(interval.ok for interval in intervals), sum(interval.failed for interval in intervals)
        first = intervals[0]
        yield Interval(
            first.run, first.phase, "", "", first.service, "", "", first.second, ok, failed, causes,
            experiment=first.experiment, level=first.level,
        )  # fmt: skip
