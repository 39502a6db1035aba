"""The live figures of a game day's step, by made-up Moments."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hdrh.histogram import HdrHistogram

from breaker_calls import EDGE, FAULT, PROMISED, Caller
from seatrial.assess.gameday.figures import EdgeFigures, Figures
from seatrial.assess.stage import Moment
from seatrial.sample import Interval, Phase


def planned():
    checked = SimpleNamespace(breakers=(EDGE,), hit={}, promises={EDGE: PROMISED})
    return SimpleNamespace(checked=checked)


def on():
    return SimpleNamespace(entry=SimpleNamespace(kind="timeout", target=str(EDGE)), started_at=FAULT.started_at)


def breaker_at(calls, moment: float) -> str:
    """What is shown of the breaker at that moment, the fault being on while it was."""
    figures = Figures(planned())
    ended = tuple(call for call in calls if call.started_at + (call.duration_s or 0.0) <= moment)
    if moment >= FAULT.started_at:
        figures.add(Moment("during", 0, 0, faults=(on(),)), now=min(moment, FAULT.ended_at))
    figures.add(Moment("now", 0, 0, calls=ended), now=moment)
    (edge,) = figures.edges(now=moment)
    assert isinstance(edge, EdgeFigures)
    return edge.breaker


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (FAULT.started_at - 1, ""),
        (FAULT.started_at + 0.3, "breaker closed"),
        (FAULT.ended_at + 10, "breaker closed again"),
    ],
)
def test_a_sound_breaker_is_shown_as_its_calls_show_it(moment, said):
    assert breaker_at(Caller().play(), moment) == said


def test_an_open_breaker_is_shown_with_how_long_it_is_open():
    assert breaker_at(Caller(closes=False).play(), FAULT.ended_at - 0.1).startswith("breaker open for 1")


def test_a_caller_without_a_breaker_is_never_shown_open():
    calls = Caller(opens_after=None).play()
    assert {breaker_at(calls, FAULT.started_at + after) for after in (1, 5, 10, 19)} == {"breaker closed"}


def interval(second: int, ok: int, failed: int, latency_s: float) -> Interval:
    histogram = HdrHistogram(1, 60_000_000, 3)
    histogram.record_value(round(latency_s * 1e6), ok)
    return Interval(
        "run", Phase.HOLD, "pay", "charge", "cards", "POST", "/charges", second, ok, failed, {},
        histogram=histogram.encode().decode("ascii"),
    )  # fmt: skip


def test_a_services_figures_are_of_its_last_seconds_only():
    figures = Figures(planned())
    for second in range(20):
        moment = Moment("now", 0, 0, newest=(interval(second, 10, 0 if second < 10 else 10, 0.05),))
        for _ in range(3):  # the same second is seen several times
            figures.add(moment, now=float(second))
    (cards,) = figures.services()
    assert (cards.service, cards.per_s, cards.failed_ratio) == ("cards", 20.0, 0.5)
    assert cards.p95_s == pytest.approx(0.05, rel=0.02)


def test_without_a_load_there_are_no_figures():
    assert Figures(planned()).services() == ()
