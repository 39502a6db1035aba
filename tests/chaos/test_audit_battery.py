"""What the strains of an audit do to an edge, and what is kept of what was seen of one."""

from __future__ import annotations

import dataclasses
import math

import pytest

from audit_calls import EDGE, FAULT, OTHER, PROMISED, WELL, traffic
from seatrial.chaos.audit import battery
from seatrial.chaos.audit.breakers import SLOW_RATIO
from seatrial.chaos.audit.model import Kind, Observation, Strain
from seatrial.chaos.audit.timeouts import LONG_RATIO
from seatrial.chaos.model import Down, EdgeFault, HttpDelay, HttpError, Injection, Latency, ServiceFault, Slicer
from seatrial.chaos.service_settings import Kill
from seatrial.chaos.verify import EXPIRED, Seen
from seatrial.sample import Connections, FaultWindow
from seatrial.service import BreakerPromise, Dependency, Mechanisms, Service

TIMEOUT_S = 0.25
ANSWER_BYTES = 200  # a small one


def _method(kind: Kind) -> tuple[Injection, ...]:
    return battery.experiment_of(Strain(EDGE, kind, PROMISED)).method


def _settings(kind: Kind, of: type) -> list:
    """Those of that sort among what is done to the edge."""
    faults = [each.fault for each in _method(kind) if isinstance(each.fault, EdgeFault)]
    assert {fault.edge for fault in faults} == {EDGE}
    return [fault.settings for fault in faults if isinstance(fault.settings, of)]


def _when(kind: Kind, sort: type) -> Injection:
    (one,) = (each for each in _method(kind) if isinstance(getattr(each.fault, "settings", None), sort))
    return one


def test_slow_answers_come_within_the_timeout_and_late_enough_to_be_read_as_slow():
    (slow,) = _settings(Kind.SLOW, Latency)
    assert SLOW_RATIO * TIMEOUT_S < slow.latency_s < 0.95 * TIMEOUT_S


def test_a_dripping_answer_pauses_for_less_than_the_timeout_and_takes_longer_than_any_deadline():
    (drip,) = _settings(Kind.DRIP, Slicer)
    assert drip.delay_s < TIMEOUT_S / 2
    assert ANSWER_BYTES / drip.average_bytes * drip.delay_s > LONG_RATIO * TIMEOUT_S


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.CLIENT_ERROR, Kind.PARTIAL])
def test_answers_of_the_battery_can_be_read_by_a_caller_that_reads_json(kind):
    for error in _settings(kind, HttpError):
        assert (error.body, dict(error.headers)) == ("{}", {"Content-Type": "application/json"})


def test_a_partial_failure_strikes_two_requests_of_three():
    passed = math.prod(1 - 1 / error.selection.every for error in _settings(Kind.PARTIAL, HttpError))
    assert passed == pytest.approx(1 / 3)


def test_only_the_answer_to_a_post_is_lost_and_for_longer_than_its_timeout():
    (delay,) = _settings(Kind.LOST, HttpDelay)
    assert delay.selection.method == "POST"
    assert delay.delay_s > TIMEOUT_S


def test_connections_are_cut_when_the_calls_that_made_them_are_answered_and_they_are_idle():
    late, cut = _when(Kind.CUT, Latency), _when(Kind.CUT, Down)
    assert late.fault.settings.latency_s < TIMEOUT_S
    assert cut.at_s >= late.until_s + TIMEOUT_S


def test_a_caller_is_told_to_end_while_it_waits_and_its_dependency_is_out_before_it_is_started():
    (told,) = (each for each in _method(Kind.RESTART) if isinstance(each.fault, ServiceFault))
    late, out = _when(Kind.RESTART, Latency), _when(Kind.RESTART, Down)
    assert (told.fault.service, told.fault.settings) == (EDGE.caller, Kill("TERM"))
    assert late.at_s < told.at_s < late.until_s <= out.at_s
    assert told.until_s > out.until_s  # who is started while the dependency is out is not started by the healing


@pytest.mark.parametrize("window_s", [2.0, 20.0])
def test_answers_of_4xx_last_for_most_of_the_window_that_a_breaker_counts_in(window_s):
    promised = Mechanisms(breaker=BreakerPromise(window_s=window_s))
    lasts_s = battery.experiment_of(Strain(EDGE, Kind.CLIENT_ERROR, promised)).duration_s
    assert lasts_s >= max(4.0, 0.75 * window_s)


def test_a_caller_is_not_crowded_nor_ended_on_what_it_can_do_without_however_long_it_waits_for_it():
    late = {"side": Mechanisms(timeout_s=5.0)}
    front = Service("front", depends_on=(Dependency("back"), Dependency("side", optional=True)), mechanisms=late)
    strains = battery.strains({"front": front, "back": Service("back"), "side": Service("side")})
    assert {strain.kind: strain.edge for strain in strains if strain.kind in battery.ONCE} == dict.fromkeys(
        battery.ONCE, EDGE
    )


def test_a_post_to_another_dependency_is_none_whose_answer_this_one_may_lose():
    elsewhere = [
        dataclasses.replace(call, method="POST") if call.edge == str(OTHER) else call
        for edge in (EDGE, OTHER)
        for call in traffic(lambda number, into: WELL, edge=edge, path=f"/{edge.callee}")[:40]
    ]
    assert battery.why_left_out(Strain(OTHER, Kind.LOST), elsewhere) == ""
    assert "sends it a POST" in battery.why_left_out(Strain(EDGE, Kind.LOST), elsewhere)


def _window(ended: str = "healed", at: float = FAULT.started_at) -> FaultWindow:
    return FaultWindow("audit: cut on front->back", "latency", str(EDGE), at, at + 1.0, ended)


def _observed(*windows: FaultWindow, lost: int = 0, connections: tuple[Connections, ...] = ()) -> Observation:
    strain = Strain(EDGE, Kind.CUT, PROMISED)
    calls = tuple(traffic(lambda number, into: WELL)[:40])
    seen = Seen(battery.checked_of(strain), calls, windows, lost)
    return battery.observe(strain, seen, connections=connections)


def test_a_strain_one_of_whose_faults_ran_out_by_itself_is_not_read():
    assert "lease ran out" in _observed(_window(), _window(EXPIRED, FAULT.started_at + 2)).why_not
    assert _observed(_window(), _window(at=FAULT.started_at + 2)).why_not == ""


def test_a_strain_of_whose_calls_some_were_lost_is_not_read():
    assert _observed(_window(), lost=1200).why_not == "1,200 events of the proxies were lost before they were read"


def test_the_connections_of_a_strain_are_those_of_its_edge_while_its_calls_were_recorded():
    own = Connections("r", str(EDGE), FAULT.started_at - 4, 4, 1)
    others = (dataclasses.replace(own, edge=str(OTHER)), dataclasses.replace(own, at=FAULT.ended_at + 500))
    assert _observed(_window(), connections=(own, *others)).connections == (own,)
