"""The tables of the history, and how its SQLite file is opened.

Takes a path, gives an engine whose tables are there. Only this room may import SQLAlchemy. Instants are UTC
seconds since the epoch. Must never migrate: a file of another version is refused.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    text,
)
from sqlalchemy.exc import DatabaseError

from seatrial.errors import CannotRun

VERSION = 1  # kept in SQLite's own `user_version`; 0 is a file without tables
BUSY_MS = 5000  # how long a statement waits for another process that is writing

METADATA = MetaData()

RESULTS = Table(
    "results",
    METADATA,
    Column("realm", Text, primary_key=True),
    Column("monitor", Text, primary_key=True),
    Column("scenario", Text, primary_key=True),
    Column("slot", Float, primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("flaky", Integer, nullable=False),
    Column("latency_s", Float, nullable=False),
    Column("step", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("trace_id", Text, nullable=False),
    sqlite_with_rowid=False,  # clustered by its key: a check's history is read in order of time
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("since", Float),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", Float, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("due_at", Float, nullable=False),
    Column("delivered_at", Float),
    Column("problem", Text, nullable=False, default=""),
    Index("waiting", "delivered_at", "channel", "key", "id"),
    sqlite_autoincrement=True,  # a number is never given twice: receivers tell repeats by it
)


def open_engine(path: Path) -> Engine:
    """Open or make the file; CannotRun when it is none of ours or cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _open(path)
    except (DatabaseError, OSError) as error:
        reason = getattr(error, "orig", error)
        raise CannotRun(f"{path}: cannot be used as the history: {reason}; move it away, or give another") from None


def _open(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _configure)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(engine.dispose)
        with engine.begin() as connection:
            _require_version(connection, path)
        on_failure.pop_all()
    return engine


def _configure(connection: Any, _record: object) -> None:
    """WAL lets readers read while the one writer writes; NORMAL syncs at checkpoints, which WAL makes safe."""
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"busy_timeout = {BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _require_version(connection: Connection, path: Path) -> None:
    found = connection.execute(text("PRAGMA user_version")).scalar_one()
    if found == 0:
        METADATA.create_all(connection)
        connection.execute(text(f"PRAGMA user_version = {VERSION}"))
    elif found != VERSION:
        raise CannotRun(
            f"{path}: a history of version {found}, and this seatrial reads {VERSION}; move it away, or give another"
        )
