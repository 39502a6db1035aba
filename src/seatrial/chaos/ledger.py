"""The undo ledger, `faults.jsonl`: what was broken, written to the disk before it is broken, with all that undoes it.

Append-only, a line an event: `open` before an injection, `healed` after, `left` when healing failed. An entry holds
everything needed to undo its fault without any other file of the run; a last line cut by a crash is no event: it had
not been synced, so nothing was injected after it. The only writer and reader of such files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seatrial.errors import DocumentError, Where
from seatrial.journal import OUT

LEDGER_FILE = "faults.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault about to be injected. `undo` holds the resolved fault's fields; `at` is UTC seconds."""

    id: str
    experiment: str
    realm: str
    means: str
    kind: str
    target: str
    undo: Mapping[str, Any]
    at: float


class Ledger:
    """The append side of one run; safe from several threads. A line is on the disk when its method returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def open(self, entry: Entry) -> None:
        """Note a fault that is about to be injected."""
        self._append({"event": "open", **dataclasses.asdict(entry)})

    def healed(self, entry_id: str, *, at: float, text: str) -> None:
        """Note that a fault is undone."""
        self._append({"event": "healed", "id": entry_id, "at": at, "text": text})

    def left(self, entry_id: str, *, at: float, text: str) -> None:
        """Note that a fault could not be undone; its entry stays open."""
        self._append({"event": "left", "id": entry_id, "at": at, "text": text})

    def _append(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            fresh = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                # A line a crash has cut must not swallow this one.
                cut = b"" if fresh or _ends_whole(self.path) else b"\n"
                file.write(cut + orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                file.flush()
                os.fsync(file.fileno())
            if fresh:
                _sync_folder(self.path.parent)


def open_entries(path: Path) -> tuple[Entry, ...]:
    """The faults of one ledger that were not undone, the oldest first; empty when there is no such file.

    DocumentError with the place of a line that is not one of a ledger.
    """
    found: dict[str, Entry] = {}
    for where, event in _events(path):
        kind = event.pop("event")
        if kind == "open":
            entry = _entry(where, event)
            found[entry.id] = entry
        elif kind == "healed":
            found.pop(str(event.get("id")), None)
    return tuple(found.values())


def _entry(where: Where, content: dict[str, Any]) -> Entry:
    try:
        entry = Entry(**content)
    except TypeError as error:
        raise DocumentError(where, f"an entry of another version ({error})", "undo it by hand") from None
    texts = (entry.id, entry.experiment, entry.realm, entry.means, entry.kind, entry.target)
    if not (all(isinstance(text, str) for text in texts) and isinstance(entry.undo, dict)):
        raise DocumentError(where, "not an entry of the undo ledger", "undo it by hand")
    return entry


def ledgers(workspace: Path) -> tuple[Path, ...]:
    """The ledgers of every run of a workspace, oldest first; also of runs that never came to be whole."""
    return tuple(sorted((workspace / OUT).glob(f"*/{LEDGER_FILE}")))


def _events(path: Path) -> Iterator[tuple[Where, dict[str, Any]]]:
    if not path.is_file():
        return
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        with contextlib.suppress(orjson.JSONDecodeError):
            where = Where(str(path), number, 1)
            yield where, _event(where, orjson.loads(line))


def _event(where: Where, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict) or "event" not in content:
        raise DocumentError(where, "not an event of the undo ledger", "see what is left by hand")
    return content


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return True
        file.seek(size - 1)
        return file.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    """Make the file's name as durable as its content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
