"""Follows HTTP/1 messages through a stream of bytes without keeping their bodies.

Takes chunks as they arrive, gives each head (RFC 9112) and where its message ends. It understands Content-Length,
chunked bodies, bodies that last until the close, and several messages in one chunk. On anything else it raises
`NotHttp`, once, and is of no further use.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_LIMIT_BYTES = 64 * 1024
_LINE_LIMIT_BYTES = 8 * 1024
CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class NotHttp(Exception):
    """The stream cannot be followed as HTTP/1."""


class Body(Enum):
    """Bodies whose size the head does not tell."""

    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"


class Reader(Protocol):
    """Who is told of the messages; offsets count the bytes of the whole stream."""

    def head(self, head: bytes, start: int) -> int | Body:
        """A head that began at `start`, with its empty line; answers how long the body is. May raise `NotHttp`."""

    def complete(self, stop: int) -> None:
        """The message ended before `stop`."""


class Scanner:
    """One direction of one connection; `plausible` tells from a head's first bytes whether it may be one.

    Between two calls of `feed`, `offset` is how many bytes have been followed, and `between` claims that one message
    is over and none has begun. Who sees a whole message then may add its size to the offset instead of feeding it.
    """

    def __init__(self, reader: Reader, plausible: Callable[[bytes], bool]) -> None:
        self._reader = reader
        self._plausible = plausible
        self._step = self._head
        self._partial = b""
        self._left = 0
        self.offset = 0
        self.between = True

    def resumed(self, reader: Reader) -> Scanner:
        """Another one, which goes on from here and tells `reader`."""
        twin = Scanner(reader, self._plausible)
        twin._step = getattr(twin, self._step.__name__)
        twin._partial, twin._left, twin.offset, twin.between = self._partial, self._left, self.offset, self.between
        return twin

    def is_in_head(self) -> bool:
        """Claims that what comes next is, or goes on, a head."""
        return self._step == self._head

    def is_until_close(self) -> bool:
        """Claims that the message under way lasts until the stream ends."""
        return self._step == self._until_close

    def feed(self, data: bytes) -> None:
        """Follow the next bytes."""
        position, size = 0, len(data)
        while position < size:
            position = self._step(data, position)
        self.offset += size

    def _head(self, data: bytes, position: int) -> int:
        self.between = False
        start = self.offset + position - len(self._partial)
        head, position = self._take(b"\r\n\r\n", data, position)
        if head is None:
            self._doubt()
            return position
        body = self._reader.head(head, start)
        if isinstance(body, Body):
            self._step = self._chunk_size if body is Body.CHUNKED else self._until_close
        elif body > len(data) - position:
            self._left = body
            self._step = self._body
        else:  # the usual case: the whole message in one chunk
            position += body
            self._complete(position)
        return position

    def _body(self, data: bytes, position: int) -> int:
        position = self._skip(data, position)
        if not self._left:
            self._complete(position)
        return position

    def _chunk_size(self, data: bytes, position: int) -> int:
        line, position = self._take(b"\r\n", data, position)
        if line is None:
            return position
        size = CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise NotHttp
        self._left = int(size[1], 16)
        self._step = self._chunk if self._left else self._trailer
        return position

    def _chunk(self, data: bytes, position: int) -> int:
        position = self._skip(data, position)
        if not self._left:
            self._step = self._chunk_end
        return position

    def _chunk_end(self, data: bytes, position: int) -> int:
        line, position = self._take(b"\r\n", data, position)
        if line is None:
            return position
        if line != b"\r\n":
            raise NotHttp
        self._step = self._chunk_size
        return position

    def _trailer(self, data: bytes, position: int) -> int:
        line, position = self._take(b"\r\n", data, position)
        if line == b"\r\n":
            self._complete(position)
        return position

    def _until_close(self, data: bytes, position: int) -> int:
        return len(data)

    def _complete(self, position: int) -> None:
        self._step = self._head
        self.between = True
        self._reader.complete(self.offset + position)

    def _skip(self, data: bytes, position: int) -> int:
        taken = min(self._left, len(data) - position)
        self._left -= taken
        return position + taken

    def _take(self, mark: bytes, data: bytes, position: int) -> tuple[bytes | None, int]:
        """What there is up to and with `mark`, and the position behind it; None while the mark has not come."""
        before = self._partial
        joined = before + data[position:] if before else data
        start = 0 if before else position
        found = joined.find(mark, start)
        if found < 0:
            self._partial = joined[start:]
            if len(self._partial) > HEAD_LIMIT_BYTES:
                raise NotHttp
            return None, len(data)
        self._partial = b""
        stop = found + len(mark)
        return joined[start:stop], position + stop - start - len(before)

    def _doubt(self) -> None:
        """Give up early on what will never be a head."""
        first_line = self._partial.find(b"\r\n")
        endless = first_line < 0 and len(self._partial) > _LINE_LIMIT_BYTES
        if endless or not self._plausible(self._partial):
            raise NotHttp
