"""How the objectives stand while a load goes on, and whether it must: for a load that nobody else judges.

Takes the records of each second, gives findings and the reason to stop. Pure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from seatrial.assess.search import levels_of
from seatrial.sample import Interval, Record
from seatrial.scenarios.load.profile import AbortWhen, Profile, StopWhen
from seatrial.service import Service
from seatrial.slo.breakpoint import Search, judge_search, search, sentence
from seatrial.slo.decide import ALPHA, MIN_HOLD_S
from seatrial.slo.judge import decided, judge_load, judge_objectives
from seatrial.slo.measure import Measures, Meter
from seatrial.verdict import Finding, Grade, Subject

_SELDOMER_S = 300
"""To look costs time in proportion to what was recorded: every five minutes a second more lies between looks."""


class Standing:
    """The fold. `services` hold the objectives the load's journeys speak to; they are judged by the usual chance of a
    wrong call and the usual shortest hold."""

    def __init__(self, profile: Profile, services: Mapping[str, Service]) -> None:
        self._profile = profile
        self._services = services
        self._meter = Meter()
        self._levels = levels_of(profile) if profile.probes else None
        self._seconds = 0
        self._look_at = 0
        self.findings: tuple[Finding, ...] = ()
        self.search: Search | None = None

    def add(self, second: Sequence[Record]) -> None:
        """One second's records; `findings` and `search` are as of now after it."""
        for record in second:
            if not isinstance(record, Interval) or self._are_counts_asked:
                self._meter.add(_counted(record))
        self._seconds += 1
        if self._seconds >= self._look_at:
            self._look_at = self._seconds + 1 + self._seconds // _SELDOMER_S
            self._look(self._meter.measures())

    @property
    def _are_counts_asked(self) -> bool:
        """Whether counts can still change anything; where not, a load of hours would only fill the memory. The
        generator's seconds are kept to the end: they may leave everything undecided."""
        asked = any(service.objectives for service in self._services.values())
        return bool(self._levels) or (asked and not decided(self.findings))

    def _look(self, measures: Measures) -> None:
        if self._levels:
            self.search = search(measures, self._services, self._levels)
            self.findings = self.search.probes[-1].findings if self.search.probes else ()
        elif not decided(self.findings):  # what is decided stays so
            self.findings = judge_objectives(measures, self._services, alpha=ALPHA, min_hold_s=MIN_HOLD_S)

    @property
    def over(self) -> str:
        """Why the load need not go on, by the profile's own words; empty while it should."""
        if self.search is not None:
            return self.found if self.search.is_over else ""
        missed = [finding.name for finding in self.findings if finding.grade is Grade.MISSED]
        if missed and self._profile.abort_when is AbortWhen.MISSED:
            return f"{', '.join(missed)} missed (abort_when: missed)"
        if self._profile.stop_when is StopWhen.DECIDED and decided(self.findings):
            return "every objective is decided (stop_when: decided)"
        return ""

    @property
    def found(self) -> str:
        """What a breakpoint search found, in a sentence; empty for any other profile."""
        return sentence(self.search, self._levels) if self.search and self._levels else ""

    def conclude(self) -> tuple[Finding, ...]:
        """The objectives at the end, undecided where the generator was unfit; of a search those at the last level
        that held."""
        measures = self._meter.measures()
        if self._levels:
            self.search = search(measures, self._services, self._levels)
            found = judge_search(measures, self._services, self._levels)
        else:
            found = judge_load(measures, self._services, alpha=ALPHA, min_hold_s=MIN_HOLD_S)
        return tuple(finding for finding in found if finding.subject is Subject.OBJECTIVE)


def _counted(record: Record) -> Record:
    """Without histograms: a load of hours is kept in memory, and here only exact counts are read."""
    if isinstance(record, Interval):
        return dataclasses.replace(record, histogram="", service_histogram="")
    return record
