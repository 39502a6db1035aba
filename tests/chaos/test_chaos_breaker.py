"""What a breaker did, told from the calls at the proxies: a simulated caller, its traffic, and its defects."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest

from seatrial.chaos import breaker
from seatrial.chaos.breaker import Span
from seatrial.chaos.model import BreakerExpectation
from seatrial.sample import EdgeCall
from seatrial.service import BreakerPromise, Edge, Mechanisms
from seatrial.verdict import Grade

EDGE = Edge("cards", "ledger")
BEGIN = 1_700_000_000.0
FAULT = Span(BEGIN + 10, BEGIN + 30)
END = BEGIN + 45
PROMISE = BreakerPromise(min_calls=10, failures_ratio=0.5, window_s=5.0, open_for_s=2.0, trials=1)
PROMISED = Mechanisms(timeout_s=0.25, breaker=PROMISE)
EXPECTED = BreakerExpectation(EDGE, opens_within_s=5.0, calls_while_open=0, closes_within_s=5.0)


@dataclass
class Caller:
    """A service that calls the ledger once for each request, through a breaker with or without a defect.

    `rate` requests per second; the breaker opens `opens_after` failures into the fault (None: never) and stays open
    for `open_for` seconds; every `leak_every`th call passes while it is open, `trials` calls at once pass at its end;
    `closes` False keeps it open for ever. Every `declined_every`th request is answered without a call.
    """

    rate: float = 20.0
    opens_after: int | None = 10
    open_for: float = 2.0
    leak_every: int = 0
    trials: int = 1
    closes: bool = True
    declined_every: int = 0
    calls: list[EdgeCall] = field(default_factory=list)

    def play(self) -> list[EdgeCall]:
        failures, refused, flying, number = 0, 0, 0, 0
        open_until: float | None = None
        results: list[tuple[float, bool, bool]] = []
        at = BEGIN
        while at < END:
            at = BEGIN + number / self.rate
            number += 1
            while results and results[0][0] <= at:
                ended, good, was_trial = heapq.heappop(results)
                flying -= was_trial
                if good and was_trial:
                    open_until = None if self.closes else ended + self.open_for
                    failures = 0
                elif not good:
                    failures += 1
                    trips = was_trial or (open_until is None and failures == self.opens_after)
                    open_until = ended + self.open_for if trips else open_until
            if self.declined_every and number % self.declined_every == 0:
                self._request(at, number, 0.002, 402)
                continue
            is_trial = open_until is not None and at >= open_until and flying < self.trials and self.closes
            refused += open_until is not None and not is_trial
            leaks = self.leak_every and refused % self.leak_every == 0
            if open_until is not None and not is_trial and not leaks:
                self._request(at, number, 0.003, 503)
                continue
            flying += is_trial
            good = not FAULT.started_at <= at < FAULT.ended_at
            took = 0.004 if good else 0.25
            self._request(at, number, took + 0.002, 200 if good else 504)
            self._call(at + 0.001, number, took, good=good)
            heapq.heappush(results, (at + 0.001 + took, good, is_trial))
        return self.calls

    def _request(self, at: float, number: int, took: float, status: int) -> None:
        path = f"/cards/{number % 7}/charges"
        self.calls.append(
            EdgeCall("r", "client->cards", at, "POST", path, took, took, status, trace_id=f"t{number}", fate="done")
        )

    def _call(self, at: float, number: int, took: float, *, good: bool) -> None:
        status, fate = (201, "done") if good else (None, "client_closed")
        self.calls.append(
            EdgeCall("r", str(EDGE), at, "POST", "/entries", took, None, status, trace_id=f"t{number}", fate=fate)
        )


def grades(calls: list[EdgeCall], promised: Mechanisms = PROMISED) -> list[Grade]:
    return [finding.grade for finding in findings(calls, promised)]


def findings(calls: list[EdgeCall], promised: Mechanisms = PROMISED):
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=promised)
    return breaker.judge(timeline, EXPECTED, promise=promised.breaker or PROMISE, experiment="hang")


def test_a_healthy_breaker_meets_all_that_is_expected():
    calls = Caller().play()
    assert grades(calls) == [Grade.MET, Grade.MET, Grade.MET]
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=PROMISED)
    assert timeline.opened_after_s == pytest.approx(0.8, abs=0.1)
    assert timeline.calls_while_open == 0
    assert timeline.trials == len(timeline.windows) == 9
    assert timeline.closed_after_s == pytest.approx(1.0, abs=1.1)
    assert timeline.before_s == pytest.approx(0.006)
    assert timeline.until_open_s == pytest.approx(0.25)
    assert timeline.open_s == pytest.approx(0.003)


def test_the_story_has_the_numbers():
    opens, leaks, closes = findings(Caller().play())
    assert "cards->ledger opened" in opens.reason
    assert "6 ms before, 250 ms until it opened, 3 ms while open" in opens.reason
    assert leaks.reason.startswith("0 calls reached ledger while cards->ledger was open")
    assert "closed" in closes.reason
    assert opens.name == "hang > cards.breaker cards->ledger opens within 5 s"


def test_a_breaker_that_never_opens_is_missed_with_the_calls_that_went_through():
    opens, leaks, closes = findings(Caller(opens_after=None).play())
    assert opens.grade is Grade.MISSED
    assert opens.reason == (
        "cards->ledger never opened: 400 calls in 20 s went through, each answered after 250 ms (median)"
    )
    assert (leaks.grade, closes.grade) == (Grade.UNDECIDED, Grade.UNDECIDED)


def test_a_breaker_that_opens_late_is_missed():
    opens, *_ = findings(Caller(opens_after=150).play())
    assert opens.grade is Grade.MISSED
    assert opens.measured > 5.0
    assert opens.reason.startswith("opened too late")


def test_calls_that_leak_through_an_open_breaker_are_counted():
    _, leaks, _ = findings(Caller(leak_every=10).play())
    assert leaks.grade is Grade.MISSED
    assert 20 <= leaks.measured <= 45
    assert leaks.n > 200


def test_more_trials_at_once_than_promised_are_leaks():
    calls = Caller(trials=3).play()
    _, leaks, _ = findings(calls)
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=PROMISED)
    assert leaks.grade is Grade.MISSED
    assert all(window.beyond == 2 for window in timeline.windows[:-1])
    assert timeline.trials == len(timeline.windows)


def test_three_trials_are_fine_where_three_are_promised():
    three = Mechanisms(0.25, BreakerPromise(10, 0.5, 5.0, 2.0, trials=3))
    assert grades(Caller(trials=3).play(), three)[1] is Grade.MET


def test_a_breaker_that_tries_too_early_leaks():
    _, leaks, _ = findings(Caller(open_for=1.0).play())
    assert leaks.grade is Grade.MISSED


def test_a_breaker_that_never_closes_is_missed():
    _, _, closes = findings(Caller(closes=False).play())
    assert closes.grade is Grade.MISSED
    assert "never closed" in closes.reason
    assert closes.n == 301


def test_too_few_calls_are_undecided_and_never_a_pass():
    opens, leaks, _ = findings(Caller(rate=1.0).play())
    assert opens.grade is Grade.UNDECIDED
    assert "not enough calls to judge" in opens.reason
    assert leaks.grade is Grade.UNDECIDED


def test_no_traffic_is_undecided_in_everything():
    assert grades([]) == [Grade.UNDECIDED, Grade.UNDECIDED, Grade.UNDECIDED]


def test_traffic_without_traces_is_undecided():
    calls = [EdgeCall(**{**_fields(call), "trace_id": ""}) for call in Caller().play()]
    opens, *_ = findings(calls)
    assert opens.grade is Grade.UNDECIDED
    assert "traceparent" in opens.reason


def test_answers_that_never_call_on_are_not_taken_for_an_open_breaker():
    opens, *_ = findings(Caller(opens_after=None, declined_every=3).play())
    assert opens.grade is Grade.MISSED
    assert "never opened" in opens.reason


def test_declined_requests_do_not_hide_a_healthy_breaker():
    assert grades(Caller(declined_every=3).play()) == [Grade.MET, Grade.MET, Grade.MET]


def test_one_stray_fast_answer_is_not_an_opening():
    calls = Caller(opens_after=None).play()
    calls.append(
        EdgeCall("r", "client->cards", BEGIN + 15, "POST", "/cards/1/charges", 0.002, None, 500, "stray", fate="done")
    )
    calls = [EdgeCall(**{**_fields(call), "trace_id": call.trace_id or "stray"}) for call in calls]
    opens, *_ = findings(calls)
    assert "never opened" in opens.reason


def test_calls_in_flight_when_it_opened_are_not_calls_while_open():
    calls = Caller().play()
    timeline = breaker.trace(calls, EDGE, fault=FAULT, promised=PROMISED)
    late = timeline.opened_at + 0.02
    request = EdgeCall(
        "r", "client->cards", timeline.opened_at - 0.01, "POST", "/cards/1/charges", 0.3, None, 504, "late", "done"
    )
    request = EdgeCall(**{**_fields(request), "trace_id": "late", "fate": "done"})
    call = EdgeCall("r", str(EDGE), late, "POST", "/entries", 0.25, None, None, trace_id="late", fate="client_closed")
    again = breaker.trace([*calls, request, call], EDGE, fault=FAULT, promised=PROMISED)
    assert again.calls_while_open == 0


def test_a_trace_shared_by_the_steps_of_a_play_is_told_apart_by_time():
    calls = []
    for call in Caller().play():
        number = int(call.trace_id[1:])
        calls.append(EdgeCall(**{**_fields(call), "trace_id": f"play{number % 4}"}))
    assert grades(calls) == [Grade.MET, Grade.MET, Grade.MET]


def _fields(call: EdgeCall) -> dict[str, object]:
    return {name: getattr(call, name) for name in EdgeCall.__slots__}
