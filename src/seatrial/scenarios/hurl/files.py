"""The files a `.hurl` file names: bodies below its file root, certificates anywhere.

Room scenarios, private to `hurl`. A body's file must lie below the root, as Hurl wants it; one whose name has no hole
must be there when the file is read. Content is read when a request is rendered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import Where
from seatrial.scenarios.files import Files
from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.values import holes_in, made, mapped, value_of
from seatrial.scenarios.sending.request import FileRef
from seatrial.template import Fixed, Value, to_text


@dataclass(frozen=True, slots=True)
class HurlFiles:
    """What a `.hurl` file may read: bodies below `root`, and files of the machine for its connections."""

    root: Path

    def body(self, path: syntax.Text) -> FileRef:
        """A file that is sent."""
        folder = self.root.resolve()
        ref = FileRef(value_of(path), Files(folder, folder), path.where)
        if isinstance(ref.path, Fixed):
            ref.files.find(str(ref.path.value), path.where)
        return ref

    def bytes_of(self, file: syntax.File) -> Value:
        """The content of a file, as a value that is read when it is rendered."""
        ref = self.body(file.path)
        return made(f"file,{file.path.source};", file.where, tuple(holes_in(file.path)), ref.read)

    def machine(self, path: Value, where: Where) -> FileRef:
        """A certificate or a key, from the working folder or from the root of the machine."""
        top = Path(Path.cwd().anchor or "/")
        absolute = isinstance(path, Fixed) and Path(to_text(path.value)).is_absolute()
        ref = FileRef(mapped(path, _below_top), Files(top if absolute else Path.cwd(), top), where)
        if isinstance(ref.path, Fixed):
            ref.files.find(str(ref.path.value), where)
        return ref


def _below_top(path: str) -> str:
    return path.lstrip("/")
