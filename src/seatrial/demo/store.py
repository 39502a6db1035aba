"""State in memory that cannot grow without end."""

from collections import OrderedDict
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class Bounded(Generic[Kept]):
    """A mapping by id that forgets the oldest entry when a new one would be too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Kept | None:
        return self._kept.get(key)

    def put(self, key: str, value: Kept) -> None:
        """Keep or replace a value; replacing keeps its age."""
        self._kept[key] = value
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
