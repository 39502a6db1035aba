"""One document, and where everything in it stands. Private to `documents`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.documents.reader import Place, where_of
from seatrial.errors import Where

Steps = tuple[str | int, ...]

_NOTHING: Mapping[Any, Any] = {}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `kind` is its first key, `text` all it was read from; places are looked up by paths."""

    file: str
    kind: str
    content: dict[str, Any]
    text: str
    _root: Place

    def where(self, *path: str | int) -> Where:
        """The place of the value at that path, or of its nearest parent that is there."""
        return where_of(self.file, self._nearest(path)[0])

    def where_key(self, *path: str | int) -> Where:
        """The place of the last key of that path; of an element, or of what is not there, the same as `where`."""
        if not path:
            return self.where()
        holder, depth = self._nearest(path[:-1])
        if depth < len(path) - 1:
            return where_of(self.file, holder)
        parts, keys = getattr(holder, "parts", _NOTHING), getattr(holder, "keys", _NOTHING)
        last = path[-1]
        return where_of(self.file, keys.get(last) or parts.get(last) or holder)

    def has(self, *path: str | int) -> bool:
        """Whether something stands at that path."""
        return self._nearest(path)[1] == len(path)

    def part(self, *path: str | int, kind: str) -> Document:
        """The mapping at that path, which must be there, as a document of that kind with its places in this one."""
        content: Any = self.content
        for step in path:
            content = content[step]
        return Document(self.file, kind, content, self.text, self._nearest(path)[0])

    def _nearest(self, path: Steps) -> tuple[Any, int]:
        """The deepest place on the path that is there, and how many steps lead to it."""
        place: Any = self._root
        depth = 0
        for step in path:
            parts = getattr(place, "parts", None)
            if not parts or step not in parts:
                break
            place = parts[step]
            depth += 1
        return place, depth
