"""An alert fires once when enough failures came in a row, and resolves once at the first good result."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from seatrial.store.results import AlertState, Result, ResultOutcome, Standing
from seatrial.synthetic.alert import Event, advance, key_of

GOOD, BAD, SKIPPED, UNKNOWN = ResultOutcome


def result(outcome, slot=30.0):
    return Result("prod", "payments", "pay", slot, slot + 0.5, outcome)


def events(outcomes, *, after=3):
    """Each result's index and what it caused."""
    standing, told = Standing("k"), []
    for index, outcome in enumerate(outcomes):
        standing, alert = advance(standing, result(outcome, 30.0 * index), after=after)
        if alert:
            told.append((index, alert.event))
    return told


def test_too_few_failures_tell_nothing():
    assert events([BAD, BAD, GOOD, BAD, BAD, GOOD]) == []


def test_enough_failures_fire_once_and_the_first_good_result_resolves_once():
    assert events([GOOD, BAD, BAD, BAD, BAD, BAD, GOOD, GOOD]) == [(3, Event.FIRING), (6, Event.RESOLVED)]


def test_the_first_failure_fires_when_one_is_enough():
    assert events([BAD, GOOD, BAD], after=1) == [(0, Event.FIRING), (1, Event.RESOLVED), (2, Event.FIRING)]


@pytest.mark.parametrize("nothing_learnt", [SKIPPED, UNKNOWN])
def test_what_taught_nothing_neither_counts_nor_resets_nor_resolves(nothing_learnt):
    assert events([BAD, nothing_learnt, BAD, nothing_learnt, BAD]) == [(4, Event.FIRING)]
    assert events([BAD, BAD, BAD, nothing_learnt, nothing_learnt]) == [(2, Event.FIRING)]


def test_since_is_when_the_first_failure_of_the_row_began():
    standing = Standing("k")
    for slot in (30.0, 60.0, 90.0):
        standing, alert = advance(standing, result(BAD, slot), after=3)
    assert (alert.since, alert.failures) == (30.5, 3)
    _, resolved = advance(standing, result(GOOD, 120.0), after=3)
    assert (resolved.event, resolved.since, resolved.result.slot) == (Event.RESOLVED, 30.5, 120.0)


def test_a_rule_made_stricter_fires_at_the_next_failure():
    _, alert = advance(Standing("k", AlertState.UP, 4, 30.5), result(BAD), after=2)
    assert alert.event is Event.FIRING


@given(outcomes=st.lists(st.sampled_from(ResultOutcome), max_size=60), after=st.integers(1, 5))
def test_firing_and_resolved_take_turns_and_begin_with_firing(outcomes, after):
    told = [event for _, event in events(outcomes, after=after)]
    assert told == [Event.FIRING, Event.RESOLVED] * (len(told) // 2) + [Event.FIRING] * (len(told) % 2)


@given(outcomes=st.lists(st.sampled_from(ResultOutcome), max_size=60), after=st.integers(1, 5))
def test_it_fires_exactly_when_the_row_of_failures_reaches_its_length(outcomes, after):
    row, wanted = 0, []
    for index, outcome in enumerate(outcomes):
        row = 0 if outcome is GOOD else row + (outcome is BAD)
        if outcome is BAD and row == after:
            wanted.append(index)
    assert [index for index, event in events(outcomes, after=after) if event is Event.FIRING] == wanted


def test_a_key_tells_realms_monitors_and_scenarios_apart():
    names = [("a", "b", "c"), ("b", "b", "c"), ("a", "c", "c"), ("a", "b", "d"), ("ab", "", "c")]
    given_keys = {key_of(realm=realm, monitor=monitor, scenario=scenario) for realm, monitor, scenario in names}
    assert len(given_keys) == 5
    assert all(len(key) == 64 for key in given_keys)
