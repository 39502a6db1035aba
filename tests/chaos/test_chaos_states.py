"""The states of a breaker over time, without a gap."""

from __future__ import annotations

import itertools

from breaker_calls import BEGIN, EDGE, END, FAULT, PROMISED, Caller
from seatrial.chaos.seen.breaker import Span, trace
from seatrial.chaos.seen.states import Spell, State, spells

WATCHED = Span(BEGIN, END)


def seen(caller: Caller) -> tuple[Spell, ...]:
    return spells(trace(caller.play(), EDGE, fault=FAULT, promised=PROMISED), watched=WATCHED)


def test_states_follow_each_other_without_a_gap_from_the_first_moment_to_the_last():
    states = seen(Caller())
    assert states[0].started_at == WATCHED.started_at
    assert states[-1].ended_at == WATCHED.ended_at
    assert all(before.ended_at == after.started_at for before, after in itertools.pairwise(states))


def test_a_breaker_is_open_and_half_open_in_turn_until_a_trial_is_answered_well():
    states = [spell.state for spell in seen(Caller())]
    assert (states[0], states[-1]) == (State.CLOSED, State.CLOSED)
    within = states[1:-1]
    assert within == [State.OPEN, State.HALF_OPEN] * (len(within) // 2)
    assert len(within) >= 4


def test_half_open_lasts_as_long_as_its_trial_call():
    trial = next(spell for spell in seen(Caller()) if spell.state is State.HALF_OPEN)
    assert trial.trials == 1
    assert 0.2 < trial.ended_at - trial.started_at < 0.3


def test_a_breaker_that_is_not_there_is_closed_all_the_time():
    assert seen(Caller(opens_after=None)) == (Spell(State.CLOSED, BEGIN, END),)


def test_a_breaker_that_never_tries_again_is_open_to_the_end():
    assert [spell.state for spell in seen(Caller(closes=False))] == [State.CLOSED, State.OPEN]


def test_calls_that_come_through_an_open_breaker_are_told_with_it():
    assert sum(spell.leaked for spell in seen(Caller(leak_every=5)) if spell.state is State.OPEN) > 0
