"""The files a scenario names beside itself: bodies, rows, certificates, schemas. Nothing outside the workspace.

Room scenarios. A `Files` belongs to one document: a relative path is looked for in its folder and in the folders
above, up to the root. The content of a file is read once. May import the floor only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from seatrial import documents
from seatrial.errors import DocumentError, UsageError, Where

MAX_FILE_BYTES = 10 << 20
MAX_PATH = 4096
MAX_SHOWN = 80
MAX_KEPT_BYTES = 64 << 20
"""Of all contents kept by one document: more is read anew each time."""

_HINT = "write it from this file's folder"


@dataclass(frozen=True)
class Files:
    """What a document in `folder` may read: files below `root`, which is the workspace or else the folder itself."""

    folder: Path
    root: Path
    _kept: dict[Path, bytes] = field(default_factory=dict, compare=False, repr=False)

    def find(self, path: str, where: Where) -> Path:
        """The file of that name; DocumentError at `where` when there is none, or none that may be read."""
        refuse_no_path(path, where)
        if not _is_within(self.folder / path, self.root):
            raise DocumentError(where, f"'{path}' is outside the workspace", _HINT)
        found = self.found(path)
        if found is None:
            raise DocumentError(where, f"no file '{path}' here or in a folder above", _HINT)
        return found

    def flow(self, use: str, where: Where) -> Path:
        """The document a step uses; DocumentError at `where` when there is none."""
        refuse_no_path(use, where)
        found = self.found(use)
        if found is None:
            raise DocumentError(where, f"no flow '{use}' here or in a folder above", _HINT)
        return found

    def found(self, path: str) -> Path | None:
        """The nearest file of that name, here or in a folder above up to the root; None when there is none."""
        for folder in (self.folder, *self.folder.parents):
            here = _resolved(folder / path)
            if here and is_file(here) and here.is_relative_to(self.root):
                return here
            if folder == self.root:
                break
        return None

    def read(self, path: str, where: Where) -> bytes:
        """Its content, at most MAX_FILE_BYTES; DocumentError at `where` when it cannot be had."""
        found = self.find(path, where)
        kept = self._kept.get(found)
        if kept is not None:
            return kept
        content = _content(found, path, where)
        if sum(map(len, self._kept.values())) + len(content) <= MAX_KEPT_BYTES:
            self._kept[found] = content
        return content

    def text(self, path: str, where: Where) -> str:
        """Its content as UTF-8 text."""
        try:
            return self.read(path, where).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DocumentError(
                where, f"'{path}' is not UTF-8 text (byte {error.start})", "save it as UTF-8"
            ) from None


def files_beside(document: Path) -> Files:
    """The files of a document: below its workspace, or below its own folder where there is none."""
    folder = document.resolve().parent
    try:
        return Files(folder, documents.find_workspace(folder))
    except UsageError:
        return Files(folder, folder)


def refuse_no_path(path: str, where: Where) -> None:
    """DocumentError at `where` for a text that is no relative path."""
    if not path or "\0" in path or len(path) > MAX_PATH:
        raise DocumentError(where, f"'{path[:MAX_SHOWN]}' is no path", _HINT)
    if Path(path).is_absolute():
        raise DocumentError(where, f"'{path}' is an absolute path", _HINT)


def is_file(path: Path) -> bool:
    """Whether a file is there; of a name longer than the system allows, none is."""
    try:
        return path.is_file()
    except OSError:
        return False


def _resolved(path: Path) -> Path | None:
    """Without links; None where they lead in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return None


def _is_within(path: Path, root: Path) -> bool:
    """Whether it leads nowhere else; one that leads nowhere at all does not."""
    resolved = _resolved(path)
    return resolved is None or resolved.is_relative_to(root)


def _content(found: Path, path: str, where: Where) -> bytes:
    try:
        with found.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DocumentError(where, f"'{path}' cannot be read: {error.strerror}", "check its rights") from None
    if len(content) > MAX_FILE_BYTES:
        raise DocumentError(where, f"'{path}' is larger than {MAX_FILE_BYTES >> 20} MiB", "use a smaller one")
    return content
