"""Where the ledger keeps its accounts: in its memory, or in a file that all its replicas share.

In memory they end with the process. In a file (`in_file`) a replica sees at once what another has written, and a
change is all or nothing among all of them. Bounded in either: the oldest are forgotten.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import orjson

from seatrial.demo.store import Bounded

MOST_ACCOUNTS = 100_000
MOST_KEYS = 200_000

LOCKED_AT_MOST_S = 0.2
"""How long a change waits for that of another replica before it fails."""


@dataclass(frozen=True, slots=True)
class Account:
    """``state`` is OPEN or CLOSED; a closed account keeps its balance and takes no debit."""

    id: str
    customer_id: str
    owner: str
    state: str
    balance_cents: int

    def shown(self) -> dict[str, Any]:
        """As it is answered."""
        return {
            "id": self.id,
            "customer_id": self.customer_id,
            "owner": self.owner,
            "state": self.state,
            "balance_cents": self.balance_cents,
        }


@dataclass(frozen=True, slots=True)
class Debited:
    """What a debit did, kept to be said again when the same key comes again."""

    account_id: str
    amount_cents: int
    answer: Mapping[str, Any]


Kept = TypeVar("Kept", Account, Debited)


class Table(Protocol[Kept]):
    """What is kept by id; putting replaces."""

    def get(self, key: str) -> Kept | None: ...

    def put(self, key: str, value: Kept) -> None: ...


@dataclass(frozen=True, slots=True)
class Books:
    """``alone()`` is a block in which nobody else changes them; in a file it is undone when it raises."""

    accounts: Table[Account]
    debits: Table[Debited]
    alone: Callable[[], AbstractContextManager[None]] = nullcontext
    close: Callable[[], None] = lambda: None


def in_memory() -> Books:
    """Empty books of one process."""
    return Books(Bounded(MOST_ACCOUNTS), Bounded(MOST_KEYS))


def in_file(path: Path) -> Books:
    """The books in a SQLite file, made if it is not there. Nothing is synced: they need not outlive the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, isolation_level=None, timeout=LOCKED_AT_MOST_S)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")
    return Books(
        _FileTable(database, "accounts", Account, most=MOST_ACCOUNTS),
        _FileTable(database, "debits", Debited, most=MOST_KEYS),
        alone=lambda: _alone(database),
        close=database.close,
    )


@contextmanager
def _alone(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


class _FileTable(Generic[Kept]):
    def __init__(self, database: sqlite3.Connection, name: str, kind: Callable[..., Kept], *, most: int) -> None:
        self._database = database
        self._kind: Callable[..., Kept] = kind
        self._read = f"SELECT value FROM {name} WHERE key = ?"  # noqa: S608 - the name is one of ours
        self._write = (
            f"INSERT INTO {name} (key, value) VALUES (?, ?)"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        self._forget = f"DELETE FROM {name} WHERE number <= (SELECT max(number) FROM {name}) - {most}"  # noqa: S608
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {name} (number INTEGER PRIMARY KEY, key TEXT UNIQUE, value BLOB)"
        )

    def get(self, key: str) -> Kept | None:
        row = self._database.execute(self._read, (key,)).fetchone()
        return None if row is None else self._kind(**orjson.loads(row[0]))

    def put(self, key: str, value: Kept) -> None:
        """Keep or replace a value; replacing keeps its age."""
        self._database.execute(self._write, (key, orjson.dumps(value)))
        self._database.execute(self._forget)
