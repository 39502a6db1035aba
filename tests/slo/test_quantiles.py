"""Both latencies of a span: a wait for one's turn shows from the due time and hides from the sending."""

import pytest

from seatrial.sample import Phase
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.slo.measure import Span, measure
from seatrial.slo.quantiles import span_latency


def _second(make, second, **fields):
    sent = encode_histogram({20_000: 100})
    return make.interval(second, [20_000] * 90 + [2_000_000] * 10, service_histogram=sent, **fields)


def test_a_stalled_turn_shows_from_the_due_time_and_hides_from_the_sending(make):
    latency = span_latency(measure([_second(make, 1), _second(make, 2)]), "cards")
    assert (latency.due.n, latency.sent.n) == (200, 200)
    assert latency.due.p50_s == pytest.approx(0.02, rel=0.001)
    assert latency.due.p99_s == pytest.approx(2.0, rel=0.001)
    assert latency.sent.p99_s == pytest.approx(0.02, rel=0.001)


def test_only_the_span_asked_for_counts(make):
    measures = measure([_second(make, 1, phase=Phase.WARM_UP)])
    assert span_latency(measures, "cards") is None
    assert span_latency(measures, "cards", span=Span(Phase.WARM_UP)).due.n == 100


def test_without_an_ok_request_there_are_no_quantiles(make):
    assert span_latency(measure([make.interval(1, failed=5)]), "cards") is None
    assert span_latency(measure([]), "cards") is None
