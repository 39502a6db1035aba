"""What the audit reads from how a service starts while its dependency is out."""

from __future__ import annotations

import dataclasses

import pytest

from audit_calls import FAULT, breaking, seen, traffic
from seatrial.chaos.audit import battery, signatures
from seatrial.chaos.audit.model import Kind, Reading, Sign
from seatrial.sample import Cause, Outcome, Phase, Sample


def _start(took: float, cause: Cause | None) -> Sample:
    outcome = Outcome.BROKEN if cause else Outcome.OK
    at = FAULT.started_at + 2.0
    return Sample("r", Phase.DURING, "audit", battery.START, "front", "GET", "/healthz", at, took, outcome, cause)


def _reading(*starts: Sample) -> Reading:
    observation = dataclasses.replace(seen(traffic(breaking), Kind.RESTART), starts=starts)
    return {ruling.family.key: ruling.reading for ruling in signatures.read(observation)}["start needs"]


def test_a_service_that_ends_by_itself_each_time_it_is_started_needs_its_dependency():
    reading = _reading(_start(4.0, Cause.REFUSED), _start(4.1, Cause.REFUSED))
    assert (reading.sign, reading.n, reading.bad) == (Sign.FOUND, 2, 2)
    assert "started without back 2 times" in reading.text


@pytest.mark.parametrize(
    ("starts", "sign"),
    [
        ((_start(1.2, None),), Sign.CLEAR),
        ((_start(4.0, Cause.REFUSED), _start(1.2, None)), Sign.CLEAR),
        ((_start(4.0, Cause.REFUSED),), Sign.NOT_JUDGED),
        ((_start(12.0, Cause.TIMEOUT),), Sign.NOT_JUDGED),
        ((), Sign.NOT_JUDGED),
    ],
    ids=["answered", "answered the second time", "ended once", "slow", "not started"],
)
def test_one_that_starts_or_is_only_slow_is_not_said_to_need_it(starts, sign):
    assert _reading(*starts).sign is sign
