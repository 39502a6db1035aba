"""A failure is confirmed by playing again, within the deadline of the run."""

import pytest

from seatrial.synthetic.confirm import play_confirmed
from seatrial.synthetic.model import Confirm, PlayOutcome

GOOD = PlayOutcome(passed=True, latency_s=0.2, trace_id="good")
BAD = PlayOutcome(passed=False, step="charge", detail="expected 201, got 500", trace_id="bad")


@pytest.fixture
def plays(clock, monitor_of):
    """Plays a script of outcomes, each taking so long; gives the outcome and the deadlines it was played with."""

    def plays(*script, takes_s=1.0, **fields):
        deadlines, left = [], list(script)

        def play_once(scenario, deadline_s):
            assert scenario == "pay with a card"
            deadlines.append(deadline_s)
            clock.advance(min(takes_s, deadline_s))
            return left.pop(0)

        return play_confirmed(monitor_of(**fields), "pay with a card", play_once=play_once, clock=clock), deadlines

    return plays


def test_a_play_that_passes_is_not_repeated(plays):
    assert plays(GOOD) == (GOOD, [20.0])


def test_a_retry_that_passes_is_good_and_flaky_and_says_what_failed(plays):
    outcome, _ = plays(BAD, GOOD)
    assert (outcome.passed, outcome.flaky) == (True, True)
    assert (outcome.step, outcome.detail) == ("charge", "expected 201, got 500")
    assert (outcome.latency_s, outcome.trace_id) == (0.2, "good")


def test_a_retry_comes_after_the_pause_and_has_what_is_left_of_the_deadline(plays, clock):
    outcome, deadlines = plays(BAD, BAD, confirm=Confirm(1, 2.0))
    assert (outcome.passed, outcome.flaky) == (False, False)
    assert clock.slept == [2.0]
    assert deadlines == [20.0, 17.0]


def test_every_retry_is_made_before_a_failure_stands(plays):
    outcome, deadlines = plays(BAD, BAD, BAD, GOOD, confirm=Confirm(3, 0.5))
    assert (outcome.passed, outcome.flaky, len(deadlines)) == (True, True, 4)


def test_without_retries_the_first_failure_stands(plays, clock):
    assert plays(BAD, confirm=Confirm(0, 2.0)) == (BAD, [20.0])
    assert clock.slept == []


def test_no_retry_is_made_past_the_deadline(plays, clock):
    started = clock.monotonic()
    outcome, deadlines = plays(BAD, GOOD, takes_s=19.0, confirm=Confirm(1, 2.0))
    assert (outcome, deadlines) == (BAD, [20.0])
    assert clock.monotonic() - started <= 20.0
