"""Keeps a report of plays on the disk while they are played, and puts it in its place when they are over.

Room reports, and the only file of it that writes one. What a form gives waits in a temporary file; the whole goes to
a file beside the target, which is then renamed, so that nobody ever reads half a report. That the target can be
written is found out before anything is played. What cannot be is `errors.unwritable`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from seatrial.errors import UsageError, unwritable
from seatrial.reports.plays.form import Facts, Form
from seatrial.scenarios.played import Played

IN_MEMORY = 1 << 20
"""Bytes of a report that are kept off the disk."""


class Place(Protocol):
    """Where a report ends up."""

    def opened(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        """The file to write the whole report to, once."""
        ...

    def problems(self) -> contextlib.AbstractContextManager[None]:
        """Around everything that may fail: what cannot be written becomes `errors.unwritable`."""
        ...

    def finish(self) -> None:
        """The report is whole."""
        ...

    def clear(self) -> None:
        """There will be no report."""
        ...


class Writer:
    """One report on its way. `close` or `discard` it."""

    def __init__(self, form: Form, place: Place) -> None:
        self._form = form
        self._place = place
        self._body: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - till closed

    def add(self, played: Played) -> None:
        """Take one play in."""
        with self._place.problems():
            for text in self._form.add(played):
                self._body.write(_encoded(text))

    def close(self, facts: Facts) -> None:
        """Put the report in its place, whole; an error, and nothing left lying about, when that fails."""
        try:
            with self._place.problems():
                self._write(facts)
                self._place.finish()
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave everything as it is."""
        self._body.close()
        self._place.clear()

    def _write(self, facts: Facts) -> None:
        self._body.seek(0)
        head, tail = self._form.head(facts), self._form.tail(facts)
        with self._place.opened() as file:
            file.write(_encoded(head))
            shutil.copyfileobj(self._body, file)
            file.write(_encoded(tail))


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")


class _InPlace:
    """A device, a pipe, or a file in a folder that takes no new one: written to as it is."""

    def __init__(self, target: Path) -> None:
        self.target = target

    @contextlib.contextmanager
    def problems(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self.target, error) from None

    def opened(self) -> IO[bytes]:
        return self.target.open("wb")

    def finish(self) -> None:
        pass

    def clear(self) -> None:
        pass


class _Beside(_InPlace):
    """A file of a name of its own beside the target, that takes its place at the end."""

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self._waiting = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        self._waiting.touch(exist_ok=False)

    def opened(self) -> IO[bytes]:
        return self._waiting.open("wb")

    def finish(self) -> None:
        if self.target.exists():
            shutil.copymode(self.target, self._waiting)
        self._waiting.replace(self.target)

    def clear(self) -> None:
        self._waiting.unlink(missing_ok=True)


def place_of(target: Path) -> Place:
    """The place of a file, which is known to take a report then; what a link leads to is written, not the link."""
    whole = _InPlace(target)
    with whole.problems():
        real = target.resolve()
        if real.is_dir():
            raise UsageError(f"{target}: cannot be written: it is a folder")
        if not real.exists():
            return _Beside(real)
        if not os.access(real, os.W_OK):
            raise UsageError(f"{target}: cannot be written: Permission denied")
        beside = stat.S_ISREG(real.stat().st_mode) and os.access(real.parent, os.W_OK)
        return _Beside(real) if beside else whole
