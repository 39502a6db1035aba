"""Faults that struck nothing: what the calls seen at the proxies prove, what they do not, and what becomes of it."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial.chaos.expectations import Expectations, IsolationExpectation
from seatrial.chaos.judging.strikes import struck_nothing
from seatrial.chaos.model import (
    Down,
    EdgeFault,
    EdgeSettings,
    Experiment,
    HttpDelay,
    HttpError,
    Injection,
    Kill,
    Latency,
    Selection,
    ServiceFault,
)
from seatrial.chaos.plan import Checked
from seatrial.chaos.verify import Seen, judge_experiment
from seatrial.sample import EdgeCall, FaultWindow
from seatrial.service import Edge, Mechanisms
from seatrial.verdict import Finding, Grade

EDGE = Edge("cards", "ledger")
BEGIN = 1_700_000_000.0
FAULT_FROM, FAULT_TO = BEGIN + 10, BEGIN + 20


def call(second: float, *, method: str = "POST", path: str = "/transfers", status: int = 201) -> EdgeCall:
    return EdgeCall("r", str(EDGE), BEGIN + second, method, path, 0.01, None, status, f"t{second}", "done")


def calls(*seconds: float) -> list[EdgeCall]:
    return [call(second) for second in seconds]


def window(kind: str, target: str = str(EDGE), *, since: float = FAULT_FROM, until: float = FAULT_TO) -> FaultWindow:
    return FaultWindow("x", kind, target, since, until, "healed")


def said(settings: EdgeSettings, given: list[EdgeCall]) -> str:
    fault = EdgeFault(EDGE, settings)
    return struck_nothing(given, [window(fault.kind)], [Injection(0.0, 10.0, fault)])


def error(**selected) -> HttpError:
    return HttpError(selection=Selection(**selected))


USUAL = calls(5, 11, 12, 13, 25)


def test_a_route_that_matched_none_is_told_with_how_many_there_were_and_what_to_do():
    assert said(error(route="POST /nonsense"), USUAL) == (
        "the http_error struck none of 3 calls on cards->ledger: its route POST /nonsense matched none; "
        "correct the route, or send such requests"
    )
    both = said(HttpDelay(1.0, selection=Selection(route="/transfers", method="PUT")), USUAL)
    assert "the http_delay struck none of 3 calls" in both
    assert "its route /transfers and method PUT matched none; correct the route and method" in both


@pytest.mark.parametrize(
    "selection",
    [
        {},
        {"route": "POST /transfers"},
        {"route": "/trans*", "method": "post"},
        {"route": "/{any}", "first": 1},
        {"every": 3},
        {"probability": 0.01},
        {"request_headers": (("X-Tenant", "blue"),)},
    ],
)
def test_nothing_is_said_of_a_fault_that_may_have_struck(selection):
    assert said(error(**selection), USUAL) == ""


def test_headers_that_nobody_recorded_do_not_excuse_a_route_that_matched_none():
    assert "matched none" in said(error(route="/nonsense", request_headers=(("X-Tenant", "blue"),)), USUAL)


@pytest.mark.parametrize("selection", [{"every": 4}, {"probability": 0.0}, {"first": 1, "every": 2}])
def test_requests_whose_turn_never_came_were_not_struck(selection):
    text = said(error(**selection), USUAL)
    assert "struck none of 3 calls on cards->ledger: with " in text
    assert "it was the turn of none of the 3 that may match" in text


def test_only_calls_that_began_under_an_http_fault_count():
    elsewhen = [call(9, path="/nonsense"), *calls(11, 12), call(20, path="/nonsense")]
    assert "struck none of 2 calls" in said(error(route="/nonsense"), elsewhen)
    assert said(error(route="/nonsense"), [*elsewhen, call(19.9, path="/nonsense")]) == ""


@pytest.mark.parametrize("settings", [error(), Latency(0.1)])
def test_an_edge_without_a_call_under_the_fault_is_told(settings: EdgeSettings):
    assert said(settings, calls(5, 25)).startswith("no call was seen on cards->ledger while the ")


def test_a_call_that_was_under_way_when_its_connection_was_slowed_is_struck():
    long = dataclasses.replace(call(5), duration_s=6.0)
    assert said(Latency(0.1), [long]) == ""
    assert said(Latency(0.1), [dataclasses.replace(long, duration_s=None)]) == ""


def said_of_counted(
    settings: EdgeSettings, *, matched: int, hit: int = 0, given: list[EdgeCall] = USUAL, toxicity: float = 1.0
) -> str:
    fault = EdgeFault(EDGE, settings, toxicity=toxicity)
    acted = dataclasses.replace(window(fault.kind), matched=matched, hit=hit)
    return struck_nothing(given, [acted], [Injection(0.0, 10.0, fault)])


@pytest.mark.parametrize("settings", [error(route="/nonsense"), Latency(0.1)])
@pytest.mark.parametrize("given", [USUAL, []])
def test_nothing_is_said_of_a_fault_that_its_proxy_saw_hit(settings: EdgeSettings, given):
    assert said_of_counted(settings, matched=3, hit=1, given=given) == ""


def test_headers_that_matched_none_are_told_where_the_proxy_counted():
    assert said_of_counted(error(method="POST", request_headers=(("X-Tenant", "blue*"),)), matched=0) == (
        "the http_error struck none of 3 calls on cards->ledger: its method POST and request_headers X-Tenant: blue* "
        "matched none; correct the method and request_headers, or send such requests"
    )


def test_requests_that_matched_and_were_not_hit_are_told_with_how_many_they_were():
    text = said_of_counted(error(probability=0.01), matched=5, given=[])
    assert "struck none of 5 calls" in text
    assert "with probability 1 % it was the turn of none of the 5 that matched" in text


def test_fault_in_bytes_is_told_where_nobody_was_connected_or_nothing_was_said():
    assert said_of_counted(Latency(0.1), matched=0, given=[]) == (
        "no connection was open on cards->ledger while the latency was on, so it struck nothing; "
        "send requests that lead there"
    )
    assert said_of_counted(Latency(0.1), matched=2, given=[]) == (
        "the latency struck none of 2 connections on cards->ledger: nothing was said there that it acts on; "
        "send requests that lead there"
    )


def test_toxicity_that_chose_no_connection_is_told():
    assert "its toxicity of 10 % chose no connection; raise it" in said_of_counted(error(), matched=0, toxicity=0.1)
    assert "its toxicity of 10 % chose none, or" in said_of_counted(Latency(0.1), matched=2, toxicity=0.1)


def test_calls_that_were_recorded_and_never_came_to_the_fault_are_told():
    assert "no request came that its proxy could read as HTTP/1" in said_of_counted(error(), matched=0)
    assert said_of_counted(error(), matched=0, given=[]).startswith("no call was seen on cards->ledger")


def test_what_the_proxies_cannot_tell_is_not_claimed():
    elsewhere = EdgeCall("r", "client->cards", FAULT_FROM + 1, "GET", "/", 0.01, None, 200)
    assert said(Down(), calls(5, 25)) == "", "nobody can call an edge that is down"
    assert said(Latency(0.1), [elsewhere]) == "", "an edge that was never seen to speak HTTP/1 may speak another"
    assert said(Latency(0.1), [call(5, status=101)]) == "", "a connection that was upgraded goes on unseen"
    assert said(error(), []) == "", "without any calls nobody watched the proxies"
    killed = ServiceFault("ledger", Kill("KILL"))
    assert struck_nothing(calls(5), [window("kill", "ledger")], [Injection(0.0, 10.0, killed)]) == ""


def test_each_fault_of_a_kind_is_held_against_its_own_time_and_selection():
    hits, misses = EdgeFault(EDGE, error(route="/transfers")), EdgeFault(EDGE, error(route="/nonsense"))
    windows = [window("http_error", until=BEGIN + 12), window("http_error", since=BEGIN + 15)]
    given = calls(11, 16, 17)
    first = struck_nothing(given, windows, [Injection(0.0, 2.0, hits), Injection(5.0, 5.0, misses)])
    swapped = struck_nothing(given, windows, [Injection(5.0, 5.0, hits), Injection(0.0, 2.0, misses)])
    assert "none of 2 calls" in first
    assert "none of 1 call on" in swapped
    assert struck_nothing(given, windows[:1], [Injection(0.0, 2.0, hits), Injection(5.0, 5.0, misses)]) == ""


def seen(settings: EdgeSettings, *, lost: int = 0, expectations: Expectations | None = None) -> Seen:
    fault = EdgeFault(EDGE, settings)
    experiment = Experiment("x", (Injection(0.0, 10.0, fault),), expectations or Expectations())
    checked = Checked(experiment, (), (), {EDGE: Mechanisms()}, {str(EDGE): (EDGE,)})
    return Seen(checked, tuple(USUAL), (window(fault.kind),), lost)


def judged(given: Seen, aborted: str = "") -> tuple[Finding, ...]:
    return judge_experiment(given, judge=lambda item: pytest.fail(str(item)), aborted=aborted)


def test_an_experiment_whose_fault_struck_nothing_is_undecided():
    recovers = Expectations(recovered_within_s=10.0, isolations=(IsolationExpectation(EDGE, 0.05),))
    findings = judged(seen(error(route="/nonsense"), expectations=recovers))
    assert [finding.grade for finding in findings] == [Grade.UNDECIDED] * 2
    assert all("the http_error struck none of 3 calls" in finding.reason for finding in findings)


def test_an_experiment_that_expects_nothing_is_undecided_too():
    (finding,) = judged(seen(error(route="/nonsense")))
    assert (finding.objective, finding.grade) == ("the fault strikes", Grade.UNDECIDED)
    assert judged(seen(error())) == ()


def test_an_experiment_that_was_aborted_says_so_though_its_fault_struck_nothing():
    *_, last = judged(seen(error(route="/nonsense")), aborted="more than 50 % errors for 5 s")
    assert (last.objective, last.grade) == ("not aborted", Grade.MISSED)


def test_where_calls_were_lost_no_fault_is_said_to_have_struck_nothing():
    assert judged(seen(error(route="/nonsense"), lost=1)) == ()


def test_a_fault_that_was_on_says_which_requests_it_was_meant_for():
    chosen = Selection(route="POST /x", request_headers=(("A", "b*"),), probability=0.3, first=3, every=2)
    fault = EdgeFault(EDGE, HttpError(selection=chosen))
    acted = dataclasses.replace(window("http_error"), selects=fault.selects)
    selected = "route POST /x, request_headers A: b*, probability 30 %, first 3, every 2"
    assert acted.sight == f"http_error on cards->ledger ({selected})"
    assert window("latency").sight == "latency on cards->ledger"
