"""The ledger's books in a file: shared by replicas, all or nothing, bounded."""

import pytest

from seatrial.demo import books as books_module
from seatrial.demo.books import Account, Debited, in_file, in_memory

ACCOUNT = Account("acc-1", "cus-1", "Ada", "OPEN", 100)


@pytest.fixture
def open_books(tmp_path):
    """Opens the same books once more; closes all in the end."""
    opened = []

    def again():
        opened.append(in_file(tmp_path / "new" / "books.db"))
        return opened[-1]

    yield again
    for books in opened:
        books.close()


def test_what_one_replica_writes_another_reads_at_once(open_books):
    one, two = open_books(), open_books()
    one.accounts.put("acc-1", ACCOUNT)
    one.debits.put("k-1", Debited("acc-1", 5, {"balance_cents": 95}))
    assert two.accounts.get("acc-1") == ACCOUNT
    assert two.debits.get("k-1") == Debited("acc-1", 5, {"balance_cents": 95})
    assert two.accounts.get("acc-2") is None


def test_a_change_that_fails_is_undone(open_books):
    books = open_books()
    with pytest.raises(LookupError):
        _change_and_fail(books)
    assert books.accounts.get("acc-1") is None
    with books.alone():
        books.accounts.put("acc-1", ACCOUNT)
    assert books.accounts.get("acc-1") == ACCOUNT


def _change_and_fail(books):
    with books.alone():
        books.accounts.put("acc-1", ACCOUNT)
        raise LookupError


def test_while_one_replica_changes_another_waits_and_then_fails(open_books, monkeypatch):
    monkeypatch.setattr(books_module, "LOCKED_AT_MOST_S", 0.01)
    one, two = open_books(), open_books()
    with one.alone(), pytest.raises(Exception, match="locked"), two.alone():
        pass


@pytest.mark.parametrize("where", ["file", "memory"])
def test_the_oldest_is_forgotten_when_there_are_too_many(open_books, monkeypatch, where):
    monkeypatch.setattr(books_module, "MOST_ACCOUNTS", 2)
    books = open_books() if where == "file" else in_memory()
    for number in (1, 2, 1, 3):
        books.accounts.put(f"acc-{number}", ACCOUNT)
    assert [books.accounts.get(f"acc-{number}") is None for number in (1, 2, 3)] == [True, False, False]
