"""The run folder and its journal: the only door to what a run writes to the disk.

`record` side: `Run.create`, `Journal.write`. Everything right of it (`measure`, `judge`, `build`) reads
with `read` and can be redone from here. Lines are JSON; a line cut by a crash ends the reading without an
error, and `read` says so. Must never hold a secret: writers pass through `redact` first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import itertools
import secrets
import threading
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from seatrial.clock import Clock, iso
from seatrial.errors import CannotRun, UsageError
from seatrial.sample import (
    CallsLost,
    Earlier,
    EdgeCall,
    Ending,
    Evidence,
    FaultWindow,
    Interval,
    Pacing,
    Play,
    PlayedStep,
    Queried,
    Record,
    Sample,
    Timings,
)

OUT = Path("reports") / "out"
_KINDS: Mapping[str, type[Any]] = {
    "sample": Sample,
    "interval": Interval,
    "pacing": Pacing,
    "call": EdgeCall,
    "lost": CallsLost,
    "fault": FaultWindow,
    "evidence": Evidence,
    "play": Play,
    "queried": Queried,
    "earlier": Earlier,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True)
class Run:
    """One run's folder, `reports/out/<name>/`, and the names of the files in it."""

    folder: Path

    @property
    def name(self) -> str:
        """Its name: UTC time, realm and a few random letters, so names sort by time."""
        return self.folder.name

    @property
    def about(self) -> Path:
        """`run.json`: what was run, versions, git revision, realm, stages."""
        return self.folder / "run.json"

    @property
    def journal(self) -> Path:
        """`journal.jsonl`: append-only records."""
        return self.folder / "journal.jsonl"

    @property
    def ledger(self) -> Path:
        """`faults.jsonl`: the undo ledger."""
        return self.folder / "faults.jsonl"

    @property
    def verdict(self) -> Path:
        """`verdict.json`."""
        return self.folder / "verdict.json"

    @property
    def diff(self) -> Path:
        """`diff.json`: what a comparison of two realms came to."""
        return self.folder / "diff.json"

    @property
    def report(self) -> Path:
        """`report.html`."""
        return self.folder / "report.html"

    @property
    def junit(self) -> Path:
        """`junit.xml`."""
        return self.folder / "junit.xml"


def create_run(workspace: Path, realm: str, *, clock: Clock) -> Run:
    """Make a new run folder; its name sorts by time. CannotRun when it cannot be made."""
    stamp = iso(clock.now())[:19].replace("-", "").replace(":", "").replace("T", "-")
    folder = workspace / OUT / f"{stamp}-{realm}-{secrets.token_hex(2)}"
    with _refusals(folder):
        folder.mkdir(parents=True)
    return Run(folder)


def find_run(workspace: Path, name: str) -> Run:
    """The run of that name, that path, or the newest for `last`; UsageError naming what is there."""
    if Path(name, "run.json").is_file():
        return Run(Path(name))
    runs = list_runs(workspace)
    if name == "last" and runs:
        return runs[-1]
    for run in runs:
        if run.name == name:
            return run
    known = ", ".join(run.name for run in runs[-5:]) or "none yet"
    raise UsageError(f"no run '{name}' in {OUT}; the newest are: {known}")


def list_runs(workspace: Path) -> tuple[Run, ...]:
    """Every recorded run, oldest first."""
    return tuple(Run(about.parent) for about in sorted((workspace / OUT).glob("*/run.json")))


def is_going_on(run: Run) -> bool:
    """Whether somebody still writes the run's journal; True too where the file system cannot tell."""
    if not run.journal.is_file():
        return False
    with run.journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON document in one piece: a reader sees the old one or the new one, never half.

    Of several who write it at once, the last one's stays.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft")
    try:
        draft.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that `write_json` wrote; UsageError when it is not there or not whole."""
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as a run's file: {error}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: holds no JSON object")
    return content


class Journal:
    """The append side: one line a record, safe from several threads, flushed at every `write`.

    CannotRun when the system will not take a record, as on a full disk: a run with a hole in it proves nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _refusals(path):
            self._file: BinaryIO = path.open("ab")
        # Shared, so that several may write; the kernel lets go of it however this process ends.
        with contextlib.suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def write(self, *records: Record) -> None:
        """Append records and hand them to the operating system."""
        lines = b"".join(encode(record) for record in records)
        with self._lock, _refusals(self._path):
            self._file.write(lines)
            self._file.flush()

    def close(self) -> None:
        """No more records."""
        with self._lock, _refusals(self._path):
            self._file.close()


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the system refuses while a run is being kept, as CannotRun naming the file."""
    try:
        yield
    except OSError as error:
        hint = "a run is kept there, so it must be writable and have room"
        raise CannotRun(f"{error.filename or path}: cannot be written: {error.strerror}; {hint}") from error


def encode(record: Record) -> bytes:
    """One journal line."""
    line = {
        "record": _NAMES[type(record)],
        **{f.name: getattr(record, f.name) for f in dataclasses.fields(record)},
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def decode(line: bytes | str) -> Record:
    """The record of one line; ValueError when it is not one."""
    content = orjson.loads(line)
    kind = _KINDS.get(content.pop("record", None)) if isinstance(content, dict) else None
    if kind is None:
        raise ValueError("not a journal line")
    for name, cast in _casts(kind):
        if name in content:
            content[name] = cast(content[name])
    return typing.cast("Record", kind(**content))


def read(path: Path) -> Iterator[Record]:
    """Every whole record, in the order written; a last line cut by a crash ends the reading."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line, following in itertools.pairwise(itertools.chain(file, (b"",))):
            try:
                yield decode(line)
            except (ValueError, TypeError):
                if following:
                    raise UsageError(f"{path}: a line in its middle is not a journal line: {line[:80]!r}") from None
                return


_CASTS: dict[type[Any], tuple[tuple[str, Any], ...]] = {}


def _casts(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """How to turn a field's JSON value back: enums, the nested Timings and PlayedSteps, limits as int keys."""
    if kind not in _CASTS:
        hints = typing.get_type_hints(kind)
        _CASTS[kind] = tuple((name, cast) for name, hint in hints.items() if (cast := _cast(hint)))
    return _CASTS[kind]


def _cast(hint: Any) -> Any:
    if hint is Timings:
        return lambda value: Timings(**value)
    if hint == tuple[PlayedStep, ...]:
        return lambda value: tuple(PlayedStep(**(step | {"ending": Ending(step["ending"])})) for step in value)
    if hint in (tuple[str, ...], tuple[float, ...]):
        return tuple
    if hint == Mapping[int, int]:
        return lambda value: {int(key): count for key, count in value.items()}
    options = [option for option in typing.get_args(hint) if option is not types.NoneType]
    kind = options[0] if isinstance(hint, types.UnionType) and len(options) == 1 else hint
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        known = {member.value: member for member in kind.__members__.values()}
        return lambda value: None if value is None else known.get(value) or kind(value)
    return None
