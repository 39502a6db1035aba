"""Recovery after healing, judged at the client's own edges by the requests that need what was hit."""

from __future__ import annotations

from seatrial.chaos.judging.recovery import judge_recovery
from seatrial.chaos.seen.breaker import Span
from seatrial.sample import EdgeCall
from seatrial.service import Edge
from seatrial.verdict import Finding, Grade

EDGE = Edge("cards", "ledger")
FAULT = Span(100.0, 120.0)


def traffic(*, well_again_at: float | None, until: float = 140.0) -> list[EdgeCall]:
    """Ten payments a second through gateway and cards to the ledger, and as many looks at offers beside them."""
    calls = []
    for number in range(int((until - 90.0) * 10)):
        at = 90.0 + number / 10
        good = at < FAULT.started_at or (well_again_at is not None and at >= well_again_at)
        for edge, status in (("client->gateway", 200 if good else 503), ("gateway->cards", 200 if good else 503)):
            calls.append(_call(edge, at, "POST", "/pay", status, f"pay{number}"))
        if good or number % 10 == 0:
            calls.append(_call(str(EDGE), at + 0.001, "POST", "/entries", 201 if good else None, f"pay{number}"))
        calls.append(_call("client->gateway", at + 0.02, "GET", "/offers", 200, f"look{number}"))
    return calls


def _call(edge: str, at: float, method: str, path: str, status: int | None, trace: str) -> EdgeCall:
    fate = "done" if status else "client_closed"
    return EdgeCall("r", edge, at, method, path, 0.01, None, status, trace, fate)


def judged(calls: list[EdgeCall], *hit: Edge) -> Finding:
    return judge_recovery(calls, hit or (EDGE,), fault=FAULT, within_s=10.0, experiment="hang")


def test_requests_that_are_answered_again_in_time_meet_it():
    finding = judged(traffic(well_again_at=122.0))
    assert finding.grade is Grade.MET
    assert finding.measured == 2.0
    assert "answered again 2 s after healing; 20 came before" in finding.reason


def test_requests_that_come_back_late_miss_it():
    assert judged(traffic(well_again_at=132.0)).grade is Grade.MISSED


def test_requests_that_never_come_back_miss_it_though_others_do_well():
    finding = judged(traffic(well_again_at=None))
    assert finding.grade is Grade.MISSED
    assert "did not recover: 200 of 200 failed" in finding.reason


def test_no_failure_at_all_is_a_recovery_at_once():
    assert judged(traffic(well_again_at=FAULT.ended_at)).measured == 0.0


def test_too_few_requests_after_healing_are_undecided():
    assert judged(traffic(well_again_at=FAULT.ended_at, until=121.0)).grade is Grade.UNDECIDED


def test_without_requests_that_need_the_edge_it_is_undecided():
    assert judged(traffic(well_again_at=122.0), Edge("cards", "feed")).grade is Grade.UNDECIDED


def test_the_clients_own_edge_counts_every_call_on_it():
    assert judged(traffic(well_again_at=122.0), Edge("client", "gateway")).n == 400


def test_what_is_well_from_its_first_request_on_had_recovered_whenever_that_came():
    quiet_until = FAULT.ended_at + 15.0
    calls = [
        call
        for call in traffic(well_again_at=FAULT.ended_at, until=150.0)
        if not FAULT.ended_at <= call.started_at < quiet_until
    ]
    assert (judged(calls).grade, judged(calls).measured) == (Grade.MET, 0.0)
