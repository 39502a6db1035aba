"""The undo ledger, `faults.jsonl`: what was broken, written to the disk before it is broken, with all that undoes it.

Append-only, a line an event: `open` before an injection, `turn` before each part of one that is done part by part,
`acting` when it is done, `healed` after, `left` when it could not be healed. An entry holds everything needed to
undo its fault without any other file of the run; a last line cut by a crash is no event: it had not been synced, so
nothing was injected after it. Who injects or heals holds the ledger meanwhile, so that the harness, its watchdog and
`recover` never undo the same fault at once. The only writer and reader of such files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seatrial.errors import DocumentError, Where
from seatrial.journal import OUT

LEDGER_FILE = "faults.jsonl"
HOLD_WITHIN_S = 310.0  # healing one fault, which another may be doing, takes at most 300 s
_POLL_S = 0.02


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


@dataclass(frozen=True, slots=True)
class Content:
    """What a ledger says now: the faults that were not undone, the oldest first; the ids of those that are known to
    have been injected to the end, and of those that were undone; and what in it cannot be read."""

    open: tuple[Entry, ...] = ()
    acting: frozenset[str] = frozenset()
    healed: frozenset[str] = frozenset()
    damaged: tuple[DocumentError, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One fault as its ledger tells it: `over_at` is when it was known to be undone, None when it is not known to be,
    and `text` what was said of its undoing."""

    entry: Entry
    over_at: float | None = None
    text: str = ""


class Ledger:
    """The append side of one run; safe from several threads. A line is on the disk when its method returns; OSError
    when the disk does not take it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def held(self, *, within_s: float = HOLD_WITHIN_S) -> Iterator[bool]:
        """Nobody else injects or heals by this ledger meanwhile; False when others hold it for all that time, or it
        cannot be had: a full disk, a file system without locks.

        The lock is the system's (flock): it ends with its process. Not to be nested.
        """
        with contextlib.ExitStack() as stack:
            try:
                self._make()
                file = stack.enter_context(self.path.open("ab"))
            except OSError:
                yield False
            else:
                yield _locked(file.fileno(), within_s)

    def open(self, entry: Entry) -> None:
        """Note a fault that is about to be injected."""
        self._append({"event": "open", **dataclasses.asdict(entry)})

    def turn(self, entry_id: str, undo: Mapping[str, Any]) -> None:
        """Note that a fault is about to be taken further, and what of its `undo` is another then."""
        self._append({"event": "turn", "id": entry_id, "undo": undo})

    def acting(self, entry_id: str) -> None:
        """Note that a fault has been injected: nothing of the injection is under way any more."""
        self._append({"event": "acting", "id": entry_id})

    def healed(self, entry_id: str, *, at: float, text: str) -> None:
        """Note that a fault is undone."""
        self._append({"event": "healed", "id": entry_id, "at": at, "text": text})

    def left(self, entry_id: str, *, at: float, text: str) -> None:
        """Note that a fault could not be undone; its entry stays open."""
        self._append({"event": "left", "id": entry_id, "at": at, "text": text})

    def _append(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._make()
            with self.path.open("ab") as file:
                # A line a crash has cut must not swallow this one.
                cut = b"" if _ends_whole(self.path) else b"\n"
                file.write(cut + orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
                file.flush()
                os.fsync(file.fileno())

    def _make(self) -> None:
        """The file, its name and its folder's name as durable as its content will be."""
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        for folder in (self.path.parent, self.path.parent.parent):
            _sync_folder(folder)


def read_ledger(path: Path) -> Content:
    """What one ledger says, whatever in it is damaged; empty when there is no such file."""
    found: dict[str, Entry] = {}
    noted: dict[str, set[str]] = {"acting": set(), "healed": set()}
    damaged: list[DocumentError] = []
    for where, line in _lines(path):
        try:
            event = _event(where, line)
            kind, about = event.pop("event"), str(event.get("id"))
            if kind == "open":
                found[about] = _entry(where, event)
            elif kind == "turn" and about in found:
                found[about] = _further(where, found[about], event)
            noted.get(kind, set()).add(about)
        except DocumentError as error:
            damaged.append(error)
    left = tuple(entry for about, entry in found.items() if about not in noted["healed"])
    return Content(left, frozenset(noted["acting"]), frozenset(noted["healed"]), tuple(damaged))


def open_entries(path: Path) -> tuple[Entry, ...]:
    """The faults of one ledger that were not undone, the oldest first; empty when there is no such file.

    DocumentError with the place of a line that is not one of a ledger.
    """
    content = read_ledger(path)
    if content.damaged:
        raise content.damaged[0]
    return content.open


def tell_faults(path: Path) -> tuple[Told, ...]:
    """Every fault of one ledger by the time it was opened, as far as its lines can be read; empty without a file."""
    found: dict[str, Told] = {}
    for where, line in _lines(path):
        with contextlib.suppress(DocumentError):
            event = _event(where, line)
            kind, about = event.pop("event"), str(event.get("id"))
            if kind == "open":
                found[about] = Told(_entry(where, event))
            elif about in found and kind in ("healed", "left"):
                at = float(event["at"]) if kind == "healed" else None
                found[about] = Told(found[about].entry, at, str(event.get("text", "")))
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


def _further(where: Where, entry: Entry, event: dict[str, Any]) -> Entry:
    undo = event.get("undo")
    if not (isinstance(undo, dict) and undo.keys() <= entry.undo.keys()):
        raise DocumentError(where, "not a turn of the fault it names", "see how far it came by hand")
    return dataclasses.replace(entry, undo={**entry.undo, **undo})


def ledgers(workspace: Path) -> tuple[Path, ...]:
    """The ledgers of every run of a workspace, oldest first; also of runs that never came to be whole."""
    return tuple(sorted((workspace / OUT).glob(f"*/{LEDGER_FILE}")))


def workspace_of(ledger: Path) -> Path:
    """The workspace that a ledger of `ledgers` is of."""
    return ledger.resolve().parents[len(OUT.parts) + 1]


def _lines(path: Path) -> Iterator[tuple[Where, Any]]:
    if not path.is_file():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        with contextlib.suppress(orjson.JSONDecodeError):
            yield Where(str(path), number, 1), orjson.loads(line)


def _locked(handle: int, within_s: float) -> bool:
    """Whether the lock on an open file could be had in time."""
    end = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        except OSError:
            return False
        else:
            return True


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
