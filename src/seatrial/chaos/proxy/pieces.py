"""One direction of HTTP/1 in pieces: heads whole, bodies as they come, and where each message ends.

`Pieces` follows the bytes with a `Scanner` and hands every one of them on exactly once, in order. The beginning of a
head is kept back until the head is whole. What cannot be followed is handed on untouched, and all that follows it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from seatrial.chaos.proxy.scanner import Body, NotHttp

if TYPE_CHECKING:
    from seatrial.chaos.proxy.scanner import Scanner


class Pieces(ABC):
    """Goes on from where `followed` stands: of a message whose head had begun before, only the rest is handed on."""

    def __init__(self, followed: Scanner) -> None:
        self.scanner = followed.resumed(self)
        self.opaque = False
        self._begun_at = followed.offset
        self._position = followed.offset
        self._data = b""
        self._base = 0
        self._held = b""

    @abstractmethod
    def begin(self, head: bytes, *, start: int, passed: int) -> int | Body:
        """A head that began at `start` has come; answers how long its body is.

        `passed` bytes of it had passed before it was followed; then only the rest can be handed on. May raise
        `NotHttp`, before it has handed anything on.
        """

    @abstractmethod
    def carry(self, data: bytes, at: int) -> None:
        """Bytes of a body, or all that is left once nothing is followed; `at` is the offset of the first."""

    @abstractmethod
    def over(self) -> None:
        """The message has ended."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.opaque:
            self.carry(data, self._position)
            return
        self._data, self._base = data, self.scanner.offset
        self._position = self._base
        try:
            self.scanner.feed(data)
        except NotHttp:
            self.follow_no_more()
            return
        self._carry_until(self._base + len(data), is_head=self.scanner.is_in_head())

    def follow_no_more(self) -> None:
        """Hand on what was kept back, and from now on everything."""
        if self.opaque:
            return
        self.opaque = True
        held, self._held = self._held + self._data[self._position - self._base :], b""
        if held:
            self.carry(held, self._position)

    def end(self) -> None:
        """Hand on what was kept back: nothing more comes."""
        held, self._held = self._held, b""
        if held:
            self.carry(held, self._position)

    def is_idle(self) -> bool:
        """Claims that it is between two messages, or follows none."""
        return self.opaque or self.scanner.between

    def head(self, head: bytes, start: int) -> int | Body:
        """The scanner has found a head."""
        body = self.begin(head, start=start, passed=max(0, self._begun_at - start))
        self._held = b""
        self._position = start + len(head)
        return body

    def complete(self, stop: int) -> None:
        """The scanner has found the end of a message."""
        self._carry_until(stop, is_head=False)
        self.over()

    def _carry_until(self, stop: int, *, is_head: bool) -> None:
        start, self._position = self._position, stop
        data = self._data[start - self._base : stop - self._base]
        if not data:
            return
        if is_head:
            self._held += data
        else:
            self.carry(data, start)
