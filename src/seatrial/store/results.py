"""The history itself: what the monitor found, what its alerts stand at, and the letters they caused.

Takes and gives frozen records. `record` keeps a result, the standing it led to and the letters about that
change in one transaction, so that no crash can part them. One `Store` in one process writes a realm; others
may read meanwhile. Must never be given a secret: callers redact first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.exc import OperationalError

from seatrial.errors import CannotRun
from seatrial.store.schema import ALERTS, OUTBOX, RESULTS, open_engine

DEFAULT_PATH = Path(".seatrial") / "history.db"  # below the workspace


class ResultOutcome(enum.StrEnum):
    """What one slot of one scenario came to."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"  # the run before it had not ended
    UNKNOWN = "unknown"  # we could not play it: nothing was learnt about the target


class AlertState(enum.StrEnum):
    """What an alert stands at."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Result:
    """One slot of one scenario. `slot` is the planned instant, `started_at` the real one (both UTC seconds).

    `flaky`: it failed and a retry passed; `step` and `detail` then tell of the failure.
    """

    realm: str
    monitor: str
    scenario: str
    slot: float
    started_at: float
    outcome: ResultOutcome
    flaky: bool = False
    latency_s: float = 0.0
    step: str = ""
    detail: str = ""
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an alert stands after the results so far: `failures` in a row, `since` the first of them."""

    key: str
    state: AlertState = AlertState.UP
    failures: int = 0
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter to be written: `key` groups letters that must arrive in order, `body` is JSON text."""

    channel: str
    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter still to be delivered; `number` is unique in this history, `attempts` have failed so far."""

    number: int
    channel: str
    key: str
    body: str
    attempts: int


class Store:
    """An open history. Calls must not overlap: it has one user, the watch loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = open_engine(path)

    def close(self) -> None:
        """Give the file back; everything recorded is in it."""
        self._engine.dispose()

    def record(self, result: Result, *, standing: Standing | None = None, drafts: Iterable[Draft] = ()) -> bool:
        """Keep a result, the standing it led to and its letters, all or none.

        False, and nothing is kept, when the slot already has a result.
        """
        row = dataclasses.asdict(result) | {"outcome": result.outcome.value, "flaky": int(result.flaky)}
        with self._transaction() as connection:
            added = connection.execute(insert_or(RESULTS).values(row).on_conflict_do_nothing())
            if not added.rowcount:
                return False
            if standing:
                values = dataclasses.asdict(standing) | {"state": standing.state.value}
                connection.execute(
                    insert_or(ALERTS).values(values).on_conflict_do_update(index_elements=["key"], set_=values)
                )
            for draft in drafts:
                connection.execute(insert(OUTBOX).values(_envelope(draft, result.started_at)))
        return True

    def standing(self, key: str) -> Standing:
        """Where the alert of that key stands; UP when it was never seen."""
        with self._transaction() as connection:
            row = connection.execute(select(ALERTS).where(ALERTS.c.key == key)).mappings().first()
        return Standing(key, AlertState(row["state"]), row["failures"], row["since"]) if row else Standing(key)

    def results(self, realm: str, *, monitor: str, since: float = 0.0) -> tuple[Result, ...]:
        """A monitor's results from that instant on, in the order of their slots."""
        where = (RESULTS.c.realm == realm, RESULTS.c.monitor == monitor, RESULTS.c.slot >= since)
        with self._transaction() as connection:
            rows = connection.execute(select(RESULTS).where(*where).order_by(RESULTS.c.slot, RESULTS.c.scenario))
            return tuple(_result(row) for row in rows.mappings())

    def due_letters(self, now: float, *, channels: Collection[str]) -> tuple[Letter, ...]:
        """What may be sent now on these channels, at most one letter each: the oldest that waits and is due.

        A letter is never given before an earlier one of its channel and key was delivered.
        """
        heads = select(func.min(OUTBOX.c.id)).where(OUTBOX.c.delivered_at.is_(None))
        heads = heads.group_by(OUTBOX.c.channel, OUTBOX.c.key)
        due = select(OUTBOX).where(OUTBOX.c.id.in_(heads), OUTBOX.c.due_at <= now, OUTBOX.c.channel.in_(channels))
        with self._transaction() as connection:
            rows = connection.execute(due.order_by(OUTBOX.c.id.desc())).mappings().all()
        return tuple({row["channel"]: _letter(row) for row in rows}.values())

    def waiting_letters(self) -> dict[str, int]:
        """How many letters each channel still has to deliver."""
        counts = select(OUTBOX.c.channel, func.count().label("waiting")).where(OUTBOX.c.delivered_at.is_(None))
        with self._transaction() as connection:
            rows = connection.execute(counts.group_by(OUTBOX.c.channel))
            return {row.channel: row.waiting for row in rows}

    def mark_delivered(self, number: int, *, at: float) -> None:
        """The receiver has it: it is never sent again."""
        self._change(number, delivered_at=at, problem="")

    def postpone(self, letter: Letter, *, until: float, attempts: int, problem: str) -> None:
        """It was not delivered: try again no earlier than that instant."""
        self._change(letter.number, due_at=until, attempts=attempts, problem=problem)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """All or none; CannotRun when the disk is full, or another process holds the file too long."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise CannotRun(
                f"{self._path}: the history cannot be used: {error.orig}; free the disk, or end what holds the file"
            ) from None

    def _change(self, number: int, **values: object) -> None:
        with self._transaction() as connection:
            connection.execute(update(OUTBOX).where(OUTBOX.c.id == number).values(**values))


def _envelope(draft: Draft, at: float) -> dict[str, Any]:
    return dataclasses.asdict(draft) | {"written_at": at, "due_at": at, "attempts": 0, "problem": ""}


def _result(row: Any) -> Result:
    return Result(**(dict(row) | {"outcome": ResultOutcome(row["outcome"]), "flaky": bool(row["flaky"])}))


def _letter(row: Any) -> Letter:
    return Letter(row["id"], row["channel"], row["key"], row["body"], row["attempts"])
