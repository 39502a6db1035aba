"""Rows under load: nobody has a row that another play is using, whatever the model and the number of workers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import DocumentError, Where
from seatrial.sample import Phase
from seatrial.scenarios.load.mix import Mix, permit_rows
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.share import Share
from seatrial.scenarios.load.turns import Seats, Turn, Turns, users_of
from seatrial.scenarios.model import LoadBlock, Row, RowUse, Scenario

WHERE = Where("p.yaml", 1, 1)


def journey(rows: int | None, use: RowUse = RowUse.OWN) -> Scenario:
    made = None if rows is None else tuple(Row(number, {"n": number}) for number in range(rows))
    return Scenario("pay", "pay.yaml", WHERE, (), rows=made, load=LoadBlock(rows=use))


def profile(level: float, model: Model = Model.CLOSED) -> Profile:
    return Profile("p", model, {"pay": None}, (Stage(Phase.RAMP, level, 0.0),), where=WHERE)


def row_of(turn: Turn | None) -> int:
    assert turn is not None
    assert turn.scenario.row is not None
    return turn.scenario.row.number


def test_a_journey_without_rows_is_played_as_it_is():
    scenario = journey(None)
    turn = Turns(Share(), None).take(scenario)
    assert turn is not None
    assert turn.scenario is scenario


def test_an_open_play_takes_the_row_that_was_free_for_longest():
    turns, scenario = Turns(Share(), None), journey(3)
    first, second = turns.take(scenario), turns.take(scenario)
    assert (row_of(first), row_of(second)) == (0, 1)
    assert first is not None
    turns.back(first)
    assert [row_of(turns.take(scenario)) for _ in range(2)] == [2, 0]


def test_an_open_play_gets_none_while_every_row_is_in_use():
    turns, scenario = Turns(Share(), None), journey(2)
    held = [turns.take(scenario), turns.take(scenario)]
    assert turns.take(scenario) is None
    assert held[1] is not None
    turns.back(held[1])
    assert row_of(turns.take(scenario)) == 1


def test_shared_rows_go_round_whoever_has_them():
    turns, scenario = Turns(Share(), None), journey(2, RowUse.SHARED)
    assert [row_of(turns.take(scenario)) for _ in range(5)] == [0, 1, 0, 1, 0]


def test_every_user_goes_round_its_own_rows():
    turns, scenario = Turns(Share(), 2), journey(5)
    seats = (0, 1, 0, 0, 1, 0, 1)
    assert [row_of(turns.take(scenario, seat)) for seat in seats] == [0, 1, 2, 4, 3, 0, 1]


@given(workers=st.integers(1, 5), users=st.integers(1, 12), more=st.integers(0, 20))
def test_no_two_users_of_any_workers_ever_share_a_row_and_every_row_has_its_turn(workers, users, more):
    scenario, owners = journey(users + more), dict[int, tuple[int, int]]()
    for worker in range(workers):
        share = Share(worker, workers)
        own = users_of(profile(users), share) or 0
        turns = Turns(share, own)
        for seat, _ in itertools.product(range(own), range(users + more)):
            row = row_of(turns.take(scenario, seat))
            assert owners.setdefault(row, (worker, seat)) == (worker, seat)
    assert len(owners) == users + more or workers > users


@given(workers=st.integers(1, 5), more=st.integers(0, 20))
def test_rows_of_an_open_load_are_dealt_out_to_its_workers(workers, more):
    scenario, seen = journey(workers + more), list[int]()
    for worker in range(workers):
        turns = Turns(Share(worker, workers), None)
        seen += [row_of(turn) for turn in iter(lambda turns=turns: turns.take(scenario), None)]
    assert sorted(seen) == list(range(workers + more))


def test_a_seat_that_was_left_is_the_next_to_be_taken():
    seats = Seats()
    assert [seats.take() for _ in range(3)] == [0, 1, 2]
    seats.leave(1)
    seats.leave(0)
    assert [seats.take() for _ in range(3)] == [0, 1, 3]


def test_users_without_rows_of_their_own_are_refused_with_what_to_do():
    with pytest.raises(
        DocumentError, match=r"p\.yaml:1:1: 20 users of profile 'p', and 'pay' has rows for 5; add rows"
    ):
        permit_rows(profile(20), Mix((journey(5),), (1.0,)))
    permit_rows(profile(20), Mix((journey(5, RowUse.SHARED), journey(None)), (1.0, 1.0)))
    permit_rows(profile(20, Model.OPEN), Mix((journey(5),), (1.0,)))


def test_more_workers_than_rows_are_refused():
    with pytest.raises(DocumentError, match="3 processes of profile 'p', and 'pay' has rows for 2"):
        permit_rows(profile(20, Model.OPEN), Mix((journey(2),), (1.0,)), workers=3)
