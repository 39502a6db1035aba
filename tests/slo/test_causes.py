"""Findings about errors say why the requests they count failed."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.slo.causes import with_causes
from seatrial.slo.judge import judge_load
from seatrial.slo.measure import measure

RULES = {"alpha": 0.05, "min_hold_s": 20.0}
CAUSES = {"refused": 15, "status": 5}


def _told(make, records, *objectives):
    services, measures = make.services(*objectives), measure(records)
    return list(with_causes(judge_load(measures, services, **RULES), measures, services))


@pytest.mark.parametrize("failed_elsewhere", [0, 9])
def test_errors_say_why_they_were_up_to_when_they_were_decided_and_of_their_routes_alone(make, failed_elsewhere):
    menu = make.hold(60, failed=failed_elsewhere, method="GET", route="/menu")
    charges = dataclasses.replace(make.errors(), routes=("POST /cards/*/charges",))
    (finding,) = _told(make, [*make.hold(60, ok=80, failed=20, causes=CAUSES), *menu], charges)
    assert finding.decided_at_s < 60
    refused, statuses = (round(finding.decided_at_s) * count for count in CAUSES.values())
    assert finding.measured_text == (
        f"20 % failed ({finding.bad:,} of {finding.n:,}): {refused:,} refused, {statuses:,} by status"
    )
    assert refused + statuses == finding.bad


def test_what_an_unfit_generator_left_undecided_has_the_causes_of_what_it_counts(make):
    late = [make.pacing(second, late_over_ms={10: 100}) for second in range(30, 90)]
    records = [each for each in make.hold(60, ok=80, failed=20, causes=CAUSES) if hasattr(each, "causes")]
    _, finding = _told(make, [*records, *late], make.errors())
    assert finding.decided_at_s is None
    assert sum(
        int(part.split()[0].replace(",", "")) for part in finding.measured_text.split(": ")[1].split(", ")
    ) == (finding.bad)


def test_no_failure_and_no_errors_have_no_cause(make):
    records = make.hold(60, ok=80, failed=20, causes=CAUSES)
    (fast,) = _told(make, records, make.latency())
    assert "refused" not in fast.measured_text
    (met,) = _told(make, make.hold(60), make.errors())
    assert met.measured_text == f"0 % failed (0 of {met.n:,})"
