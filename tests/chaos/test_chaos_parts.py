"""What calls were like before, during and after a fault, held against a count by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seatrial.chaos.seen.breaker import Span
from seatrial.chaos.seen.parts import Part, parts, watched
from seatrial.sample import EdgeCall

FAULT = Span(110.0, 120.0)


def call(at: float, *, duration_s: float | None = 0.01, status: int = 200) -> EdgeCall:
    fate = "open" if duration_s is None else "done"
    return EdgeCall("run", "a->b", at, "GET", "/", duration_s, status=status, fate=fate)


def test_a_call_belongs_to_the_part_it_began_in():
    calls = [call(105), call(109.999, duration_s=5.0), call(110), call(119.999), call(120)]
    before, during, after = parts(calls, fault=FAULT, watched=Span(100, 130))
    assert [part.part for part in (before, during, after)] == list(Part)
    assert (before.calls, during.calls, after.calls) == (2, 2, 1)
    assert (before.per_s, after.lasted_s) == (0.2, 10.0)


def test_a_5xx_and_a_call_without_an_answer_are_failed_and_a_4xx_is_not():
    calls = [call(111, status=503), call(112, duration_s=None), call(113, status=404), call(114)]
    during = parts(calls, fault=FAULT, watched=Span(100, 130))[1]
    assert (during.failed, during.failed_ratio, during.failed_per_s) == (2, 0.5, 0.2)


def test_quantiles_are_exact_and_of_all_calls_that_ended():
    calls = [call(110 + k / 100, duration_s=k / 1000) for k in range(1, 101)] + [call(115, duration_s=None)]
    during = parts(calls, fault=FAULT, watched=Span(100, 130))[1]
    assert (during.p50_s, during.p95_s, during.p99_s) == (0.05, 0.095, 0.099)


def test_a_part_without_calls_has_no_quantile_and_no_share():
    before = parts([], fault=FAULT, watched=Span(100, 130))[0]
    assert (before.calls, before.failed_ratio, before.p50_s, before.per_s) == (0, None, None, 0.0)


def test_a_part_is_as_long_as_calls_were_seen_and_no_longer_than_it_was_watched():
    calls = [call(95), call(123)]
    assert watched(calls, fault=FAULT, before_s=20, after_s=2) == Span(95, 122)
    assert watched(calls, fault=FAULT, before_s=5, after_s=60) == Span(105, 123)
    assert watched([], fault=FAULT, before_s=5, after_s=5) == FAULT


@given(st.lists(st.floats(100, 129.9), max_size=50))
def test_every_call_within_what_was_watched_is_in_exactly_one_part(moments: list[float]):
    found = parts(map(call, moments), fault=FAULT, watched=Span(100, 130))
    assert sum(part.calls for part in found) == len(moments)
