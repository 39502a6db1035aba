"""Judges objectives held `versus` another run, and a canary beside its base: one `Finding` each.

Room slo. Takes what both sides counted, gives findings. Decided once, when the load is over: these tests may not be
looked at again and again. Pure: the same journals give the same findings. May import the floor and its own room;
must never call anything MET without data, nor compare what differs in more than the version.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from seatrial.quantity import show_change
from seatrial.service import Indicator, Objective, Service
from seatrial.slo.comparable import other_load, other_realm, other_routes
from seatrial.slo.contrast import Asked, Contrast, Pair, What, contrast, every_question
from seatrial.slo.counted import Counted
from seatrial.slo.decide import Call
from seatrial.slo.generator import judge_generator
from seatrial.verdict import Finding, Grade, Subject

NO_BASELINE = "no baseline"
NOT_COMPARED = "not compared"
_WHAT = {Indicator.ERRORS: What.ERRORS, Indicator.LATENCY: What.QUANTILE, Indicator.THROUGHPUT: What.THROUGHPUT}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an objective's `versus:` means in one assessment.

    `counted` None: there is none yet, as `absent` says. `unusable` says why what there is cannot be compared with.
    `across_realms`: it may be of another realm.
    """

    counted: Counted | None = None
    unusable: str = ""
    absent: str = "no earlier run to compare with"
    across_realms: bool = False


_NOT_ASKED = Baseline(absent="what it is held against is chosen when a run begins, and this was not asked for then")


def judge_versus(
    new: Counted, baselines: Mapping[str, Baseline], services: Iterable[Service], *, alpha: float
) -> tuple[Finding, ...]:
    """One finding for each objective held versus another run, in the documents' order.

    `baselines` says what each word of a `versus:` means. Without a baseline the finding is UNDECIDED and does not
    count: the first run of a project can be met, but nothing it could not compare is.
    """

    @functools.cache
    def pair_of(word: str, service: str, routes: tuple[str, ...]) -> Pair | None:
        """What is counted once, however many objectives ask for it."""
        base = baselines.get(word, _NOT_ASKED).counted
        return Pair(base, new, service, routes) if base else None

    def case_of(service: Service, objective: Objective) -> _Case:
        word = objective.versus or ""
        pair = pair_of(word, service.name, objective.routes)
        return _Case(baselines.get(word, _NOT_ASKED), pair, service, objective, alpha)

    return tuple(_judge(case_of(service, objective)) for service in services for objective in service.comparisons)


def judge_canary(base: Counted, new: Counted, service: Service, *, alpha: float) -> tuple[Finding, ...]:
    """One finding for each question about a canary of a service: worse than its base in any way is MISSED.

    Errors, p50, p95, p99 and the body, no worsening allowed; alpha is split evenly over them. Throughput is not
    asked: the share of the plays decides it.
    """
    questions = [asked for asked in every_question(alpha=alpha) if asked.what is not What.THROUGHPUT]
    pair = Pair(base, new, service.name)
    each = (dataclasses.replace(asked, alpha=alpha / len(questions)) for asked in questions)
    return tuple(_canary_finding(contrast(pair, asked), pair) for asked in each)


@dataclass(frozen=True, slots=True)
class _Case:
    """One objective, what it is held against, and how; `pair` None: nothing."""

    baseline: Baseline
    pair: Pair | None
    service: Service
    objective: Objective
    alpha: float

    def asked(self, limit: float) -> Asked:
        objective = self.objective
        return Asked(_WHAT[objective.indicator], self.alpha, abs(limit), objective.quantile)


def _judge(case: _Case) -> Finding:
    if case.baseline.unusable:
        return _undecided(case, case.baseline.unusable, counts=True)
    if case.pair is None:
        reason = f"{NO_BASELINE}: {case.baseline.absent}; it does not count"
        return _undecided(case, reason, counts=False)
    if case.pair.new.side is not None and case.objective.indicator is Indicator.THROUGHPUT:
        reason = f"{NOT_COMPARED}: the share of the plays decides a canary's throughput; it does not count"
        return _undecided(case, reason, counts=False)
    reason = next(_objections(case, case.pair), "")
    return _undecided(case, reason, counts=True) if reason else _compared(case, case.pair)


def _objections(case: _Case, pair: Pair) -> Iterator[str]:
    """Why these two cannot be compared, the most telling first."""
    base, new = pair.base, pair.new
    reasons = (
        "" if case.baseline.across_realms else other_realm(base, new),
        other_load(base, new),
        other_routes(base, new, service=case.service.name, routes=case.objective.routes),
        _unfit(case, base),
    )
    yield from filter(None, reasons)


def _unfit(case: _Case, base: Counted) -> str:
    """Trouble of the generator in the baseline; that of the run itself, a canary's base included, is judged with its
    other objectives."""
    if base.side is not None:
        return ""
    services = {case.service.name: case.service}
    found = (judge_generator(measures, services) for measures in base.runs)
    return next((f"in {base.name}: {finding.reason}" for finding in found if finding is not None), "")


def _compared(case: _Case, pair: Pair) -> Finding:
    """The finding at the limit, its grade softened by the degraded limit if there is one."""
    found = contrast(pair, case.asked(case.objective.limit))
    grade, reason = found.comparison.state.grade, found.comparison.reason
    laxer_limit = case.objective.degraded_limit
    if laxer_limit is not None and grade is Grade.MISSED:
        laxer = contrast(pair, case.asked(laxer_limit)).comparison
        grade = {Call.MET: Grade.DEGRADED}.get(laxer.state, laxer.state.grade)
        reason = f"{reason}; of the degraded limit, {show_change(laxer_limit)}: {laxer.reason}"
    finding = dataclasses.replace(_undecided(case, reason, counts=True), grade=grade)
    return _with_numbers(finding, found, pair)


def _undecided(case: _Case, reason: str, *, counts: bool) -> Finding:
    objective = case.objective
    name = case.baseline.counted.name if case.baseline.counted else objective.versus
    bound = "at least" if objective.indicator is Indicator.THROUGHPUT else "at most"
    return Finding(
        subject=Subject.OBJECTIVE,
        service=case.service.name,
        objective=objective.name,
        grade=Grade.UNDECIDED,
        reason=reason,
        limit=1 + objective.limit,
        limit_text=f"{case.asked(objective.limit).name} {bound} {show_change(objective.limit)} versus {name}",
        measured_text="" if counts else reason.partition(":")[0],
        weight=objective.weight,
        key=objective.key,
        where=objective.where,
        counts=counts,
    )


def _with_numbers(finding: Finding, found: Contrast, pair: Pair) -> Finding:
    comparison = found.comparison
    decided = comparison.state is not Call.UNDECIDED
    return dataclasses.replace(
        finding,
        measured=comparison.effect,
        low=comparison.interval.low,
        high=comparison.interval.high,
        measured_text=f"{_sides_text(found, pair)}: {found.effect_text}",
        n=comparison.n_new,
        design_effect=comparison.new_design_effect,
        decided_at_s=float(len(pair.new.errors(pair.service))) if decided else None,
        wanted_n=comparison.wanted_n,
    )


def _sides_text(found: Contrast, pair: Pair) -> str:
    """What either side showed; of a canary's which is which, for their counts look alike."""
    if pair.new.side is None:
        return f"{found.new_text} against {found.base_text}"
    return f"{pair.new.name} {found.new_text} against {pair.base.name} {found.base_text}"


def _canary_finding(found: Contrast, pair: Pair) -> Finding:
    limit = 0.5 if found.asked.what is What.BODY else 1.0
    finding = Finding(
        subject=Subject.OBJECTIVE,
        service=found.service,
        objective=f"canary: {found.asked.name}",
        grade=found.comparison.state.grade,
        reason=found.comparison.reason,
        limit=limit,
        limit_text=f"{found.asked.name} no worse than {pair.base.name}",
        key=True,
    )
    return _with_numbers(finding, found, pair)
