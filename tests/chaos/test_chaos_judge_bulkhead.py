"""Whether a bulkhead bounds the calls open at once: what is found of a caller with and without one."""

from __future__ import annotations

import pytest

from seatrial.chaos.expectations import BulkheadExpectation, Expectations
from seatrial.chaos.judging.bulkhead import Pressed, judge_bulkhead, press
from seatrial.chaos.model import EdgeFault, Experiment, Injection, Timeout
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.verify import Seen, judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

EDGE = Edge("cards", "ledger")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 20)
HANGS_S = 0.995


def calls(*, pool: int | None, rate: int = 10) -> list[EdgeCall]:
    """Requests to cards, `rate` a second; each calls the ledger, which hangs for a second under the fault, unless as
    many calls as the `pool` holds are open."""
    made: list[EdgeCall] = []
    busy: list[float] = []
    for number in range(25 * rate):
        at, trace = BEGIN + number / rate, f"t{number}"
        took = HANGS_S if FAULT.started_at <= at < FAULT.ended_at else 0.004
        busy = [until for until in busy if until > at]
        full = pool is not None and len(busy) >= pool
        status = 503 if full else 200
        made.append(EdgeCall("r", "client->cards", at, "POST", "/charges", took, None, status, trace, "done"))
        if not full:
            busy.append(at + 0.001 + took)
            made.append(EdgeCall("r", str(EDGE), at + 0.001, "POST", "/entries", took, None, 201, trace, "done"))
    return made


def seen(given: list[EdgeCall], lost: int = 0) -> Seen:
    experiment = Experiment(
        "the ledger hangs",
        (Injection(0.0, 10.0, EdgeFault(EDGE, Timeout(0.0))),),
        Expectations(bulkheads=(BulkheadExpectation(EDGE, 4),)),
    )
    checked = Checked(experiment, (), (), {EDGE: Mechanisms()}, {str(EDGE): (EDGE,)})
    window = FaultWindow(experiment.name, "timeout", str(EDGE), FAULT.started_at, FAULT.ended_at, "healed")
    return Seen(checked, tuple(given), (window,), lost)


def judged(given: list[EdgeCall], lost: int = 0) -> Finding:
    (finding,) = judge_experiment(seen(given, lost), judge=lambda item: pytest.fail(str(item)))
    return finding


def test_a_bulkhead_that_holds_when_it_is_full_is_met():
    finding = judged(calls(pool=4))
    assert (finding.grade, finding.measured) == (Grade.MET, 4)
    assert press(calls(pool=4), BulkheadExpectation(EDGE, 4), fault=FAULT).pressed > 20


def test_without_a_bulkhead_the_calls_pile_up_and_it_is_missed():
    finding = judged(calls(pool=None))
    assert (finding.grade, finding.measured) == (Grade.MISSED, 10)
    assert "at most 10 calls were open at once on cards->ledger" in finding.reason


def test_a_bulkhead_that_was_never_full_is_undecided():
    assert judged(calls(pool=None, rate=2)).grade is Grade.UNDECIDED


def test_lost_calls_and_a_fault_that_never_was_leave_it_undecided():
    assert judged(calls(pool=None), lost=1).grade is Grade.UNDECIDED
    (missing,) = not_run(seen([]).checked, "it was not run")
    assert (missing.grade, missing.name) == (Grade.UNDECIDED, judged(calls(pool=4)).name)


def test_more_calls_than_allowed_are_a_miss_however_few_requests_came_then():
    finding = judge_bulkhead(Pressed(5, 1), BulkheadExpectation(EDGE, 4), experiment="x")
    assert (finding.grade, finding.measured) == (Grade.MISSED, 5)
