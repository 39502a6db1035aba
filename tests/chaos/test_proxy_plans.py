"""What HTTP-aware toxics make of each other's plans, and how an answer of theirs is written."""

from __future__ import annotations

import random

import pytest

from seatrial.chaos.proxy.toxics.http_delay import HttpDelay
from seatrial.chaos.proxy.toxics.http_error import HttpError
from seatrial.chaos.proxy.toxics.http_toxic import UNTOUCHED, Answer, Occasion, is_on, render
from seatrial.chaos.proxy.toxics.http_truncate import HttpTruncate
from seatrial.chaos.proxy.toxics.toxic import Stream


def plan_of(*toxics, stream=Stream.DOWNSTREAM):
    plan, occasion = UNTOUCHED, Occasion(stream, random.Random(1))
    for toxic in toxics:
        plan = toxic.alter(plan, occasion)
    return plan


@pytest.mark.parametrize("limits", [(3, 5), (5, 3)])
def test_of_two_truncations_the_shorter_counts(limits):
    assert plan_of(*(HttpTruncate(limit_bytes=each) for each in limits)).cut_after_bytes == 3


def test_delays_of_one_direction_add_up_and_leave_the_other():
    delays = [HttpDelay(delay_ms=100), HttpDelay(delay_ms=200)]
    answers, requests = plan_of(*delays), plan_of(*delays, stream=Stream.UPSTREAM)
    assert (answers.answer_late_s, answers.request_late_s) == (pytest.approx(0.3), 0.0)
    assert (requests.answer_late_s, requests.request_late_s) == (0.0, pytest.approx(0.3))


def test_delay_with_more_jitter_than_delay_is_never_negative():
    dice = random.Random(1)
    toxic = HttpDelay(delay_ms=10, jitter_ms=1_000)
    late = [toxic.alter(UNTOUCHED, Occasion(Stream.DOWNSTREAM, dice)).answer_late_s for _ in range(50)]
    assert min(late) == 0.0
    assert max(late) > 0.5


def test_header_that_is_given_wins_over_the_setting_of_its_name():
    plan = plan_of(HttpError(retry_after_s=3, headers=(("retry-after", "7"),)))
    head, _ = render(plan.instead, method="GET", minor=1, stays_open=True)
    assert head.lower().count(b"retry-after") == 1
    assert b"\r\nretry-after: 7\r\n" in head


@pytest.mark.parametrize(
    ("minor", "stays_open", "said"),
    [(1, True, []), (1, False, [b"Connection: close"]), (0, True, [b"Connection: keep-alive"])],
)
def test_answer_says_what_becomes_of_the_connection_where_that_is_not_plain(minor, stays_open, said):
    head, body = render(Answer(503, (), b"out"), method="GET", minor=minor, stays_open=stays_open)
    assert [line for line in head.split(b"\r\n") if line.startswith(b"Connection")] == said
    assert body == b"out"


@pytest.mark.parametrize(("route", "only"), [("get /a", ""), ("", "get"), ("GET /a", "Get")])
def test_method_is_meant_however_it_is_written(route, only):
    assert is_on("GET", "/a", route=route, only=only)
    assert not is_on("POST", "/a", route=route, only=only)
