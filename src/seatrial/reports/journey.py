"""Makes a page's `Journey` of a play's records, for the page of an assessment.

Room reports. Takes what was recorded of one play: its end, its samples, the texts of its failures. Pure; may import
the floor and `page`; must never judge a step anew.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping

from seatrial.reports.page import Journey, JourneyStep
from seatrial.sample import Ending, Evidence, Outcome, Play, Sample

CUT_SHORT = "it was cut short: how it would have ended is not known"


def journey_of(
    name: str, *, play: Play | None, samples: Iterable[Sample], evidence: Iterable[Evidence], file: str = ""
) -> Journey:
    """One play as reports show it; `play` is None for one that was cut short. `samples` are its own, polls too."""
    ended = tuple(sample for sample in samples if sample.final)
    texts = {item.step: item.text for item in evidence}
    failed = any(sample.outcome is not Outcome.OK for sample in ended)
    first = play or next(iter(ended), None)
    return Journey(
        name=name,
        passed=play is not None and play.ending is Ending.PASSED,
        steps=tuple(_steps(play, ended, texts)),
        file=file,
        text=texts.get("", ""),
        trace_id=first.trace_id if first else "",
        started_at=first.started_at if first else None,
        skipped=play.reason if play and play.ending is Ending.SKIPPED else "",
        undecided=CUT_SHORT if play is None and not failed else "",
    )


def _steps(play: Play | None, samples: Iterable[Sample], texts: Mapping[str, str]) -> Iterator[JourneyStep]:
    """Every step of a play in its order; of one that was cut short, those that came to their end."""
    if play is None:
        yield from (_ran(sample, texts) for sample in samples)
        return
    by_name: defaultdict[str, deque[Sample]] = defaultdict(deque)
    for sample in samples:
        by_name[sample.step].append(sample)
    for step in play.steps:
        if step.ending is Ending.SKIPPED:
            yield JourneyStep(name=step.name, skipped=step.reason)
        elif by_name[step.name]:
            yield _ran(by_name[step.name].popleft(), texts)
        else:  # a call of a flow that could not begin sends nothing
            yield JourneyStep(name=step.name, outcome=Outcome.UNEXPECTED)


def _ran(sample: Sample, texts: Mapping[str, str]) -> JourneyStep:
    return JourneyStep(
        name=sample.step,
        service=sample.service,
        method=sample.method,
        route=sample.route,
        outcome=sample.outcome,
        cause=sample.cause,
        status=sample.status,
        latency_s=sample.latency_s,
        started_at=sample.started_at,
        attempts=sample.attempt,
        degraded=sample.degraded,
        text=texts.get(sample.step, sample.detail) if sample.cause else "",
    )
