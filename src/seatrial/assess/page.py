"""Fills the report's page from a recorded run: what the other rooms measured, in the shapes `reports` shows."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Sequence

from seatrial.assess.canary import canary_facts
from seatrial.assess.conclude import Recorded, seen_in
from seatrial.assess.plan import Plan
from seatrial.chaos import breaker, traffic
from seatrial.chaos.verify import Seen, timeline_of
from seatrial.reports import page as shown
from seatrial.reports.build import Series, build
from seatrial.reports.journey import journey_of
from seatrial.sample import Cause, EdgeCall, Ending, Evidence, Interval
from seatrial.service import Edge, Indicator, Service
from seatrial.slo.decide import PRIOR_BLOCKS, PRIOR_DESIGN_EFFECT
from seatrial.slo.measure import Band, Measures
from seatrial.slo.quantiles import span_latency
from seatrial.verdict import Verdict


def page_of(recorded: Recorded, plan: Plan, verdict: Verdict) -> shown.Page:
    """The whole page of one run."""
    measures = recorded.measures
    series = Series(
        latencies=tuple(_latency(name, measures, plan) for name in measures.services()),
        rates=tuple(_rates(measures)),
        phases=tuple(_phases(measures)),
        windows=recorded.windows,
        lanes=tuple(_lanes(recorded, plan)),
    )
    return build(
        _facts(recorded, plan),
        verdict,
        series=series,
        journeys=tuple(_journeys(measures, recorded.evidence)),
        errors=tuple(_errors(measures)),
        notes=tuple(_notes(plan)),
    )


def _facts(recorded: Recorded, plan: Plan) -> shown.RunFacts:
    about = recorded.about
    notes = [shown.Note("gate", about.gate)]
    if plan.profile:
        notes.append(shown.Note("load profile", f"{plan.profile.name} ({plan.profile.model} model)"))
    canaries = canary_facts(about.canary) if about.canary else {}
    notes += [shown.Note("canary", f"{service} at {text}") for service, text in canaries.items()]
    notes += [shown.Note("deployed", f"{service} {revision}") for service, revision in about.revisions.items()]
    notes += [shown.Note("variable", f"{name}={value}") for name, value in about.overrides.items() if value]
    return shown.RunFacts(
        run=about.run,
        realm=about.realm,
        started_at=about.started_at,
        ended_at=about.ended_at,
        version=about.version,
        git_revision=about.git_revision,
        command=about.command,
        stages=tuple(_stages(recorded, plan)),
        facts=tuple(notes),
    )


def _stages(recorded: Recorded, plan: Plan) -> Iterator[shown.Stage]:
    samples = recorded.measures.samples
    if samples:
        text = _acceptance(recorded.measures)
        yield shown.Stage("acceptance", text, samples[0].started_at, samples[-1].started_at + samples[-1].latency_s)
    seconds = sorted(
        second for span, found in recorded.measures.seconds.items() if not span.experiment for second in found
    )
    if seconds and plan.profile:
        requests = sum(interval.ok + interval.failed for interval in _intervals(recorded.measures))
        text = recorded.about.aborted.get("load", f"profile {plan.profile.name}, {requests:,} requests in all")
        yield shown.Stage("load", text, seconds[0], seconds[-1] + 1)
    for checked in plan.experiments:
        name = checked.experiment.name
        own = [window for window in recorded.windows if window.experiment == name]
        text = recorded.about.aborted.get(name, "; ".join(f"{window.kind} on {window.target}" for window in own))
        if own:
            ends = [window.ended_at for window in own if window.ended_at is not None]
            yield shown.Stage(name, text, own[0].started_at, max(ends, default=None))


def _acceptance(measures: Measures) -> str:
    endings = collections.Counter(journey.ending for journey in measures.journeys())
    counts = [f"{endings.total()} journeys, {endings[Ending.FAILED]} failed"]
    counts += [f"{endings[Ending.SKIPPED]} skipped"] if endings[Ending.SKIPPED] else []
    counts += [f"{endings[None]} cut short"] if endings[None] else []
    return ", ".join(counts)


def _latency(name: str, measures: Measures, plan: Plan) -> shown.ServiceLatency:
    failed: collections.Counter[int] = collections.Counter()
    for interval in _intervals(measures):
        if interval.service == name:
            failed[interval.second] += interval.failed
    bands = {band.second: band for band in measures.latency_bands(name)}
    service = plan.documented.get(name)
    return shown.ServiceLatency(
        name,
        tuple(_band(second, bands.get(second), failed[second]) for second in sorted({*bands, *failed})),
        tuple(_limits(service)) if service else (),
        tuple(_hold(measures, name)),
    )


def _hold(measures: Measures, service: str) -> Iterator[shown.Quantiles]:
    """The same requests twice: what callers waited, and what the service took."""
    latency = span_latency(measures, service)
    if latency:
        for since, of in (("the due time", latency.due), ("the sending", latency.sent)):
            yield shown.Quantiles(since, of.p50_s, of.p95_s, of.p99_s, of.n)


def _band(second: int, band: Band | None, failed: int) -> shown.Band:
    if band is None:
        return shown.Band(second, None, None, None, 0, failed)
    return shown.Band(second, band.p50_s, band.p95_s, band.p99_s, band.n, failed)


def _limits(service: Service) -> Iterator[shown.LatencyLimit]:
    for objective in service.objectives:
        if objective.indicator is Indicator.LATENCY and objective.quantile is not None:
            yield shown.LatencyLimit(objective.name, objective.quantile, objective.limit)


def _rates(measures: Measures) -> Iterator[shown.RatePoint]:
    ok: collections.Counter[int] = collections.Counter()
    failed: collections.Counter[int] = collections.Counter()
    for interval in _intervals(measures):
        ok[interval.second] += interval.ok
        failed[interval.second] += interval.failed
    pacings = {pacing.second: pacing for group in measures.pacings.values() for pacing in group}
    for second in sorted({*pacings, *ok, *failed}):
        pacing = pacings.get(second)
        planned, started, dropped = (pacing.planned, pacing.started, pacing.dropped) if pacing else (0, 0, 0)
        yield shown.RatePoint(second, planned, started, ok[second], failed[second], dropped)


def _phases(measures: Measures) -> Iterator[shown.PhaseSpan]:
    """Every unbroken stretch of seconds of one phase: the hold comes back between experiments."""
    for span, seconds in measures.seconds.items():
        for first, last in _stretches(sorted(seconds)):
            yield shown.PhaseSpan(span.phase, first, last + 1, span.experiment, span.level)


def _stretches(seconds: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = None
    for index, second in enumerate(seconds):
        first = second if first is None else first
        if index + 1 == len(seconds) or seconds[index + 1] > second + 3:
            yield first, second
            first = None


def _lanes(recorded: Recorded, plan: Plan) -> Iterator[shown.EdgeLane]:
    seen = seen_in(recorded, plan)
    for edge in dict.fromkeys(edge for each in seen for edge in each.checked.promises):
        timelines = tuple(_timelines(seen, edge))
        if timelines:
            spans = tuple(span for timeline in timelines for span in _open_spans(timeline))
            events = tuple(event for timeline in timelines for event in _events(timeline))
            yield shown.EdgeLane(str(edge), spans, events, tuple(_edge_seconds(recorded.calls, edge)))


def _timelines(seen: Iterable[Seen], edge: Edge) -> Iterator[breaker.BreakerTimeline]:
    for each in seen:
        if edge in each.checked.promises and each.windows:
            yield timeline_of(each, edge)


def _open_spans(timeline: breaker.BreakerTimeline) -> Iterator[shown.LaneSpan]:
    for window in timeline.windows:
        label = f"open, {window.leaked + window.beyond} calls through"
        yield shown.LaneSpan(shown.LaneState.OPEN, label, window.started_at, window.ended_at)


def _events(timeline: breaker.BreakerTimeline) -> Iterator[shown.LaneEvent]:
    if timeline.opened_at is not None:
        yield shown.LaneEvent(timeline.opened_at, f"breaker opened after {timeline.calls} calls")
    for window in timeline.windows:
        if window.ended_at is not None and window.trials:
            yield shown.LaneEvent(window.ended_at, "trial call")
    if timeline.opened_at is not None and timeline.closed_at is not None:
        yield shown.LaneEvent(timeline.closed_at, "breaker closed")


def _edge_seconds(calls: Iterable[EdgeCall], edge: Edge) -> Iterator[shown.EdgeSecond]:
    total: collections.Counter[int] = collections.Counter()
    failed: collections.Counter[int] = collections.Counter()
    for call in traffic.on_edge(calls, edge):
        total[int(call.started_at)] += 1
        failed[int(call.started_at)] += not traffic.is_good(call)
    for second in sorted(total):
        yield shown.EdgeSecond(second, total[second], failed[second])


def _journeys(measures: Measures, evidence: Sequence[Evidence]) -> Iterator[shown.Journey]:
    for journey in measures.journeys():
        traces = {item.trace_id for item in (journey.play, *journey.samples) if item is not None}
        yield journey_of(
            journey.scenario,
            play=journey.play,
            samples=journey.samples,
            evidence=[item for item in evidence if item.scenario == journey.scenario and item.trace_id in traces],
        )


def _errors(measures: Measures) -> Iterator[shown.ErrorCount]:
    for interval in _intervals(measures):
        for cause, count in interval.causes.items():
            yield shown.ErrorCount(interval.service, Cause(cause), count)
    for sample in measures.samples:
        if sample.final and sample.cause:
            yield shown.ErrorCount(sample.service, sample.cause, 1)


def _notes(plan: Plan) -> Iterator[shown.Note]:
    gate = plan.gate
    yield shown.Note(
        "errors and latency",
        "each objective is one question about a share of requests (p95 < L asks that at most 5 % be slower than L), "
        "counted exactly, never read off a histogram; latency counts from the moment a request was due",
    )
    yield shown.Note(
        "decision",
        f"an anytime-valid test (beta mixture; Robbins 1970, Howard et al. 2021) with alpha {gate.alpha:g} for each "
        "objective, looked at every second; the interval is its confidence sequence",
    )
    yield shown.Note(
        "bursts",
        "counts are divided by the design effect D, estimated over blocks of at least one second and 50 requests and "
        f"shrunk towards {PRIOR_DESIGN_EFFECT:g} ({PRIOR_BLOCKS} blocks' worth)",
    )
    yield shown.Note(
        "hold", f"MET is said after {gate.min_hold_s:g} s of hold at the earliest; warm-up is not judged"
    )
    yield shown.Note(
        "experiments",
        "expectations about a phase are judged as not contradicted: not MISSED, with 30 requests or more",
    )
    yield shown.Note(
        "breakers",
        "counted at the proxy of the edge by HTTP request: open means that callers are answered fast while "
        "the edge sees no call of theirs",
    )


def _intervals(measures: Measures) -> Iterator[Interval]:
    for group in measures.intervals.values():
        yield from group
