"""Files that a scenario names beside its requests: what an answer must equal, and the schemas it must fit.

Room scenarios, private to its readers. Read once, while the scenario is; a file outside the workspace is never read.
"""

from __future__ import annotations

from pathlib import Path

from seatrial import documents
from seatrial.errors import DocumentError, UsageError, Where

MAX_FILE_BYTES = 10 << 20
"""As much as an answer may hold."""


def read_file(name: str, folder: Path, where: Where) -> bytes:
    """What the file holds; `name` counts from `folder`, and DocumentError at `where` tells why it cannot be read."""
    path = find_file(name, folder, where)
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DocumentError(where, f"'{name}' is larger than {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(
            where, f"'{name}' cannot be read: {error.strerror}", "check its name and rights"
        ) from None


def find_file(name: str, folder: Path, where: Where) -> Path:
    """The file's own path, links followed; DocumentError where there is none within the workspace."""
    hint = "write it from this file's folder"
    if "\0" in name or Path(name).is_absolute():
        raise DocumentError(where, f"'{name}' is an absolute path", hint)
    path = (folder / name).resolve()
    if not path.is_relative_to(_root(folder)):
        raise DocumentError(where, f"'{name}' is outside the workspace", hint)
    if not path.is_file():
        raise DocumentError(where, f"no file '{name}'", hint)
    return path


def _root(folder: Path) -> Path:
    try:
        return documents.find_workspace(folder)
    except UsageError:
        return folder.resolve()
