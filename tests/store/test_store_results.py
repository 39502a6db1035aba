"""The history keeps what it was given, all or none, over restarts, and gives letters in order."""

import sqlite3

import pytest

from seatrial.errors import CannotRun
from seatrial.store.results import AlertState, Draft, Result, ResultOutcome, Standing, Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "below" / "history.db"


@pytest.fixture
def store(path):
    opened = Store(path)
    yield opened
    opened.close()


def result(slot, outcome=ResultOutcome.GOOD, **fields):
    return Result("prod", "payments", "pay", slot, slot + 0.5, outcome, **fields)


def draft(body, *, channel="ops", key="k"):
    return Draft(channel, key, body)


def bodies(letters):
    return [letter.body for letter in letters]


def test_a_result_comes_back_as_it_was_given(store):
    given = result(30.0, ResultOutcome.BAD, flaky=True, latency_s=1.5, step="charge", detail="got 500", trace_id="ab")
    assert store.record(given)
    assert store.results("prod", monitor="payments") == (given,)


def test_results_are_in_order_of_their_slots_and_of_one_realm_and_monitor(store):
    for slot in (60.0, 30.0, 90.0):
        store.record(result(slot))
    store.record(Result("staging", "payments", "pay", 60.0, 60.0, ResultOutcome.BAD))
    assert [found.slot for found in store.results("prod", monitor="payments", since=60.0)] == [60.0, 90.0]
    assert store.results("prod", monitor="other") == ()


def test_a_slot_is_kept_once_and_its_second_result_changes_nothing(store):
    store.record(result(30.0))
    second = result(30.0, ResultOutcome.BAD)
    assert not store.record(second, standing=Standing("k", AlertState.DOWN, 3, 30.0), drafts=[draft("{}")])
    assert [found.outcome for found in store.results("prod", monitor="payments")] == [ResultOutcome.GOOD]
    assert store.standing("k") == Standing("k")
    assert store.waiting_letters() == {}


def test_a_result_is_not_kept_without_its_letters(store):
    with pytest.raises(Exception, match="body"):
        store.record(result(30.0), standing=Standing("k", failures=1, since=30.5), drafts=[Draft("ops", "k", None)])
    assert store.results("prod", monitor="payments") == ()
    assert store.standing("k") == Standing("k")


def test_a_standing_survives_a_restart_and_is_replaced_by_the_next(path):
    first = Store(path)
    first.record(result(30.0), standing=Standing("k", AlertState.UP, 2, 30.5))
    first.record(result(60.0), standing=Standing("k", AlertState.DOWN, 3, 30.5))
    first.close()
    second = Store(path)
    assert second.standing("k") == Standing("k", AlertState.DOWN, 3, 30.5)
    second.close()


def test_letters_of_one_key_come_one_after_the_other(store):
    store.record(result(30.0), drafts=[draft("down"), draft("back")])
    (down,) = store.due_letters(100.0, channels=["ops"])
    assert down.body == "down"
    store.mark_delivered(down.number, at=100.0)
    assert bodies(store.due_letters(100.0, channels=["ops"])) == ["back"]


def test_a_postponed_letter_holds_back_its_key_but_no_other(store):
    store.record(result(30.0), drafts=[draft("down"), draft("back"), draft("other", key="k2")])
    (down,) = store.due_letters(100.0, channels=["ops"])
    store.postpone(down, until=200.0, attempts=1, problem="refused")
    (other,) = store.due_letters(199.0, channels=["ops"])
    assert other.body == "other"
    store.mark_delivered(other.number, at=199.0)
    assert store.due_letters(199.0, channels=["ops"]) == ()
    (again,) = store.due_letters(200.0, channels=["ops"])
    assert (again.body, again.attempts) == ("down", 1)


def test_each_channel_gets_its_own_letter_and_an_unknown_one_waits(store):
    store.record(result(30.0), drafts=[draft("a"), draft("b", channel="mail"), draft("c", channel="gone")])
    assert sorted(bodies(store.due_letters(100.0, channels=["ops", "mail"]))) == ["a", "b"]
    assert store.waiting_letters() == {"ops": 1, "mail": 1, "gone": 1}


def test_a_delivered_letter_is_not_given_again_after_a_restart_and_a_waiting_one_is(path):
    first = Store(path)
    first.record(result(30.0), drafts=[draft("down"), draft("back")])
    (down,) = first.due_letters(100.0, channels=["ops"])
    first.mark_delivered(down.number, at=100.0)
    first.close()
    second = Store(path)
    assert bodies(second.due_letters(100.0, channels=["ops"])) == ["back"]
    second.close()


def test_the_file_can_be_read_while_it_is_open(store, path):
    store.record(result(30.0))
    reader = sqlite3.connect(path)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert reader.execute("SELECT count(*) FROM results").fetchone() == (1,)
    reader.close()


def test_a_file_of_another_version_is_refused(path):
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 7")
    other.close()
    with pytest.raises(CannotRun, match="version 7, and this seatrial reads 1"):
        Store(path)


def test_a_file_that_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_text("not a database, but long enough to be mistaken for one" * 40)
    with pytest.raises(CannotRun, match=r"history\.db: cannot be used as the history"):
        Store(path)


def test_a_folder_that_cannot_be_made_is_refused(path):
    path.parent.write_text("a file where the folder should be")
    with pytest.raises(CannotRun, match="cannot be used as the history"):
        Store(path)


def test_a_history_that_vanished_is_told_as_such(store, path):
    sqlite3.connect(path).execute("DROP TABLE results").connection.close()
    with pytest.raises(CannotRun, match="the history cannot be used: no such table"):
        store.record(result(30.0))
