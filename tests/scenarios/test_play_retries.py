"""Steps that are sent again until they hold, and what ends that."""

from __future__ import annotations

import pytest

from seatrial.sample import Cause, Outcome
from seatrial.scenarios.moves import Attempted, Send, Wait

POLL = "- {name: poll, request: {url: '/{{ random_int(1, 9999) }}'}, expect: {status: 200}, retry: {%s}}"


def test_poll_ends_at_its_first_success_and_pays_no_interval_after_it(journey, run, canned):
    played = run(journey(POLL % "max: 5, interval: 1s"), canned.ok(404), canned.broken(), canned.ok(200))
    assert played.waits == [1.0, 1.0]
    assert [type(move) for move in played.moves] == [Send, Attempted, Wait, Send, Attempted, Wait, Send, Attempted]
    assert [told.final for told in played.told] == [False, False, True]
    assert played.result.passed
    assert played.result.steps[0].flaky
    assert played.result.steps[0].attempts == 3


def test_success_at_once_is_not_flaky(journey, run):
    assert not run(journey(POLL % "max: 5")).result.steps[0].flaky


def test_every_attempt_renders_its_templates_anew(journey, run, canned):
    played = run(journey(POLL % "max: 4, interval: 0"), canned.ok(404))
    assert len({request.url for request in played.requests}) == 4


def test_last_attempt_decides_and_no_wait_follows_it(journey, run, canned):
    played = run(journey(POLL % "max: 3, interval: 1s"), canned.ok(404), canned.ok(404), canned.ok(500))
    assert played.waits == [1.0, 1.0]
    assert played.told[-1].status == 500
    assert played.result.outcome is Outcome.UNEXPECTED


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ("constant", [1.0] * 7),
        ("linear", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
        ("exponential", [1, 2, 4, 8, 16, 30, 30]),
    ],
)
def test_waits_grow_as_backoff_says_up_to_half_a_minute(journey, run, canned, backoff, waits):
    played = run(journey(POLL % f"max: 8, interval: 1s, backoff: {backoff}"), canned.ok(404))
    assert played.waits == waits


def test_duration_bounds_sending_and_waiting_together(journey, run, canned):
    played = run(journey(POLL % "max: 100, interval: 1s, max_duration: 3s"), canned.ok(404, latency_s=0.5))
    assert played.waits == [1.0]  # nothing would be left for a third attempt


@pytest.mark.parametrize(("on", "attempts"), [("[expect]", 1), ("[broken]", 3), ("[expect, broken]", 3)])
def test_only_the_named_failures_are_retried(journey, run, canned, on, attempts):
    assert len(run(journey(POLL % f"max: 3, on: {on}"), canned.broken()).requests) == attempts


def test_template_that_cannot_be_rendered_is_not_retried(journey, run):
    played = run(journey('- {request: {url: "/{{ nobody }}"}, retry: {max: 5}}'))
    assert played.waits == []
    assert played.told[0].cause is Cause.TEMPLATE
    assert played.told[0].request is None
