"""How the objectives stand while a load goes on, and whether it must: for a load that nobody else judges.

Takes the records of each second, gives findings and the reason to stop. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.assess.headroom import less_of
from seatrial.assess.search import levels_of
from seatrial.sample import Interval, Phase, Record
from seatrial.scenarios.load.profile import AbortWhen, Profile, StopWhen
from seatrial.scenarios.load.summary import Summary
from seatrial.service import Service
from seatrial.slo.breakpoint import Search, judge_search, search, sentence
from seatrial.slo.decide import ALPHA, MIN_HOLD_S
from seatrial.slo.generator import OF_GENERATOR, trouble
from seatrial.slo.judge import decided, excuse, judge_load, judge_objectives
from seatrial.slo.limits import questions
from seatrial.slo.measure import LOAD, Measures, Meter
from seatrial.slo.remedy import remedy
from seatrial.slo.rendering import too_many
from seatrial.verdict import Finding, Grade, Subject

_SELDOMER_S = 300
"""To look costs time in proportion to what was recorded: every five minutes a second more lies between looks."""


class Standing:
    """The fold. `services` hold the objectives the load's journeys speak to; they are judged by the usual chance of a
    wrong call and the usual shortest hold."""

    def __init__(self, profile: Profile, services: Mapping[str, Service]) -> None:
        self._profile = profile
        self._services = services
        self._meter = Meter(questions(services.values()))
        self._levels = levels_of(profile) if profile.probes else None
        self._seconds = 0
        self._look_at = 0
        self._decisions: tuple[Finding, ...] = ()
        self.trouble = ""
        self.search: Search | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The objectives as of now, undecided while there is `trouble` with the generator."""
        return excuse(self._decisions) if self.trouble else self._decisions

    def add(self, second: Sequence[Record]) -> None:
        """One second's records; `findings`, `search` and the generator's `trouble` are as of now after it."""
        for record in second:
            if not isinstance(record, Interval) or self._may_change:
                self._meter.add(record)
        self._seconds += 1
        if self._seconds >= self._look_at:
            self._look_at = self._seconds + 1 + self._seconds // _SELDOMER_S
            self._look(self._meter.measures())

    @property
    def _may_change(self) -> bool:
        """Whether counts can still change anything. The generator's seconds are kept to the end: they may leave
        everything undecided."""
        return bool(self._levels) or not decided(self._decisions)

    def _look(self, measures: Measures) -> None:
        if self._levels:
            self.search = search(measures, self._services, self._levels)
            last = self.search.probes[-1] if self.search.probes else None
            self._decisions = last.findings if last else ()
            self.trouble = last.reason if last and last.unfit else ""
            return
        reason = trouble(measures.pacings.get(LOAD, ()), self._services)
        self.trouble = f"{OF_GENERATOR}{reason}" if reason else ""
        if not decided(self._decisions):  # what is decided stays so
            self._decisions = judge_objectives(measures, self._services, alpha=ALPHA, min_hold_s=MIN_HOLD_S)

    @property
    def over(self) -> str:
        """Why the load need not go on, by the profile's own words; empty while it should. What was decided while the
        generator is unfit is not called so."""
        if self.search is not None:
            return self.found if self.search.is_over else ""
        missed = [finding.name for finding in self._decisions if finding.grade is Grade.MISSED]
        if missed and self._profile.abort_when is AbortWhen.MISSED:
            looks = f"looks missed, though that is undecided ({self.trouble})" if self.trouble else "missed"
            return f"{', '.join(missed)} {looks} (abort_when: missed)"
        if self._profile.stop_when is StopWhen.DECIDED and decided(self._decisions):
            more = (
                f"more load would decide nothing ({self.trouble})" if self.trouble else "every objective is decided"
            )
            return f"{more} (stop_when: decided)"
        return ""

    @property
    def found(self) -> str:
        """What a breakpoint search found, in a sentence; empty for any other profile."""
        return sentence(self.search, self._levels) if self.search and self._levels else ""

    def conclude(self) -> Stood:
        """The whole load, at its end."""
        return stand(self._profile, self._services, self._meter.measures())


@dataclass(frozen=True, slots=True)
class Stood:
    """How the objectives stood at the end of a load; `search` and the sentence `found` are of a breakpoint alone."""

    findings: tuple[Finding, ...]
    search: Search | None = None
    found: str = ""


def stand(profile: Profile, services: Mapping[str, Service], measures: Measures) -> Stood:
    """Hold a whole load against its objectives; undecided where the generator was unfit, and of a search as they were
    at the last level that held."""
    if not profile.probes:
        found = judge_load(measures, services, alpha=ALPHA, min_hold_s=MIN_HOLD_S)
        return Stood(_objectives(found))
    levels = levels_of(profile)
    searched = search(measures, services, levels)
    return Stood(_objectives(judge_search(measures, services, levels)), searched, sentence(searched, levels))


def _objectives(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.subject is Subject.OBJECTIVE)


def why_undecided(summary: Summary, stood: Stood, *, profile: Profile, services: Mapping[str, Service]) -> str:
    """As `why_unfit`; a breakpoint search is overloaded at its end, so it says itself whether it found anything."""
    if stood.search is not None:
        return "" if stood.search.is_decided else stood.found
    return why_unfit(summary, services, less=less_of(profile))


def why_unfit(summary: Summary, services: Mapping[str, Service], *, less: str) -> str:
    """Why a load says nothing of the services: no request, too many that could not be rendered, or a generator that
    was overloaded, by the rules `assess` has for them, outside the warm-up. Empty text when it does. `less` is how to
    make the load a smaller one."""
    if not summary.requests and not summary.unrendered:
        return "no request was sent"
    unrendered = summary.measured_unrendered if summary.requests else summary.unrendered
    pacings = [item for item in summary.pacings if item.phase is not Phase.WARM_UP]
    reason = "; ".join(filter(None, (trouble(pacings, services), remedy(pacings, services, None, less=less))))
    generator = f"{OF_GENERATOR}{reason}" if reason else ""
    lost = too_many(unrendered, of=summary.measured_requests + unrendered.total())
    return "; ".join(filter(None, (lost, generator)))
