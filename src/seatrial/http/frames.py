"""HTTP/2's frames from a peer, as the engine shall see them. Pure; takes bytes, gives bytes.

Two things the protocol allows the engine takes amiss, and an answer would be lost with each:

- A GOAWAY that is a farewell and no end (RFC 9113, 6.8): no further request is welcome, the answer under way is still
  to come. nginx says it with the 1000th request of a connection (`keepalive_requests`). h2 takes every GOAWAY for the
  end of the connection (its issue 1181), so such a one is kept from it.
- A whole answer before the request was read (8.1), to an upload that is too large, say. The engine goes on to wait
  for leave to send, which never comes; here it is given one, and what it then says is not sent.

An exchange has its connection alone, so that there is one stream to think of.
"""

from __future__ import annotations

_HEAD_BYTES = 9
_LONGEST = 1 << 14
_DATA, _HEADERS, _RESET, _GOAWAY = 0, 1, 3, 7
_END_STREAM = 0x1
_NO_ERROR = bytes(4)
_STREAM_BITS = 0x7FFFFFFF
_LEAVE_BYTES = 1 << 15


class Frames:
    """Follows the frames of one connection; `begin` with each exchange.

    `is_last`: no further exchange may use the connection. `is_cut_short`: the peer has answered, and what is left of
    the request need not be sent.
    """

    __slots__ = ("_ended", "_held", "_opened", "_passing", "_stream", "is_cut_short", "is_last")

    def __init__(self) -> None:
        self._held = b""
        self._passing = 0
        self._stream = -1
        self._ended = False
        self._opened = 0
        self.is_last = False
        self.is_cut_short = False

    def begin(self) -> None:
        """The next exchange begins, on the next stream: a client's have odd numbers."""
        self._stream += 2
        self._ended = False

    @property
    def is_answered(self) -> bool:
        """Whether the whole answer was passed on."""
        return self._ended and not self._passing

    def passed_on(self, data: bytes) -> bytes:
        """What the engine shall see of these bytes; may be nothing yet."""
        self._held += data
        pieces = [self._pass()]
        while whole := self._frame_bytes():
            if self._is_left_out():
                self._held = self._held[whole:]
            else:
                self._ended |= self._ends_the_stream()
                self._passing = whole
                pieces.append(self._pass())
        return b"".join(pieces)

    def leave_to_send(self) -> bytes:
        """For an engine that goes on to read when the answer is whole: it can only wait to send the rest.

        Which window it waits for, the stream's or the connection's, cannot be seen: they are opened in turn, and by
        less than was sent, for neither may grow beyond 2^31-1.
        """
        self.is_last = self.is_cut_short = True
        self._opened = 0 if self._opened else self._stream
        return b"\x00\x00\x04\x08\x00" + self._opened.to_bytes(4, "big") + _LEAVE_BYTES.to_bytes(4, "big")

    def rest(self) -> bytes:
        """What was held back when the peer ended."""
        held, self._held = self._held, b""
        return held

    def _pass(self) -> bytes:
        """Of the frame that is passed on, what is there."""
        piece = self._held[: self._passing]
        self._held = self._held[len(piece) :]
        self._passing -= len(piece)
        return piece

    def _frame_bytes(self) -> int:
        """How long the next frame is; 0 while its head is not there, nor all of it where it may be left out."""
        if self._passing or len(self._held) < _HEAD_BYTES:
            return 0
        length = int.from_bytes(self._held[:3], "big")
        whole = _HEAD_BYTES + length
        is_short = self._held[3] in (_GOAWAY, _RESET) and length <= _LONGEST
        return 0 if is_short and len(self._held) < whole else whole

    def _is_left_out(self) -> bool:
        kind, stream, content = self._held[3], _number(self._held[5:9]), self._held[_HEAD_BYTES:]
        if kind == _GOAWAY and content[4:8] == _NO_ERROR and _number(content[:4]) >= self._stream:
            self.is_last = True
            return True
        return kind == _RESET and self._ended and stream == self._stream and content[:4] == _NO_ERROR

    def _ends_the_stream(self) -> bool:
        kind, flags, stream = self._held[3], self._held[4], _number(self._held[5:9])
        return kind in (_DATA, _HEADERS) and bool(flags & _END_STREAM) and stream == self._stream


def _number(four_bytes: bytes) -> int:
    """Of a stream; the highest bit is reserved."""
    return int.from_bytes(four_bytes, "big") & _STREAM_BITS
