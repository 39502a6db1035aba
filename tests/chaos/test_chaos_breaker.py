"""What a breaker did, told from the calls at the proxies of a simulated caller."""

from __future__ import annotations

import dataclasses

import pytest

from breaker_calls import EDGE, FAULT, PROMISED, Caller
from seatrial.chaos.seen import breaker
from seatrial.sample import EdgeCall


def test_a_healthy_breaker_opens_tries_and_closes():
    calls = Caller().play()
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=PROMISED)
    assert timeline.opened_after_s == pytest.approx(0.8, abs=0.1)
    assert timeline.calls_while_open == 0
    assert timeline.trials == len(timeline.windows) == 9
    assert timeline.closed_after_s == pytest.approx(1.0, abs=1.1)
    assert timeline.before_s == pytest.approx(0.006)
    assert timeline.until_open_s == pytest.approx(0.25)
    assert timeline.open_s == pytest.approx(0.003)


def test_more_trials_at_once_than_promised_are_beyond_them():
    timeline = breaker.trace(Caller(trials=3).play(), EDGE, fault=FAULT, promised=PROMISED)
    assert all(window.beyond == 2 for window in timeline.windows[:-1])
    assert timeline.trials == len(timeline.windows)


def test_calls_in_flight_when_it_opened_are_not_calls_while_open():
    calls = Caller().play()
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=PROMISED)
    late = timeline.opened_at + 0.02
    request = EdgeCall(
        "r", "client->cards", timeline.opened_at - 0.01, "POST", "/cards/1/charges", 0.3, None, 504, "late", "done"
    )
    request = dataclasses.replace(request, trace_id="late", fate="done")
    call = EdgeCall("r", str(EDGE), late, "POST", "/entries", 0.25, None, None, trace_id="late", fate="client_closed")
    again = breaker.trace([*calls, request, call], EDGE, fault=FAULT, promised=PROMISED)
    assert again.calls_while_open == 0
