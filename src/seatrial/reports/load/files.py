"""Writes a load's records to the files a user named, while it goes on or from its journal.

The only file of this part that writes. Logs and tables grow line by line, so that they can be followed; metrics are
replaced in one piece, as node_exporter's textfile collector wants them. A file that cannot be written is
`errors.unwritable`.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from seatrial import journal
from seatrial.errors import SeatrialError, UsageError, unwritable
from seatrial.reports.load import hlog, seconds
from seatrial.reports.load.metrics import Metrics
from seatrial.sample import Interval, Pacing, Record


@dataclass(frozen=True, slots=True)
class LoadFiles:
    """Which files were asked for; None for none of a kind."""

    hlog: str | None = None
    csv: str | None = None
    metrics: str | None = None

    def __post_init__(self) -> None:
        """UsageError for stdout, where the command itself writes."""
        if "-" in (self.hlog, self.csv, self.metrics):
            raise UsageError("'-' (stdout) holds what the command itself prints; name a file")

    def __bool__(self) -> bool:
        """Whether any was."""
        return any((self.hlog, self.csv, self.metrics))


NO_FILES = LoadFiles()


class LoadWriter:
    """The files under way, a context: opened when it begins, complete when it ends."""

    def __init__(self, files: LoadFiles) -> None:
        self._files = files
        self._hlog = _opened(files.hlog)
        self._csv = _opened(files.csv)
        self._metrics = Metrics() if files.metrics else None
        self._begun = False
        try:
            _write(files.csv, self._csv, seconds.head())
            self.show()
        except SeatrialError:
            self._abandon()
            raise

    def add(self, second: Sequence[Record]) -> None:
        """One second's records, to the logs and tables; metrics change at `show`."""
        times = [record.second for record in second if isinstance(record, Interval | Pacing)]
        if not self._begun and times:
            self._begun = True
            _write(self._files.hlog, self._hlog, hlog.head(min(times)))
        if self._hlog:
            _write(self._files.hlog, self._hlog, "".join(hlog.lines(second)))
        if self._csv:
            _write(self._files.csv, self._csv, "".join(seconds.rows(second)))
        if self._metrics:
            self._metrics.add(second)

    def show(self) -> None:
        """Put the metrics as they are now in the place of those before."""
        if self._metrics and self._files.metrics:
            _replace(Path(self._files.metrics), self._metrics.text())

    def keep(self, second: Sequence[Record]) -> str:
        """`add` and `show` beside something that is worth more than the files: when one cannot be written any more
        it says why, and from then on writes none."""
        try:
            self.add(second)
            self.show()
        except SeatrialError as error:
            self._abandon()
            return str(error)
        return ""

    def _abandon(self) -> None:
        for file in filter(None, (self._hlog, self._csv)):
            with contextlib.suppress(OSError):
                file.close()
        self._hlog = self._csv = self._metrics = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.show()
        for file in filter(None, (self._hlog, self._csv)):
            file.close()


def load_by_second(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """A journal's load records as they came, second by second; all others are left out."""
    return journal.by_second(record for record in records if isinstance(record, Interval | Pacing))


def _opened(target: str | None) -> IO[str] | None:
    if target is None:
        return None
    with _refusals(target):
        return Path(target).open("w", encoding="utf-8", newline="")


def _write(target: str | None, file: IO[str] | None, text: str) -> None:
    if target and file:
        with _refusals(target):
            file.write(text)
            file.flush()


def _replace(target: Path, text: str) -> None:
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    with _refusals(str(target)):
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


@contextlib.contextmanager
def _refusals(target: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(target, error) from None
