"""What commands need of the terminal: the workspace, progress on stderr, results on stdout, NAME=VALUE words.

A reader that has left (`| head`) changes nothing: the command goes on, and its exit code is what it would have been.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from seatrial.errors import ExitCode, SeatrialError, UsageError, unwritable
from seatrial.reports.printable import printable


def workspace() -> Path:
    """The workspace the command was called in; UsageError when there is none."""
    from seatrial import documents

    return documents.find_workspace(Path.cwd())


def print_anything() -> None:
    """From now on a character that a terminal's encoding does not have is printed as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """One line of progress, on stderr. It may quote files and answers: what steers a terminal is made visible."""
    with read_or_not(sys.stderr):
        sys.stderr.write(f"{printable(text)}\n")
        sys.stderr.flush()


def say_healed(here: Path) -> None:
    """Say what was healed behind runs of the workspace that were killed; each once, by the first command after."""
    from seatrial.runtime.healings import tell_healed

    tell_healed(here, say)


def tell(text: str, *, style: str = "") -> None:
    """One line of the result, on stdout; `style` (rich's words) shows on a terminal that has colours."""
    if style and sys.stdout.isatty():
        from rich.console import Console
        from rich.text import Text

        Console().print(Text(text, style=style), soft_wrap=True)
        return
    with read_or_not(sys.stdout):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping; UsageError quotes the first that is not one."""
    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign):
            raise UsageError(f"{option} takes NAME=VALUE, not '{word}'")
        found[name] = value
    return found


def typed_variables(words: Iterable[str]) -> dict[str, Any]:
    """`--var` words: values typed as in a document (300 is a number, true a boolean, "300" in quotes a text)."""
    from seatrial import documents

    return {name: documents.scalar(value) for name, value in pairs(words, "--var").items()}


def shown_path(path: Path) -> Path:
    """As it is told: from where the command was called, if it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def write_file(target: str, content: bytes) -> None:
    """Write a result to the file a user named, `-` for stdout; `unwritable` where it is."""
    if target == "-":
        with read_or_not(sys.stdout):
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        raise unwritable(target, error) from None


def require_targets(*targets: str | None) -> None:
    """UsageError, before anything is done, for results that cannot all be written where they were asked for."""
    named = [target for target in targets if target]
    if named.count("-") > 1:
        raise UsageError("two reports cannot both be written to stdout; give one a file")
    for target in named:
        if target != "-":
            _require_writable(Path(target))


def _require_writable(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path}: cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: cannot be written: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path}: cannot be written: it is not allowed")


def write_results(files: Iterable[tuple[str | None, Callable[[], bytes]]], code: ExitCode) -> ExitCode:
    """Write each result that was asked for; gives the command's exit code. One that cannot be written is told, and
    decides the code only where all else was well: it hides no miss."""
    for target, content in files:
        try:
            if target:
                write_file(target, content())
        except SeatrialError as error:
            say(f"error: {error}")
            code = error.exit_code if code is ExitCode.MET else code
    return code


def as_json(content: object) -> bytes:
    """A result as indented JSON with a newline at its end."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


@contextlib.contextmanager
def read_or_not(stream: IO[str]) -> Iterator[None]:
    """Around writing to a stream. Nobody reads it any more (a pipe's end, a terminal that was closed): what waits in
    it and whatever comes later is lost."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
