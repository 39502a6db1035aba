"""Whether a fault on one edge leaves its caller's other routes alone: what is found of callers with and without."""

from __future__ import annotations

import pytest

from seatrial.chaos.expectations import Expectations, IsolationExpectation
from seatrial.chaos.judging.isolation import Held, Isolation, isolate, judge_isolation
from seatrial.chaos.model import EdgeFault, Experiment, Injection, Latency
from seatrial.chaos.plan import Checked
from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.verify import Seen, judge_experiment, not_run
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

EDGE = Edge("gateway", "cards")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 20)
EXPECTED = IsolationExpectation(EDGE, 0.05)
PER_S = 10


def request(number: int, path: str, took: float | None, status: int | None = 200) -> EdgeCall:
    at, fate = BEGIN + number / PER_S, "open" if took is None else "done"
    return EdgeCall("r", "client->gateway", at, "GET", path, took, None, status, f"{path}{number}", fate)


def calls(*, hurt_every: int = 0, how: str = "slow", usual_every: int = 0, rate: int = PER_S) -> list[EdgeCall]:
    """Twenty seconds of requests that need cards, and of two routes that do not. Under the fault every `hurt_every`th
    request for merchants is hurt; every `usual_every`th always is, as without the fault."""
    made: list[EdgeCall] = []
    for number in range(0, 20 * PER_S, PER_S // rate):
        under = BEGIN + number / PER_S >= FAULT.started_at
        needing = request(number, "/accounts/1", 0.5 if under else 0.012)
        made += [
            needing,
            EdgeCall(
                "r", str(EDGE), needing.started_at + 0.001, "GET", "/", 0.01, None, 200, needing.trace_id, "done"
            ),
        ]
        hurt = (under and hurt_every and number % hurt_every == 0) or (usual_every and number % usual_every == 0)
        bad = {"slow": (0.3, 200), "failed": (0.003, 503), "open": (None, None)}[how]
        made += [request(number, "/merchants", *(bad if hurt else (0.01, 200))), request(number, "/sessions", 0.004)]
    return made


def seen(given: list[EdgeCall], lost: int = 0) -> Seen:
    injection = Injection(0.0, 10.0, EdgeFault(EDGE, Latency(0.5)))
    experiment = Experiment("cards are slow", (injection,), Expectations(isolations=(EXPECTED,)))
    checked = Checked(experiment, (), (), {EDGE: Mechanisms()}, {str(EDGE): (EDGE,)})
    window = FaultWindow(experiment.name, "latency", str(EDGE), FAULT.started_at, FAULT.ended_at, "healed")
    return Seen(checked, tuple(given), (window,), lost)


def judged(given: list[EdgeCall], lost: int = 0) -> Finding:
    (finding,) = judge_experiment(seen(given, lost), judge=lambda item: pytest.fail(str(item)))
    return finding


def test_routes_that_fare_as_before_are_met_though_those_that_need_the_edge_are_slow():
    finding = judged(calls())
    assert (finding.grade, finding.measured, finding.n) == (Grade.MET, 0.0, 100)
    assert finding.service == "gateway"


@pytest.mark.parametrize("how", ["slow", "failed", "open"])
def test_a_route_that_is_hurt_under_the_fault_and_was_not_before_is_missed(how: str):
    finding = judged(calls(hurt_every=5, how=how))
    assert (finding.grade, finding.bad, finding.n) == (Grade.MISSED, 20, 100)
    assert "GET /merchants (client->gateway): 20 of 100 requests failed or took longer than 60 ms" in finding.reason
    assert "0 of 100 before" in finding.reason


def test_a_route_that_fails_as_often_as_before_is_as_available_as_before():
    finding = judged(calls(usual_every=5, how="failed"))
    assert (finding.grade, finding.bad) == (Grade.MET, 20)


def test_a_request_in_twenty_may_be_hurt_and_one_more_may_not():
    assert judged(calls(hurt_every=20)).grade is Grade.MET
    assert judged(calls(hurt_every=15)).grade is Grade.MISSED


def test_the_worst_route_is_judged_and_no_other_makes_up_for_it():
    isolation = isolate(calls(hurt_every=5), EXPECTED, fault=FAULT)
    assert [(each.route[2], each.hurt) for each in isolation.routes] == [("/merchants", 20), ("/sessions", 0)]
    assert isolation.needing == 100


def test_without_other_routes_or_requests_that_need_the_edge_it_is_undecided():
    given = calls(hurt_every=5)
    assert judged([call for call in given if call.path in ("/accounts/1", "/")]).grade is Grade.UNDECIDED
    assert judged([call for call in given if call.path not in ("/accounts/1", "/")]).grade is Grade.UNDECIDED


def test_too_few_requests_are_undecided():
    assert judged(calls(hurt_every=5, rate=1)).grade is Grade.UNDECIDED


def test_with_events_lost_isolation_is_undecided():
    assert judged(calls(hurt_every=5), lost=1).grade is Grade.UNDECIDED


def test_isolation_of_an_experiment_that_was_not_run_is_undecided_under_the_same_name():
    (nothing,) = not_run(seen([]).checked, "interrupted")
    assert (nothing.objective, nothing.grade) == (judged(calls()).objective, Grade.UNDECIDED)


def test_the_worst_route_is_the_one_with_the_largest_share_hurt_not_the_largest_number():
    rare = [
        request(number, "/feed", 0.3 if number >= 10 * PER_S and number % 3 == 0 else 0.01)
        for number in range(0, 20 * PER_S, 5)
    ]
    isolation = isolate([*calls(hurt_every=10), *rare], EXPECTED, fault=FAULT)
    assert [(each.route[2], each.hurt, each.during) for each in isolation.routes[:2]] == [
        ("/feed", 7, 20),
        ("/merchants", 10, 100),
    ]


def test_how_many_were_hurt_before_is_taken_for_as_many_requests_as_came_under_the_fault():
    held = Held(("client->gateway", "GET", "/offers"), 40, 8, 100, 20, 0.06)
    assert held.excess == 0.0
    assert judge_isolation(Isolation(50, (held,)), EXPECTED, experiment="x").grade is Grade.MET
