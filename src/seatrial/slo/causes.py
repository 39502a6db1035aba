"""Why requests failed: the first question at a gate that is red.

Room slo. Takes findings and what was measured, gives the findings with the causes of their failures in words; no
grade changes. Only where intervals are kept: a load that goes on keeps counts alone. Pure; may import the floor and
its own room.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from seatrial.sample import failed_text
from seatrial.service import Indicator, Service
from seatrial.slo.measure import Measures, Traffic
from seatrial.verdict import Finding, Subject


def with_causes(
    findings: Iterable[Finding], measures: Measures, services: Mapping[str, Service]
) -> Iterator[Finding]:
    """The load's findings, those about errors with the causes of the failures they count."""
    routes = {
        (service.name, objective.name): objective.routes
        for service in services.values()
        for objective in service.objectives
        if objective.indicator is Indicator.ERRORS
    }
    for finding in findings:
        key = finding.service, finding.objective
        if finding.subject is Subject.OBJECTIVE and finding.bad and key in routes:
            found = causes(measures, Traffic(finding.service, routes[key]), finding.n)
            yield dataclasses.replace(finding, measured_text=f"{finding.measured_text}{_text(found)}")
        else:
            yield finding


def causes(measures: Measures, traffic: Traffic, n: int) -> Counter[str]:
    """By the taxonomy, of the failures in the first seconds of that traffic that have `n` requests together."""
    found, counted, second_of = Counter[str](), 0, operator.attrgetter("second")
    for _, intervals in itertools.groupby(sorted(measures.chosen(traffic), key=second_of), key=second_of):
        if counted >= n:
            break
        for interval in intervals:
            counted += interval.ok + interval.failed
            found.update(interval.causes)
    return found


def _text(found: Counter[str]) -> str:
    """`: 368 refused, 2 by timeout`, the most frequent first; empty text without any."""
    return f": {failed_text(found.most_common())}" if found else ""
