"""Judges measures against promises: one `Finding` each, with a sentence of reason, then the whole `Verdict`.

Room slo. Takes `Measures`, the services' objectives and the gate; gives findings and a verdict, and nothing else may
turn numbers into grades. Pure: the same journal gives the same findings, whether judged each second while it grows or
later. May import the floor and its own room; must never call anything MET without data, nor hold a load generator's
trouble against a service.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from seatrial.quantity import show_ratio
from seatrial.sample import Phase
from seatrial.service import Indicator, Objective, Service
from seatrial.slo import decide
from seatrial.slo.criteria import Aggregate
from seatrial.slo.decide import Call, Decision, PerSecond
from seatrial.slo.generator import judge_generator, why_unfit
from seatrial.slo.measure import LOAD, Measures, Span, Traffic, microseconds
from seatrial.slo.points import judge_points
from seatrial.slo.rendering import breaks_off, judge_rendering, unrendered_of, why_unplanned
from seatrial.slo.tally import Tally, total
from seatrial.slo.wording import (
    failed_measured,
    latency_limit,
    per_second_measured,
    slower,
    slower_measured,
    waited_measured,
)
from seatrial.verdict import Finding, Grade, Subject

UNFIT = "the generator was unfit to measure it"
"""The reason of every finding of a load that such a generator leaves undecided."""

_PHASE_WORDS = {Phase.DURING: "during", Phase.AFTER: "after"}


class _Unknown(TypedDict):
    """Of each second, the requests that are not known to be good or bad."""

    overdue: list[int]
    unrendered: list[int]


class _Test(Protocol):
    """How counts become a decision: by the load stage's rules, or by those of a phase too short for them. `of` are
    the tallies that the counts were taken from."""

    def ratio(self, per_second: Iterable[PerSecond], limit_ratio: float, *, of: Sequence[Tally]) -> Decision: ...

    def throughput(self, ok_per_second: Iterable[int], at_least_per_s: float) -> Decision: ...


@dataclass(frozen=True, slots=True)
class _LoadTest:
    """Looks after every second; the first decision stands."""

    alpha: float
    min_hold_s: float

    def ratio(self, per_second: Iterable[PerSecond], limit_ratio: float, *, of: Sequence[Tally]) -> Decision:
        return decide.first_decision(
            per_second, limit_ratio=limit_ratio, alpha=self.alpha, min_hold_s=self.min_hold_s, **_unknown(of)
        )

    def throughput(self, ok_per_second: Iterable[int], at_least_per_s: float) -> Decision:
        return decide.decide_throughput(
            ok_per_second, at_least_per_s=at_least_per_s, alpha=self.alpha, min_hold_s=self.min_hold_s
        )


@dataclass(frozen=True, slots=True)
class _PhaseTest:
    """Not contradicted: not MISSED, with at least 30 requests."""

    alpha: float

    def ratio(self, per_second: Iterable[PerSecond], limit_ratio: float, *, of: Sequence[Tally]) -> Decision:
        return decide.not_contradicted(per_second, limit_ratio=limit_ratio, alpha=self.alpha, **_unknown(of))

    def throughput(self, ok_per_second: Iterable[int], at_least_per_s: float) -> Decision:
        decision = decide.decide_throughput(
            ok_per_second, at_least_per_s=at_least_per_s, alpha=self.alpha, min_hold_s=0.0
        )
        if decision.state is Call.UNDECIDED and decision.n >= decide.PHASE_MIN_REQUESTS:
            return dataclasses.replace(decision, state=Call.MET, why=decide.Why.NOT_CONTRADICTED)
        return decision


@dataclass(frozen=True, slots=True)
class _ProbeTest(_PhaseTest):
    """As a phase, looked at after every second: the first miss stands."""

    def ratio(self, per_second: Iterable[PerSecond], limit_ratio: float, *, of: Sequence[Tally]) -> Decision:
        return decide.first_contradiction(per_second, limit_ratio=limit_ratio, alpha=self.alpha, **_unknown(of))


def _unknown(tallies: Sequence[Tally]) -> _Unknown:
    return {"overdue": [one.overdue for one in tallies], "unrendered": [one.unrendered for one in tallies]}


@dataclass(frozen=True, slots=True)
class _Case:
    """One objective of one service, what it is held against, and how."""

    measures: Measures
    service: str
    objective: Objective
    span: Span
    test: _Test

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.service, self.objective.routes, self.span)


def judge_load(
    measures: Measures,
    services: Mapping[str, Service],
    *,
    alpha: float,
    min_hold_s: float,
    aggregate: Aggregate = Aggregate.AVG,
) -> tuple[Finding, ...]:
    """The load stage: the generator if it was unfit, which leaves no objective decided, and the journeys' requests if
    too many of them could not be rendered; then every objective, those about one value last."""
    rendering = judge_rendering(measures)
    objectives = judge_objectives(measures, services, alpha=alpha, min_hold_s=min_hold_s)
    judged = (*objectives, *judge_points(measures, services, how=aggregate))
    findings = judged if rendering is None else (rendering, *judged)
    generator = judge_generator(measures, services)
    return findings if generator is None else (generator, *excuse(findings))


def judge_objectives(
    measures: Measures, services: Mapping[str, Service], *, alpha: float, min_hold_s: float
) -> tuple[Finding, ...]:
    """One finding for each objective, in the documents' order, from the hold of the load stage alone.

    A decision once taken stands: later seconds do not change it. Whether the generator was fit is not looked at
    here (`judge_load` does), so `decided` of these says when the load may stop.
    """
    test = _LoadTest(alpha, min_hold_s)
    return tuple(
        _judge(_Case(measures, service.name, objective, LOAD, test), Subject.OBJECTIVE)
        for service in services.values()
        for objective in service.objectives
    )


def decided(findings: Iterable[Finding]) -> bool:
    """Whether more load would change nothing: there are objectives, and none of them is UNDECIDED."""
    grades = [finding.grade for finding in findings if finding.subject is Subject.OBJECTIVE]
    return bool(grades) and Grade.UNDECIDED not in grades


def excuse(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The load stage's findings when the generator was unfit: UNDECIDED, whatever was counted; journeys stay. Why it
    was unfit is said by its own finding alone."""
    return tuple(
        _undecided(finding, UNFIT)
        if finding.subject is Subject.OBJECTIVE and finding.grade is not Grade.UNDECIDED
        else finding
        for finding in findings
    )


def judge_promise(
    measures: Measures,
    services: Mapping[str, Service],
    *,
    service: str,
    objective: Objective,
    experiment: str | None,
    phase: Phase,
    since: float | None = None,
    alpha: float = decide.ALPHA,
) -> Finding:
    """One objective over one phase of an experiment, or what of it came `since` then: MET when not contradicted.

    In phase HOLD it is the steady state; the seconds marked with the experiment's name are taken where there are any
    (its own baseline, after other experiments), else the load stage's own. The objective may be written in the
    experiment itself.

    A latency limit is counted exactly when the load was told to (`limits_us(services, also=...)`), else from the
    histogram.
    """
    span = _span(measures, experiment, phase)
    meant = measures if since is None else measures.since(span, since)
    case = _Case(meant, service, objective, span, _PhaseTest(alpha))
    return _judge_in_phase(case, services, experiment=experiment)


def judge_probe(
    measures: Measures, *, service: str, objective: Objective, level: float, alpha: float = decide.ALPHA
) -> Finding:
    """One objective over one level of a breakpoint search: MET when not contradicted, and its requests were rendered.
    Whether the generator was fit is not looked at here (`breakpoint.search` does)."""
    case = _Case(measures, service, objective, Span(Phase.PROBE, level=level), _ProbeTest(alpha))
    return _as_planned(_judge(case, Subject.OBJECTIVE), case)


def _judge(case: _Case, subject: Subject) -> Finding:
    """The finding at the limit, its grade softened by the degraded limit if there is one."""
    finding = _judge_limit(case, subject)
    laxer_limit = case.objective.degraded_limit
    if laxer_limit is None or finding.grade is not Grade.MISSED:
        return finding
    laxer = _judge_limit(
        dataclasses.replace(case, objective=dataclasses.replace(case.objective, limit=laxer_limit)), subject
    )
    softened = {Grade.MET: Grade.DEGRADED}.get(laxer.grade, laxer.grade)
    reason = f"{finding.reason}; of the degraded limit, {laxer.limit_text}: {laxer.reason}"
    at_s = None if laxer.decided_at_s is None else max(laxer.decided_at_s, finding.decided_at_s or 0.0)
    return dataclasses.replace(finding, grade=softened, reason=reason, decided_at_s=at_s, wanted_n=laxer.wanted_n)


def _judge_limit(case: _Case, subject: Subject) -> Finding:
    objective = case.objective
    kind = _KINDS[objective.indicator]
    decision, tallies = kind.decide(case)
    return Finding(
        subject=subject,
        service=case.service,
        objective=objective.name,
        grade=decision.state.grade,
        reason=f"{kind.what(objective)}: {decision.reason}{_how_counted(tallies)}",
        limit=objective.limit if objective.indicator is Indicator.THROUGHPUT else objective.limit_ratio,
        measured=decision.estimate,
        low=decision.interval.low,
        high=decision.interval.high,
        limit_text=kind.limit_text(objective),
        measured_text=kind.measured_text(decision, total(tallies)),
        n=decision.n,
        bad=decision.bad or 0,
        design_effect=decision.design_effect,
        decided_at_s=decision.decided_at_s,
        wanted_n=decision.wanted_n,
        weight=objective.weight,
        key=objective.key,
    )


def _decide_errors(case: _Case) -> tuple[Decision, tuple[Tally, ...]]:
    tallies = case.measures.tallies(case.traffic)
    decision = case.test.ratio([tally.errors for tally in tallies], case.objective.limit_ratio, of=tallies)
    return decision, _until(decision, tallies)


def _decide_latency(case: _Case) -> tuple[Decision, tuple[Tally, ...]]:
    tallies = case.measures.tallies(case.traffic, limit_us=microseconds(case.objective.limit))
    slow, at_worst = [tally.slow for tally in tallies], [tally.slow_at_worst for tally in tallies]
    decision, rested_on = _decide_timed(case, tallies, slow, at_worst)
    return _with_left_out(decision, total(rested_on).failed_faster), rested_on


def _with_left_out(decision: Decision, failed_faster: int) -> Decision:
    """What is missing to decide may be what failed: then the reason says so."""
    if decision.state is not Call.UNDECIDED or not failed_faster:
        return decision
    left_out = f"{failed_faster:,} failed faster than the limit, and a fast failure is no fast answer"
    return dataclasses.replace(decision, reason=f"{decision.reason}; {left_out}")


def _decide_waiting(case: _Case) -> tuple[Decision, tuple[Tally, ...]]:
    tallies = case.measures.tallies(case.traffic, limit_us=microseconds(case.objective.limit))
    waited, at_worst = [tally.waited for tally in tallies], [tally.waited_at_worst for tally in tallies]
    return _decide_timed(case, tallies, waited, at_worst)


def _decide_timed(
    case: _Case, tallies: tuple[Tally, ...], slow: list[PerSecond], slow_at_worst: list[PerSecond]
) -> tuple[Decision, tuple[Tally, ...]]:
    """Where failures were not timed against this limit, only what holds however slow they were is decided."""
    decision = case.test.ratio(slow, case.objective.limit_ratio, of=tallies)
    untimed = total(tallies).untimed
    if untimed:
        at_worst = case.test.ratio(slow_at_worst, case.objective.limit_ratio, of=tallies)
        if at_worst.state is not decision.state:
            reason = f"{untimed:,} failed requests were not timed against this limit, and they decide it"
            decision = dataclasses.replace(decision, state=Call.UNDECIDED, reason=reason, decided_at_s=None)
    return decision, _until(decision, tallies)


def _decide_throughput(case: _Case) -> tuple[Decision, tuple[Tally, ...]]:
    """Idle seconds count, unless there was no request at all: a service never asked has missed nothing."""
    tallies = case.measures.tallies(case.traffic)
    whole = case.measures.whole_seconds(case.traffic) if total(tallies).errors[1] else ()
    decision = case.test.throughput([tally.ok for tally in whole], case.objective.limit)
    return _unless_unrendered(decision, case), tallies


def _unless_unrendered(decision: Decision, case: _Case) -> Decision:
    """Nor has one missed anything that would have had enough, had every request of the journeys been rendered, at
    whichever service the plays broke off."""
    unrendered = unrendered_of(case.measures, case.span)
    if decision.state is not Call.MISSED or not unrendered:
        return decision
    at_best = case.measures.ok_at_best(case.traffic)
    surely = case.test.throughput(at_best, case.objective.limit).state is Call.MISSED
    if surely and not breaks_off(case.measures, case.span):
        return decision
    reason = f"{decide.unrendered_text(unrendered)}, and they decide it; without them: {decision.reason}"
    return dataclasses.replace(decision, state=Call.UNDECIDED, reason=reason, decided_at_s=None)


def _until(decision: Decision, tallies: tuple[Tally, ...]) -> tuple[Tally, ...]:
    """The seconds a decision rests on; all of them while there is none."""
    return tallies if decision.decided_at_s is None else tallies[: int(decision.decided_at_s)]


def _how_counted(tallies: tuple[Tally, ...]) -> str:
    if not any(tally.recounted for tally in tallies):
        return ""
    return " (counted from the histograms, 3 digits: the run did not count this limit itself)"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How objectives of one indicator are decided and worded."""

    decide: Callable[[_Case], tuple[Decision, tuple[Tally, ...]]]
    what: Callable[[Objective], str]
    limit_text: Callable[[Objective], str]
    measured_text: Callable[[Decision, Tally], str]


_KINDS = {
    Indicator.ERRORS: _Kind(
        decide=_decide_errors,
        what=lambda objective: "failed requests",
        limit_text=lambda objective: f"errors <= {show_ratio(objective.limit)}",
        measured_text=failed_measured,
    ),
    Indicator.LATENCY: _Kind(
        decide=_decide_latency, what=slower, limit_text=latency_limit, measured_text=slower_measured
    ),
    Indicator.WAITING: _Kind(
        decide=_decide_waiting, what=slower, limit_text=latency_limit, measured_text=waited_measured
    ),
    Indicator.THROUGHPUT: _Kind(
        decide=_decide_throughput,
        what=lambda objective: "OK requests per second",
        limit_text=lambda objective: f">= {objective.limit:g}/s",
        measured_text=per_second_measured,
    ),
}


def _span(measures: Measures, experiment: str | None, phase: Phase) -> Span:
    own = Span(phase, experiment)
    return LOAD if phase is Phase.HOLD and own not in measures.seconds else own


def _judge_in_phase(case: _Case, services: Mapping[str, Service], *, experiment: str | None) -> Finding:
    """A miss while the generator was late or busy is undecided; a fault may well make it drop arrivals, though."""
    subject = Subject.STEADY_STATE if case.span.phase is Phase.HOLD else Subject.EXPECTATION
    finding = _judge(case, subject)
    named = dataclasses.replace(
        finding,
        objective=f"{case.objective.name} {_PHASE_WORDS.get(case.span.phase, 'before')}",
        experiment=experiment,
    )
    unfit = why_unfit(case.measures, services, span=case.span) if named.grade is Grade.MISSED else ""
    return _undecided(named, unfit) if unfit else _as_planned(named, case)


def _as_planned(finding: Finding, case: _Case) -> Finding:
    """Nothing is met by a load of which too much could not be rendered, for it was not the planned one."""
    if finding.grade not in (Grade.MET, Grade.DEGRADED):
        return finding
    unplanned = why_unplanned(case.measures, case.span)
    return _undecided(finding, unplanned) if unplanned else finding


def _undecided(finding: Finding, reason: str) -> Finding:
    was = f"{reason}; it would have been {finding.grade}: {finding.reason}"
    return dataclasses.replace(finding, grade=Grade.UNDECIDED, reason=was, decided_at_s=None)
