"""The run folder and its journal: the only door to what a run writes to the disk.

`record` side: `Run.create`, `Journal.write`. Everything right of it (`measure`, `judge`, `build`) reads
with `read` and can be redone from here. Lines are JSON (`journal_lines`); a line cut by a
crash ends the reading without an error. Must never hold a secret: writers pass through `redact` first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from seatrial.clock import Clock, iso
from seatrial.errors import CannotRun, DocumentError, UsageError, Where, nearly
from seatrial.journal_lines import decode as decode
from seatrial.journal_lines import encode as encode
from seatrial.sample import Pacing, Record

OUT = Path("reports") / "out"
NO_RUN = f"there is no run in {OUT} yet; `seatrial assess` makes one"
_MEND = "the file was damaged, or is of another version of seatrial"


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
    def audit(self) -> Path:
        """`audit.json`: what an audit found."""
        return self.folder / "audit.json"

    @property
    def gameday(self) -> Path:
        """`gameday.md`: the record of a game day."""
        return self.folder / "gameday.md"

    @property
    def audit_journal(self) -> Path:
        """`audit.jsonl`: what an assessment's audit recorded, apart from what its objectives are judged by."""
        return self.folder / "audit.jsonl"

    @property
    def audit_page(self) -> Path:
        """`audit.html`: the page of an assessment's audit."""
        return self.folder / "audit.html"

    @property
    def report(self) -> Path:
        """`report.html`."""
        return self.folder / "report.html"

    @property
    def junit(self) -> Path:
        """`junit.xml`."""
        return self.folder / "junit.xml"

    @property
    def what_if(self) -> Run:
        """`what-if/`: verdict and reports of the run on other terms than its own."""
        return Run(self.folder / "what-if")


def create_run(workspace: Path, realm: str, *, clock: Clock) -> Run:
    """Make a new run folder; its name sorts by time. CannotRun when it cannot be made."""
    stamp = iso(clock.now())[:19].replace("-", "").replace(":", "").replace("T", "-")
    folder = workspace / OUT / f"{stamp}-{realm}-{secrets.token_hex(2)}"
    with _refusals(folder):
        folder.mkdir(parents=True)
    return Run(folder)


def find_run(workspace: Path, name: str, *, baselines: Iterable[str] = ()) -> Run:
    """The run of that name, that path, or the newest for `last`; UsageError naming what is near or there, of the
    names of baselines, too."""
    if _is_run(Path(name)):
        return Run(Path(name))
    runs = list_runs(workspace)
    if name == "last" and runs:
        return runs[-1]
    for run in runs:
        if run.name == name:
            return run
    if not runs:
        raise UsageError(NO_RUN if name == "last" else f"no run '{name}': {NO_RUN}")
    raise UsageError(f"no run '{name}' in {OUT}; {_known(name, runs, sorted(baselines))}")


def _known(name: str, runs: Sequence[Run], baselines: Sequence[str]) -> str:
    if near := nearly(name, [*baselines, *(run.name for run in runs)]):
        return near
    named = f"; baselines: {', '.join(baselines)}" if baselines else ""
    return f"the newest are: {', '.join(run.name for run in runs[-5:])}{named}"


def _is_run(folder: Path) -> bool:
    with contextlib.suppress(OSError):  # a name that is too long for one
        return (folder / "run.json").is_file()
    return False


def require_own(workspace: Path, run: Run) -> None:
    """UsageError for a run of another workspace: documents of this one cannot judge it, and it is not ours."""
    if run.folder.resolve().parent != (workspace / OUT).resolve():
        raise UsageError(
            f"{run.folder}: not a run of this workspace, whose runs are in {OUT}; call seatrial in its own"
        )


def list_runs(workspace: Path) -> tuple[Run, ...]:
    """Every recorded run, oldest first."""
    return tuple(Run(about.parent) for about in sorted((workspace / OUT).glob("*/run.json")))


@contextlib.contextmanager
def going_on(run: Run) -> Iterator[None]:
    """Around everything that is written of a run: others see that it goes on, until this or the process ends.

    Of several at once each counts; where the file system knows no locks, nobody is told.
    """
    folder = os.open(run.folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_SH)  # waits for somebody who looks, and that is over at once
        yield
    finally:
        os.close(folder)


def is_going_on(run: Run) -> bool:
    """Whether somebody still writes to the run's folder; True too where the file system cannot tell."""
    try:
        folder = os.open(run.folder, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(folder)
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
    """Read a JSON object that `write_json` wrote; UsageError when it is not there, DocumentError when not whole."""
    try:
        content = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path}: is not there") from None
    except orjson.JSONDecodeError as error:
        where = Where(str(path), error.lineno, error.colno)
        raise DocumentError(where, f"cannot be read as JSON: {error.msg}", _MEND) from None
    except OSError as error:
        raise DocumentError(Where(str(path), 1, 1), f"cannot be read: {error.strerror}") from None
    if not isinstance(content, dict):
        raise DocumentError(Where(str(path), 1, 1), "holds no JSON object", _MEND)
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


def by_second(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """A load's records as they came, each second with its Pacing last; what came after the last one at the end."""
    second: list[Record] = []
    for record in records:
        second.append(record)
        if isinstance(record, Pacing):
            yield tuple(second)
            second = []
    if second:
        yield tuple(second)


def read(path: Path) -> Iterator[Record]:
    """Every whole record, in the order written; a last line cut by a crash ends the reading.

    DocumentError with the place of a line that was written whole and is not one of a journal.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield decode(line)
            except ValueError as error:
                if not line.endswith(b"\n"):
                    return
                problem = f"not a line of a journal: {error}"
                raise DocumentError(Where(str(path), number, 1), problem, _MEND) from None
