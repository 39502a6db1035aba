"""Fills the report's page from a recorded run: what the other rooms measured, in the shapes `reports` shows."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Sequence

from seatrial.assess.canary import canary_facts
from seatrial.assess.conclude import Recorded, seen_in
from seatrial.assess.experiments import course_of, overview, show
from seatrial.assess.plan import Plan
from seatrial.assess.series import errors, intervals_of, phases, rates, service_latency
from seatrial.quantity import counted
from seatrial.reports import page as shown
from seatrial.reports.build import Series, build
from seatrial.reports.journey import journey_of
from seatrial.sample import Ending, Evidence
from seatrial.slo.decide import PRIOR_BLOCKS, PRIOR_DESIGN_EFFECT
from seatrial.slo.measure import Measures
from seatrial.slo.quantiles import span_latency
from seatrial.verdict import Verdict


def page_of(recorded: Recorded, plan: Plan, verdict: Verdict) -> shown.Page:
    """The whole page of one run."""
    measures = recorded.measures
    experiments = show([course_of(seen) for seen in seen_in(recorded, plan) if seen.windows])
    series = Series(
        latencies=tuple(_latency(name, measures, plan) for name in measures.services()),
        rates=tuple(rates(measures)),
        phases=tuple(phases(measures)),
        windows=recorded.windows,
        lanes=tuple(overview(recorded.calls, experiments)),
    )
    return build(
        _facts(recorded, plan),
        verdict,
        series=series,
        journeys=tuple(_journeys(measures, recorded.evidence)),
        errors=tuple(errors(measures)),
        notes=tuple(_notes(plan)),
        experiments=experiments,
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
        requests = sum(interval.ok + interval.failed for interval in intervals_of(recorded.measures))
        text = recorded.about.aborted.get("load", f"profile {plan.profile.name}, {requests:,} requests in all")
        yield shown.Stage("load", text, seconds[0], seconds[-1] + 1)
    for checked in plan.experiments:
        name = checked.experiment.name
        own = [window for window in recorded.windows if window.experiment == name]
        text = recorded.about.aborted.get(name, "; ".join(window.sight for window in own))
        if own:
            ends = [window.ended_at for window in own if window.ended_at is not None]
            yield shown.Stage(name, text, own[0].started_at, max(ends, default=None))


def _acceptance(measures: Measures) -> str:
    endings = collections.Counter(journey.ending for journey in measures.journeys())
    counts = [f"{counted(endings.total(), 'journey')}, {endings[Ending.FAILED]} failed"]
    counts += [f"{endings[Ending.SKIPPED]} skipped"] if endings[Ending.SKIPPED] else []
    counts += [f"{endings[None]} cut short"] if endings[None] else []
    return ", ".join(counts)


def _latency(name: str, measures: Measures, plan: Plan) -> shown.ServiceLatency:
    return service_latency(
        name,
        measures,
        service=plan.documented.get(name),
        bands=measures.latency_bands(name),
        whole=span_latency(measures, name),
    )


def _journeys(measures: Measures, evidence: Sequence[Evidence]) -> Iterator[shown.Journey]:
    for journey in measures.journeys():
        traces = {item.trace_id for item in (journey.play, *journey.samples) if item is not None}
        yield journey_of(
            journey.scenario,
            play=journey.play,
            samples=journey.samples,
            evidence=[item for item in evidence if item.scenario == journey.scenario and item.trace_id in traces],
        )


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
        "the edge sees no call of theirs, half-open is from the first trial call to its answer",
    )
    yield shown.Note(
        "before, during, after",
        "calls by when they began: in the steady state before the first fault, until the last was healed, and in the "
        "recovery; failed are those without a whole answer or with a 5xx; quantiles are exact, of all that ended, "
        "failed ones too",
    )
